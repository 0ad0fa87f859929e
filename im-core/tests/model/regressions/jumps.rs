//! Jumps into a log: to an entry, to a moment, to what is not read yet.

use im_core::{
    Actor, Body, Code, History, HistoryPage, Im, Landmark, Limits, MarkRead, Seq, Timestamp,
    TrustEveryone,
    testing::{Draft, Log, group, said, user},
};
use im_store::MemoryStore;

/// A log of 300 messages. Bob was a member from the beginning to entry 200, carol since entry 101.
async fn talk() -> (Im, Log) {
    let im = Im::builder(MemoryStore::new(), TrustEveryone)
        .limits(Limits::default())
        .build();
    let ports = im.ports();
    let mut log = group(ports, &["alice", "bob"]).await;
    let drafts = (2..=300).map(|n| match n {
        101 => Draft::new(
            "alice",
            Body::MembersAdded {
                members: vec![user("carol")],
                since: None,
            },
        ),
        200 => Draft::new(
            "alice",
            Body::Kicked {
                members: vec![user("bob")],
                reason: None,
                banned_until_ms: None,
            },
        ),
        _ => Draft::new("alice", said("x")),
    });
    log.store(ports, drafts).await;
    (im, log)
}

async fn page(im: &Im, by: &str, ask: History) -> HistoryPage {
    im.call(&Actor::user(user(by)), ask).await.unwrap()
}

fn seqs(page: &HistoryPage) -> Vec<u64> {
    page.items.iter().map(|entry| entry.seq.0).collect()
}

#[tokio::test]
async fn a_page_around_an_entry_has_as_many_before_it_as_from_it_on() {
    let (im, log) = talk().await;
    for (by, around, limit, first, last, done) in [
        ("alice", 150, 10, 145, 154, false),
        ("alice", 150, 1, 150, 150, false),
        ("alice", 150, 7, 147, 153, false),
        ("alice", 2, 10, 1, 6, false),
        ("alice", 299, 10, 294, 300, true),
        ("alice", 9_999, 10, 295, 300, true),
        ("carol", 103, 10, 101, 107, false),
        ("carol", 5, 10, 101, 105, false),
        ("bob", 199, 10, 194, 200, true),
        ("bob", 250, 10, 195, 200, true),
    ] {
        let ask = History {
            around_seq: Some(Seq(around)),
            limit: Some(limit),
            ..History::of(log.conversation)
        };

        let page = page(&im, by, ask).await;

        assert_eq!(
            seqs(&page),
            (first..=last).collect::<Vec<_>>(),
            "{by} {around}"
        );
        assert_eq!(page.done, done, "{by} {around}");
    }
}

#[tokio::test]
async fn a_page_from_a_moment_begins_with_the_first_entry_of_that_moment_or_later() {
    let (im, log) = talk().await;
    let time = |seq| Log::time_of(Seq(seq));
    for (by, at, first) in [
        ("alice", time(150), 150),
        ("alice", time(1), 1),
        ("alice", Timestamp(0), 1),
        ("alice", Timestamp(i64::MIN), 1),
        ("alice", time(300), 300),
        ("carol", time(50), 101),
        ("carol", time(102), 102),
        ("bob", time(200), 200),
    ] {
        let ask = History {
            at_ms: Some(at),
            limit: Some(1),
            ..History::of(log.conversation)
        };
        assert_eq!(seqs(&page(&im, by, ask).await), [first], "{by} {at:?}");
    }
    for (by, at) in [
        ("alice", time(301)),
        ("bob", time(201)),
        ("alice", Timestamp(i64::MAX)),
    ] {
        let ask = History {
            at_ms: Some(at),
            ..History::of(log.conversation)
        };
        let page = page(&im, by, ask).await;
        assert_eq!((seqs(&page), page.done), (vec![], true), "{by} {at:?}");
    }
}

#[tokio::test]
async fn a_page_from_the_first_unread_goes_on_where_reading_ended() {
    let (im, log) = talk().await;
    let unread = History {
        from: Some(Landmark::FirstUnread),
        limit: Some(3),
        ..History::of(log.conversation)
    };
    assert_eq!(
        seqs(&page(&im, "carol", unread.clone()).await),
        [101, 102, 103]
    );
    for (read, expected) in [(150, vec![151, 152, 153]), (299, vec![300]), (300, vec![])] {
        let mark = MarkRead {
            conversation: log.conversation,
            seq: Seq(read),
        };
        im.call(&Actor::user(user("carol")), mark).await.unwrap();
        assert_eq!(seqs(&page(&im, "carol", unread.clone()).await), expected);
    }
}

#[tokio::test]
async fn only_one_place_to_begin_at_is_taken() {
    let (im, log) = talk().await;
    let ask = History {
        around_seq: Some(Seq(5)),
        at_ms: Some(Timestamp(5)),
        ..History::of(log.conversation)
    };

    let refused = im.call(&Actor::user(user("alice")), ask).await;

    assert_eq!(refused.unwrap_err().code, Code::InvalidRequest);
}

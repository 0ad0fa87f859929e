//! Searches over all that a user sees.

use im_core::{
    Actor, Body, Code, Content, Im, Limits, SearchCursor, SearchMessages, SearchPage, Seq,
    Store as _, Timestamp, TrustEveryone,
    port::Ports,
    testing::{Draft, Log, group, said, user},
};
use im_store::MemoryStore;

fn ports() -> Ports {
    MemoryStore::new().ports()
}

fn im(ports: &Ports, limits: Limits) -> Im {
    Im::builder(ports.clone(), TrustEveryone)
        .limits(limits)
        .build()
}

fn of(text: &str) -> SearchMessages {
    SearchMessages {
        text: Some(text.into()),
        ..SearchMessages::default()
    }
}

/// All pages, and how many there were.
async fn all(im: &Im, by: &str, mut ask: SearchMessages) -> (Vec<SearchCursor>, usize) {
    let (mut places, mut pages) = (Vec::new(), 0);
    loop {
        let page = find(im, by, ask.clone()).await;
        assert!(page.items.len() <= ask.limit.unwrap_or(50) as usize);
        assert_eq!(page.done, page.next_cursor.is_none());
        assert!(page.next_cursor.is_none() || page.next_cursor != ask.cursor);
        let mut named: Vec<_> = page.items.iter().map(|entry| entry.conversation).collect();
        named.sort();
        named.dedup();
        let views = page.conversations.iter().map(|view| view.conversation);
        assert_eq!(views.collect::<Vec<_>>(), named);
        places.extend(page.items.iter().map(SearchCursor::of));
        pages += 1;
        if page.done {
            return (places, pages);
        }
        ask.cursor = page.next_cursor;
    }
}

async fn find(im: &Im, by: &str, ask: SearchMessages) -> SearchPage {
    im.call(&Actor::user(user(by)), ask).await.unwrap()
}

const NONE: [u64; 0] = [];

async fn seqs(im: &Im, by: &str, ask: SearchMessages) -> Vec<u64> {
    let (places, _) = all(im, by, ask).await;
    places.into_iter().map(|place| place.seq.0).collect()
}

/// Conversations of very different sizes, whose entries are of the same few moments: those of equal seqs.
async fn many(ports: &Ports) -> Vec<SearchCursor> {
    let mut places = Vec::new();
    for (n, size) in [0, 1, 700, 3, 128, 40, 129, 300, 2, 127]
        .into_iter()
        .enumerate()
    {
        let mut log = group(ports, &["alice", "bob"]).await;
        let drafts = (0..size).map(|i| {
            let word = if i % 3 == 0 { "needle" } else { "hay" };
            Draft::new("bob", said(&format!("{word} {n}")))
        });
        let drafts: Vec<_> = drafts.collect();
        if !drafts.is_empty() {
            let entries = log.store(ports, drafts).await;
            let hits = entries.iter().step_by(3);
            places.extend(hits.map(SearchCursor::of));
        }
    }
    places.sort_by_key(|place| std::cmp::Reverse(*place));
    places
}

#[tokio::test]
async fn hits_of_many_conversations_come_in_the_order_of_time_whatever_the_pages() {
    let ports = ports();
    let expected = many(&ports).await;
    for (limit, search_steps, page_bytes) in [
        (200, 64, 1 << 20),
        (7, 64, 1 << 20),
        (50, 0, 1 << 20),
        (1, 0, 1 << 20),
        (200, 64, 500),
    ] {
        let limits = Limits {
            search_steps,
            page_bytes,
            ..Limits::default()
        };
        let im = im(&ports, limits);
        let ask = SearchMessages {
            limit: Some(limit),
            ..of("NEEDLE")
        };

        let (places, pages) = all(&im, "alice", ask).await;

        assert_eq!(places, expected, "{limit} a page, {search_steps} steps");
        assert!(pages >= expected.len() / limit as usize);
    }
}

#[tokio::test]
async fn a_time_bounds_what_is_found_from_both_sides() {
    let ports = ports();
    let expected = many(&ports).await;
    let im = im(&ports, Limits::default());
    let time = |seq| Log::time_of(Seq(seq));
    for (after, before) in [
        (1, 5),
        (100, 200),
        (128, 129),
        (400, 10_000),
        (0, 3),
        (9, 9),
    ] {
        let ask = SearchMessages {
            after_ms: Some(time(after)),
            before_ms: Some(time(before)),
            limit: Some(20),
            ..of("needle")
        };

        let (places, _) = all(&im, "alice", ask).await;

        let window = time(after)..time(before);
        let within = expected
            .iter()
            .filter(|place| window.contains(&place.at_ms));
        assert_eq!(
            places,
            within.copied().collect::<Vec<_>>(),
            "{after}..{before}"
        );
    }
    let never = SearchMessages {
        before_ms: Some(Timestamp(i64::MIN)),
        ..of("needle")
    };
    assert_eq!(all(&im, "alice", never).await.0, []);
}

#[tokio::test]
async fn only_what_a_member_may_see_is_found() {
    let ports = ports();
    let mut room = group(&ports, &["alice", "bob"]).await;
    let body = |members: &[&str]| members.iter().map(|id| user(id)).collect::<Vec<_>>();
    let says = |text: &str| Draft::new("alice", said(text));
    let kick = || {
        Draft::new(
            "alice",
            Body::Kicked {
                members: body(&["bob"]),
                reason: None,
                banned_until_ms: None,
            },
        )
    };
    let edit = |target, text: &str| {
        let content = Some(Content::text(text));
        Draft::new(
            "alice",
            Body::Edited {
                target: Seq(target),
                content,
                ending: None,
            },
        )
    };
    room.store(
        &ports,
        [
            says("word 2"),
            says("word 3"),
            kick(),
            says("word 5"),
            edit(3, "word, edited"),
        ],
    )
    .await;
    let im = im(&ports, Limits::default());
    let id = room.conversation;
    let here = |text| SearchMessages {
        conversation: Some(id),
        ..of(text)
    };

    // A former member finds what it saw, as it was then, and only where it asks for it.
    assert_eq!(seqs(&im, "bob", here("word")).await, [2]);
    assert_eq!(seqs(&im, "bob", here("edited")).await, NONE);
    assert_eq!(seqs(&im, "bob", of("word")).await, NONE);
    assert_eq!(seqs(&im, "alice", of("word")).await, [5, 3, 2]);
    assert_eq!(seqs(&im, "carol", of("word")).await, NONE);
    let refused = im.call(&Actor::user(user("carol")), here("word")).await;
    assert_eq!(refused.unwrap_err().code, Code::NotFound);

    // Who comes back, or comes late, sees what is said from then on.
    let add = Draft::new(
        "alice",
        Body::MembersAdded {
            members: body(&["bob", "carol"]),
            since: None,
        },
    );
    room.store(&ports, [add, says("word 8")]).await;
    assert_eq!(seqs(&im, "bob", here("word")).await, [8]);
    assert_eq!(seqs(&im, "carol", of("word")).await, [8]);
}

#[tokio::test]
async fn a_search_for_nothing_or_for_too_much_is_refused() {
    let im = im(&ports(), Limits::default());
    for (ask, code) in [
        (SearchMessages::default(), Code::InvalidRequest),
        (of("  "), Code::InvalidRequest),
        (of(&"長".repeat(101)), Code::TooLarge),
    ] {
        let refused = im.call(&Actor::user(user("alice")), ask).await;
        assert_eq!(refused.unwrap_err().code, code);
    }
    assert_eq!(all(&im, "alice", of(&"長".repeat(100))).await.0, []);
}

//! What makes an unread count exact, and what users delete for themselves.

use super::{Draft, Log, group, said, user};
use crate::{
    Body, ConversationId, Mentions, Message, Seq,
    port::{Ports, Range, Span},
};

fn calls(ids: &[&str], all: bool) -> Body {
    let mentions = Mentions {
        users: ids.iter().map(|id| user(id)).collect(),
        all,
    };
    Body::Message(Message {
        mentions: Some(Box::new(mentions)),
        ..Message::from("look")
    })
}

fn span(conversation: ConversationId, after: u64, end: u64) -> Span {
    Span {
        conversation,
        after: Seq(after),
        end: Seq(end),
    }
}

async fn tally(ports: &Ports, id: &str, span: Span) -> (u64, u64) {
    let tallies = ports.tallies.tallies(&user(id), &[span]).await.unwrap();
    assert_eq!(tallies[0].conversation, span.conversation);
    (tallies[0].gone, tallies[0].mentions)
}

/// A group with four messages at 2 to 5: for bob, for everybody, for bob and everybody, for nobody.
async fn four_messages(ports: &Ports) -> Log {
    let mut log = group(ports, &["alice", "bob", "carol"]).await;
    let bodies = [
        calls(&["bob"], false),
        calls(&[], true),
        calls(&["bob"], true),
        said("x"),
    ];
    log.store(ports, bodies.map(|body| Draft::new("alice", body)))
        .await;
    log
}

suite! { tally_store_suite in tallies:
    /// A mention counts for whom it is, in the part that is asked for, once for each message.
    async fn mentions_are_counted_once(ports) {
        let at = four_messages(ports).await.conversation;
        assert_eq!(tally(ports, "bob", span(at, 1, 5)).await, (0, 3));
        assert_eq!(tally(ports, "carol", span(at, 1, 5)).await, (0, 2));
        assert_eq!(tally(ports, "bob", span(at, 2, 3)).await, (0, 1));
        assert_eq!(tally(ports, "bob", span(at, 5, 5)).await, (0, 0));
    }

    /// What is recalled or expired is gone, once, and its mentions with it.
    async fn what_is_gone_is_counted(ports) {
        let mut log = four_messages(ports).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(2) })]).await;
        log.store(ports, [Draft::new("alice", Body::Expired { targets: vec![Seq(4), Seq(5)] })]).await;
        assert_eq!(tally(ports, "bob", span(at, 1, 7)).await, (3, 1));
        assert_eq!(tally(ports, "bob", span(at, 2, 4)).await, (1, 1));
    }

    /// Several conversations are counted in the order asked for.
    async fn several_spans_are_counted_at_once(ports) {
        let a = four_messages(ports).await.conversation;
        let mut log = group(ports, &["alice", "bob"]).await;
        log.store(ports, [Draft::new("alice", calls(&["bob"], false))]).await;
        let b = log.conversation;
        for [first, second] in [[a, b], [b, a]] {
            let spans = [span(first, 1, 9), span(second, 1, 9)];
            let tallies = ports.tallies.tallies(&user("bob"), &spans).await.unwrap();
            let counts: Vec<_> = tallies.iter().map(|one| (one.conversation, one.mentions)).collect();
            let of = |at| if at == a { 3 } else { 1 };
            assert_eq!(counts, [(first, of(first)), (second, of(second))]);
        }
    }

    /// A deletion is for one user alone, counts as gone once, and raises the version of that user's row.
    async fn a_deletion_is_for_one_user(ports) {
        let mut log = four_messages(ports).await;
        let at = log.conversation;
        let version = ports.users.version(&user("bob")).await.unwrap();
        assert!(ports.tallies.delete(&user("bob"), at, &[Seq(2), Seq(5)]).await.unwrap());
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(2) })]).await;

        assert_eq!(tally(ports, "bob", span(at, 1, 6)).await, (2, 2));
        assert_eq!(tally(ports, "carol", span(at, 1, 6)).await, (1, 2));
        let row = ports.members.membership(&user("bob"), at).await.unwrap().unwrap();
        assert!(row.settings.deletes && row.version > version);
        assert_eq!(ports.users.version(&user("bob")).await.unwrap(), row.version);
        let deleted = |after, end| async move {
            let spans = [span(at, after, end)];
            let deleted = ports.tallies.deleted(&user("bob"), &spans).await.unwrap();
            deleted.into_iter().map(|(_, seq)| seq).collect::<Vec<_>>()
        };
        assert_eq!(deleted(0, 99).await, [Seq(2), Seq(5)]);
        assert_eq!(deleted(2, 99).await, [Seq(5)]);
        assert_eq!(deleted(0, 2).await, [Seq(2)]);
        assert_eq!(deleted(5, 2).await, []);
        assert_eq!(ports.tallies.deleted(&user("carol"), &[span(at, 0, 99)]).await.unwrap(), []);
    }

    /// Deletions in several conversations are found at once, each where it is.
    async fn deletions_in_several_spans_are_found_at_once(ports) {
        let (a, b) = (four_messages(ports).await.conversation, four_messages(ports).await.conversation);
        let bob = user("bob");
        for (at, seqs) in [(a, [Seq(5), Seq(2)]), (b, [Seq(4), Seq(3)])] {
            ports.tallies.delete(&bob, at, &seqs).await.unwrap();
        }
        let mut expected = [(a, Seq(2)), (b, Seq(3)), (b, Seq(4))];
        expected.sort();
        let spans = [span(b, 0, 9), span(a, 0, 4)];
        assert_eq!(ports.tallies.deleted(&bob, &spans).await.unwrap(), expected);
        assert_eq!(ports.tallies.deleted(&bob, &[]).await.unwrap(), []);
    }

    /// What was said last is the last message, whatever was done since; where nothing was said it is the last entry.
    async fn what_was_said_last_is_a_message(ports) {
        let mut log = four_messages(ports).await;
        let at = log.conversation;
        let named = |name: &str| Draft::new("alice", Body::MemberRenamed {
            member: user("alice"),
            nickname: Some(name.into()),
        });
        log.store(ports, [named("a"), named("b")]).await;
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(5) })]).await;

        for (after, end, last) in [(0, 8, Some(5)), (4, 7, Some(5)), (0, 4, Some(4)), (5, 8, Some(8)), (5, 7, Some(7)),
            (6, 7, Some(7)), (0, 1, Some(1)), (4, 4, None), (5, 2, None)] {
            let found = ports.tallies.latest(&[span(at, after, end)]).await.unwrap();
            let seqs: Vec<_> = found.iter().map(|entry| entry.seq.0).collect();
            assert_eq!(seqs, Vec::from_iter(last), "{after} to {end}");
        }
        let found = ports.tallies.latest(&[span(at, 0, 8)]).await.unwrap();
        let page = ports.log.read(at, Range::After(Seq(4)), 1).await.unwrap();
        assert_eq!(found, page);
        assert!(found[0].body.is_countable() && found[0].body.as_message().is_none());
    }

    /// What was said last is found in many conversations at once, in more than one statement holds.
    async fn what_was_said_last_in_many_conversations(ports) {
        let (mut spans, mut expected) = (Vec::new(), Vec::new());
        for n in 0..70 {
            let mut log = group(ports, &["alice", "bob"]).await;
            log.store(ports, [Draft::new("alice", said(&format!("{n}")))]).await;
            if n % 2 == 0 {
                let body = Body::MemberRenamed { member: user("bob"), nickname: Some("b".into()) };
                log.store(ports, [Draft::new("bob", body)]).await;
            }
            spans.push(span(log.conversation, 0, 2 + u64::from(n % 2 == 0)));
            expected.push((log.conversation, Seq(2)));
        }
        spans.push(span(ConversationId::direct(&user("no"), &user("body")), 0, 9));

        let found = ports.tallies.latest(&spans).await.unwrap();

        let mut places: Vec<_> = found.iter().map(|entry| (entry.conversation, entry.seq)).collect();
        places.sort();
        expected.sort();
        assert_eq!(places, expected);
        assert_eq!(ports.tallies.latest(&[]).await.unwrap(), []);
    }

    /// What was deleted since a version is told; twice deleted is deleted once.
    async fn deletions_are_told_since_a_version(ports) {
        let at = four_messages(ports).await.conversation;
        let bob = user("bob");
        ports.tallies.delete(&bob, at, &[Seq(2), Seq(3)]).await.unwrap();
        let version = ports.users.version(&bob).await.unwrap();
        ports.tallies.delete(&bob, at, &[Seq(3), Seq(4)]).await.unwrap();
        let since = |version, limit| ports.tallies.deleted_since(&bob, at, version, limit);
        assert_eq!(since(0, 9).await.unwrap(), [Seq(2), Seq(3), Seq(4)]);
        assert_eq!(since(0, 2).await.unwrap(), [Seq(3), Seq(4)]);
        assert_eq!(since(version, 9).await.unwrap(), [Seq(4)]);
        assert!(!ports.tallies.delete(&user("nobody"), at, &[Seq(2)]).await.unwrap());
    }
}

//! Reactions, votes and threads.

use super::{Draft, Log, group, said, user};
use crate::{
    Body, ConversationId, Message, Reaction, Seq, Vote,
    port::{MarkCount, Ports, ThreadCount},
    state::MarkKind,
};

fn reacts(target: u64, changes: &[(&str, &str, bool)]) -> Body {
    let changes = changes.iter().map(|(id, emoji, on)| Reaction {
        target: Seq(target),
        user: user(id),
        emoji: (*emoji).into(),
        on: *on,
    });
    Body::Reacted {
        changes: changes.collect(),
    }
}

fn votes(target: u64, id: &str, options: &[u32]) -> Body {
    Body::Voted {
        changes: vec![Vote {
            target: Seq(target),
            user: user(id),
            options: options.to_vec(),
        }],
    }
}

async fn counts(
    ports: &Ports,
    at: ConversationId,
    kind: MarkKind,
) -> Vec<(u64, String, u64, bool)> {
    let (targets, bob) = ([Seq(2), Seq(3), Seq(99)], user("bob"));
    let marks = ports.annotations.marks(at, kind, &targets, &bob);
    let one = |mark: MarkCount| (mark.target.0, mark.value, mark.count, mark.mine);
    marks.await.unwrap().into_iter().map(one).collect()
}

/// A group of two with two messages, at seqs 2 and 3.
async fn two_messages(ports: &Ports) -> Log {
    let mut log = group(ports, &["alice", "bob", "carol"]).await;
    log.store(
        ports,
        [Draft::new("alice", said("1")), Draft::new("bob", said("2"))],
    )
    .await;
    log
}

suite! { annotation_store_suite in annotations:
    /// Each emoji is counted once per member, the most frequent first, and says whether the reader is among them.
    async fn reactions_are_counted_once_per_member(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("alice", reacts(2, &[("alice", "👍", true), ("bob", "🎉", true), ("carol", "🎉", true)]))]).await;
        log.store(ports, [Draft::new("alice", reacts(2, &[("alice", "👍", true)]))]).await;
        log.store(ports, [Draft::new("alice", reacts(3, &[("alice", "a", true), ("alice", "A", true)]))]).await;

        let found = counts(ports, at, MarkKind::Reaction).await;
        let expected = [(2, "🎉", 2, true), (2, "👍", 1, false), (3, "A", 1, false), (3, "a", 1, false)];
        assert_eq!(found, expected.map(|(seq, emoji, count, mine)| (seq, emoji.to_owned(), count, mine)));
        let mine = ports.annotations.marks_of(at, MarkKind::Reaction, Seq(3), &user("alice")).await.unwrap();
        assert_eq!(mine, ["A", "a"]);
        assert_eq!(counts(ports, at, MarkKind::Vote).await, []);
    }

    /// What is taken back does not count any more, and comes back when it is set again.
    async fn a_reaction_is_taken_back(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("alice", reacts(2, &[("alice", "👍", true), ("bob", "👍", true)]))]).await;
        log.store(ports, [Draft::new("bob", reacts(2, &[("bob", "👍", false), ("bob", "👎", false)]))]).await;
        assert_eq!(counts(ports, at, MarkKind::Reaction).await, [(2, "👍".to_owned(), 1, false)]);
        log.store(ports, [Draft::new("bob", reacts(2, &[("bob", "👍", true)]))]).await;
        assert_eq!(counts(ports, at, MarkKind::Reaction).await, [(2, "👍".to_owned(), 2, true)]);
    }

    /// A vote replaces the one before, and an empty one takes it back.
    async fn a_vote_replaces_the_one_before(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("bob", votes(2, "bob", &[0, 11])), Draft::new("alice", votes(2, "alice", &[0]))]).await;
        log.store(ports, [Draft::new("bob", votes(2, "bob", &[1]))]).await;
        let found = counts(ports, at, MarkKind::Vote).await;
        assert_eq!(found, [(2, "0".to_owned(), 1, false), (2, "1".to_owned(), 1, true)]);
        log.store(ports, [Draft::new("bob", votes(2, "bob", &[]))]).await;
        assert_eq!(counts(ports, at, MarkKind::Vote).await, [(2, "0".to_owned(), 1, false)]);
    }

    /// Those who marked are listed by id, page by page.
    async fn markers_are_listed_by_page(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        let ids: Vec<String> = (0..7).map(|n| format!("u{n}")).collect();
        let all: Vec<_> = ids.iter().map(|id| (id.as_str(), "👍", true)).collect();
        log.store(ports, [Draft::new("alice", reacts(2, &all)), Draft::new("alice", reacts(2, &[("u3", "👎", true)]))]).await;
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let page = ports.annotations.markers(at, MarkKind::Reaction, Seq(2), "👍", after.as_ref(), 3).await.unwrap();
            found.extend(page.iter().map(ToString::to_string));
            after = page.last().cloned();
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(found, ids);
        let others = ports.annotations.markers(at, MarkKind::Reaction, Seq(2), "👎", None, 3).await.unwrap();
        assert_eq!(others, [user("u3")]);
    }

    /// When a content is gone, so are its marks; those of other messages stay.
    async fn marks_go_with_the_content(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("alice", reacts(2, &[("bob", "👍", true)])), Draft::new("alice", reacts(3, &[("bob", "👍", true)]))]).await;
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(2) })]).await;
        assert_eq!(counts(ports, at, MarkKind::Reaction).await, [(3, "👍".to_owned(), 1, true)]);
        log.store(ports, [Draft::new("alice", Body::Expired { targets: vec![Seq(3)] })]).await;
        assert_eq!(counts(ports, at, MarkKind::Reaction).await, []);
    }

    /// A thread holds its messages in order, and is counted.
    async fn a_thread_is_paged_and_counted(ports) {
        let mut log = two_messages(ports).await;
        let at = log.conversation;
        let reply = |root| Body::Message(Message { thread: Some(Seq(root)), ..Message::from("in thread") });
        for root in [2, 3, 2, 2] {
            log.store(ports, [Draft::new("bob", reply(root)), Draft::new("bob", said("beside"))]).await;
        }
        let page = |after, limit| ports.annotations.thread(at, Seq(2), Seq(after), limit);
        assert_eq!(page(0, 2).await.unwrap(), [Seq(4), Seq(8)]);
        assert_eq!(page(8, 2).await.unwrap(), [Seq(10)]);
        let roots = [Seq(2), Seq(3), Seq(4)];
        let counted = ports.annotations.threads(at, &roots).await.unwrap();
        let thread = |root, count, last| ThreadCount { root: Seq(root), count, last: Seq(last) };
        assert_eq!(counted, [thread(2, 3, 10), thread(3, 1, 6)]);
    }
}

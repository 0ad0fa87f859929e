//! How far members have come.

use super::{Draft, UNUSUAL_IDS, conversation, group, race, said, user};
use crate::{
    Body, ConversationId, Position, Seq,
    port::{Advance, Ports},
};

fn position(delivered: u64, read: u64, read_ordinal: u64) -> Position {
    Position {
        delivered: Seq(delivered),
        read: Seq(read),
        read_ordinal,
    }
}

fn advance(at: ConversationId, id: &str, position: Position) -> Advance {
    Advance {
        conversation: at,
        user: user(id),
        position,
    }
}

async fn of(ports: &Ports, at: ConversationId, id: &str) -> Position {
    ports
        .positions
        .position(at, &user(id))
        .await
        .unwrap()
        .unwrap()
}

async fn row_version(ports: &Ports, at: ConversationId) -> u64 {
    ports
        .members
        .membership(&user("bob"), at)
        .await
        .unwrap()
        .unwrap()
        .version
}

suite! { position_store_suite in positions:
    /// Those who are there now, with since when and how far, page by page.
    async fn positions_of_members_are_read_by_pages(ports) {
        let mut log = group(ports, &["dora", "alice", "carol", "bob"]).await;
        log.store(ports, [Draft::new("carol", Body::Left), Draft::new("dora", Body::MembersAdded { members: vec![user("eve")], since: None })]).await;
        ports.positions.advance(vec![advance(log.conversation, "bob", position(3, 2, 0))]).await.unwrap();

        let page = async |after: Option<&str>, limit| -> Vec<(String, u64, u64, u64)> {
            let after = after.map(user);
            let rows = ports.positions.positions(log.conversation, after.as_ref(), limit).await.unwrap();
            let rows = rows.into_iter();
            rows.map(|(member, at)| (member.user.to_string(), member.since.0, at.delivered.0, at.read.0)).collect()
        };

        let row = |name: &str, since, delivered, read| (name.to_owned(), since, delivered, read);
        assert_eq!(page(None, 2).await, [row("alice", 1, 0, 0), row("bob", 1, 3, 2)]);
        assert_eq!(page(Some("bob"), 2).await, [row("dora", 1, 0, 0), row("eve", 3, 2, 2)]);
        assert_eq!(page(Some("eve"), 2).await, []);
        assert_eq!(ports.positions.positions(conversation(), None, 10).await.unwrap(), []);
    }

    /// Nobody has come anywhere where they never were, and cannot be put there.
    async fn who_never_was_a_member_has_no_position(ports) {
        let log = group(ports, &["alice"]).await;
        let nowhere = conversation();
        assert_eq!(ports.positions.position(log.conversation, &user("eve")).await.unwrap(), None);
        ports.positions.advance(vec![
            advance(log.conversation, "eve", position(1, 1, 0)),
            advance(nowhere, "alice", position(1, 1, 0)),
        ]).await.unwrap();

        assert_eq!(ports.positions.position(log.conversation, &user("eve")).await.unwrap(), None);
        assert_eq!(ports.positions.position(nowhere, &user("alice")).await.unwrap(), None);
        assert_eq!(ports.users.version(&user("eve")).await.unwrap(), 0);
        assert_eq!(ports.members.membership(&user("eve"), log.conversation).await.unwrap(), None);
    }

    /// Each part moves forward alone.
    async fn a_position_never_goes_backwards(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        let at = log.conversation;
        for (step, expected) in [
            (position(5, 3, 2), position(5, 3, 2)),
            (position(4, 2, 1), position(5, 3, 2)),
            (position(9, 1, 0), position(9, 3, 2)),
            (position(6, 6, 4), position(9, 6, 4)),
            (position(0, 12, 8), position(12, 12, 8)),
            (position(0, 0, 0), position(12, 12, 8)),
        ] {
            ports.positions.advance(vec![advance(at, "bob", step)]).await.unwrap();
            assert_eq!(of(ports, at, "bob").await, expected);
        }
        assert_eq!(of(ports, at, "alice").await, Position::default());
    }

    /// The row of the member says the same.
    async fn the_membership_shows_the_position(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        ports.positions.advance(vec![advance(log.conversation, "bob", position(1, 1, 0))]).await.unwrap();
        let row = ports.members.membership(&user("bob"), log.conversation).await.unwrap().unwrap();
        assert_eq!(row.position, position(1, 1, 0));
    }

    /// Only a row that changed gets a new version.
    async fn only_a_change_raises_the_version(ports) {
        let first = group(ports, &["alice", "bob"]).await.conversation;
        let second = group(ports, &["alice", "bob"]).await.conversation;
        ports.positions.advance(vec![advance(first, "bob", position(1, 1, 0))]).await.unwrap();
        let version = ports.users.version(&user("bob")).await.unwrap();
        assert_eq!(row_version(ports, first).await, version);

        ports.positions.advance(vec![advance(first, "bob", position(1, 0, 0))]).await.unwrap();
        assert_eq!(ports.users.version(&user("bob")).await.unwrap(), version);
        ports.positions.advance(vec![
            advance(first, "bob", position(1, 1, 0)),
            advance(second, "bob", position(1, 1, 0)),
        ]).await.unwrap();
        let (first, second) = (row_version(ports, first).await, row_version(ports, second).await);
        assert_eq!(first, version);
        assert!(second > version);
        assert_eq!(ports.users.version(&user("bob")).await.unwrap(), second);
    }

    /// A batch moves many users in many conversations; an empty one is nothing.
    async fn a_batch_moves_many(ports) {
        let first = group(ports, UNUSUAL_IDS).await.conversation;
        let second = group(ports, UNUSUAL_IDS).await.conversation;
        let advances = |at: ConversationId| {
            UNUSUAL_IDS.iter().zip(1..).map(move |(id, n)| advance(at, id, position(n, n, n)))
        };
        ports.positions.advance(Vec::new()).await.unwrap();
        ports.positions.advance(advances(first).chain(advances(second)).collect()).await.unwrap();
        for at in [first, second] {
            for (id, n) in UNUSUAL_IDS.iter().zip(1..) {
                assert_eq!(of(ports, at, id).await, position(n, n, n), "{id:?}");
            }
        }
    }

    /// A batch may be longer than what a database takes in one statement.
    async fn a_long_batch_moves_all(ports) {
        let ids: Vec<String> = (0..700).map(|n| format!("m{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let at = group(ports, &ids).await.conversation;
        ports.positions.advance(ids.iter().map(|id| advance(at, id, position(1, 1, 0))).collect()).await.unwrap();
        for id in [ids[0], ids[350], ids[699]] {
            assert_eq!(of(ports, at, id).await, position(1, 1, 0));
        }
    }

    /// Racing writers end at the furthest of all, in opposite orders of locks.
    async fn racing_writers_end_at_the_furthest(ports) {
        let users = ["alice", "bob", "carol", "dave"];
        let first = group(ports, &users).await.conversation;
        let second = group(ports, &users).await.conversation;
        let racers = (0..8_u64).map(|writer| {
            let ports = ports.clone();
            async move {
                for n in 0..10 {
                    let seq = 1 + (n * 7 + writer * 3) % 80;
                    let mut advances: Vec<_> = users.iter()
                        .flat_map(|id| [first, second].map(|at| advance(at, id, position(seq, seq / 2, seq / 4))))
                        .collect();
                    if writer % 2 == 0 {
                        advances.reverse();
                    }
                    ports.positions.advance(advances).await.unwrap();
                }
            }
        });

        race(ports, racers).await;

        let last = (0..8).flat_map(|writer| (0..10).map(move |n| 1 + (n * 7 + writer * 3) % 80)).max().unwrap();
        for id in users {
            for at in [first, second] {
                let reached = of(ports, at, id).await;
                assert_eq!((reached.delivered, reached.read), (Seq(last), Seq(last / 2)), "{id}");
            }
            let rows = ports.members.memberships(&user(id), None, 10).await.unwrap();
            let newest = rows.iter().map(|row| row.version).max().unwrap();
            assert_eq!(ports.users.version(&user(id)).await.unwrap(), newest);
        }
    }

    /// Positions that move while members come, go and talk lose neither.
    async fn positions_and_entries_do_not_disturb_each_other(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let at = log.conversation;
        let mover = {
            let ports = ports.clone();
            async move {
                for n in 1..=40 {
                    ports.positions.advance(vec![advance(at, "bob", position(n, n, 0)), advance(at, "alice", position(n, n, 0))]).await.unwrap();
                }
            }
        };
        let racing = ports.clone();
        let talker = async move {
            for n in 0..20 {
                let body = match n % 4 {
                    0 => Body::MembersAdded { members: vec![user("carol")], since: None },
                    2 => Body::Kicked { members: vec![user("carol")], reason: None, banned_until_ms: None },
                    _ => said("x"),
                };
                log.store(&racing, [Draft::new("alice", body)]).await;
            }
        };

        futures_util::future::join(race(ports, [mover]), race(ports, [talker])).await;

        assert_eq!(of(ports, at, "bob").await, position(40, 40, 0));
        assert_eq!(of(ports, at, "alice").await, position(40, 40, 0));
    }
}

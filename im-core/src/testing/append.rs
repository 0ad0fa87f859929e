//! How appends are ordered, refused and raced. What a log then holds is in [`log`](super::log).

use std::{collections::BTreeMap, future::Future, pin::pin, task};

use futures_util::future::join_all;

use super::{Draft, Log, append_until_stored, audit, created, group, race, said, user};
use crate::{
    Body, Content, InfoPatch, Role, Seq,
    port::{Append, Appended, Ports},
};

fn drafts(sender: &str, count: usize) -> Vec<Draft> {
    (0..count)
        .map(|n| Draft::new(sender, said(&n.to_string())))
        .collect()
}

/// What a refused append must leave as it is.
async fn everything_about(ports: &Ports, log: &Log) -> String {
    let snapshot = ports.log.load(log.conversation).await.unwrap();
    let entries = audit(ports, log.conversation).await;
    let roster = ports
        .members
        .roster(log.conversation, None, 1_000)
        .await
        .unwrap();
    let mut rows = Vec::new();
    for id in ["alice", "bob", "carol"] {
        rows.push(
            ports
                .members
                .membership(&user(id), log.conversation)
                .await
                .unwrap(),
        );
        rows.extend(
            ports
                .members
                .memberships(&user(id), None, 10)
                .await
                .unwrap()
                .into_iter()
                .map(Some),
        );
    }
    let version = ports.users.version(&user("carol")).await.unwrap();
    format!("{snapshot:?} {entries:?} {roster:?} {rows:?} {version}")
}

/// Entries that would change every kind of row.
fn sweeping(id: &str) -> Vec<Draft> {
    let patch = InfoPatch {
        name: Some("renamed".into()),
        ..InfoPatch::default()
    };
    vec![
        Draft::new(
            "alice",
            Body::MembersAdded {
                members: vec![user("carol")],
                since: None,
            },
        ),
        Draft::new(
            "alice",
            Body::InfoChanged {
                changes: Box::new(patch),
                was: Box::default(),
            },
        ),
        Draft::new(
            "alice",
            Body::Kicked {
                members: vec![user("bob")],
                reason: None,
                banned_until_ms: None,
            },
        ),
        Draft::new(
            "alice",
            Body::RoleChanged {
                member: user("carol"),
                role: Role::Owner,
            },
        ),
        Draft::new(
            "alice",
            Body::Edited {
                target: Seq(2),
                content: Some(Content::text("edited")),
                ending: None,
            },
        ),
        Draft::under("alice", id, said("last")),
    ]
}

suite! { append_suite in append:
    /// Seqs are 1, 2, 3 … over appends of one and of several entries.
    async fn seqs_have_no_hole(ports) {
        let mut log = group(ports, &["alice"]).await;
        for count in [1, 2, 1, 5, 1] {
            log.store(ports, drafts("alice", count)).await;
        }
        assert_eq!(audit(ports, log.conversation).await.len(), 11);
    }

    /// One append may be longer than what a database takes in one statement.
    async fn a_long_append_is_stored_whole(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, drafts("alice", 1_500)).await;
        assert_eq!(audit(ports, log.conversation).await.len(), 1_501);
    }

    /// Who believes in an old head is told, and nothing is stored.
    async fn an_append_after_an_old_head_is_a_conflict(ports) {
        let mut log = group(ports, &["alice"]).await;
        let behind = log;
        log.store(ports, drafts("alice", 2)).await;

        assert_eq!(behind.attempt(ports, drafts("alice", 1)).await, Appended::Conflict);
        assert_eq!(behind.attempt(ports, drafts("alice", 5)).await, Appended::Conflict);
        assert_eq!(audit(ports, log.conversation).await.len(), 3);
    }

    /// A hole cannot be made, whatever a writer believes.
    async fn an_append_after_a_head_that_does_not_exist_is_a_conflict(ports) {
        let log = group(ports, &["alice"]).await;
        let mut ahead = log;
        ahead.head.seq = Seq(5);
        let mut nowhere = Log::new();
        nowhere.head.seq = Seq(1);

        assert_eq!(ahead.attempt(ports, drafts("alice", 1)).await, Appended::Conflict);
        assert_eq!(ahead.attempt(ports, drafts("alice", 3)).await, Appended::Conflict);
        assert_eq!(nowhere.attempt(ports, drafts("alice", 1)).await, Appended::Conflict);
        assert_eq!(audit(ports, log.conversation).await.len(), 1);
        assert_eq!(audit(ports, nowhere.conversation).await.len(), 0);
    }

    /// Of two creations of the same conversation one stands.
    async fn a_second_creation_is_a_conflict(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        let before = everything_about(ports, &log).await;
        let again = Log { conversation: log.conversation, ..Log::new() };

        assert_eq!(again.attempt(ports, [Draft::new("carol", created(&["carol", "bob"]))]).await, Appended::Conflict);
        assert_eq!(everything_about(ports, &log).await, before);
    }

    /// A retry stores nothing, at the right head.
    async fn a_client_id_is_taken_once(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        log.store(ports, [Draft::under("alice", "1", said("one"))]).await;

        assert_eq!(log.attempt(ports, [Draft::under("alice", "1", said("one"))]).await, Appended::Duplicate);
        assert_eq!(log.attempt(ports, [Draft::under("alice", "1", Body::Left)]).await, Appended::Duplicate);
        assert_eq!(audit(ports, log.conversation).await.len(), 2);
    }

    /// The same client id of somebody else, or somewhere else, is another one.
    async fn a_client_id_belongs_to_its_sender_and_conversation(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let mut other = group(ports, &["alice"]).await;
        log.store(ports, [Draft::under("alice", "1", said("one"))]).await;
        log.store(ports, [Draft::under("bob", "1", said("two"))]).await;
        other.store(ports, [Draft::under("alice", "1", said("three"))]).await;
        audit(ports, log.conversation).await;
    }

    /// A retry that also lost a race is a retry.
    async fn a_duplicate_is_said_rather_than_a_conflict(ports) {
        let mut log = group(ports, &["alice"]).await;
        let behind = log;
        log.store(ports, [Draft::under("alice", "1", said("one")), Draft::new("alice", said("two"))]).await;
        let mut ahead = log;
        ahead.head.seq = Seq(70);

        assert_eq!(behind.attempt(ports, [Draft::under("alice", "1", said("one"))]).await, Appended::Duplicate);
        let mixed = [Draft::new("alice", said("new")), Draft::under("alice", "1", said("one"))];
        assert_eq!(behind.attempt(ports, mixed).await, Appended::Duplicate);
        assert_eq!(ahead.attempt(ports, [Draft::under("alice", "1", said("one"))]).await, Appended::Duplicate);
        assert_eq!(audit(ports, log.conversation).await.len(), 3);
    }

    /// One known client id refuses the whole append.
    async fn one_duplicate_refuses_the_whole_append(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [Draft::under("alice", "7", said("seven"))]).await;

        let batch = (0..20).map(|n| Draft::under("alice", &n.to_string(), said("x")));
        assert_eq!(log.attempt(ports, batch).await, Appended::Duplicate);
        assert_eq!(audit(ports, log.conversation).await.len(), 2);
    }

    /// No row changes when an append is refused: not the log, not the facts, not a member, not a version.
    async fn a_refused_append_changes_nothing(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let behind = log;
        log.store(ports, [Draft::under("alice", "1", said("one"))]).await;
        let before = everything_about(ports, &log).await;

        assert_eq!(behind.attempt(ports, sweeping("fresh")).await, Appended::Conflict);
        assert_eq!(log.attempt(ports, sweeping("1")).await, Appended::Duplicate);
        assert_eq!(everything_about(ports, &log).await, before);
        log.store(ports, sweeping("fresh")).await;
        assert_ne!(everything_about(ports, &log).await, before);
    }

    /// Appends that wait together keep the order in which they were asked for.
    async fn appends_that_wait_together_keep_their_order(ports) {
        let mut log = group(ports, &["alice"]).await;
        let appends: Vec<Append> = (0..100).map(|n| log.append(drafts("alice", 1 + n % 3))).collect();

        let ends = join_all(appends.into_iter().map(|append| ports.log.append(append))).await;

        assert!(ends.into_iter().all(|end| end.unwrap() == Appended::Stored));
        assert_eq!(audit(ports, log.conversation).await.len() as u64, log.head.seq.0);
    }

    /// What was asked for after an append that is refused does not leave a hole, and hurts no other conversation.
    async fn a_refused_append_takes_its_followers_with_it(ports) {
        let mut log = group(ports, &["alice"]).await;
        let mut others = Vec::new();
        for _ in 0..20 {
            others.push(group(ports, &["alice"]).await);
        }
        log.store(ports, [Draft::under("alice", "1", said("one"))]).await;
        let mut appends = Vec::new();
        for (n, other) in others.iter_mut().enumerate() {
            appends.push(other.append(drafts("alice", 2)));
            if n % 4 == 0 {
                let id = if n == 8 { "1".to_owned() } else { format!("n{n}") };
                appends.push(log.append([Draft::under("alice", &id, said("x"))]));
            }
        }

        let ends = join_all(appends.into_iter().map(|append| async {
            let at = append.conversation;
            (at, ports.log.append(append).await.unwrap())
        })).await;

        let (own, foreign): (Vec<_>, Vec<_>) = ends.into_iter().partition(|(at, _)| *at == log.conversation);
        assert!(foreign.into_iter().all(|(_, end)| end == Appended::Stored));
        let own: Vec<_> = own.into_iter().map(|(_, end)| end).collect();
        use Appended::{Conflict, Duplicate, Stored};
        assert_eq!(own, [Stored, Stored, Duplicate, Conflict, Conflict]);
        assert_eq!(audit(ports, log.conversation).await.len(), 4);
        for other in others {
            assert_eq!(audit(ports, other.conversation).await.len(), 3);
        }
    }

    /// Writers that race for one conversation lose nothing and store nothing twice.
    async fn writers_that_race_for_one_conversation_lose_nothing(ports) {
        let log = group(ports, &["alice"]).await;
        let racers = (0..8).map(|writer| {
            let (ports, at) = (ports.clone(), log.conversation);
            async move {
                let mut seqs = Vec::new();
                for n in 0..15 {
                    let draft = Draft::under(&format!("w{writer}"), &n.to_string(), said(&format!("{writer}/{n}")));
                    seqs.push((append_until_stored(&ports, at, draft.clone()).await, draft));
                }
                seqs
            }
        });

        let acked: BTreeMap<Seq, Draft> = race(ports, racers).await.into_iter().flatten().collect();

        let entries = audit(ports, log.conversation).await;
        assert_eq!(entries.len(), 1 + 8 * 15);
        assert_eq!(acked.len(), 8 * 15, "two writers were told the same seq");
        for entry in &entries[1..] {
            let draft = &acked[&entry.seq];
            assert_eq!((&entry.sender, &entry.client_id), (&draft.sender, &draft.client_id));
            assert_eq!(entry.body, draft.body);
        }
    }

    /// Writers of many conversations, each raced for by two, lose nothing.
    async fn writers_that_race_for_many_conversations_lose_nothing(ports) {
        let mut logs = Vec::new();
        for _ in 0..10 {
            logs.push(group(ports, &["alice"]).await.conversation);
        }
        let racers = (0..20).map(|writer| {
            let (ports, at) = (ports.clone(), logs[writer % 10]);
            async move {
                for n in 0..10 {
                    let draft = Draft::under(&format!("w{writer}"), &n.to_string(), said("x"));
                    append_until_stored(&ports, at, draft).await;
                }
            }
        });

        race(ports, racers).await;

        for at in logs {
            assert_eq!(audit(ports, at).await.len(), 21);
        }
    }

    /// The same request from many sides at once is stored once.
    async fn the_same_request_raced_is_stored_once(ports) {
        let log = group(ports, &["alice"]).await;
        let draft = Draft::under("alice", "1", said("once"));
        let racers = (0..8).map(|_| {
            let (ports, at, draft) = (ports.clone(), log.conversation, draft.clone());
            async move { append_until_stored(&ports, at, draft).await }
        });

        assert_eq!(race(ports, racers).await, [Seq(2); 8]);
        assert_eq!(audit(ports, log.conversation).await.len(), 2);
    }

    /// Users that are added and removed by racing writers end as the log says.
    async fn membership_races_end_as_the_log_says(ports) {
        let mut logs = Vec::new();
        for _ in 0..4 {
            logs.push(group(ports, &["alice"]).await.conversation);
        }
        let racers = (0..8).map(|writer| {
            let (ports, at) = (ports.clone(), logs[writer % 4]);
            async move {
                for n in 0..6 {
                    // In opposite orders, so that locks taken in the order of the request would deadlock.
                    let mut members = vec![user("bob"), user("carol"), user("dave")];
                    if (writer + n) % 2 == 0 {
                        members.reverse();
                    }
                    let body = if n % 2 == 0 {
                        Body::MembersAdded { members, since: None }
                    } else {
                        Body::Kicked { members, reason: None, banned_until_ms: None }
                    };
                    append_until_stored(&ports, at, Draft::new("alice", body)).await;
                }
            }
        });

        race(ports, racers).await;

        for at in logs {
            let mut inside = false;
            for entry in audit(ports, at).await {
                match entry.body {
                    Body::MembersAdded { .. } => inside = true,
                    Body::Kicked { .. } => inside = false,
                    _ => {}
                }
            }
            let count = if inside { 4 } else { 1 };
            assert_eq!(ports.log.load(at).await.unwrap().unwrap().info.member_count, count);
            assert_eq!(ports.members.roster(at, None, 10).await.unwrap().len(), count as usize);
        }
    }

    /// A caller that goes away neither tears its append nor blocks anybody.
    async fn a_dropped_append_is_stored_whole_or_not_at_all(ports) {
        let log = group(ports, &["alice"]).await;
        for polls in 0..6 {
            let head = ports.log.load(log.conversation).await.unwrap().unwrap().head;
            let mut writer = Log { head, ..log };
            {
                let append = writer.append(drafts("alice", 3));
                let mut dropped = pin!(ports.log.append(append));
                let mut context = task::Context::from_waker(task::Waker::noop());
                for _ in 0..polls {
                    if dropped.as_mut().poll(&mut context).is_ready() {
                        break;
                    }
                }
            }
            append_until_stored(ports, log.conversation, Draft::new("alice", said("after"))).await;
        }

        let entries = audit(ports, log.conversation).await;
        let from_dropped = entries.len() - 1 - 6;
        assert_eq!(from_dropped % 3, 0, "a part of an append is visible");
    }
}

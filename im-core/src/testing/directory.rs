//! The directory. Its suite has a macro of its own, [`directory_suite!`](crate::directory_suite), which is given an
//! `async` expression of `Option<(DirectoryTrial, guard)>`: not every store brings a directory.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use uuid::Uuid;

use super::{UNUSUAL_IDS, device, user};
use crate::{
    Attention, DeviceClass, Here, NodeId, SessionId, SessionThere, UserId, Whereabouts,
    port::{BoxFuture, Directory},
};

/// What a case is run on.
pub struct DirectoryTrial {
    /// One directory, as two processes have it.
    pub ends: [Arc<dyn Directory>; 2],
    /// Makes the directory lose everything.
    pub forget: Box<dyn Fn() -> BoxFuture<()> + Send + Sync>,
}

const A: NodeId = NodeId::from_uuid(Uuid::from_u128(0xa));
const B: NodeId = NodeId::from_uuid(Uuid::from_u128(0xb << 64));

/// Longer than any case takes.
const LONG: Duration = Duration::from_secs(600);

/// As short as can be.
const SHORT: Duration = Duration::from_millis(1);

fn session(number: u64, name: &str) -> SessionThere {
    SessionThere {
        session: SessionId(number),
        device: device(name),
        class: DeviceClass::Desktop,
        attention: Attention::Online,
        took_place_at: None,
    }
}

fn here(sessions: &[u64]) -> Here {
    let sessions = sessions.iter().map(|number| session(*number, "laptop"));
    Here {
        sessions: sessions.collect(),
        watched: false,
    }
}

async fn announce(trial: &DirectoryTrial, node: NodeId, name: &str, here: Here) -> Whereabouts {
    let users = vec![(user(name), here)];
    let mut answers = end_of(trial, node).announce(node, users).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

async fn find(trial: &DirectoryTrial, end: usize, name: &str) -> Whereabouts {
    let mut answers = trial.ends[end].find(&[user(name)]).await.unwrap();
    assert_eq!(answers.len(), 1);
    answers.remove(0)
}

fn end_of(trial: &DirectoryTrial, node: NodeId) -> &dyn Directory {
    &*trial.ends[usize::from(node != A)]
}

/// What nodes have, in the order of their ids: the contract knows none.
fn sorted(mut whereabouts: Whereabouts) -> Vec<(NodeId, Here)> {
    whereabouts.nodes.sort_by_key(|(node, _)| *node);
    whereabouts.nodes
}

suite! { directory_suite in directory on super::directory::DirectoryTrial:
    /// A user of whom no node has anything has no nodes.
    async fn who_is_nowhere_has_no_nodes(trial) {
        assert_eq!(find(trial, 0, "nobody").await.nodes, []);
        assert_eq!(announce(trial, A, "nobody", Here::default()).await.nodes, []);
        assert_eq!(find(trial, 1, "nobody").await.nodes, []);
    }

    /// What one node announces every node finds, down to the last field.
    async fn what_is_announced_is_found_as_it_was_said(trial) {
        let phone = SessionThere {
            class: DeviceClass::Ios,
            attention: Attention::Away,
            took_place_at: Some(u64::MAX),
            ..session(u64::MAX, "phone-📱")
        };
        let all = Here {
            sessions: vec![session(7, "laptop"), phone],
            watched: true,
        };
        let watched = Here { sessions: Vec::new(), watched: true };

        let told = announce(trial, A, "alice", all.clone()).await;
        announce(trial, A, "bob", watched.clone()).await;

        assert_eq!(told.nodes, [(A, all)]);
        for end in [0, 1] {
            assert_eq!(find(trial, end, "alice").await, told);
            assert_eq!(find(trial, end, "bob").await.nodes, [(A, watched.clone())]);
        }
    }

    /// What a node announces stands in place of what it said before, and of nothing that others said.
    async fn a_node_takes_back_its_own_word_alone(trial) {
        announce(trial, A, "alice", here(&[1])).await;
        announce(trial, B, "alice", here(&[2])).await;

        let told = announce(trial, A, "alice", here(&[3, 4])).await;
        assert_eq!(sorted(told), [(A, here(&[3, 4])), (B, here(&[2]))]);
        let told = announce(trial, A, "alice", Here::default()).await;
        assert_eq!(told.nodes, [(B, here(&[2]))]);
        assert_eq!(find(trial, 0, "alice").await, told);
        let told = announce(trial, B, "alice", Here::default()).await;
        assert_eq!(told.nodes, []);
        assert_eq!(find(trial, 0, "alice").await.nodes, []);
    }

    /// Answers are in the order of the question, also when it names somebody twice, nobody, or many.
    async fn answers_are_in_the_order_of_the_question(trial) {
        assert_eq!(trial.ends[0].announce(A, Vec::new()).await.unwrap(), []);
        assert_eq!(trial.ends[0].find(&[]).await.unwrap(), []);
        let name = |n: u64| user(&format!("user-{n}"));
        let users = (0..3_000).map(|n| (name(n), here(&[n]))).collect();

        let told = trial.ends[0].announce(A, users).await.unwrap();
        let asked: Vec<_> = (0..3_000).rev().chain([5, 4_000, 5]).map(name).collect();
        let found = trial.ends[1].find(&asked).await.unwrap();

        let sessions = |all: &[Whereabouts]| -> Vec<Option<u64>> {
            let first = |it: &Whereabouts| it.nodes.first().map(|(_, here)| here.sessions[0].session.0);
            all.iter().map(first).collect()
        };
        assert_eq!(sessions(&told), (0..3_000).map(Some).collect::<Vec<_>>());
        let expected = (0..3_000).rev().map(Some).chain([Some(5), None, Some(5)]);
        assert_eq!(sessions(&found), expected.collect::<Vec<_>>());
    }

    /// Ids that some servers confuse are those of different users.
    async fn unusual_ids_are_different_users(trial) {
        let ids: Vec<UserId> = UNUSUAL_IDS.iter().map(|id| user(id)).collect();
        let number = |n: usize| u64::try_from(n).unwrap();
        let users = ids.iter().cloned().enumerate();
        let users = users.map(|(n, id)| (id, here(&[number(n)]))).collect();
        trial.ends[0].announce(A, users).await.unwrap();

        let found = trial.ends[1].find(&ids).await.unwrap();

        for (n, whereabouts) in found.into_iter().enumerate() {
            assert_eq!(whereabouts.nodes, [(A, here(&[number(n)]))], "{:?}", ids[n]);
        }
    }

    /// Of two nodes that announce the same user at once, one at least is told of the other.
    async fn of_two_that_announce_a_user_one_is_told_of_the_other(trial) {
        for round in 0..100 {
            let name = format!("user-{round}");
            let both = [A, B].map(|node| announce(trial, node, &name, here(&[round])));

            let told = join_all(both).await;

            assert!(told.iter().any(|told| told.nodes.len() == 2), "{told:?}");
            assert_ne!(told[0].version, told[1].version);
        }
    }

    /// The version of a user is raised by every change, whoever makes it, and is what `find` says.
    async fn every_change_raises_the_version(trial) {
        let mut last = find(trial, 0, "alice").await.version;
        for round in 0..20 {
            for node in [A, B] {
                let what = if round % 3 == 2 { Here::default() } else { here(&[round]) };
                let told = announce(trial, node, "alice", what).await;
                assert!(told.version > last, "{} after {last}", told.version);
                last = told.version;
                let found = find(trial, 0, "alice").await;
                assert!(found.version >= last && found.nodes == told.nodes);
            }
        }
    }

    /// What a directory lost is not found, and is newer than what was there; and so is what is announced then.
    async fn a_directory_that_lost_all_goes_on_above(trial) {
        let before = announce(trial, A, "alice", here(&[1])).await;

        (trial.forget)().await;
        let lost = find(trial, 1, "alice").await;
        let again = announce(trial, B, "alice", here(&[2])).await;

        assert_eq!(lost.nodes, []);
        assert!(lost.version > before.version);
        assert_eq!(again.nodes, [(B, here(&[2]))]);
        assert!(again.version > lost.version);
    }

    /// A node hears which nodes there are, itself too, and the first time that nothing stands.
    async fn nodes_hear_of_each_other(trial) {
        let first = trial.ends[0].beat(A, LONG).await.unwrap();
        let second = trial.ends[1].beat(B, LONG).await.unwrap();
        let third = trial.ends[0].beat(A, LONG).await.unwrap();

        assert_eq!((first.nodes, first.stands), (vec![A], false));
        assert!(!second.stands);
        assert!(third.stands);
        for mut nodes in [second.nodes, third.nodes] {
            nodes.sort();
            assert_eq!(nodes, [A, B]);
        }
    }

    /// Who does not beat in time is left out, and must announce again when it comes back.
    async fn who_does_not_beat_is_left_out(trial) {
        trial.ends[0].beat(A, SHORT).await.unwrap();
        loop {
            let beat = trial.ends[1].beat(B, LONG).await.unwrap();
            if beat.nodes == [B] {
                break;
            }
        }

        let back = trial.ends[0].beat(A, LONG).await.unwrap();

        assert!(!back.stands);
        assert_eq!(back.nodes.len(), 2);
        assert!(trial.ends[0].beat(A, LONG).await.unwrap().stands);
    }

    /// Each beat counts from itself: a node may say a longer or a shorter time than before.
    async fn a_beat_is_for_the_time_that_it_says(trial) {
        trial.ends[0].beat(A, LONG).await.unwrap();
        trial.ends[0].beat(A, SHORT).await.unwrap();

        while trial.ends[1].beat(B, LONG).await.unwrap().nodes != [B] {}
    }

    /// Who leaves is left out at once. What it announced is still answered: the one who asks knows which nodes there are.
    async fn what_a_node_announced_outlasts_it(trial) {
        for (end, node) in [(0, A), (1, B)] {
            trial.ends[end].beat(node, LONG).await.unwrap();
        }
        announce(trial, A, "alice", here(&[1])).await;

        trial.ends[0].leave(A).await.unwrap();

        assert_eq!(trial.ends[1].beat(B, LONG).await.unwrap().nodes, [B]);
        assert_eq!(find(trial, 1, "alice").await.nodes, [(A, here(&[1]))]);
        assert!(!trial.ends[0].beat(A, LONG).await.unwrap().stands);
    }

    /// Who announced to a directory that lost it all hears that nothing stands, once.
    async fn a_node_hears_that_its_word_was_lost(trial) {
        trial.ends[0].beat(A, LONG).await.unwrap();
        assert!(trial.ends[0].beat(A, LONG).await.unwrap().stands);

        (trial.forget)().await;

        assert!(!trial.ends[0].beat(A, LONG).await.unwrap().stands);
        assert!(trial.ends[0].beat(A, LONG).await.unwrap().stands);
    }
}

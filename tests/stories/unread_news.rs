//! What is unread, told to sessions that watch it.

use im_core::{
    AddMembers, ChangeSettings, ConversationId, CountUnread, DeleteMessages, LeaveGroup, MarkRead,
    Push, RecallMessage, SendMessage, Seq, Session, SettingsPatch, Timestamp, UnreadTotals,
    testing::user,
};
use tests::random::Random;

use crate::world::{World, call, group, key, next_that, send_all, within};

async fn watched(session: &Session) -> UnreadTotals {
    call(session, CountUnread { watch: true }).await
}

async fn truth(session: &Session) -> UnreadTotals {
    call(session, CountUnread::default()).await
}

/// Waits until the session was told this.
async fn told(session: &mut Session, totals: UnreadTotals) {
    let what = format!("{totals:?}");
    next_that(session, &what, |push| match push {
        Push::UnreadChanged(told) => (*told == totals).then_some(()),
        _ => None,
    })
    .await;
}

fn patch(conversation: ConversationId, changes: SettingsPatch) -> ChangeSettings {
    ChangeSettings {
        conversation,
        changes,
    }
}

fn mute(conversation: ConversationId, until: Timestamp) -> ChangeSettings {
    let changes = SettingsPatch {
        muted_until_ms: Some(until),
        ..SettingsPatch::default()
    };
    patch(conversation, changes)
}

const fn totals(unread: u64, muted: u64, conversations: u64) -> UnreadTotals {
    UnreadTotals {
        unread,
        muted,
        mentions: 0,
        conversations,
    }
}

#[tokio::test]
async fn who_watches_is_told_what_is_unread_when_it_changes() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let tablet = world.connect("bob", "tablet").await;
    let loud = group(&alice, &["bob"]).await;
    let quiet = group(&alice, &["bob"]).await;
    assert_eq!(watched(&bob).await, totals(0, 0, 0));

    let texts = || (0..3).map(|n| format!("message {n}"));
    let last = send_all(&alice, &loud, texts()).await;
    told(&mut bob, totals(3, 0, 1)).await;
    send_all(&alice, &quiet, texts()).await;
    told(&mut bob, totals(6, 0, 2)).await;
    call(&tablet, mute(quiet, Timestamp::FOREVER)).await;
    told(&mut bob, totals(3, 3, 2)).await;
    let recall = RecallMessage {
        conversation: quiet,
        client_id: key(),
        target: Seq(2),
    };
    call(&alice, recall).await;
    told(&mut bob, totals(3, 2, 2)).await;
    let delete = DeleteMessages {
        conversation: loud,
        seqs: vec![Seq(2)],
    };
    call(&tablet, delete).await;
    told(&mut bob, totals(2, 2, 2)).await;
    let read = MarkRead {
        conversation: loud,
        seq: last,
    };
    call(&tablet, read).await;
    told(&mut bob, totals(0, 2, 1)).await;
    let leave = LeaveGroup {
        conversation: quiet,
        client_id: key(),
    };
    call(&tablet, leave).await;
    told(&mut bob, totals(0, 0, 0)).await;
}

#[tokio::test]
async fn what_was_muted_for_a_time_counts_again_when_that_is_over() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let sent = within("a send", alice.send(&room, "hello")).await.unwrap();
    let soon = Timestamp(sent.at_ms.0 + 4_000);
    call(&bob, mute(room, soon)).await;

    watched(&bob).await;

    told(&mut bob, totals(1, 0, 1)).await;
}

#[tokio::test]
async fn a_session_that_comes_back_watches_on() {
    let mut world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    watched(&bob).await;

    world.restart().await;
    within("a send", alice.send(&room, "one")).await.unwrap();
    told(&mut bob, totals(1, 0, 1)).await;
    within("a send", alice.send(&room, "two")).await.unwrap();

    told(&mut bob, totals(2, 0, 1)).await;
}

#[tokio::test]
async fn watching_needs_a_session_and_whoever_only_asks_is_not_told() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let actor = im_core::Actor::user(user("bob"));
    let watch = CountUnread { watch: true };
    let answer = world.im().call(&actor, watch).await;
    assert!(answer.is_err());
    assert_eq!(truth(&bob).await, totals(0, 0, 0));
    let mut tablet = world.connect("bob", "tablet").await;
    watched(&tablet).await;

    within("a send", alice.send(&room, "hello")).await.unwrap();
    told(&mut tablet, totals(1, 0, 1)).await;
    within("a send", alice.send(&room, "the end"))
        .await
        .unwrap();

    next_that(&mut bob, "the end", |push| match push {
        Push::UnreadChanged(totals) => panic!("bob was told {totals:?}"),
        Push::Entry(entry) => (entry.seq == Seq(3)).then_some(()),
        _ => None,
    })
    .await;
}

/// Something that may change what is unread for bob.
async fn step(random: &mut Random, alice: &Session, bob: &Session, room: ConversationId) {
    let seq = Seq(random.below(20) as u64 + 1);
    match random.below(9) {
        0..=2 => drop(within("a send", alice.send(&room, "hello")).await),
        3 => {
            let read = MarkRead {
                conversation: room,
                seq,
            };
            drop(within("a mark", bob.call(read)).await);
        }
        4 => {
            let recall = RecallMessage {
                conversation: room,
                client_id: key(),
                target: seq,
            };
            drop(within("a recall", alice.call(recall)).await);
        }
        5 => {
            let delete = DeleteMessages {
                conversation: room,
                seqs: vec![seq],
            };
            drop(within("a deletion", bob.call(delete)).await);
        }
        6 => {
            let until = [Timestamp(0), Timestamp::FOREVER][random.below(2)];
            drop(within("settings", bob.call(mute(room, until))).await);
        }
        7 => {
            let changes = SettingsPatch {
                cleared: (random.below(2) == 0).then_some(seq),
                marked_unread: Some(random.below(2) == 0),
                ..SettingsPatch::default()
            };
            drop(within("settings", bob.call(patch(room, changes))).await);
        }
        _ => {
            let leave = LeaveGroup {
                conversation: room,
                client_id: key(),
            };
            drop(within("leaving", bob.call(leave)).await);
            let add = AddMembers {
                conversation: room,
                client_id: key(),
                users: vec![user("bob")],
            };
            drop(within("coming back", alice.call(add)).await);
            let calls = SendMessage::new(room, key(), "welcome back");
            drop(within("a send", alice.call(calls)).await);
        }
    }
}

#[tokio::test]
async fn whatever_happens_the_last_that_was_told_is_true() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let tablet = world.connect("bob", "tablet").await;
    let rooms = [
        group(&alice, &["bob"]).await,
        group(&alice, &["bob"]).await,
        group(&alice, &["bob"]).await,
    ];
    let mut random = Random::new(7);
    let mut last = watched(&bob).await;

    for _ in 0..8 {
        for _ in 0..12 {
            let room = rooms[random.below(3)];
            step(&mut random, &alice, &tablet, room).await;
        }
        let truth = truth(&tablet).await;
        if last != truth {
            told(&mut bob, truth).await;
        }
        last = truth;
    }
}

//! A server that goes away and comes back: everybody resumes, and nothing is lost.

use im_core::{
    ConversationId, GetConversation, History, Limits, MarkRead, OpenDirect, Push, Seq, Session,
    testing::user,
};
use serde_json::json;

use crate::world::{Database, Frame, World, call, entries_until, group, next_that, seqs, within};

#[tokio::test]
async fn a_crash_in_the_middle_of_a_conversation_loses_and_doubles_nothing() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let mut world = World::engine_on(database, Limits::default()).await;
    let mut bob = world.connect("bob", "phone").await;
    let alice = world.connect("alice", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;

    let talking = [&alice, &carol].map(|session| talk(session, room, 60));
    let mut heard = Vec::new();
    for crash_at in [15, 40, 80] {
        heard.extend(entries_until(&mut bob, room, Seq(crash_at)).await);
        world.crash().await;
    }
    heard.extend(entries_until(&mut bob, room, Seq(121)).await);
    let mut acknowledged = Vec::new();
    for talker in talking {
        acknowledged.extend(within("the last reply", talker).await.unwrap());
    }

    assert_eq!(seqs(&heard), (1..=121).collect::<Vec<_>>());
    acknowledged.sort();
    assert_eq!(acknowledged, (2..=121).collect::<Vec<_>>());
    let ask = History {
        after_seq: Some(Seq::ZERO),
        limit: Some(200),
        ..History::of(room)
    };
    let page = call(&carol, ask).await;
    assert_eq!((page.items, page.done), (heard, true));
}

#[tokio::test]
async fn a_server_that_stops_in_good_order_tells_its_links_to_come_back() {
    let mut world = World::server().await;
    let mut links = Vec::new();
    for n in 0..20 {
        links.push(world.by_hand("alice", &format!("device-{n}")).await);
    }

    world.stop().await;

    for link in &mut links {
        let closing = link.push_of("session.closing").await;
        assert_eq!(closing["reason"], "going_away");
        assert_eq!(link.frame().await, close(4000));
    }
}

#[tokio::test]
async fn sessions_resume_on_the_server_that_comes_after() {
    let mut world = World::server().await;
    world.token("bob", "none").await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;

    let talker = talk(&alice, chat, 60);
    let mut heard = Vec::new();
    for restart_at in [10, 30, 50] {
        heard.extend(entries_until(&mut bob, chat, Seq(restart_at)).await);
        world.restart().await;
    }
    heard.extend(entries_until(&mut bob, chat, Seq(61)).await);

    assert_eq!(seqs(&heard), (1..=61).collect::<Vec<_>>());
    let acknowledged = within("the last reply", talker).await.unwrap();
    assert_eq!(acknowledged, (2..=61).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_a_writer_has_read_is_stored_when_the_server_stops() {
    let mut world = World::server().await;
    world.token("bob", "none").await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    alice.send(&chat, "one").await.unwrap();
    bob.send(&chat, "two").await.unwrap();
    alice.send(&chat, "three").await.unwrap();

    world.restart().await;

    let get = GetConversation { conversation: chat };
    let view = call(&bob, get).await;
    assert_eq!((view.position.read, view.unread), (Seq(3), 1));
    let read = MarkRead {
        conversation: chat,
        seq: Seq(4),
    };
    call(&bob, read).await;
    world.crash().await;
    let view = call(&bob, GetConversation { conversation: chat }).await;
    assert_eq!(
        (view.position.read, view.unread),
        (Seq(4), 0),
        "a receipt is stored at once"
    );
}

#[tokio::test]
async fn a_cursor_is_good_for_the_server_that_comes_after() {
    let mut world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    entries_until(&mut bob, chat, Seq(1)).await;
    let cursor = bob.cursor();
    drop(bob);

    world.crash().await;
    alice.send(&chat, "after the crash").await.unwrap();
    let mut bob = world.resume("bob", "phone", cursor.clone()).await;

    assert_eq!(seqs(&entries_until(&mut bob, chat, Seq(2)).await), [2]);
    let mut link = world.by_hand("bob", "laptop").await;
    let pull = link.call("sync.pull", json!({"cursor": cursor})).await;
    assert_eq!(pull.unwrap()["reset"], false);
}

#[tokio::test]
async fn presence_follows_the_sessions_after_a_restart() {
    let mut world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    drop(bob);

    world.crash().await;

    let watch = im_core::SubscribePresence {
        users: vec![user("bob")],
    };
    let seen = call(&alice, watch).await;
    assert_eq!(seen.items[0].availability, im_core::Availability::Offline);
    let bob = world.connect("bob", "phone").await;
    bob.send(&room, "back").await.unwrap();
    let mut alice = alice;
    next_that(&mut alice, "bob", |push| match push {
        Push::Presence(it) if it.availability == im_core::Availability::Online => Some(()),
        _ => None,
    })
    .await;
}

/// Somebody says so many things, one after the other, whatever happens; yields the seqs they got.
pub(crate) fn talk(
    session: &Session,
    to: ConversationId,
    count: usize,
) -> tokio::task::JoinHandle<Vec<u64>> {
    let sender = session.sender();
    tokio::spawn(async move {
        let mut seqs = Vec::new();
        for n in 0..count {
            let sent = sender.send(&to, format!("number {n}")).await.unwrap();
            seqs.push(sent.seq.0);
        }
        seqs
    })
}

fn close(code: u16) -> Frame {
    let reason = im_core::CloseReason::GoingAway.to_string();
    Frame::Close(code, reason)
}

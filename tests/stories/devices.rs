//! Several devices of one user: they converge, and one installation has one session.

use im_core::{
    Availability, Block, BlockUser, ChangeSettings, CloseReason, Error, GetConversation,
    GetPresence, MarkRead, OpenDirect, Push, Seq, SettingsPatch, testing::user,
};
use serde_json::json;

use crate::world::{World, call, entries_until, next_that, send_all, seqs, within};

#[tokio::test]
async fn what_one_device_does_the_others_hear_at_once() {
    let world = World::engine().await;
    let mut phone = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let mut bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&phone, open).await.conversation;

    phone.send(&chat, "from my phone").await.unwrap();
    let heard = within("a message", laptop.next_message()).await.unwrap();
    assert_eq!(heard.sender, user("alice"));
    assert_eq!(
        within("a message", bob.next_message()).await.unwrap(),
        heard
    );

    bob.send(&chat, "hello, both of you").await.unwrap();
    let on_laptop = within("a message", laptop.next_message()).await.unwrap();
    // Its own message is nothing new for the phone.
    let on_phone = within("a message", phone.next_message()).await.unwrap();
    assert_eq!(on_phone, on_laptop);

    let read = MarkRead {
        conversation: chat,
        seq: on_phone.seq,
    };
    let receipt = call(&phone, read).await;
    next_that(&mut laptop, "the phone's receipt", |push| {
        matches!(push, Push::Receipt(it) if *it == receipt).then_some(())
    })
    .await;

    let pinned = call(&phone, pin(chat)).await;
    let told = next_that(&mut laptop, "the phone's settings", |push| match push {
        Push::ConversationChanged(view) => Some(view.clone()),
        _ => None,
    });
    assert_eq!(told.await.settings, pinned.settings);
    assert!(pinned.settings.pinned);

    call(
        &phone,
        BlockUser {
            user: user("carol"),
        },
    )
    .await;
    let block = next_that(&mut laptop, "the phone's block", |push| match push {
        Push::BlockChanged(block) => Some(block.clone()),
        _ => None,
    });
    assert_eq!(block.await, blocked("carol"));
}

#[tokio::test]
async fn a_device_that_was_away_converges_with_the_others() {
    let world = World::engine().await;
    let phone = world.connect("alice", "phone").await;
    let laptop = world.connect("alice", "laptop").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&phone, open).await.conversation;
    let (cursor, quiet) = {
        let mut laptop = laptop;
        entries_until(&mut laptop, chat, Seq(1)).await;
        let open = OpenDirect { user: user("dave") };
        let quiet = call(&phone, open).await.conversation;
        entries_until(&mut laptop, quiet, Seq(1)).await;
        (laptop.cursor(), quiet)
    };

    let last = send_all(&phone, &chat, ["one", "two"].map(String::from)).await;
    call(&phone, pin(chat)).await;
    call(&phone, pin(quiet)).await;
    call(
        &phone,
        BlockUser {
            user: user("carol"),
        },
    )
    .await;
    let mut laptop = world.resume("alice", "laptop", cursor).await;

    assert_eq!(seqs(&entries_until(&mut laptop, chat, last).await), [2, 3]);
    let block = next_that(&mut laptop, "the phone's block", |push| match push {
        Push::BlockChanged(block) => Some(block.clone()),
        _ => None,
    });
    assert_eq!(block.await, blocked("carol"));
    for conversation in [chat, quiet] {
        let get = GetConversation { conversation };
        let view = call(&laptop, get.clone()).await;
        assert_eq!(view, call(&phone, get).await);
        assert_eq!((view.unread, view.settings.pinned), (0, true));
    }
}

#[tokio::test]
async fn settings_that_changed_while_a_device_was_away_are_handed_out_when_it_resumes() {
    let world = World::engine().await;
    let phone = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&phone, open).await.conversation;
    entries_until(&mut laptop, chat, Seq(1)).await;
    let cursor = laptop.cursor();
    drop(laptop);

    call(&phone, pin(chat)).await;
    let mut laptop = world.resume("alice", "laptop", cursor).await;

    let settings = next_that(&mut laptop, "the phone's settings", |push| match push {
        Push::ConversationChanged(view) => Some(view.settings.clone()),
        _ => None,
    });
    assert!(settings.await.pinned);
}

#[tokio::test]
async fn a_sync_tells_of_settings_and_positions_without_any_new_entry() {
    let world = World::engine().await;
    let phone = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&phone, open).await.conversation;
    let last = send_all(&bob, &chat, ["one", "two"].map(String::from)).await;
    let mut laptop = world.by_hand("alice", "laptop").await;
    let first = laptop.call("sync.pull", json!({})).await.unwrap();
    assert_eq!(first["items"][0]["view"]["unread"], 2);

    let read = MarkRead {
        conversation: chat,
        seq: last,
    };
    call(&phone, read).await;
    call(&phone, pin(chat)).await;
    let pull = json!({"cursor": first["cursor"]});
    let news = laptop.call("sync.pull", pull).await.unwrap();

    let item = &news["items"][0];
    assert_eq!(item["entries"], json!([]));
    assert_eq!(item["view"]["unread"], 0);
    assert_eq!(item["view"]["position"]["read"], 3);
    assert_eq!(item["view"]["settings"]["pinned"], true);
    let pull = json!({"cursor": news["cursor"]});
    let nothing = laptop.call("sync.pull", pull).await.unwrap();
    assert_eq!(
        (&nothing["items"], &nothing["done"]),
        (&json!([]), &json!(true))
    );
}

#[tokio::test]
async fn the_same_device_opened_again_displaces_the_first_session() {
    let world = World::engine().await;
    let bob = world.connect("bob", "phone").await;
    let open = OpenDirect {
        user: user("alice"),
    };
    let chat = call(&bob, open).await.conversation;
    let mut first = world.connect("alice", "phone").await;

    let mut second = world.connect("alice", "phone").await;

    let end = within("the end of the first session", async {
        loop {
            if let Err(error) = first.next_event().await {
                break error;
            }
        }
    });
    assert_eq!(end.await, Error::Closed(CloseReason::Displaced));
    // It does not come back by itself, or the two would displace each other for ever.
    let answer = within("an answer", first.send(&chat, "me?")).await;
    assert_eq!(answer, Err(Error::Closed(CloseReason::Displaced)));
    bob.send(&chat, "who is there?").await.unwrap();
    within("a message", second.next_message()).await.unwrap();
    let presence = GetPresence {
        users: vec![user("alice")],
    };
    let presence = call(&bob, presence).await;
    assert_eq!(presence.items[0].availability, Availability::Online);
    assert_eq!(world.im().session_count(), 2);
}

#[tokio::test]
async fn a_displaced_link_is_told_why_and_gets_a_code_that_says_not_to_come_back() {
    let world = World::engine().await;
    let mut first = world.by_hand("alice", "phone").await;

    let mut second = world.by_hand("alice", "phone").await;

    let closing = first.push_of("session.closing").await;
    assert_eq!(closing["reason"], "displaced");
    assert_eq!(first.close_code().await, 4300);
    second.call("session.ping", json!({})).await.unwrap();
}

fn pin(conversation: im_core::ConversationId) -> ChangeSettings {
    ChangeSettings {
        conversation,
        changes: SettingsPatch {
            pinned: Some(true),
            muted_until_ms: None,
            ..SettingsPatch::default()
        },
    }
}

fn blocked(name: &str) -> Block {
    Block {
        user: user(name),
        blocked: true,
    }
}

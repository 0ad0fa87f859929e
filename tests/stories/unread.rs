//! What is unread: exact, whatever became of the messages.

use im_core::{
    ChangeSettings, CountUnread, DeleteMessages, GetConversation, ListConversations, MarkRead,
    Mentions, RecallMessage, SendMessage, Seq, SettingsPatch, Timestamp, UnreadTotals, Which,
    testing::user,
};

use crate::world::{World, call, group, key, send_all};

fn texts(count: usize) -> impl Iterator<Item = String> {
    (0..count).map(|n| format!("message {n}"))
}

#[tokio::test]
async fn what_is_recalled_or_deleted_for_oneself_is_not_unread() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    let calls = SendMessage {
        mentions: Some(Mentions {
            users: vec![user("bob")],
            all: false,
        }),
        ..SendMessage::new(room, key(), "@bob")
    };
    call(&alice, calls).await;
    send_all(&alice, &room, texts(4)).await;
    let get = GetConversation { conversation: room };
    let counted = |view: im_core::ConversationView| (view.unread, view.mentions);
    assert_eq!(counted(call(&bob, get.clone()).await), (5, 1));

    let recall = RecallMessage {
        conversation: room,
        client_id: key(),
        target: Seq(2),
    };
    call(&alice, recall).await;
    let delete = DeleteMessages {
        conversation: room,
        seqs: vec![Seq(2), Seq(4)],
    };
    call(&bob, delete).await;

    assert_eq!(counted(call(&bob, get.clone()).await), (3, 0));
    assert_eq!(counted(call(&carol, get.clone()).await), (4, 0));
    let read = MarkRead {
        conversation: room,
        seq: Seq(5),
    };
    call(&bob, read).await;
    assert_eq!(counted(call(&bob, get).await), (1, 0));
}

#[tokio::test]
async fn totals_count_muted_conversations_apart_and_what_is_hidden_comes_back() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let loud = group(&alice, &["bob"]).await;
    let quiet = group(&alice, &["bob"]).await;
    send_all(&alice, &loud, texts(2)).await;
    send_all(&alice, &quiet, texts(3)).await;
    let settings = |conversation, changes| ChangeSettings {
        conversation,
        changes,
    };
    let mute = SettingsPatch {
        muted_until_ms: Some(Timestamp::FOREVER),
        ..SettingsPatch::default()
    };
    call(&bob, settings(quiet, mute)).await;

    let totals = UnreadTotals {
        unread: 2,
        muted: 3,
        mentions: 0,
        conversations: 2,
    };
    assert_eq!(call(&bob, CountUnread::default()).await, totals);

    let hide = SettingsPatch {
        hidden_at: Some(Seq(4)),
        ..SettingsPatch::default()
    };
    call(&bob, settings(quiet, hide)).await;
    let archive = SettingsPatch {
        archived: Some(true),
        ..SettingsPatch::default()
    };
    call(&bob, settings(loud, archive)).await;
    let list = |which| ListConversations {
        after: None,
        limit: None,
        which,
    };
    let ids = |page: im_core::ConversationPage| {
        let ids = page.items.into_iter().map(|view| view.conversation);
        ids.collect::<Vec<_>>()
    };
    assert_eq!(ids(call(&bob, list(None)).await), []);
    assert_eq!(ids(call(&bob, list(Some(Which::Archived))).await), [loud]);
    assert_eq!(ids(call(&bob, list(Some(Which::Hidden))).await), [quiet]);
    send_all(&alice, &quiet, texts(1)).await;
    assert_eq!(ids(call(&bob, list(None)).await), [quiet]);
}

//! The list of conversations, with what is unread in each, exactly.

use std::collections::BTreeMap;

use im_core::{
    Body, Content, ConversationId, ConversationView, EditMessage, LeaveGroup, ListConversations,
    MarkRead, OpenDirect, RecallMessage, Seq, Session, testing::user,
};

use crate::world::{World, call, group, key, send_all};

#[tokio::test]
async fn the_list_says_exactly_what_is_unread() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    let room = group(&alice, &["bob", "carol"]).await;
    let left = group(&alice, &["bob"]).await;
    let quiet = group(&bob, &["alice"]).await;
    send_all(&alice, &chat, (2..=5).map(|n| format!("message {n}"))).await;
    send_all(&alice, &room, (2..=4).map(|n| format!("message {n}"))).await;
    let leave = LeaveGroup {
        conversation: left,
        client_id: key(),
    };
    call(&bob, leave).await;

    let list = list(&bob).await;
    assert_eq!(list.len(), 3, "what one has left is not listed");
    assert_eq!(
        (list[&chat].unread, list[&room].unread, list[&quiet].unread),
        (4, 3, 0)
    );
    assert_eq!(list[&chat].peer, Some(user("alice")));
    assert_eq!(list[&chat].last.as_ref().unwrap().seq, Seq(5));
    assert_eq!(unread(&alice, chat).await, 0, "one's own never count");

    let read = |seq| MarkRead {
        conversation: chat,
        seq: Seq(seq),
    };
    call(&bob, read(3)).await;
    assert_eq!(unread(&bob, chat).await, 2);
    // What happens to messages is not news of its own …
    let edit = EditMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(4),
        content: Content::text("edited"),
    };
    call(&alice, edit).await;
    assert_eq!(unread(&bob, chat).await, 2);
    // … and a message that was recalled need not be read.
    let recall = RecallMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(5),
    };
    call(&alice, recall).await;
    assert_eq!(unread(&bob, chat).await, 1);
    send_all(&alice, &chat, ["news".to_owned()]).await;
    assert_eq!(unread(&bob, chat).await, 2);
    call(&bob, read(8)).await;
    assert_eq!(unread(&bob, chat).await, 0);
    let view = self::list(&bob).await.remove(&chat).unwrap();
    assert!(matches!(view.last.unwrap().body, Body::Message(_)));
}

#[tokio::test]
async fn the_list_pages_over_everything_once() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut expected = Vec::new();
    for n in 0..25 {
        let conversation = group(&alice, &["bob"]).await;
        send_all(
            &alice,
            &conversation,
            (0..n).map(|i| format!("message {i}")),
        )
        .await;
        expected.push((conversation, n as u64));
    }
    let bob = world.connect("bob", "phone").await;

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let ask = ListConversations {
            after,
            limit: Some(10),
            which: None,
        };
        let page = call(&bob, ask).await;
        listed.extend(
            page.items
                .iter()
                .map(|view| (view.conversation, view.unread)),
        );
        assert_eq!(page.done, page.next_cursor.is_none());
        after = page.next_cursor;
        if page.done {
            break;
        }
    }

    expected.sort();
    assert_eq!(listed, expected);
}

async fn list(session: &Session) -> BTreeMap<ConversationId, ConversationView> {
    let ask = ListConversations {
        after: None,
        limit: None,
        which: None,
    };
    let page = call(session, ask).await;
    assert!(page.done);
    let views = page.items.into_iter();
    views.map(|view| (view.conversation, view)).collect()
}

async fn unread(session: &Session, conversation: ConversationId) -> u64 {
    list(session).await[&conversation].unread
}

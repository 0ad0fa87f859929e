//! What is not in a log: receipts, typing, presence.

use im_core::{
    Attention, Availability, GetPresence, MarkRead, OpenDirect, Presence, Push, Seq, Session,
    SubscribePresence, Typing, testing::user,
};

use super::pair::{A, B, Pair};
use crate::{
    presence::next_presence,
    receipts::next_receipt,
    world::{call, entries_until, next_that, within},
};

pub(crate) async fn receipts_and_typing(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    let sent = within("a send", alice.send(&chat, "hello")).await.unwrap();
    entries_until(&mut bob, chat, sent.seq).await;

    call(&bob, Typing { conversation: chat }).await;
    let writing = next_that(&mut alice, "that bob is writing", |push| match push {
        Push::Typing(typing) => Some(typing.clone()),
        _ => None,
    });
    assert_eq!(writing.await.user, user("bob"));

    let read = MarkRead {
        conversation: chat,
        seq: sent.seq,
    };
    call(&bob, read).await;
    let receipt = next_receipt(&mut alice).await;
    assert_eq!((receipt.user, receipt.position.read), (user("bob"), Seq(2)));
}

pub(crate) async fn presence(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let open = OpenDirect { user: user("bob") };
    call(&alice, open).await;
    let watch = SubscribePresence {
        users: vec![user("bob")],
    };
    let seen = call(&alice, watch).await.items;
    assert_eq!(seen[0].availability, Availability::Offline);

    let phone = pair.connect(B, "bob", "phone").await;
    becomes(&mut alice, Availability::Online).await;
    phone.attend(Attention::Away).await.unwrap();
    becomes(&mut alice, Availability::Away).await;
    // Somebody is at another device, which is where alice is.
    let laptop = pair.connect(A, "bob", "laptop").await;
    becomes(&mut alice, Availability::Online).await;
    drop(laptop);
    becomes(&mut alice, Availability::Away).await;
    drop(phone);
    let gone = becomes(&mut alice, Availability::Offline).await;
    assert!(gone.last_seen_ms.is_some());

    // Who asks hears the same as who watches.
    let _bob = pair.connect(B, "bob", "phone").await;
    becomes(&mut alice, Availability::Online).await;
    let ask = GetPresence {
        users: vec![user("bob")],
    };
    let asked = call(&alice, ask).await.items;
    assert_eq!(asked[0].availability, Availability::Online);
}

/// The next presence that says so; those before it are passed over.
pub(crate) async fn becomes(session: &mut Session, availability: Availability) -> Presence {
    loop {
        let presence = next_presence(session).await;
        if presence.availability == availability {
            return presence;
        }
    }
}

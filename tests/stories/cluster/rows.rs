//! What is a user's own: its devices hear of it on whatever node, and it holds on all.

use im_core::{
    AcceptContact, AddFavourite, BlockUser, Code, Error, OpenDirect, Own, OwnRow, Push,
    RequestContact, Session, UnblockUser, testing::user,
};

use super::pair::{A, B, Pair};
use crate::world::{call, next_that, within};

pub(crate) async fn own(pair: Pair) {
    let phone = pair.connect(A, "alice", "phone").await;
    let mut laptop = pair.connect(B, "alice", "laptop").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&phone, open).await.conversation;
    let sent = within("a send", phone.send(&chat, "keep this")).await;

    let add = AddFavourite {
        conversation: chat,
        seq: sent.unwrap().seq,
    };
    call(&phone, add).await;
    let favourite = next_row(&mut laptop, |own| matches!(own, Own::Favourite(_))).await;
    assert!(favourite.version > 0);

    let request = RequestContact {
        user: user("bob"),
        greeting: None,
    };
    call(&phone, request).await;
    next_row(&mut bob, |own| matches!(own, Own::Request(_))).await;
    let accept = AcceptContact {
        user: user("alice"),
    };
    call(&bob, accept).await;
    let contact = next_row(&mut laptop, |own| matches!(own, Own::Contact(_))).await;
    assert_eq!(contact.key.as_str(), "bob");
}

pub(crate) async fn blocks(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    // His node knows now that nobody is blocked.
    within("a send", bob.send(&chat, "hello")).await.unwrap();

    call(&alice, BlockUser { user: user("bob") }).await;
    within("a refusal", async {
        while !is_blocked(bob.send(&chat, "hello?").await) {}
    })
    .await;

    call(&alice, UnblockUser { user: user("bob") }).await;
    within("that it passes", async {
        while is_blocked(bob.send(&chat, "hello again").await) {}
    })
    .await;
}

fn is_blocked<T>(outcome: Result<T, Error>) -> bool {
    match outcome {
        Ok(_) => false,
        Err(Error::Rejected(rejection)) if rejection.code == Code::Blocked => true,
        Err(error) => panic!("{error}"),
    }
}

async fn next_row(session: &mut Session, wanted: impl Fn(&Own) -> bool) -> OwnRow {
    next_that(session, "a row", |push| match push {
        Push::OwnChanged(row) if row.value.as_ref().is_some_and(&wanted) => Some((**row).clone()),
        _ => None,
    })
    .await
}

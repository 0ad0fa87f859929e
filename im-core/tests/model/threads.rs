//! Real threads: nothing blocks for ever, and what arrives is in order, once.

use std::{collections::BTreeMap, time::Duration};

use im_core::{
    Actor, AddMembers, BlockUser, Body, ClientId, Command, ConversationId, CreateConversation, Im,
    KickMembers, Message, Push, Session, SubscribePresence, TrustEveryone, UnblockUser, UserId,
};
use im_store::MemoryStore;

const READERS: usize = 4;
const ROUNDS: usize = 150;

fn user(n: usize) -> UserId {
    UserId::new(format!("u{n}")).unwrap()
}

/// Reads until the last word; what comes must be consecutive.
async fn read(mut session: Session, id: ConversationId) {
    let mut last: BTreeMap<ConversationId, u64> = BTreeMap::new();
    loop {
        let Push::Entry(entry) = session.next_event().await.unwrap() else {
            continue;
        };
        let before = last.insert(entry.conversation, entry.seq.0);
        if let Some(before) = before {
            assert_eq!(entry.seq.0, before + 1);
        }
        let is_end = matches!(&entry.body, Body::Message(Message { content, .. }) if content.as_text() == Some("end"));
        if is_end && entry.conversation == id {
            return;
        }
    }
}

async fn come_and_go(im: Im, id: ConversationId) {
    let owner = Actor::user(user(0));
    for _ in 0..ROUNDS {
        let guest = im.connect("guest", "phone").await.unwrap();
        let users = vec![UserId::new("guest").unwrap()];
        let add = AddMembers {
            conversation: id,
            client_id: ClientId::random(),
            users: users.clone(),
        };
        im.call(&owner, add).await.unwrap();
        let watch = SubscribePresence {
            users: (0..READERS).map(user).collect(),
        };
        guest.call(watch).await.unwrap();
        let _ = guest.send(&id, "hello").await;
        let kick = KickMembers {
            conversation: id,
            client_id: ClientId::random(),
            users,
            reason: None,
            banned_until_ms: None,
        };
        im.call(&owner, kick).await.unwrap();
    }
}

async fn block_and_unblock(im: Im) {
    let (me, other) = (Actor::user(user(1)), user(2));
    for n in 0..ROUNDS {
        let command = if n % 2 == 0 {
            Command::BlockUser(BlockUser {
                user: other.clone(),
            })
        } else {
            Command::UnblockUser(UnblockUser {
                user: other.clone(),
            })
        };
        im.execute(&me, command).await.unwrap();
        tokio::task::yield_now().await;
    }
}

async fn talk(im: Im, n: usize, id: ConversationId) {
    let session = im.connect(user(n), format!("talks{n}")).await.unwrap();
    for round in 0..ROUNDS {
        let text = format!("{n} {round}");
        // Some nobody waits for.
        if round % 7 == 0 {
            let _ = tokio::time::timeout(Duration::ZERO, session.send(&id, text)).await;
        } else {
            session.send(&id, text).await.unwrap();
        }
    }
}

async fn everybody(coalesce_ms: u64) {
    let limits = im_core::Limits {
        coalesce_ms,
        ..im_core::Limits::default()
    };
    let im = Im::builder(MemoryStore::new(), TrustEveryone)
        .limits(limits)
        .build();
    let create = CreateConversation::group(ClientId::random(), (1..READERS).map(user));
    let owner = Actor::user(user(0));
    let id = im.call(&owner, create).await.unwrap().conversation;
    let mut readers = tokio::task::JoinSet::new();
    for n in 0..READERS {
        let session = im.connect(user(n), "reads").await.unwrap();
        readers.spawn(read(session, id));
    }
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..READERS {
        writers.spawn(talk(im.clone(), n, id));
    }
    writers.spawn(come_and_go(im.clone(), id));
    writers.spawn(block_and_unblock(im.clone()));
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    let last = im.connect(user(0), "last").await.unwrap();
    last.send(&id, "end").await.unwrap();
    while let Some(done) = readers.join_next().await {
        done.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_neither_block_each_other_nor_lose_anything() {
    for coalesce_ms in [0, 1] {
        tokio::time::timeout(Duration::from_secs(60), everybody(coalesce_ms))
            .await
            .unwrap();
    }
}

//! The first block of the README, and what else a program does first.

use im_core::{Content, Im, TrustEveryone};
use im_store::MemoryStore;

#[tokio::test]
async fn two_sessions_talk() {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();

    let alice = im.connect("alice", "phone").await.unwrap();
    let mut bob = im.connect("bob", "laptop").await.unwrap();
    let chat = im.direct("alice", "bob").await.unwrap();
    let sent = alice.send(&chat, "hello").await.unwrap();

    let got = bob.next_message().await.unwrap();
    assert_eq!(got.seq, sent.seq);
    assert!(
        matches!(&got.body, im_core::Body::Message(im_core::Message { content, .. }) if *content == Content::text("hello"))
    );
}

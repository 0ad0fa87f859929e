//! Chat inside a program, without a socket: the block of the README.
//!
//! `cargo run -p examples --bin 01-embed` makes `chat.db` in the current folder.

use im_core::{Im, TrustEveryone};
use im_store::SqlStore;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let store = SqlStore::open("sqlite://chat.db").await?;
    let im = Im::builder(store, TrustEveryone).build();

    let alice = im.connect("alice", "phone").await?;
    let mut bob = im.connect("bob", "laptop").await?;
    let chat = im.direct("alice", "bob").await?;
    let sent = alice.send(&chat, "hello").await?;
    assert_eq!(bob.next_message().await?.seq, sent.seq);
    Ok(())
}

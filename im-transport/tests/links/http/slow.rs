//! Readers who do not read: what waits for them is bounded, and they are told to come back.

use std::time::Duration;

use im_core::{ConversationId, Session};
use im_transport::{Bounds, ws::Options};
use serde_json::json;

use super::{
    by_hand::post,
    door::{Door, bearer},
};
use crate::{door::within, raw::long_message, slow::last_before_it_is_told_to_fetch};

async fn say_much(alice: &Session, chat: ConversationId) {
    for n in 0..2_000 {
        alice.call(long_message(&chat, n)).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_reader_is_told_to_fetch_and_goes_on_when_it_reads_again() {
    let door = Door::open().await;
    let chat = door.direct("alice", "bob").await;
    let mut bob = door.stream("bob", "laptop").await;
    let alice = door.im.connect("alice", "phone").await.unwrap();

    // Far more than the socket buffers and the queue hold.
    say_much(&alice, chat).await;

    let last = last_before_it_is_told_to_fetch(async || bob.incoming().await).await;
    let history = json!({"id": 1, "method": "message.history", "params": {
        "conversation": chat, "after_seq": last, "limit": 1}});
    let page = post(
        door.address,
        &bob.link,
        &bearer("bob"),
        &history.to_string(),
    )
    .await;
    let items = page.replies()[0]["result"]["items"].clone();
    assert_eq!(items[0]["seq"], last + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_has_stopped_is_let_go_and_may_resume() {
    let bounds = Bounds {
        // Nothing is left out, so that something waits.
        queue_bytes: 64 * 1024 * 1024,
        queue_pushes: 10_000,
        write_timeout: Duration::from_millis(300),
        ..Bounds::default()
    };
    let options = Options {
        bounds,
        ..Options::default()
    };
    let door = Door::open_with(options, Duration::from_secs(25)).await;
    let chat = door.direct("alice", "bob").await;
    let mut bob = door.stream("bob", "laptop").await;
    let alice = door.im.connect("alice", "phone").await.unwrap();

    say_much(&alice, chat).await;
    within(async {
        while door.im.session_count() > 1 {
            tokio::task::yield_now().await;
        }
    })
    .await;

    // What waited is still there for who reads after all, and then the reason.
    assert_eq!(bob.close_code().await, 4001);
}

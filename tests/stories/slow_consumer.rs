//! A reader that stops: it delays nobody, and gets everything in the end.

use im_core::{Content, ConversationId, OpenDirect, Seq, Session, testing::user};
use serde_json::{Value, json};

use crate::world::{ByHand, Frame, World, call, entries_until, group, seqs, within};

/// More than all buffers on the way together: 150 times 60 KB.
const MESSAGES: u64 = 150;

#[tokio::test]
async fn a_reader_that_stops_delays_nobody_and_converges() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let door = world.new_proxy().await;
    let mut bob = world.connect_by(&door, "bob", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    entries_until(&mut bob, room, Seq(1)).await;

    door.hold();
    talk(&alice, room, &mut carol).await;
    door.release();

    let all = entries_until(&mut bob, room, Seq(MESSAGES + 1)).await;
    assert_eq!(seqs(&all), (2..=MESSAGES + 1).collect::<Vec<_>>());
    alice.send(&room, "the end").await.unwrap();
    let end = within("the end", bob.next_message()).await.unwrap();
    assert_eq!(end.seq, Seq(MESSAGES + 2));
}

#[tokio::test]
async fn a_link_that_does_not_read_is_told_to_fetch_and_is_pushed_to_again_once_it_has() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let mut bob = world.by_hand("bob", "phone").await;
    let room = group(&alice, &["bob", "carol"]).await;
    let created = bob.push().await;
    assert_eq!(created["method"], "entry.appended");

    talk(&alice, room, &mut carol).await;

    // What was on its way arrives in order; then comes one hint instead of the rest.
    let mut held = 1;
    let hint = loop {
        match bob.frame().await {
            Frame::Value(mut push) if push["method"] == "message.stored" => {
                held += 1;
                assert_eq!(push["params"].take()["seq"], held);
            }
            other => break other,
        }
    };
    assert!(
        held < MESSAGES,
        "the buffers are smaller than what was said"
    );
    match hint {
        Frame::Value(push) => {
            assert_eq!(push["method"], "head.moved", "{push}");
            assert_eq!(push["params"]["conversation"], json!(room));
        }
        // The other way to say it: come back and resume.
        Frame::Close(code, _) => {
            assert_eq!(code, 4001);
            bob = world.by_hand("bob", "phone").await;
        }
        other => panic!("{other:?}"),
    }
    fetch(&mut bob, room, held).await;

    alice.send(&room, "live again").await.unwrap();
    let live = bob.push_of("message.stored").await;
    assert_eq!(live["seq"], MESSAGES + 2);
}

#[tokio::test]
async fn falling_behind_in_one_conversation_is_no_harm_to_another() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let mut bob = world.by_hand("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let aside = call(&alice, open).await.conversation;
    let room = group(&alice, &["bob", "carol"]).await;
    talk(&alice, room, &mut carol).await;
    bob.push_of("head.moved").await;

    // Bob reads again, but does not fetch.
    alice.send(&aside, "psst").await.unwrap();

    let heard = bob.push_of("message.stored").await;
    assert_eq!(heard["conversation"], json!(aside));
    fetch(&mut bob, room, 0).await;
}

/// Alice says a lot, and carol hears each thing at once.
async fn talk(alice: &Session, room: ConversationId, carol: &mut Session) {
    let blob = "x".repeat(60_000);
    for n in 1..=MESSAGES {
        let content = Content::Custom {
            name: "blob".into(),
            data: json!({"n": n, "blob": blob}),
        };
        let sent = within("a send", alice.send(&room, content)).await.unwrap();
        let heard = within("a message", carol.next_message()).await.unwrap();
        assert_eq!((sent.seq, heard.seq), (Seq(n + 1), Seq(n + 1)));
    }
}

/// Fetches everything after what is held, by seqs alone.
async fn fetch(bob: &mut ByHand, room: ConversationId, mut held: u64) {
    loop {
        let ask = json!({"conversation": room, "after_seq": held, "limit": 20});
        let page = bob.call("message.history", ask).await.unwrap();
        let items: &Vec<Value> = page["items"].as_array().unwrap();
        for entry in items {
            held += 1;
            assert_eq!(entry["seq"], held);
        }
        if page["done"] == true {
            break;
        }
    }
    assert_eq!(held, MESSAGES + 1);
}

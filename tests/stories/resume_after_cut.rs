//! Links that break anywhere: every entry arrives once and in order.

use im_core::{OpenDirect, Push, Seq, testing::user, wire::Format};

use crate::world::{World, call, group, messages_in, next_that, seqs, within};

/// Messages in a round.
const MESSAGES: u64 = 60;

#[tokio::test]
async fn a_link_that_is_cut_in_the_middle_of_a_fan_out_resumes_without_a_hole_or_a_repeat() {
    for (round, format) in [Format::Json, Format::MessagePack]
        .into_iter()
        .cycle()
        .take(12)
        .enumerate()
    {
        // The handshake is about 200 bytes, opening about 200 more, and a message about 250.
        let first = 900 + round * 977;
        let cuts = [first, 700 + round * 301, 2_000 + round * 113];
        cut_at(format, &cuts).await;
    }
}

#[tokio::test]
async fn a_link_that_is_cut_while_it_opens_is_opened_again() {
    for cut in [0, 1, 60, 150, 200, 250, 300, 350, 400, 450] {
        let world = World::engine().await;
        let alice = world.connect("alice", "phone").await;
        let open = OpenDirect { user: user("bob") };
        let chat = call(&alice, open).await.conversation;
        let door = world.new_proxy().await;
        door.cut_after([cut]);

        let mut bob = world.connect_by(&door, "bob", "phone").await;
        alice.send(&chat, "are you there?").await.unwrap();

        let heard = within("a message", bob.next_message()).await.unwrap();
        assert_eq!(heard.seq, Seq(2), "cut after {cut} bytes");
    }
}

/// One round: three talk in a group while the fourth's link is cut after each of these numbers of bytes.
async fn cut_at(format: Format, cuts: &[usize]) {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;
    let door = world.new_proxy().await;
    door.cut_after(cuts.iter().copied());
    let mut dave = world.connect_in(&door, "dave", "phone", format).await;
    let room = group(&alice, &["bob", "carol", "dave"]).await;

    let talking: Vec<_> = [&alice, &bob, &carol]
        .into_iter()
        .enumerate()
        .map(|(n, session)| {
            let sender = session.sender();
            tokio::spawn(async move {
                for i in 0..MESSAGES / 3 {
                    sender
                        .send(&room, format!("{n}: number {i}"))
                        .await
                        .unwrap();
                }
            })
        })
        .collect();
    let mut entries = Vec::new();
    next_that(&mut dave, "the last message", |push| {
        if let Push::Entry(entry) = push {
            entries.push(entry.clone());
        }
        (entries.last()?.seq > Seq(MESSAGES)).then_some(())
    })
    .await;

    for talker in talking {
        within("a talker to end", talker).await.unwrap();
    }
    let expected: Vec<_> = (1..=MESSAGES + 1).collect();
    assert_eq!(
        seqs(&entries),
        expected,
        "{format:?}, cut after {cuts:?} bytes"
    );
    assert_eq!(messages_in(&entries).len() as u64, MESSAGES);
    // What is still in flight would be a repeat.
    alice.send(&room, "the end").await.unwrap();
    let end = within("the end", dave.next_message()).await.unwrap();
    assert_eq!(end.seq, Seq(MESSAGES + 2));
    assert!(door.connections() > 1, "at least one link was cut");
}

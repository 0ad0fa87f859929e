//! The way between nodes breaks, or forgets: nothing is lost, doubled or out of order, and all is as before when it is back.

use im_core::{AddMembers, Availability, OpenDirect, Seq, SubscribePresence, testing::user};

use super::{
    pair::{A, B, Pair},
    signals::becomes,
    talk::{both_talk, hears_all},
};
use crate::{
    restart::talk,
    world::{call, entries_until, group, key, seqs, within},
};

pub(crate) async fn lost_messages(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    entries_until(&mut bob, chat, Seq(1)).await;

    // Also the last one of all, which nothing follows that would show it.
    for at in 2..=6 {
        pair.lose(B, 1);
        let sent = within("a send", alice.send(&chat, "lost")).await.unwrap();
        assert_eq!(sent.seq, Seq(at));
        let heard = entries_until(&mut bob, chat, sent.seq).await;
        assert_eq!(seqs(&heard), [at]);
    }

    hears_all(&mut alice, chat, 6).await;
}

pub(crate) async fn cut_off(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let room = group(&alice, &["bob"]).await;

    let talking = [talk(&alice, room, 60), talk(&bob, room, 60)];
    let mut heard = entries_until(&mut bob, room, Seq(20)).await;
    pair.part(B);
    for talker in talking {
        let acknowledged = within("the last reply", talker).await.unwrap();
        assert_eq!(acknowledged.len(), 60);
    }
    pair.rejoin(B);

    heard.extend(entries_until(&mut bob, room, Seq(121)).await);
    assert_eq!(seqs(&heard), (1..=121).collect::<Vec<_>>());
    hears_all(&mut alice, room, 121).await;
}

pub(crate) async fn all_cut_off(mut pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let mut heard = entries_until(&mut bob, room, Seq(1)).await;

    let mut last = 1;
    for _ in 0..3 {
        let talking = [talk(&alice, room, 20), talk(&bob, room, 20)];
        heard.extend(entries_until(&mut bob, room, Seq(last + 5)).await);
        pair.part_all();
        for talker in talking {
            within("the last reply", talker).await.unwrap();
        }
        pair.rejoin_all().await;
        last += 40;
        heard.extend(entries_until(&mut bob, room, Seq(last)).await);
    }

    assert_eq!(seqs(&heard), (1..=last).collect::<Vec<_>>());
    hears_all(&mut alice, room, last).await;
}

pub(crate) async fn forgotten(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    let watch = SubscribePresence {
        users: vec![user("bob")],
    };
    let seen = call(&alice, watch).await.items;
    assert_eq!(seen[0].availability, Availability::Online);

    pair.forget().await;
    both_talk(&alice, &bob, chat, 20).await;
    hears_all(&mut bob, chat, 41).await;
    pair.forget().await;

    // Nobody says anything more, and nobody asks: still alice hears how bob goes and comes.
    drop(bob);
    becomes(&mut alice, Availability::Offline).await;
    let _bob = pair.connect(B, "bob", "phone").await;
    becomes(&mut alice, Availability::Online).await;
}

pub(crate) async fn gone(pair: Pair) {
    let mut alice = pair.connect(A, "alice", "phone").await;
    let bob = pair.connect(B, "bob", "phone").await;
    call(&alice, OpenDirect { user: user("bob") }).await;
    let watch = SubscribePresence {
        users: vec![user("bob")],
    };
    let seen = call(&alice, watch).await.items;
    assert_eq!(seen[0].availability, Availability::Online);

    // To the others a node that is cut off is as one that was killed.
    pair.part(B);
    becomes(&mut alice, Availability::Offline).await;

    pair.rejoin(B);
    becomes(&mut alice, Availability::Online).await;
    drop(bob);
    becomes(&mut alice, Availability::Offline).await;
}

pub(crate) async fn last_words(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    entries_until(&mut bob, chat, Seq(1)).await;

    // To the others a node that is cut off is as one that was killed, before it could tell what it had stored.
    pair.part(A);
    let sent = within("a send", alice.send(&chat, "the last words")).await;

    // Nobody says anything more there, and the node does not come back.
    let heard = entries_until(&mut bob, chat, sent.unwrap().seq).await;
    assert_eq!(seqs(&heard), [2]);
}

pub(crate) async fn let_in(pair: Pair) {
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    // Nobody on the other node hears of it otherwise.
    let room = group(&alice, &["carol"]).await;

    pair.part(A);
    let add = AddMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("bob")],
    };
    let added = within("an answer", alice.call(add)).await.unwrap().seq;

    // Nobody says anything more there, and the node does not come back.
    let heard = entries_until(&mut bob, room, added).await;
    assert_eq!(seqs(&heard), [added.0]);
}

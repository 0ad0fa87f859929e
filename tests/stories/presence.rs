//! Who is there and who is writing: told to those who may know, and to nobody else.

use im_core::{
    Attention, Availability, BlockUser, ClassPresence, Code, DeviceClass, GetPresence, OpenDirect,
    Presence, Push, Session, SubscribePresence, Typing, UnsubscribePresence, testing::user,
};
use serde_json::json;

use crate::world::{ByHand, Told, World, call, group, next_that, refused};

#[tokio::test]
async fn presence_is_pushed_to_who_shares_a_conversation_and_watches() {
    let world = World::engine().await;
    let mut bob = world.connect("bob", "phone").await;
    let mut mallory = world.connect("mallory", "phone").await;
    let mut carol = world.connect("carol", "phone").await;
    let room = group(&bob, &["alice", "carol"]).await;
    let aside = group(&bob, &["mallory"]).await;
    let watch = SubscribePresence {
        users: vec![user("alice"), user("nobody")],
    };

    let seen = call(&bob, watch.clone()).await.items;
    assert_eq!(seen, [offline("alice"), offline("nobody")]);
    // Mallory shares nothing with alice; carol does, but does not watch.
    let seen = call(&mallory, watch).await.items;
    assert_eq!(seen, [offline("alice"), offline("nobody")]);

    let phone = world.connect("alice", "phone").await;
    assert_eq!(next_presence(&mut bob).await, online("alice"));
    let laptop = world.connect("alice", "laptop").await;
    drop(phone);
    // One of two devices went: nothing to tell. Then the last one goes.
    drop(laptop);
    let gone = next_presence(&mut bob).await;
    assert_eq!(gone.availability, Availability::Offline);
    assert!(gone.last_seen_ms.is_some());
    let stop = UnsubscribePresence {
        users: vec![user("alice")],
    };
    call(&bob, stop).await;
    let _alice = world.connect("alice", "phone").await;

    let asked = GetPresence {
        users: vec![user("alice")],
    };
    assert_eq!(call(&bob, asked.clone()).await.items, [online("alice")]);
    assert_eq!(call(&carol, asked.clone()).await.items, [online("alice")]);
    assert_eq!(call(&mallory, asked).await.items, [offline("alice")]);
    bob.send(&room, "done").await.unwrap();
    bob.send(&aside, "done").await.unwrap();
    for session in [&mut mallory, &mut carol] {
        let told = told_until_done(session).await;
        assert!(
            !told.iter().any(|push| matches!(push, Push::Presence(_))),
            "{told:?}"
        );
    }
    let told = told_until_done(&mut bob).await;
    assert!(
        !told.iter().any(|push| matches!(push, Push::Presence(_))),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_user_is_away_when_nobody_is_at_any_of_its_devices() {
    let world = World::engine().await;
    let mut bob = world.connect("bob", "phone").await;
    let phone = world.connect("alice", "phone").await;
    let laptop = world.connect("alice", "laptop").await;
    let room = group(&bob, &["alice"]).await;
    let watch = SubscribePresence {
        users: vec![user("alice")],
    };
    assert_eq!(call(&bob, watch).await.items, [online("alice")]);

    // Somebody is at the other one: nothing to tell.
    phone.attend(Attention::Away).await.unwrap();
    laptop.attend(Attention::Away).await.unwrap();
    assert_eq!(next_presence(&mut bob).await, away("alice"));
    laptop.attend(Attention::Away).await.unwrap();
    laptop.attend(Attention::Online).await.unwrap();
    assert_eq!(next_presence(&mut bob).await, online("alice"));
    drop(laptop);
    assert_eq!(next_presence(&mut bob).await, away("alice"));
    drop(phone);
    let gone = next_presence(&mut bob).await;
    assert_eq!(gone.availability, Availability::Offline);
    assert_eq!(gone.classes, []);

    bob.send(&room, "done").await.unwrap();
    let told = told_until_done(&mut bob).await;
    assert!(
        !told.iter().any(|push| matches!(push, Push::Presence(_))),
        "{told:?}"
    );
}

#[tokio::test]
async fn on_devices_of_which_classes_somebody_is_there_is_told() {
    let world = World::engine().await;
    let mut bob = world.connect("bob", "phone").await;
    let _alice = world.connect("alice", "laptop").await;
    group(&bob, &["alice"]).await;
    let watch = SubscribePresence {
        users: vec![user("alice")],
    };
    call(&bob, watch).await;

    let mut phone = ByHand::dial(world.address(), None).await;
    let open = json!({"token": "alice", "device": "phone", "class": "ios"});
    phone.call("session.open", open).await.unwrap();
    let ios = |availability| ClassPresence {
        class: DeviceClass::Ios,
        availability,
    };
    let both = next_presence(&mut bob).await;
    let expected = [desktop(Attention::Online), ios(Attention::Online)];
    assert_eq!(both.classes, expected);

    let away = json!({"availability": "away"});
    phone.call("presence.set", away).await.unwrap();
    let both = next_presence(&mut bob).await;
    assert_eq!(both.availability, Availability::Online);
    let expected = [desktop(Attention::Online), ios(Attention::Away)];
    assert_eq!(both.classes, expected);

    phone.call("session.close", json!({})).await.unwrap();
    assert_eq!(next_presence(&mut bob).await, online("alice"));
}

#[tokio::test]
async fn typing_is_heard_by_the_other_members_only() {
    let world = World::engine().await;
    let mut alice = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let mut bob = world.connect("bob", "phone").await;
    let mut mallory = world.connect("mallory", "phone").await;
    let room = group(&alice, &["bob"]).await;
    let aside = group(&alice, &["mallory"]).await;
    let typing = Typing { conversation: room };

    call(&alice, typing.clone()).await;
    let heard = next_that(&mut bob, "that alice is writing", |push| match push {
        Push::Typing(typing) => Some(typing.clone()),
        _ => None,
    });
    let heard = heard.await;
    assert_eq!((heard.conversation, heard.user), (room, user("alice")));
    assert!(heard.expires_in_ms > 0);
    assert_eq!(refused(&mallory, typing).await, Code::NotFound);

    alice.send(&room, "done").await.unwrap();
    alice.send(&aside, "done").await.unwrap();
    for session in [&mut alice, &mut laptop, &mut mallory, &mut bob] {
        let told = told_until_done(session).await;
        assert!(
            !told.iter().any(|push| matches!(push, Push::Typing(_))),
            "{told:?}"
        );
    }
}

#[tokio::test]
async fn nobody_sees_somebody_across_a_block() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    let room = group(&alice, &["bob"]).await;
    let watch = SubscribePresence {
        users: vec![user("alice")],
    };
    assert_eq!(call(&bob, watch.clone()).await.items, [online("alice")]);

    call(&alice, BlockUser { user: user("bob") }).await;
    call(&alice, Typing { conversation: chat }).await;
    let laptop = world.connect("alice", "laptop").await;
    drop(alice);
    drop(laptop);
    let alice = world.connect("alice", "phone").await;

    assert_eq!(call(&bob, watch).await.items, [offline("alice")]);
    let watch = SubscribePresence {
        users: vec![user("bob")],
    };
    assert_eq!(call(&alice, watch).await.items, [offline("bob")]);
    alice.send(&room, "done").await.unwrap();
    let told = told_until_done(&mut bob).await;
    let seen = |push: &Push| matches!(push, Push::Presence(_) | Push::Typing(_));
    assert!(!told.iter().any(seen), "{told:?}");
}

pub(crate) async fn next_presence(session: &mut Session) -> Presence {
    next_that(session, "a presence", |push| match push {
        Push::Presence(presence) => Some(presence.clone()),
        _ => None,
    })
    .await
}

/// What a session is told until somebody says "done". Pushes keep their order, so whatever was pushed before is in it.
async fn told_until_done(session: &mut Session) -> Told {
    let mut told = Told::new();
    next_that(session, "the word", |push| {
        told.push(push.clone());
        matches!(push, Push::Entry(entry) if format!("{:?}", entry.body).contains("done"))
            .then_some(())
    })
    .await;
    told
}

const fn desktop(availability: Attention) -> ClassPresence {
    ClassPresence {
        class: DeviceClass::Desktop,
        availability,
    }
}

fn online(name: &str) -> Presence {
    Presence {
        user: user(name),
        availability: Availability::Online,
        classes: vec![desktop(Attention::Online)],
        last_seen_ms: None,
    }
}

fn away(name: &str) -> Presence {
    Presence {
        availability: Availability::Away,
        classes: vec![desktop(Attention::Away)],
        ..online(name)
    }
}

fn offline(name: &str) -> Presence {
    Presence {
        availability: Availability::Offline,
        classes: Vec::new(),
        ..online(name)
    }
}

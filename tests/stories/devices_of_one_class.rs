//! How many devices of a class are let in: any number, one, or no second one.

use im_core::{Admission, CloseReason, Error, LoginPolicy, Session};
use serde_json::{Value, json};

use crate::world::{ByHand, Rules, World, within};

/// An engine that has a rule for desktops, and none for others.
async fn world(desktop: Admission) -> World {
    let login_policy = LoginPolicy {
        desktop,
        ..LoginPolicy::default()
    };
    World::engine_with(Rules {
        login_policy,
        ..Rules::default()
    })
    .await
}

fn opening(device: &str) -> Value {
    json!({"token": "alice", "device": device, "class": "desktop"})
}

/// Why a session is over.
pub(crate) async fn end_of(session: &mut Session) -> Error {
    let end = async {
        loop {
            if let Err(error) = session.next_event().await {
                break error;
            }
        }
    };
    within("the end of a session", end).await
}

#[tokio::test]
async fn where_one_of_a_class_is_let_in_a_new_device_displaces_the_other() {
    let world = world(Admission::One).await;
    let mut phone = world.by_hand("alice", "phone").await;
    let bob = world.connect("bob", "laptop").await;
    let mut old = world.connect("alice", "laptop").await;
    let mut older = ByHand::dial(world.address(), None).await;
    older.call("session.open", opening("tower")).await.unwrap();
    assert_eq!(
        end_of(&mut old).await,
        Error::Closed(CloseReason::Displaced)
    );

    let _new = world.connect("alice", "new-laptop").await;

    let closing = older.push_of("session.closing").await;
    assert_eq!(closing["reason"], "displaced");
    assert_eq!(older.close_code().await, 4300);
    // Another class, and another user.
    phone.call("session.ping", json!({})).await.unwrap();
    within("a reply", bob.call(im_core::Ping {})).await.unwrap();
    assert_eq!(world.im().session_count(), 3);
}

#[tokio::test]
async fn where_a_second_of_a_class_is_refused_it_waits_until_the_first_is_gone() {
    let world = world(Admission::Refuse).await;
    let first = world.connect("alice", "laptop").await;
    let mut second = ByHand::dial(world.address(), None).await;

    let refusal = second.call("session.open", opening("tower")).await;

    let refusal = refusal.unwrap_err();
    assert_eq!(refusal["code"], "device_limit");
    assert_eq!(refusal["retryable"], false);
    within("a reply", first.call(im_core::Ping {}))
        .await
        .unwrap();
    let mut phone = world.by_hand("alice", "phone").await;
    let listed = phone.call("device.list", json!({})).await.unwrap();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2, "{listed}");
    // The same device comes again: it takes its own place.
    let mut again = ByHand::dial(world.address(), None).await;
    again.call("session.open", opening("laptop")).await.unwrap();
    again.call("session.close", json!({})).await.unwrap();
    second.call("session.open", opening("tower")).await.unwrap();
}

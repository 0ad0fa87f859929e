//! A user's devices: listed, logged out one by one, and forgotten when there are too many.

use im_core::{
    CloseReason, Code, DeviceId, DeviceView, ForgetDevice, Limits, ListDevices, Session,
    testing::{device, user},
};
use serde_json::{Value, json};

use crate::world::{ByHand, Rest, Rules, World, call};

async fn list(session: &Session) -> Vec<DeviceView> {
    call(session, ListDevices::default()).await.items
}

fn ids(devices: &[DeviceView]) -> Vec<&DeviceId> {
    devices.iter().map(|device| &device.id).collect()
}

/// A device of alice's has gone, whenever its link notices.
fn leave(world: &World, name: &str) {
    let reason = CloseReason::GoingAway;
    world
        .im()
        .disconnect(&user("alice"), Some(&device(name)), reason);
}

#[tokio::test]
async fn a_user_sees_its_devices_and_which_of_them_are_here() {
    let world = World::server().await;
    let tablet = world.connect("alice", "tablet").await;
    let phone = world.connect("alice", "phone").await;
    let _bob = world.connect("bob", "bobs").await;
    drop(tablet);
    leave(&world, "tablet");
    let token = world.token("alice", "phone").await;
    let rest = Rest::new(world.address(), Some(token));

    let devices = list(&phone).await;

    assert_eq!(ids(&devices), [&device("phone"), &device("tablet")]);
    let here = devices.iter().map(|it| (it.connected, it.current));
    assert_eq!(here.collect::<Vec<_>>(), [(true, true), (false, false)]);
    assert!(devices.iter().all(|it| it.created_at_ms <= it.last_seen_ms));
    let by_rest = rest.get("/v1/devices").await;
    assert_eq!(
        by_rest.body,
        json!({"items": devices}),
        "the same by both doors"
    );
}

/// How a device signs in.
async fn sign_in(rest: &Rest, device: &str) -> Value {
    let body = json!({"user": "alice", "password": "correct horse", "device": device});
    let answer = rest.send("POST", "/v1/sessions", &body).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.body
}

#[tokio::test]
async fn a_device_that_is_logged_out_comes_in_by_no_door() {
    let world = World::server().await;
    let nobody = Rest::new(world.address(), None);
    let account = json!({"user": "alice", "password": "correct horse"});
    nobody.send("POST", "/v1/accounts", &account).await;
    let phone = sign_in(&nobody, "phone").await;
    let tablet = sign_in(&nobody, "tablet").await;
    let token = |of: &Value| of["access_token"].as_str().unwrap().to_owned();
    let issued = world.token("alice", "tablet").await;
    let on_tablet = Rest::new(world.address(), Some(token(&tablet)));
    let on_phone = Rest::new(world.address(), Some(token(&phone)));
    // With a token that a back end gave it, and with its own under another name.
    let links = [
        ByHand::open(world.address(), &issued, "tablet").await,
        ByHand::open(world.address(), &token(&tablet), "other").await,
    ];

    let answer = on_phone
        .send("DELETE", "/v1/devices/tablet", &json!({}))
        .await;

    assert_eq!(answer.status, 204, "{answer:?}");
    for mut link in links {
        let closing = link.push_of("session.closing").await;
        assert_eq!(closing["reason"], "unauthenticated");
        assert_eq!(link.close_code().await, 4200);
    }
    assert_eq!(on_tablet.get("/v1/devices").await.status, 401);
    let with_issued = Rest::new(world.address(), Some(issued.clone()));
    assert_eq!(with_issued.get("/v1/devices").await.status, 401);
    let refresh = json!({"refresh_token": tablet["refresh_token"]});
    let refreshed = nobody.send("POST", "/v1/sessions/refresh", &refresh).await;
    assert_eq!(refreshed.status, 401);
    let mut link = ByHand::dial(world.address(), None).await;
    let open = json!({"token": issued, "device": "tablet"});
    let refusal = link.call("session.open", open).await.unwrap_err();
    assert_eq!(refusal["code"], "unauthenticated");
    let known = on_phone.get("/v1/devices").await.body;
    let known = known["items"].as_array().unwrap();
    assert_eq!(known.len(), 1, "{known:?}");
    assert_eq!(known[0]["id"], "other");
    let refresh = json!({"refresh_token": phone["refresh_token"]});
    let refreshed = nobody.send("POST", "/v1/sessions/refresh", &refresh).await;
    assert_eq!(refreshed.status, 200, "the others stay");
    // It may sign in again.
    let again = sign_in(&nobody, "tablet").await;
    ByHand::open(world.address(), &token(&again), "tablet").await;
}

#[tokio::test]
async fn a_device_that_came_with_the_token_of_another_is_out_as_well() {
    let world = World::server().await;
    let phone = world.connect("alice", "phone").await;
    let lent = world.token("alice", "elsewhere").await;
    let mut tablet = ByHand::open(world.address(), &lent, "tablet").await;

    let forget = ForgetDevice {
        device: device("tablet"),
    };
    call(&phone, forget).await;

    let closing = tablet.push_of("session.closing").await;
    assert_eq!(closing["reason"], "unauthenticated");
    let rest = Rest::new(world.address(), Some(lent));
    assert_eq!(rest.get("/v1/devices").await.status, 401);
}

#[tokio::test]
async fn a_device_that_was_logged_out_is_still_out_after_a_restart() {
    let mut world = World::server().await;
    let tablet = world.token("alice", "tablet").await;
    let phone = world.token("alice", "phone").await;
    let rest = Rest::new(world.address(), Some(phone.clone()));
    let forget = rest.send("DELETE", "/v1/devices/tablet", &json!({})).await;
    assert_eq!(forget.status, 204);

    world.restart().await;

    for (token, status) in [(tablet, 401), (phone, 200)] {
        let rest = Rest::new(world.address(), Some(token));
        assert_eq!(rest.get("/v1/devices").await.status, status);
    }
}

#[tokio::test]
async fn a_device_may_log_itself_out() {
    let world = World::engine().await;
    let mut phone = world.by_hand("alice", "phone").await;
    let laptop = world.connect("alice", "laptop").await;

    phone.ask("device.forget", json!({"device": "phone"})).await;

    let closing = phone.push_of("session.closing").await;
    assert_eq!(closing["reason"], "unauthenticated");
    assert_eq!(ids(&list(&laptop).await), [&device("laptop")]);
}

#[tokio::test]
async fn a_user_forgets_a_device_of_its_own_alone() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let forget = |name: &str| ForgetDevice {
        device: device(name),
    };

    // There is none of this name: it is gone already.
    call(&alice, forget("tablet")).await;
    call(&bob, forget("laptop")).await;

    assert_eq!(ids(&list(&alice).await), [&device("phone")]);
    assert_eq!(ids(&list(&bob).await), [&device("phone")]);
    assert_eq!(world.im().session_count(), 2);
}

#[tokio::test]
async fn a_device_that_was_longest_away_makes_room_for_another() {
    let limits = Limits {
        devices_per_user: 2,
        ..Limits::default()
    };
    let world = World::engine_with(Rules {
        limits,
        ..Rules::default()
    })
    .await;
    let _first = world.by_hand("alice", "old").await;
    let phone = world.connect("alice", "phone").await;
    let mut third = ByHand::dial(world.address(), None).await;
    let open = json!({"token": "alice", "device": "new"});
    let refusal = third.call("session.open", open.clone()).await.unwrap_err();
    assert_eq!(refusal["code"], Code::DeviceLimit.as_str());

    leave(&world, "old");
    third.call("session.open", open).await.unwrap();

    assert_eq!(ids(&list(&phone).await), [&device("new"), &device("phone")]);
    // It is new when it comes again.
    leave(&world, "new");
    let _old = world.by_hand("alice", "old").await;
    assert_eq!(ids(&list(&phone).await), [&device("old"), &device("phone")]);
}

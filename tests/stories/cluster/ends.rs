//! Sessions that end because of what happens on another node.

use im_core::{
    Actor, Admission, CloseReason, Code, Error, ForgetDevice, LoginPolicy, RestrictUser,
    RestrictionKind, SignOutUser,
    testing::{device, user},
};

use super::pair::{A, B, Pair};
use crate::{
    devices_of_one_class::end_of,
    world::{Rules, call, within},
};

pub(crate) async fn banned(pair: Pair) {
    let mut bob = pair.connect(B, "bob", "phone").await;
    let operator = Actor::service(user("operator"));
    let ban = RestrictUser {
        user: user("bob"),
        kind: RestrictionKind::Banned,
        until_ms: None,
        reason: Some("spam".into()),
    };

    within("a ban", pair.im(A).call(&operator, ban))
        .await
        .unwrap();

    assert_eq!(end_of(&mut bob).await, Error::Closed(CloseReason::Banned));
    for node in [A, B] {
        let again = within("a refusal", pair.im(node).connect("bob", "phone")).await;
        assert_eq!(code_of(again.err()), Code::AccountBanned, "{node}");
    }
}

pub(crate) async fn signed_out(pair: Pair) {
    let phone = pair.connect(A, "bob", "phone").await;
    let mut laptop = pair.connect(B, "bob", "laptop").await;
    let mut tablet = pair.connect(B, "bob", "tablet").await;

    let forget = ForgetDevice {
        device: device("laptop"),
    };
    call(&phone, forget).await;
    let unauthenticated = Error::Closed(CloseReason::Unauthenticated);
    assert_eq!(end_of(&mut laptop).await, unauthenticated);

    let operator = Actor::service(user("operator"));
    let out = SignOutUser { user: user("bob") };
    within("a log-out", pair.im(A).call(&operator, out))
        .await
        .unwrap();
    assert_eq!(end_of(&mut tablet).await, unauthenticated);
}

fn rules(bot: Admission) -> Rules {
    // Sessions in process are those of programs.
    let login_policy = LoginPolicy {
        bot,
        ..LoginPolicy::default()
    };
    Rules {
        login_policy,
        ..Rules::default()
    }
}

#[tokio::test]
async fn where_one_of_a_class_is_let_in_one_on_another_node_is_displaced() {
    let pair = Pair::in_memory_with(rules(Admission::One)).await;
    let mut first = pair.connect(A, "alice", "one").await;

    let second = pair.connect(B, "alice", "two").await;

    let displaced = Error::Closed(CloseReason::Displaced);
    assert_eq!(end_of(&mut first).await, displaced);
    within("a reply", second.call(im_core::Ping {}))
        .await
        .unwrap();
    // And back.
    let mut second = second;
    let third = pair.connect(A, "alice", "three").await;
    assert_eq!(end_of(&mut second).await, displaced);
    within("a reply", third.call(im_core::Ping {}))
        .await
        .unwrap();
}

#[tokio::test]
async fn where_a_second_of_a_class_is_refused_it_is_on_another_node_too() {
    let pair = Pair::in_memory_with(rules(Admission::Refuse)).await;
    let first = pair.connect(A, "alice", "one").await;

    let second = within("a refusal", pair.im(B).connect("alice", "two")).await;

    assert_eq!(code_of(second.err()), Code::DeviceLimit);
    within("a reply", first.call(im_core::Ping {}))
        .await
        .unwrap();
    drop(first);
    let _second = within("that the place is free", async {
        loop {
            if let Ok(session) = pair.im(B).connect("alice", "two").await {
                break session;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_device_that_comes_again_by_another_node_takes_its_own_place() {
    let pair = Pair::in_memory_with(rules(Admission::Refuse)).await;
    let mut first = pair.connect(A, "alice", "one").await;

    let again = pair.connect(B, "alice", "one").await;

    assert_eq!(
        end_of(&mut first).await,
        Error::Closed(CloseReason::Displaced)
    );
    within("a reply", again.call(im_core::Ping {}))
        .await
        .unwrap();
}

#[tokio::test]
async fn who_lost_its_place_on_another_node_ends_though_the_letters_that_say_so_are_lost() {
    for (admission, again) in [(Admission::One, "two"), (Admission::Any, "one")] {
        let pair = Pair::in_memory_with(rules(admission)).await;
        let mut first = pair.connect(A, "alice", "one").await;
        // That it is displaced, and twice where Alice is by now.
        pair.lose(A, 3);

        let second = pair.connect(B, "alice", again).await;

        let displaced = Error::Closed(CloseReason::Displaced);
        assert_eq!(end_of(&mut first).await, displaced, "{again}");
        within("a reply", second.call(im_core::Ping {}))
            .await
            .unwrap();
    }
}

fn code_of(error: Option<Error>) -> Code {
    match error {
        Some(Error::Rejected(rejection)) => rejection.code,
        other => panic!("{other:?}"),
    }
}

//! Sessions whose token ends.

use std::{sync::Arc, time::Duration};

use im_core::{
    Attachment, Call as _, CloseReason, Code, Ping, Push,
    port::{Identity, Runtime as _},
};

use super::begun;
use crate::{
    link::{identity, opening},
    outlet::TestOutlet,
    world::World,
};

/// A session of device 1, opened with a token that lasts that long.
fn open(world: &World, span: Duration) -> (Attachment, Arc<TestOutlet>) {
    let (ground, device) = (&world.ground, &world.devices[1]);
    let outlet = Arc::new(TestOutlet::new(ground.banned.clone()));
    let identity = Identity {
        expires_at_ms: Some(ground.runtime.now().plus(span)),
        ..identity(&device.user)
    };
    let opening = opening(&device.id);
    let attach = ground.im.attach(identity, &opening, outlet.clone());
    (ground.runtime.block_on(attach).unwrap(), outlet)
}

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_session_that_asks_nothing_ends_with_its_token() {
    let world = begun(&[]);
    let (_session, outlet) = open(&world, MINUTE);
    let runtime = &world.ground.runtime;

    runtime.advance(MINUTE + SECOND);

    assert_eq!(outlet.closed(), Some(CloseReason::Unauthenticated));
    let pushes: Vec<_> = std::iter::from_fn(|| outlet.next()).collect();
    let last_words = |push: &Push| matches!(push, Push::SessionClosing(closing) if closing.reason == CloseReason::Unauthenticated);
    assert!(pushes.iter().any(last_words), "{pushes:?}");
    assert_eq!(world.ground.im.session_count(), 0);
}

#[test]
fn a_session_whose_token_lasts_stays() {
    let world = begun(&[]);
    let (session, outlet) = open(&world, MINUTE);
    let runtime = &world.ground.runtime;

    runtime.advance(MINUTE - SECOND);

    assert_eq!(outlet.closed(), None);
    assert!(
        runtime
            .block_on(session.execute(Ping {}.into_command()))
            .is_ok()
    );
}

#[test]
fn a_session_that_took_anothers_place_ends_with_its_own_token() {
    let world = begun(&[]);
    let (_first, displaced) = open(&world, MINUTE);
    let (_second, outlet) = open(&world, MINUTE * 2);
    let runtime = &world.ground.runtime;

    runtime.advance(MINUTE + SECOND);
    assert_eq!(displaced.closed(), Some(CloseReason::Displaced));
    assert_eq!(outlet.closed(), None);
    runtime.advance(MINUTE);

    assert_eq!(outlet.closed(), Some(CloseReason::Unauthenticated));
}

#[test]
fn nobody_looks_at_the_clock_when_no_session_has_an_end() {
    let world = begun(&[]);
    let (session, _outlet) = open(&world, MINUTE * 60);
    let runtime = &world.ground.runtime;
    runtime.advance(SECOND * 10);
    assert!(runtime.next_deadline().is_some());

    drop(session);
    runtime.advance(SECOND * 10);

    assert_eq!(runtime.next_deadline(), None);
}

#[test]
fn a_clock_that_is_put_forward_ends_sessions() {
    let world = begun(&[]);
    let (_session, outlet) = open(&world, MINUTE);

    world.ground.runtime.step_wall_clock(60_000);
    world.ground.runtime.advance(SECOND);

    assert_eq!(outlet.closed(), Some(CloseReason::Unauthenticated));
}

#[test]
fn a_clock_that_is_put_back_ends_none() {
    let world = begun(&[]);
    let (_session, outlet) = open(&world, MINUTE);

    world.ground.runtime.step_wall_clock(-300_000);
    world.ground.runtime.advance(MINUTE * 2);

    assert_eq!(outlet.closed(), None);
}

#[test]
fn what_is_asked_after_the_end_of_the_token_is_refused_at_once() {
    let world = begun(&[]);
    let (session, outlet) = open(&world, MINUTE);
    let runtime = &world.ground.runtime;
    runtime.step_wall_clock(60_000);

    let answer = runtime.block_on(session.execute(Ping {}.into_command()));

    assert_eq!(answer.unwrap_err().code, Code::Unauthenticated);
    assert_eq!(outlet.closed(), Some(CloseReason::Unauthenticated));
}

//! A node that goes away, and when its devices come back.

use std::{collections::BTreeSet, pin::pin, sync::Arc, time::Duration};

use futures_util::future::{Either, select};
use im_core::{
    CloseReason, DeviceId, Push, SessionClosing,
    port::{Broadcast, Outlet as _, Runtime as _, Urgency},
};

use super::begun;
use crate::{
    device::State,
    link::{identity, opening},
    ops::Op,
    outlet::TestOutlet,
    world::{World, user},
};

#[test]
fn a_node_that_goes_away_gives_each_session_another_time_to_come_back() {
    const SESSIONS: u32 = 1_000;
    let world = World::new(0, 0);
    let im = &world.ground.im;
    let sessions: Vec<_> = (0..SESSIONS)
        .map(|n| {
            let outlet = Arc::new(TestOutlet::new(world.ground.banned.clone()));
            let device = DeviceId::new(format!("device{n}")).unwrap();
            let open = opening(&device);
            let attached = im.attach(identity(&user(0)), &open, outlet.clone());
            let attachment = world.ground.runtime.block_on(attached).unwrap();
            (attachment, outlet)
        })
        .collect();

    world.ground.runtime.block_on(im.shut_down());

    let mut times = BTreeSet::new();
    for (_, outlet) in &sessions {
        assert_eq!(outlet.closed(), Some(CloseReason::GoingAway));
        times.insert(outlet.time_away());
    }
    let span = Duration::from_millis(2) * SESSIONS;
    assert!(*times.last().unwrap() < span);
    assert!(*times.last().unwrap() > span * 9 / 10);
    assert!(*times.first().unwrap() < span / 10);
    // About 787 of 2,000 by chance.
    assert!(times.len() > 600, "{} different times", times.len());
}

/// How long a session stays away that is asked to for so long.
fn time_away(asked: Duration) -> Duration {
    let device = 2;
    let mut world = begun(&[Op::Connect { device }]);
    let runtime = world.ground.runtime.clone();
    let State::Session(session, connector) = &mut world.devices[device].state else {
        panic!("this device is a session")
    };
    let outlet = connector.outlet.lock().unwrap().clone().unwrap();
    let closing = Push::SessionClosing(SessionClosing {
        reason: CloseReason::GoingAway,
        retry_after_ms: asked.as_millis() as u64,
    });
    outlet.offer(&Broadcast::new(Urgency::Control, vec![closing]));
    outlet.close(CloseReason::GoingAway);

    let begin = runtime.monotonic();
    let is_back = || !Arc::ptr_eq(connector.outlet.lock().unwrap().as_ref().unwrap(), &outlet);
    while !is_back() {
        let event = pin!(session.next_event());
        let tick = runtime.sleep(Duration::from_millis(100));
        if let Either::Left((push, _)) = runtime.block_on(select(event, tick)) {
            push.unwrap();
        }
    }
    runtime.monotonic() - begin
}

#[test]
fn a_device_stays_away_for_as_long_as_it_is_asked_to_within_reason() {
    let second = Duration::from_secs(1);
    let tick = Duration::from_millis(150);
    for (asked, expected) in [
        (Duration::ZERO, Duration::ZERO),
        (second * 5, second * 5),
        (second * 86_400, second * 60),
    ] {
        let away = time_away(asked);
        assert!((expected..expected + tick).contains(&away), "{away:?}");
    }
}

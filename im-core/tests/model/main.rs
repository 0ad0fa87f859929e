//! Random histories, held against what must be true whatever happens.
//!
//! `ops` is what can happen: users ask, devices come, go, read slowly and lose replies, the store fails before it stores,
//! after it stored, or answers late, another engine writes to the same log, clocks step. `asks` is what is asked of
//! conversations, `wishes` what users want beside. `truth` folds the log, `rules` tells who may what, and `own` and `doors`
//! what is in no log, all without the engine's code. `step`, `requests`, `own` and `doors` make things happen and judge
//! each answer; `laws` checks the eight laws after every step and when everything has come to rest, `attached` what is
//! found beside the logs. What this covers, and what it was seen to find: docs/reliability.md.
//!
//! Bugs that were put in by hand, one at a time, to see that this finds them (2026-11, 1,500 histories; not in the code).
//! Found by the random histories, with the number of good ones before: the session of a kicked member stays in the
//! audience (10) · `caught_up` clears without looking at the head (702) · a recall does not wipe edits (39), or what waits
//! to be delivered (7) · positions merge backwards (0) · pushes are not compared with what the device has (8) · a conflict
//! counts as stored (14) · a retry is not compared with the first request (0) · nobody looks again after an unknown
//! outcome (80), or for an unknown beginning (0) · own messages count as unread (0), or those found later (2) · the tracker
//! forgets where it is out (118) · an ended session stays present (32) · resuming skips the beginning of what is new (43) ·
//! former members read on (0) · the same message twice in a batch (17) · a push that found no room is forgotten (0) · a
//! retry that changes nothing gets the head (0) · joining shows what was before (142) · a cancelled fetch is forgotten
//! (347) · a session that is opened does not look again after a departure (268), or does not listen (1) · admins remove
//! admins (85). Found by a named test alone: newcomers get what was stored before them · who comes back stays behind ·
//! the first of a batch decides who is blocked · edits pass a block · a cursor keeps its page over sessions.
//!
//! One thread, virtual time. More histories: `PROPTEST_CASES=10000 cargo test -p im-core --test model`. What was found
//! once has a test with a name in `regressions`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and looks at what it is about"
)]

mod archives;
mod asks;
mod attached;
mod commands;
mod device;
mod doors;
mod faults;
mod flags;
mod hooks;
mod later;
mod laws;
mod link;
mod lists;
mod ops;
mod outlet;
mod overload;
mod own;
mod places;
mod rates;
mod readme;
mod regressions;
mod reports;
mod requests;
mod rules;
mod scheduled;
mod settings;
mod slow;
mod standings;
mod step;
mod streaming;
mod threads;
mod traces;
mod truth;
mod unread;
mod wishes;
mod words;
mod world;

use proptest::prelude::*;
use world::World;

fn run(coalesce_ms: u64, seed: u64, ops: &[ops::Op]) {
    let mut world = World::new(coalesce_ms, seed);
    for op in ops {
        world.step(op);
    }
    world.settle();
    world.check_end();
}

/// As many histories as a push waits for, unless the environment asks for more.
fn config() -> ProptestConfig {
    let mut config = ProptestConfig {
        max_shrink_iters: 4_000,
        ..ProptestConfig::default()
    };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = 128;
    }
    config
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_laws_hold((coalesce_ms, seed, ops) in ops::history()) {
        run(coalesce_ms, seed, &ops);
    }
}

//! Random histories, held against what must be true whatever happens.
//!
//! `ops` is what can happen: users ask, devices come, go, read slowly and lose replies, the store fails before it stores,
//! after it stored, or answers late, another engine writes to the same log, clocks step. `truth` folds the log and tells
//! the rules once more, without the engine's code. `step` makes things happen and judges each answer; `laws` checks the
//! eight laws after every step and when everything has come to rest.
//!
//! One thread, virtual time. More histories: `PROPTEST_CASES=10000 cargo test -p im-core --test model`. What was found
//! once has a test with a name in `regressions`.

#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, and looks at what it is about"
)]

mod device;
mod faults;
mod laws;
mod link;
mod ops;
mod outlet;
mod readme;
mod regressions;
mod requests;
mod slow;
mod step;
mod threads;
mod truth;
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

//! Random histories, held against what must be true whatever happens.

mod device;
mod faults;
mod laws;
mod link;
mod ops;
mod outlet;
mod readme;
mod step;
mod truth;
mod world;

use proptest::prelude::*;
use world::World;

pub(crate) fn run(coalesce_ms: u64, ops: &[ops::Op]) {
    let mut world = World::new(coalesce_ms);
    for op in ops {
        world.step(op);
    }
    world.settle();
    world.check_end();
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4_000, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold((coalesce_ms, ops) in ops::history()) {
        run(coalesce_ms, &ops);
    }
}

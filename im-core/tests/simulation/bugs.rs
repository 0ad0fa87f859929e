//! That the checker finds what is wrong: bugs that are switched on one at a time.

use std::collections::BTreeSet;

use im_core::testing::simulation::{Bug, Ill, Setup, check, run};
use im_store::MemoryStore;

/// Schedules that each bug may take until it is found.
const PATIENCE: u64 = 40;

/// Which seed found a bug first, and as what.
fn hunt(bug: Bug) -> Option<(u64, BTreeSet<Ill>)> {
    (0..PATIENCE).find_map(|seed| {
        let setup = Setup {
            bug: Some(bug),
            ..crate::seeds::setup(seed)
        };
        let found = check(&run(seed, MemoryStore::new(), &setup));
        let ills: BTreeSet<_> = found.into_iter().map(|finding| finding.ill).collect();
        (!ills.is_empty()).then_some((seed, ills))
    })
}

#[test]
fn of_forty_seven_bugs_forty_five_are_found() {
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match hunt(bug) {
            Some((seed, ills)) => println!("{bug:?}: {ills:?} after {seed}"),
            None => missed.push(bug),
        }
    }
    println!("not found: {missed:?}");
    assert!(missed.len() <= 2, "not found: {missed:?}");
}

//! Many seeds, and that each gives one history.

use std::{
    env,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use im_core::testing::simulation::{History, Setup, check, run};
use im_store::MemoryStore;

/// Schedules of an ordinary run.
const SEEDS: u64 = 200;

/// Fewer or more nodes and steps, by the seed.
pub(crate) fn setup(seed: u64) -> Setup {
    Setup {
        nodes: 1 + (seed % 3) as usize,
        steps: 20 + (seed % 5) as usize * 15,
        ..Setup::default()
    }
}

pub(crate) fn history(seed: u64) -> History {
    run(seed, MemoryStore::new(), &setup(seed))
}

/// A number that the environment asks for.
fn asked(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

/// What is wrong with a schedule, a line each; nothing when it is good.
fn ills(seed: u64) -> Vec<String> {
    let found = catch_unwind(AssertUnwindSafe(|| check(&history(seed))));
    match found {
        Ok(found) => found.iter().map(ToString::to_string).collect(),
        Err(_) => vec!["panicked".to_owned()],
    }
}

/// The bad ones of some seeds. Every schedule has a thread to itself.
fn bad(seeds: &[u64]) -> Vec<u64> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let hunt = |first: usize| -> Vec<u64> {
        let mine = seeds.iter().copied().skip(first).step_by(threads);
        mine.filter(|seed| {
            let ills = ills(*seed);
            if ills.is_empty() {
                return false;
            }
            let again = format!("IM_SEED={seed} cargo test -p im-core --test simulation");
            eprintln!("seed {seed}, again with {again}\n{}", ills.join("\n"));
            true
        })
        .collect()
    };
    let mut bad: Vec<u64> = thread::scope(|scope| {
        let hunts: Vec<_> = (0..threads)
            .map(|first| {
                let hunt = &hunt;
                scope.spawn(move || hunt(first))
            })
            .collect();
        let ends = hunts.into_iter().map(|hunt| hunt.join().unwrap());
        ends.flatten().collect()
    });
    bad.sort_unstable();
    bad
}

#[test]
fn every_schedule_of_the_simulation_is_good() {
    let seeds: Vec<u64> = match asked("IM_SEED") {
        Some(seed) => vec![seed],
        None => {
            let first = asked("IM_FIRST_SEED").unwrap_or(0);
            (first..first + asked("IM_SEEDS").unwrap_or(SEEDS)).collect()
        }
    };
    if env::var_os("IM_TELL").is_some() {
        for event in history(seeds[0]).events {
            println!("{event:?}");
        }
    }

    let bad = bad(&seeds);

    assert!(bad.is_empty(), "bad schedules: {bad:?}");
}

#[test]
fn a_seed_gives_the_same_history_each_time() {
    for seed in 0..12 {
        let (one, other) = (history(seed).digest(), history(seed).digest());
        assert_eq!(one, other, "seed {seed}");
    }
    assert_ne!(history(1).digest(), history(2).digest());
}

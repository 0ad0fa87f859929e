//! Everything that reads bytes of strangers, against the inputs that are kept and against many that are made of them.
//!
//! The same mutations on every machine: a failure prints its input, which then belongs into `corpus`.
//! `IM_PARSER_INPUTS=1000000 cargo test --workspace --test parsers` looks longer, cargo-fuzz (`tests/fuzz`) looks better.

#![allow(clippy::unwrap_used)]

mod mutator;
mod targets;

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use mutator::Mutator;
use targets::{TARGETS, Target};

/// Time on a processor that one input may take: 10 ms of an optimised build, and what is lost without optimisation and on
/// a slow machine. An input that explodes takes seconds.
const MOST: Duration = Duration::from_millis(if cfg!(debug_assertions) { 400 } else { 50 });

/// Longest input that is made.
const LONGEST: usize = 8 * 1024;

fn survive(name: &str) {
    let target = TARGETS.iter().find(|target| target.name == name).unwrap();
    let seeds = seeds(target);
    assert!(
        !seeds.is_empty(),
        "{name} has inputs in tests/parsers/corpus"
    );
    // What is made once is not an input's.
    targets::read(name, &seeds[0]);
    for seed in &seeds {
        read(target, seed);
    }
    let wanted = std::env::var("IM_PARSER_INPUTS").ok();
    let count = wanted.map_or(target.inputs, |text| text.parse().unwrap());
    let mut mutator = Mutator::new(name, seeds, LONGEST);
    for _ in 0..count {
        read(target, &mutator.input());
    }
}

/// Inputs that are kept; of frames also the golden ones.
fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = home.join("parsers/corpus").join(target.name);
    let mut paths: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    paths.sort();
    let mut seeds: Vec<_> = paths.iter().map(|path| fs::read(path).unwrap()).collect();
    if target.name.starts_with("frames") {
        let mut golden: Vec<_> = fs::read_dir(home.join("golden"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .collect();
        golden.retain(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        });
        golden.sort();
        for path in golden {
            let frames: serde_json::Value =
                serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
            let frames = frames.as_object().unwrap().values();
            seeds.extend(frames.map(|frame| match target.name {
                "frames_json" => frame.to_string().into_bytes(),
                _ => rmp_serde::to_vec_named(frame).unwrap(),
            }));
        }
    }
    seeds
}

fn read(target: &Target, input: &[u8]) {
    let began = spent();
    let outcome = catch_unwind(AssertUnwindSafe(|| targets::read(target.name, input)));
    let took = spent() - began;
    let shown = || input.escape_ascii().to_string();
    assert!(
        outcome.is_ok(),
        "{} panicked on b\"{}\"",
        target.name,
        shown()
    );
    assert!(
        took < MOST,
        "{} took {took:?} for b\"{}\"",
        target.name,
        shown()
    );
}

/// Time that this thread has had on a processor: a busy machine does not count.
fn spent() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(
        u64::try_from(time.tv_sec).unwrap(),
        u32::try_from(time.tv_nsec).unwrap(),
    )
}

/// What a file of `fuzz/fuzz_targets` says. Nothing else compiles them on every machine.
const FUZZ_TARGET: &str = r#"#![no_main]

#[path = "../../parsers/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::read("NAME", bytes));
"#;

/// How it stands in `fuzz/Cargo.toml`.
const FUZZ_BIN: &str = r#"
[[bin]]
name = "NAME"
path = "fuzz_targets/NAME.rs"
bench = false
doc = false
test = false
"#;

/// What a folder holds, without endings.
fn names_in(folder: &Path) -> Vec<String> {
    let items = fs::read_dir(folder).unwrap();
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<_> = items.map(|item| name(item.unwrap().path())).collect();
    names.sort_unstable();
    names
}

macro_rules! targets {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            survive(stringify!($name));
        })*

        #[test]
        fn every_target_has_its_test_its_corpus_and_its_file_for_cargo_fuzz() {
            let mut tested = vec![$(stringify!($name)),*];
            tested.sort_unstable();
            let names: Vec<_> = TARGETS.iter().map(|target| target.name).collect();
            assert_eq!(tested, names);
            let home = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
            assert_eq!(names_in(&home.join("parsers/corpus")), names);
            assert_eq!(names_in(&home.join("fuzz/fuzz_targets")), names);
            let manifest = fs::read_to_string(home.join("fuzz/Cargo.toml")).unwrap();
            let mut bins = String::new();
            for name in names {
                let path = format!("fuzz_targets/{name}.rs");
                let text = fs::read_to_string(home.join("fuzz").join(&path)).unwrap();
                assert_eq!(text, FUZZ_TARGET.replace("NAME", name), "{path}");
                bins += &FUZZ_BIN.replace("NAME", name);
            }
            assert_eq!(manifest[manifest.find("[[bin]]").unwrap()..].trim(), bins.trim());
        }
    };
}

targets! { archive config cursor frames_json frames_msgpack rest search tcp texts token websocket }

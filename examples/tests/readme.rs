//! The README's block is short, is `01-embed`, and does what it says.
#![allow(clippy::unwrap_used)]

use std::{fs, path::Path, process::Command};

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The first block of Rust in the README.
fn block(readme: &str) -> &str {
    let (_, rest) = readme.split_once("```rust").unwrap();
    let (_, rest) = rest.split_once('\n').unwrap();
    rest.split_once("```").unwrap().0
}

#[test]
fn the_readme_shows_the_first_example() {
    let (readme, example) = (read("../README.md"), read("01-embed.rs"));
    let code: String = example
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("//!"))
        .collect();

    assert_eq!(block(&readme), code.trim_start());
    assert!(block(&readme).lines().count() <= 20);
}

#[test]
fn the_first_example_runs_again_and_again_on_its_database() {
    let home = tempfile::tempdir().unwrap();

    for _ in 0..2 {
        let status = Command::new(env!("CARGO_BIN_EXE_01-embed"))
            .current_dir(home.path())
            .status()
            .unwrap();

        assert!(status.success());
    }

    assert!(home.path().join("chat.db").exists());
}

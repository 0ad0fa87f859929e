//! What the rules look at: our sources without comments and tests, and what cargo says of our packages.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A file below a package's `src`, without comment lines and without its unit tests.
#[derive(Debug)]
pub(crate) struct Source {
    /// From the workspace's root, with slashes.
    pub(crate) path: String,
    pub(crate) code: String,
}

impl Source {
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let text = match text.find("#[cfg(test)]\nmod ") {
            Some(tests) => &text[..tests],
            None => text,
        };
        let lines = text
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"));
        Self {
            path: path.to_owned(),
            code: lines.collect::<Vec<_>>().join("\n"),
        }
    }

    pub(crate) fn is_in(&self, folder: &str) -> bool {
        self.path.starts_with(folder)
    }

    /// Whether `word` stands alone somewhere in the code.
    pub(crate) fn has_word(&self, word: &str) -> bool {
        has_word(&self.code, word)
    }
}

/// Whether `word` is in `text`, not as a part of a longer word.
pub(crate) fn has_word(text: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        let goes_on_before = before.is_some_and(part_of_word) && word.starts_with(part_of_word);
        let goes_on_after = after.is_some_and(part_of_word) && word.ends_with(part_of_word);
        !goes_on_before && !goes_on_after
    })
}

/// All sources of the four crates.
pub(crate) fn sources() -> Vec<Source> {
    let mut sources = Vec::new();
    for package in ["im-core", "im-store", "im-transport", "im-server"] {
        read_folder(&root().join(package).join("src"), &mut sources);
    }
    assert!(sources.len() > 50, "the sources were not found");
    sources
}

fn read_folder(folder: &Path, sources: &mut Vec<Source>) {
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        // Unit tests that have files of their own.
        if path.file_stem().is_some_and(|name| name == "tests") {
            continue;
        }
        if path.is_dir() {
            read_folder(&path, sources);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let relative = path.strip_prefix(root()).unwrap();
            let relative = relative.to_string_lossy().replace('\\', "/");
            sources.push(Source::new(&relative, &fs::read_to_string(&path).unwrap()));
        }
    }
}

/// A crate that is linked in, and the features it has there.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Linked {
    pub(crate) name: String,
    pub(crate) features: Vec<String>,
}

/// What a package links by its normal dependencies, all the way down.
pub(crate) fn closure(package: &str) -> Vec<Linked> {
    let tree = ["tree", "-p", package, "-e", "normal", "--prefix", "none"];
    parse_tree(&cargo(&[&tree[..], &["--format", "{p}|{f}"]].concat()))
}

/// Reads lines as `tokio v1.54.1|sync,time`.
pub(crate) fn parse_tree(text: &str) -> Vec<Linked> {
    let linked = text.lines().filter_map(|line| {
        let (package, features) = line.split_once('|')?;
        let features = features.trim_end_matches("(*)").trim().split(',');
        Some(Linked {
            name: package.split(' ').next()?.to_owned(),
            features: features
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
        })
    });
    linked.collect()
}

/// Which of our packages has which normal dependencies, by name.
pub(crate) fn packages() -> Vec<(String, Vec<String>)> {
    let json = cargo(&["metadata", "--format-version", "1", "--no-deps"]);
    let metadata: serde_json::Value = serde_json::from_str(&json).unwrap();
    let name = |value: &serde_json::Value| value["name"].as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let dependencies = |package: &serde_json::Value| {
        let all = package["dependencies"].as_array().unwrap().iter();
        let normal = all.filter(|dependency| dependency["kind"].is_null());
        normal.map(name).collect()
    };
    packages
        .map(|package| (name(package), dependencies(package)))
        .collect()
}

/// What cargo prints; without the network where that is possible.
pub(crate) fn cargo(arguments: &[&str]) -> String {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let run = |more: &[&str]| {
        let mut command = Command::new(&cargo);
        command.args(arguments).args(more).current_dir(root());
        command.output().expect("cargo runs this test")
    };
    let mut output = run(&["--locked", "--offline"]);
    if !output.status.success() {
        output = run(&["--locked"]);
    }
    assert!(
        output.status.success(),
        "cargo {arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}

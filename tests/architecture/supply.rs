//! What we take from others: from where, under which licence, and what not at all. The same as `deny.toml` says to
//! cargo-deny, which looks for advisories beside; this needs neither that program nor a network.

use std::fs;

use crate::sources::root;

/// Licences that may stand beside ours without a condition on who only uses the program.
pub(crate) const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// The one place that crates come from.
pub(crate) const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Crates that we do without: their cryptography is ring's here, and a second one is twice as much to keep patched.
pub(crate) const UNWANTED: &[&str] = &[
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "boring-sys",
    "native-tls",
    "openssl",
    "openssl-sys",
    "rustls-openssl",
];

/// A crate of the lock file: its name and where it comes from; nowhere when it is ours.
pub(crate) type Locked = (String, Option<String>);

/// Every crate of the lock file, for every platform.
pub(crate) fn locked() -> Vec<Locked> {
    parse_lock(&fs::read_to_string(root().join("Cargo.lock")).unwrap())
}

pub(crate) fn parse_lock(text: &str) -> Vec<Locked> {
    let value = |block: &str, key: &str| {
        let line = block
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "));
        line.map(|text| text.trim_matches('"').to_owned())
    };
    let blocks = text.split("[[package]]").skip(1);
    blocks
        .filter_map(|block| Some((value(block, "name")?, value(block, "source"))))
        .collect()
}

/// Crates from elsewhere, and crates that are unwanted.
pub(crate) fn wrong_crates(locked: &[Locked]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, source) in locked {
        match source.as_deref() {
            Some(SOURCE) => {}
            Some(other) => wrong.push(format!("{name} comes from {other}")),
            None if name.starts_with("im-") || ["examples", "tests"].contains(&name.as_str()) => {}
            None => wrong.push(format!("{name} comes from a path")),
        }
        if UNWANTED.contains(&name.as_str()) {
            wrong.push(format!("{name} is not wanted"));
        }
    }
    wrong
}

/// Crates under a licence that is not on our list. A line is a crate, `|`, and its licence in SPDX.
pub(crate) fn wrong_licences(tree: &str) -> Vec<String> {
    let lines = tree.lines().filter_map(|line| line.split_once('|'));
    let wrong = lines.filter(|(_, licence)| !is_granted(licence.trim_end_matches("(*)").trim()));
    let mut wrong: Vec<_> = wrong
        .map(|(name, licence)| format!("{}: {licence}", name.trim()))
        .collect();
    wrong.sort();
    wrong.dedup();
    wrong
}

/// Whether an expression of SPDX can be met by licences of our list.
fn is_granted(expression: &str) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<_> = spaced.split_whitespace().collect();
    let mut at = 0;
    let granted = alternatives(&words, &mut at);
    granted && at == words.len()
}

fn alternatives(words: &[&str], at: &mut usize) -> bool {
    let mut granted = all(words, at);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        granted |= all(words, at);
    }
    granted
}

fn all(words: &[&str], at: &mut usize) -> bool {
    let mut granted = one(words, at);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        granted &= one(words, at);
    }
    granted
}

fn one(words: &[&str], at: &mut usize) -> bool {
    let Some(word) = words.get(*at) else {
        return false;
    };
    *at += 1;
    if *word == "(" {
        let granted = alternatives(words, at);
        let is_closed = words.get(*at) == Some(&")");
        *at += 1;
        return granted && is_closed;
    }
    let mut licence = (*word).to_owned();
    if words.get(*at) == Some(&"WITH") {
        let exception = words.get(*at + 1).copied().unwrap_or_default();
        licence = format!("{licence} WITH {exception}");
        *at += 2;
    }
    LICENCES.contains(&licence.as_str())
}

/// What `deny.toml` does not say as this file does.
pub(crate) fn not_in_deny(text: &str) -> Vec<String> {
    let licences = LICENCES
        .iter()
        .filter(|licence| !licence.contains(" WITH "));
    let quoted = licences.chain(UNWANTED).map(|word| format!("\"{word}\""));
    quoted
        .filter(|word| !text.contains(word.as_str()))
        .collect()
}

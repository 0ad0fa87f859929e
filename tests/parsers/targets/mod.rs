//! Everything that reads bytes of strangers, as functions of bytes: for the mutator of `main.rs` and for cargo-fuzz
//! (`tests/fuzz`). None may panic, whatever it is given, and what holds of every input is asserted in each.
//!
//! A new parser gets a function and a row here, inputs in `corpus/NAME`, and a file in `tests/fuzz/fuzz_targets`.

mod archive;
mod config;
mod frames;
mod rest;
mod tcp;
mod texts;
mod websocket;

/// Something that reads bytes.
pub(crate) struct Target {
    /// Its name: of its folder of inputs, and for cargo-fuzz.
    pub(crate) name: &'static str,
    /// Reads them.
    pub(crate) read: fn(&[u8]),
    /// Inputs of the mutator when nobody says how many: fewer where one costs more.
    pub(crate) inputs: usize,
}

/// All of them.
pub(crate) const TARGETS: &[Target] = &[
    target("archive", archive::archive, 1_500),
    target("config", config::config, 3_000),
    target("cursor", texts::cursor, 5_000),
    target("frames_json", frames::json, 6_000),
    target("frames_msgpack", frames::msgpack, 6_000),
    target("rest", rest::rest, 1_500),
    target("search", texts::search, 5_000),
    target("tcp", tcp::tcp, 6_000),
    target("texts", texts::texts, 5_000),
    target("token", rest::token, 2_000),
    target("websocket", websocket::websocket, 6_000),
];

const fn target(name: &'static str, read: fn(&[u8]), inputs: usize) -> Target {
    Target { name, read, inputs }
}

/// Lets one of them read: what a file of `fuzz_targets` does.
pub(crate) fn read(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("a target of this name").read)(bytes);
}

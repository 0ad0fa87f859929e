//! Schedules by their seeds: engine, nodes, devices, links and store on one thread, and the checker's verdict.
//!
//! A push runs as many as it waits for. The environment asks for more, or for one and what happened in it:
//! `IM_SEEDS=100000 cargo test --release -p im-core --test simulation`,
//! `IM_SEED=7 IM_TELL=1 cargo test -p im-core --test simulation -- every_schedule --nocapture`.
//! What this covers, and what it was seen to find: docs/reliability.md.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bugs;
mod nodes;
mod seeds;
mod world;

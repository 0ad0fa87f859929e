//! The examples are programs of their own beside this file: `cargo run -p examples --bin 01-embed`.
//!
//! This library is empty. It only makes the README's code a documentation test.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

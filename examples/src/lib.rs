//! The examples are programs of their own beside this file: `cargo run -p examples --bin 01-embed`.
//!
//! This library is empty. It only makes code of the README and of the documents a documentation test.

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

#[cfg(doctest)]
#[doc = include_str!("../../docs/embedding.md")]
struct Embedding;

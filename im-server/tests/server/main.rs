//! The server as its clients see it: a real one on a free port, over real connections.
#![allow(clippy::unwrap_used)]

mod access;
mod accounts;
mod archives;
mod bad_input;
mod binary;
mod house;
mod operations;
mod pages;
mod service;
mod talk;

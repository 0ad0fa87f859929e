//! The server as its clients see it: a real one on a free port, over real connections.
#![allow(clippy::unwrap_used)]

mod access;
mod accounts;
mod admins;
mod archives;
mod bad_input;
mod binary;
mod codes;
mod erasing;
mod house;
mod identity_provider;
mod operations;
mod pages;
mod passwords;
mod postbox;
mod profiles;
mod real_names;
mod service;
mod single_sign_on;
mod talk;
mod words;

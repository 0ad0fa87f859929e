//! The server as its clients see it: a real one on a free port, over real connections.
#![allow(clippy::unwrap_used)]

mod access;
mod accounts;
mod admins;
mod archives;
mod bad_input;
mod binary;
mod browsers;
mod canaries;
mod codes;
mod collector;
mod erasing;
mod gate;
mod house;
mod identity_provider;
mod links;
mod live;
mod nodes;
mod operations;
mod pages;
mod passwords;
mod postbox;
mod profiles;
mod real_names;
mod service;
mod single_sign_on;
mod starting;
mod talk;
mod watching;
mod words;

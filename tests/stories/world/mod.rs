//! The stage of the stories: nodes that run, doors to them, people with devices. What is told on it is in the stories.

mod by_hand;
mod database;
mod http;
mod node;
mod people;
mod proxy;
mod redis;

use std::{future::Future, time::Duration};

pub(crate) use by_hand::{ByHand, Frame, Opcode};
pub(crate) use database::{Database, from_environment};
pub(crate) use http::{Answer, Rest};
pub(crate) use node::{Rules, World};
pub(crate) use people::{
    Told, call, entries_until, group, key, messages_in, next_entry, next_that, refused, send_all,
    seqs,
};
pub(crate) use proxy::Proxy;
pub(crate) use redis::RedisServer;

/// How long anything may take before a story gives up. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that must happen.
pub(crate) async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("waited for {what}, in vain"),
    }
}

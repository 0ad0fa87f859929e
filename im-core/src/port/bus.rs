//! What nodes tell each other.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::{NodeId, StoreError};

/// To whom something goes.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Address {
    /// All nodes that have joined, the sender too.
    All,
    /// One node.
    Node(NodeId),
}

/// How a bus is doing, as one process has it.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct BusCondition {
    /// Whether what is sent now goes out, and what others send is heard.
    pub is_connected: bool,
    /// How many messages were lost since the start, as far as the sender's side of the bus knows.
    pub lost: u64,
    /// How many wait to be sent.
    pub waiting: u64,
    /// How long the last one that went out had waited until the bus had it; or how long the oldest waits, if that is longer.
    pub lag: Duration,
}

/// Messages between nodes.
///
/// # Contract
/// - What one node sends to one address arrives in the order of the calls, each once, or not at all. Whoever must know
///   that something is missing numbers it.
/// - `send` neither waits nor fails: what cannot be sent now, or is more than a bound that the bus documents, is lost.
/// - After a time in which something may have been lost without a later message showing it, as after a reconnect,
///   [`Ear::missed`] is called before anything that was sent afterwards is heard.
#[async_trait]
pub trait Bus: Send + Sync + 'static {
    /// From now on what is sent to `node` and to all is heard by `ear`. Returns when that is so.
    async fn join(&self, node: NodeId, ear: Arc<dyn Ear>) -> Result<(), StoreError>;

    /// Sends, as well as it can.
    fn send(&self, to: Address, bytes: Bytes);

    /// Ends what [`Bus::join`] began, after what was sent so far is gone or lost.
    async fn leave(&self, node: NodeId);

    /// How it is doing. Holds nobody up who sends.
    fn condition(&self) -> BusCondition;
}

/// Who hears what comes by a bus. Neither method blocks or waits.
pub trait Ear: Send + Sync + 'static {
    /// Something came.
    fn hear(&self, bytes: Bytes);

    /// Something may have been missed.
    fn missed(&self);
}

/// The bus of a node that is alone.
#[derive(Clone, Copy, Debug)]
pub struct NoBus;

#[async_trait]
impl Bus for NoBus {
    async fn join(&self, _: NodeId, _: Arc<dyn Ear>) -> Result<(), StoreError> {
        Ok(())
    }

    fn send(&self, _: Address, _: Bytes) {}

    async fn leave(&self, _: NodeId) {}

    fn condition(&self) -> BusCondition {
        BusCondition {
            is_connected: true,
            ..BusCondition::default()
        }
    }
}

//! Where users are, of several nodes.

use std::time::Duration;

use async_trait::async_trait;

use crate::{Here, NodeId, StoreError, UserId, Whereabouts};

/// What a node hears when it says that it is there.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Beat {
    /// The nodes that are there, this one too.
    pub nodes: Vec<NodeId>,
    /// Whether what this node announced stands. `false` the first time, and when the directory lost it or took the node for
    /// gone: then the node announces all of it again.
    pub stands: bool,
    /// Whether it stands, but not for long: then too the node announces all of it again, though nothing was lost.
    pub gets_old: bool,
}

/// Which nodes there are, and what each has of users.
///
/// # Contract
/// - Announcing is one step for each user: of two nodes that announce the same user, one is told of the other.
/// - What is announced is there for every `find` that begins afterwards, until the same node announces otherwise or the
///   directory loses it. A node that is gone stays in answers: the one who asks knows which are there.
/// - Answers are in the order of the question. A user of whom no node has anything has no nodes.
/// - A node that does not beat for `ttl` is left out of other nodes' beats.
#[async_trait]
pub trait Directory: Send + Sync + 'static {
    /// Notes what a node has of users, in place of what it said before, and tells where each is now.
    async fn announce(
        &self,
        node: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError>;

    /// Where users are.
    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError>;

    /// Says that a node is there, for `ttl` longer.
    async fn beat(&self, node: NodeId, ttl: Duration) -> Result<Beat, StoreError>;

    /// Says that a node is there no more. What it announced is not taken back by that.
    async fn leave(&self, node: NodeId) -> Result<(), StoreError>;
}

/// The directory of a node that is alone.
#[derive(Clone, Copy, Debug)]
pub struct NoDirectory;

#[async_trait]
impl Directory for NoDirectory {
    async fn announce(
        &self,
        _: NodeId,
        users: Vec<(UserId, Here)>,
    ) -> Result<Vec<Whereabouts>, StoreError> {
        Ok(vec![Whereabouts::default(); users.len()])
    }

    async fn find(&self, users: &[UserId]) -> Result<Vec<Whereabouts>, StoreError> {
        Ok(vec![Whereabouts::default(); users.len()])
    }

    async fn beat(&self, node: NodeId, _: Duration) -> Result<Beat, StoreError> {
        Ok(Beat {
            nodes: vec![node],
            stands: true,
            gets_old: false,
        })
    }

    async fn leave(&self, _: NodeId) -> Result<(), StoreError> {
        Ok(())
    }
}

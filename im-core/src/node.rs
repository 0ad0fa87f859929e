//! Several nodes: what one of them is called, and where users are.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Attention, DeviceClass, DeviceId, SessionId};

/// The version of what nodes say to each other. All nodes of a store speak the same.
pub const NODE_PROTOCOL: u32 = 4;

/// One run of an engine. A process that starts again is another node.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
pub struct NodeId(Uuid);

impl NodeId {
    /// The node that a number names.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The number.
    #[must_use]
    pub const fn as_uuid(&self) -> &Uuid {
        &self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.simple().fmt(f)
    }
}

/// A session, as other nodes know it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SessionThere {
    /// Its number on its node.
    pub session: SessionId,
    /// Of which device.
    pub device: DeviceId,
    /// Of which class.
    pub class: DeviceClass,
    /// Whether somebody is at it.
    pub attention: Attention,
    /// At which version of the user's whereabouts it took the place of sessions on other nodes, if it did. Sessions that were
    /// there before and have no room beside it are over, whether they were told or not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_place_at: Option<u64>,
}

/// What a node has of a user.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Here {
    /// Its sessions on that node.
    pub sessions: Vec<SessionThere>,
    /// Whether somebody on that node is told when the user comes or goes.
    pub watched: bool,
}

impl Here {
    /// Whether the node has nothing of the user.
    #[must_use]
    pub const fn is_nothing(&self) -> bool {
        self.sessions.is_empty() && !self.watched
    }
}

/// Where a user is, at one moment.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Whereabouts {
    /// Which of two is newer: raised by every change, and never lower again, even when the directory lost all it had.
    pub version: u64,
    /// What each node has of the user; nodes that have nothing are left out.
    pub nodes: Vec<(NodeId, Here)>,
}

//! Messages that are begun before their text is complete, as assistants do.

use serde::{Deserialize, Serialize};

use crate::{Seq, Timestamp};

/// How far a message is whose text comes piece by piece.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
#[non_exhaustive]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Stream {
    /// Its sender says everything that it meant to say.
    Finished {
        /// The entry that says so.
        by: Seq,
    },
    /// Its sender went away or fell silent in the middle. It says what had come until then.
    Interrupted {
        /// The entry that says so.
        by: Seq,
    },
    /// Its text may still grow. The log has what it began with.
    Open {
        /// When it ends at the latest.
        until_ms: Timestamp,
    },
    /// A state of a newer peer. Shown as complete.
    #[serde(other)]
    Unknown,
}

impl Stream {
    /// The entry that ended it.
    #[must_use]
    pub const fn ended_by(&self) -> Option<Seq> {
        match self {
            Self::Finished { by } | Self::Interrupted { by } => Some(*by),
            Self::Open { .. } | Self::Unknown => None,
        }
    }
}

/// How a stream ended.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Ending {
    /// Its sender said so.
    Finished,
    /// Its sender went away or fell silent.
    Interrupted,
}

impl Ending {
    /// The state of a message that ended like this, by an entry.
    #[must_use]
    pub const fn state(self, by: Seq) -> Stream {
        match self {
            Self::Finished => Stream::Finished { by },
            Self::Interrupted => Stream::Interrupted { by },
        }
    }
}

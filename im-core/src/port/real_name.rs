//! What is known of the real names behind users: whether one was checked, never the name.

use std::fmt;

use async_trait::async_trait;

use crate::{StoreError, Timestamp, UserId};

/// How far the check of a real name is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum RealNameState {
    /// Somebody looks at it.
    Pending,
    /// It was not believed. The user may try again.
    Rejected,
    /// It was believed.
    Verified,
}

/// The check of a user's real name.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct RealName {
    /// How far it is.
    pub state: RealNameState,
    /// Keyed hash of what was shown, so that the same document is recognised.
    pub evidence: [u8; 32],
    /// Since when it is in this state.
    pub at_ms: Timestamp,
}

impl fmt::Debug for RealName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RealName")
            .field("state", &self.state)
            .field("at_ms", &self.at_ms)
            .finish_non_exhaustive()
    }
}

/// Checks of real names.
///
/// # Contract
/// - A check changes only from the state that the writer knows: of two at the same moment, one changes it.
#[async_trait]
pub trait RealNameStore: Send + Sync + 'static {
    /// The check of a user; none when there was none.
    async fn real_name(&self, user: &UserId) -> Result<Option<RealName>, StoreError>;

    /// Stores a check where `from` is the state that stands, none for no check. `false` when it is another.
    async fn set_real_name(
        &self,
        user: &UserId,
        from: Option<RealNameState>,
        to: RealName,
    ) -> Result<bool, StoreError>;
}

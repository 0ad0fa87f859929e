//! How far members have come.

use async_trait::async_trait;

use crate::{ConversationId, Member, Position, StoreError, UserId};

/// A member came further.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advance {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
    /// How far.
    pub position: Position,
}

/// Positions of members.
///
/// # Contract
/// - A stored position never goes backwards: `advance` merges as [`Position::merge`] does, whatever order several
///   writers come in, and raises the version of each row that changed.
/// - Rows of users who never were members are not made.
#[async_trait]
pub trait PositionStore: Send + Sync + 'static {
    /// Merges a batch; durable when it returns. At most one advance per conversation and user.
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError>;

    /// One user's position; `None` when it never was a member.
    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError>;

    /// A page of the present members with how far they have come, by user id.
    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError>;
}

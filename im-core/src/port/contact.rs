//! Relations between users.

use async_trait::async_trait;

use crate::{Block, StoreError, UserId};

/// A block with the version it has among its owner's rows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct VersionedBlock {
    /// The block.
    pub block: Block,
    /// Version of the row.
    pub version: u64,
}

/// Who blocked whom.
#[async_trait]
pub trait ContactStore: Send + Sync + 'static {
    /// Sets or lifts a block. `true` when that changed something; the row's version is raised only then.
    async fn set_block(&self, by: &UserId, block: Block) -> Result<bool, StoreError>;

    /// All rows of `by`, standing and lifted, by user id.
    async fn blocks(&self, by: &UserId) -> Result<Vec<VersionedBlock>, StoreError>;
}

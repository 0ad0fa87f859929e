//! Who of several processes does what one of them should do.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{StoreError, Timestamp};

/// Leases: rights of one process for a time.
///
/// # Contract
/// - Of two holders who take a lease for overlapping times at most one is told `true`, as far as their clocks agree. A
///   lease saves work: what must not happen twice needs another guard.
/// - `until` in the past, or now, gives the lease back.
#[async_trait]
pub trait LeaseStore: Send + Sync + 'static {
    /// Takes a lease, or keeps it longer, or shorter: when nobody has it at `now`, or `holder` does. Whether `holder` has
    /// it from now on.
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError>;
}

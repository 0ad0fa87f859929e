//! Leases: a hash each. A Redis that loses it gives the lease away early.

use async_trait::async_trait;
use fred::types::Value;
use im_core::{StoreError, Timestamp, port::LeaseStore};
use uuid::Uuid;

use super::Redis;

/// How much longer than it lasts a lease is remembered, in milliseconds: the clocks of callers differ.
const REMEMBERED: i64 = 60 * 60 * 1_000;

#[async_trait]
impl LeaseStore for Redis {
    async fn take(
        &self,
        name: &str,
        holder: Uuid,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StoreError> {
        let remembered = until.0.saturating_sub(now.0).max(0) + REMEMBERED;
        let times = [now.0, until.0, remembered].map(|ms| Value::from(ms.to_string()));
        let mut arguments = vec![Value::from(holder.to_string())];
        arguments.extend(times);
        let keys = vec![self.shared.keys.lease(name)];
        let taken = self.run(&self.shared.scripts.lease, keys, arguments).await;
        let taken = taken.map_err(|error| error.during("taking a lease"))?;
        Ok(taken.as_i64() == Some(1))
    }
}

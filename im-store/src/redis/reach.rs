//! How far a store has come, remembered beside it: so that it is noticed when an older state was put in its place.

use std::time::Duration;

use fred::types::Value;

use super::{Redis, RedisError, text};

/// How long it is remembered.
const REMEMBERED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

impl Redis {
    /// Remembers for 90 days that the store has come so far, and tells how far it had come, as far as any node said so; 0 when
    /// nothing is remembered. A store of another identity has a reach of its own.
    ///
    /// # Errors
    /// When the Redis does not answer.
    pub async fn remember_reach(&self, reached: u64) -> Result<u64, RedisError> {
        let keys = vec![self.shared.keys.reach(&self.shared.options.store)];
        let lasts = REMEMBERED.as_millis().to_string();
        let arguments = vec![Value::from(reached.to_string()), Value::from(lasts)];
        let answer = self
            .run(&self.shared.scripts.reach, keys, arguments)
            .await?;
        let before = text(Some(&answer)).and_then(|before| before.parse().ok());
        before.ok_or_else(|| self.strange())
    }
}

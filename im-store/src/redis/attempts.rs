//! Counts of attempts: a text for what is used up, a hash for failures; each goes by itself when it means nothing any more.

use std::time::Duration;

use async_trait::async_trait;
use fred::types::Value;
use im_core::{
    StoreError,
    port::{Admission, AttemptKey, AttemptRate, Attempts, LockRule, Verdict},
};

use super::{Redis, text};

#[async_trait]
impl Attempts for Redis {
    async fn admit(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        self.look(key, rate, "1").await
    }

    async fn check(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        self.look(key, rate, "0").await
    }

    async fn judge(
        &self,
        key: AttemptKey,
        rule: LockRule,
        is_right: bool,
    ) -> Result<Verdict, StoreError> {
        let keys = vec![self.shared.keys.failures(&key)];
        let mut arguments = vec![
            Value::from(if is_right { "1" } else { "0" }),
            Value::from(rule.failures.to_string()),
        ];
        arguments.extend([rule.first, rule.longest, rule.memory].map(microseconds));
        arguments.push(owner(&key));
        let judged = self.run(&self.shared.scripts.judge, keys, arguments).await;
        let judged = judged.and_then(|answer| match text(Some(&answer)) {
            Some("right") => Ok(Verdict::Right),
            Some("wrong") => Ok(Verdict::Wrong),
            Some("locked") => Ok(Verdict::Locked),
            Some(_) | None => Err(self.strange()),
        });
        judged.map_err(|error| error.during("judging an attempt"))
    }

    async fn forget(&self, key: AttemptKey) -> Result<(), StoreError> {
        let keys = vec![self.shared.keys.failures(&key)];
        let forgetting = self.run(&self.shared.scripts.forget, keys, vec![owner(&key)]);
        let forgotten = forgetting.await.map(drop);
        forgotten.map_err(|error| error.during("forgetting failures"))
    }
}

impl Redis {
    /// Whether an attempt can be made; `taken` of it, 0 or 1, counts then.
    async fn look(
        &self,
        key: AttemptKey,
        rate: AttemptRate,
        taken: &'static str,
    ) -> Result<Admission, StoreError> {
        let keys = vec![self.shared.keys.used(&key)];
        let one = rate.period / rate.most.get();
        let arguments = vec![microseconds(one), microseconds(rate.period), taken.into()];
        let looked = self.run(&self.shared.scripts.admit, keys, arguments).await;
        let wait = looked.and_then(|answer| answer.as_u64().ok_or_else(|| self.strange()));
        match wait.map_err(|error| error.during("counting an attempt"))? {
            0 => Ok(Admission::Admitted),
            wait => Ok(Admission::Wait(Duration::from_micros(wait))),
        }
    }
}

/// Whose a place is: others share it.
fn owner(key: &AttemptKey) -> Value {
    Value::from(uuid::Uuid::from_bytes(key.of).to_string())
}

fn microseconds(span: Duration) -> Value {
    Value::from(span.as_micros().to_string())
}

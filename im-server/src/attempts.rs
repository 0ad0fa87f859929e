//! Who counts attempts: all nodes together, and this one by itself while the others cannot be reached.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    StoreError,
    port::{Admission, AttemptKey, AttemptRate, Attempts, LockRule, Runtime, Verdict},
};
use ring::hmac;

use crate::secret::Secret;

/// How long nobody waits for a count that has not answered.
const SILENCE: Duration = Duration::from_secs(1);

/// A count, and what names are hidden with before they come there.
#[derive(Clone)]
pub(crate) struct Counted {
    pub(crate) attempts: Arc<dyn Attempts>,
    key: hmac::Key,
}

impl Counted {
    /// What nodes have in common is counted in common when they have the same secret.
    pub(crate) fn new(secret: &Secret, attempts: Arc<dyn Attempts>) -> Self {
        let key = secret.key_for(b"im-server: attempts");
        Self { attempts, key }
    }

    /// Attempts of a kind by, or for, whoever a text names.
    pub(crate) fn key(&self, kind: &'static str, text: &str) -> AttemptKey {
        let signed = hmac::sign(&self.key, format!("{kind}\n{text}").as_bytes());
        let mut of = [0; 16];
        of.copy_from_slice(&signed.as_ref()[..16]);
        AttemptKey { kind, of }
    }
}

/// The count of all nodes, and this node's own beside it: what holds while the other does not answer. Nobody is locked out
/// because of that, and nobody gets more attempts than a node alone gives.
pub(crate) struct WithOwn {
    all: Arc<dyn Attempts>,
    own: Arc<dyn Attempts>,
    runtime: Arc<dyn Runtime>,
    /// Until when `all` is not asked, in milliseconds.
    silent_until: AtomicU64,
}

impl WithOwn {
    pub(crate) fn new(
        all: Arc<dyn Attempts>,
        own: Arc<dyn Attempts>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        Self {
            all,
            own,
            runtime,
            silent_until: AtomicU64::new(0),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.runtime.monotonic().as_millis()).unwrap_or(u64::MAX)
    }

    /// What all nodes together say; `None` when that cannot be found out now.
    async fn of_all<T>(&self, asking: impl Future<Output = Result<T, StoreError>>) -> Option<T> {
        if self.now() < self.silent_until.load(Ordering::Relaxed) {
            return None;
        }
        match asking.await {
            Ok(answer) => Some(answer),
            Err(error) => {
                let silence = u64::try_from(SILENCE.as_millis()).unwrap_or_default();
                let until = self.now().saturating_add(silence);
                self.silent_until.store(until, Ordering::Relaxed);
                // That the nodes do not reach each other is logged elsewhere, once.
                tracing::debug!(
                    error = &error as &dyn std::error::Error,
                    "attempts are counted for this node alone"
                );
                None
            }
        }
    }
}

#[async_trait]
impl Attempts for WithOwn {
    async fn admit(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        // Whom this node has had enough of, the others are not bothered with.
        let own = self.own.admit(key, rate).await?;
        if own != Admission::Admitted {
            return Ok(own);
        }
        Ok(self.of_all(self.all.admit(key, rate)).await.unwrap_or(own))
    }

    async fn check(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        let own = self.own.check(key, rate).await?;
        if own != Admission::Admitted {
            return Ok(own);
        }
        Ok(self.of_all(self.all.check(key, rate)).await.unwrap_or(own))
    }

    async fn judge(
        &self,
        key: AttemptKey,
        rule: LockRule,
        is_right: bool,
    ) -> Result<Verdict, StoreError> {
        let asking = self.all.judge(key, rule, is_right);
        let Some(verdict) = self.of_all(asking).await else {
            return self.own.judge(key, rule, is_right).await;
        };
        match verdict {
            Verdict::Right => self.own.forget(key).await?,
            Verdict::Wrong => drop(self.own.judge(key, rule, false).await?),
            Verdict::Locked => {}
        }
        Ok(verdict)
    }

    async fn forget(&self, key: AttemptKey) -> Result<(), StoreError> {
        self.own.forget(key).await?;
        // What is not forgotten there now ends by itself.
        self.of_all(self.all.forget(key)).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests;

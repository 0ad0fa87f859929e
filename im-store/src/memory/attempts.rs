//! Counts of attempts in tables of fixed size, whatever comes in.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    StoreError,
    port::{
        Admission, AttemptKey, AttemptRate, Attempts, LockRule, Runtime, TokioRuntime, Verdict,
    },
};

/// Places in a table. Keys that share a place share what is left to them; of two that failed one takes turns in it with
/// the other.
const PLACES: usize = 1 << 13;

/// Counts of attempts within one process; clone to share. For each kind of attempt 128 KiB, and for each kind of lock
/// 384 KiB, from the first use on. A restart forgets.
///
/// # Examples
/// ```
/// let attempts = im_store::MemoryAttempts::new();
/// ```
#[derive(Clone)]
pub struct MemoryAttempts {
    runtime: Arc<dyn Runtime>,
    tables: Arc<Mutex<Tables>>,
}

#[derive(Default)]
struct Tables {
    /// For each key when all that it used up is given back.
    used: HashMap<&'static str, Vec<Duration>>,
    failures: HashMap<&'static str, Vec<Failures>>,
}

/// Failures in a row.
#[derive(Clone, Copy, Default)]
struct Failures {
    of: [u8; 16],
    count: u32,
    last: Duration,
    /// When the lock ends.
    until: Duration,
}

impl MemoryAttempts {
    /// Nobody has tried anything; on tokio's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::on(Arc::new(TokioRuntime))
    }

    /// Nobody has tried anything; on a clock of one's own.
    #[must_use]
    pub fn on(runtime: Arc<dyn Runtime>) -> Self {
        Self {
            runtime,
            tables: Arc::default(),
        }
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an attempt would lead to, and the place of its count with what that would be then.
    fn look<T>(
        &self,
        key: AttemptKey,
        rate: AttemptRate,
        then: impl FnOnce(Admission, &mut Duration, Duration) -> T,
    ) -> T {
        let now = self.runtime.monotonic();
        let mut tables = self.tables();
        let used = table(&mut tables.used, key.kind);
        let until = &mut used[place(&key)];
        let next = now.max(*until) + rate.period / rate.most.get();
        let admission = match next.checked_sub(now + rate.period) {
            None | Some(Duration::ZERO) => Admission::Admitted,
            Some(wait) => Admission::Wait(wait),
        };
        then(admission, until, next)
    }
}

impl Default for MemoryAttempts {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemoryAttempts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemoryAttempts").finish_non_exhaustive()
    }
}

#[async_trait]
impl Attempts for MemoryAttempts {
    async fn admit(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        Ok(self.look(key, rate, |admission, until, next| {
            if admission == Admission::Admitted {
                *until = next;
            }
            admission
        }))
    }

    async fn check(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        Ok(self.look(key, rate, |admission, _, _| admission))
    }

    async fn judge(
        &self,
        key: AttemptKey,
        rule: LockRule,
        is_right: bool,
    ) -> Result<Verdict, StoreError> {
        let now = self.runtime.monotonic();
        let mut tables = self.tables();
        let failures = &mut table(&mut tables.failures, key.kind)[place(&key)];
        Ok(failures.judge(key, rule, is_right, now))
    }

    async fn forget(&self, key: AttemptKey) -> Result<(), StoreError> {
        let mut tables = self.tables();
        let failures = &mut table(&mut tables.failures, key.kind)[place(&key)];
        if failures.of == key.of {
            *failures = Failures::default();
        }
        Ok(())
    }
}

impl Failures {
    fn judge(&mut self, key: AttemptKey, rule: LockRule, is_right: bool, now: Duration) -> Verdict {
        let is_mine = self.of == key.of;
        if is_mine && now < self.until {
            return Verdict::Locked;
        }
        if is_right {
            if is_mine {
                *self = Self::default();
            }
            return Verdict::Right;
        }
        // A lock stands until it ends: nobody gets rid of it by failing as somebody else.
        if is_mine || now >= self.until {
            if !is_mine || now.saturating_sub(self.last) >= rule.memory {
                *self = Self::default();
            }
            self.of = key.of;
            self.count = self.count.saturating_add(1);
            self.last = now;
            if let Some(more) = self.count.checked_sub(rule.failures.get()) {
                let span = rule.first.saturating_mul(1 << more.min(16));
                self.until = now + span.min(rule.longest);
            }
        }
        Verdict::Wrong
    }
}

fn table<'t, T: Clone + Default>(
    tables: &'t mut HashMap<&'static str, Vec<T>>,
    kind: &'static str,
) -> &'t mut Vec<T> {
    tables
        .entry(kind)
        .or_insert_with(|| vec![T::default(); PLACES])
}

fn place(key: &AttemptKey) -> usize {
    let [first, second, ..] = key.of;
    usize::from(u16::from_le_bytes([first, second])) % PLACES
}

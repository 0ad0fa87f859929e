//! The runtime port on tokio.

use std::{
    sync::OnceLock,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use uuid::Uuid;

use super::{BoxFuture, Runtime};
use crate::Timestamp;

/// Tokio's executor and timers, and the system's clocks. Outside a tokio runtime a task is dropped unrun.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioRuntime;

impl Runtime for TokioRuntime {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic(&self) -> Duration {
        static START: OnceLock<Instant> = OnceLock::new();
        START.get_or_init(Instant::now).elapsed()
    }

    fn chance(&self) -> u64 {
        Uuid::new_v4().as_u64_pair().0
    }

    fn sleep(&self, span: Duration) -> BoxFuture<()> {
        // Made when it is polled: a session may be dropped where there is no runtime any more.
        Box::pin(async move { tokio::time::sleep(span).await })
    }

    fn spawn(&self, task: BoxFuture<()>) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(task);
        }
    }
}

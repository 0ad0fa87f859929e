//! Time, waiting and tasks: what the host's executor gives.

use std::{future::Future, pin::Pin, time::Duration};

use crate::Timestamp;

/// A boxed future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The executor and the clock. A simulation replaces them to run on one thread in virtual time.
pub trait Runtime: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, which no step of the wall clock changes.
    fn monotonic(&self) -> Duration;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<()>;

    /// Runs a task to its end.
    fn spawn(&self, task: BoxFuture<()>);
}

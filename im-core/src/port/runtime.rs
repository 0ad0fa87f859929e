//! Time, waiting, chance and tasks: what the host's executor gives.

use std::{future::Future, pin::Pin, time::Duration};

use crate::Timestamp;

/// A boxed future that owns what it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The executor, the clock and the dice. A simulation replaces them to run on one thread in virtual time, the same way
/// each time.
pub trait Runtime: Send + Sync + 'static {
    /// The wall clock.
    fn now(&self) -> Timestamp;

    /// Time since some fixed moment, which no step of the wall clock changes.
    fn monotonic(&self) -> Duration;

    /// A number that is another each time: for pauses that are to differ from device to device. Nothing that must stay a
    /// secret hangs on it.
    fn chance(&self) -> u64;

    /// Waits.
    fn sleep(&self, span: Duration) -> BoxFuture<()>;

    /// Runs a task to its end.
    fn spawn(&self, task: BoxFuture<()>);
}

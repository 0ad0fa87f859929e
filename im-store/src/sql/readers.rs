//! Connections to read with.
//!
//! They are not given back to the pool of sqlx, which asks each of them whether it is there before it lends it again: a second round
//! trip for each read, and one without a bound, so that none may be left to lend until TCP gives up when the host of the database is
//! gone. The pool is for making connections, and for opening the database.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};

use super::{
    connection::{Connection, Idle},
    error::SqlError,
};

/// How long a read waits for a connection to come about, at most.
pub(super) const ACQUIRING: Duration = Duration::from_secs(5);

/// How long to wait before it is tried again.
const AGAIN: Duration = Duration::from_millis(100);

/// A connection that nobody used for so long is closed.
const UNUSED: Duration = Duration::from_secs(10 * 60);

pub(super) struct Readers {
    turns: Semaphore,
    /// What was used last is used next: what is not needed stays unused.
    idle: Mutex<Vec<Idle>>,
}

impl Readers {
    pub(super) fn new(most: u32) -> Self {
        Self {
            turns: Semaphore::new(most.max(1) as usize),
            idle: Mutex::default(),
        }
    }

    /// Who reads waits here until there are few enough others.
    pub(super) async fn turn(&self) -> SemaphorePermit<'_> {
        let turn = self.turns.acquire().await;
        turn.expect("the semaphore is never closed")
    }

    /// A connection, made by `connect` out of one that nobody uses if there is one. A database that starts is waited for.
    pub(super) async fn connect<F>(
        &self,
        connect: impl Fn(Option<Idle>) -> F,
    ) -> Result<Connection, SqlError>
    where
        F: Future<Output = Result<Connection, SqlError>>,
    {
        let deadline = Instant::now() + ACQUIRING;
        loop {
            let idle = self.idle().pop();
            let connected = timeout_at(deadline, connect(idle)).await;
            match connected.unwrap_or(Err(SqlError::Timeout)) {
                Err(_) if Instant::now() + AGAIN < deadline => sleep(AGAIN).await,
                connected => return connected,
            }
        }
    }

    /// Keeps a connection for the next one. One that failed is not kept: nobody knows what state it is in.
    pub(super) fn keep(&self, connection: Connection) {
        let mut idle = self.idle();
        idle.push(connection.into());
        let oldest = idle.first().map(|it| it.since.elapsed());
        let unused = oldest
            .is_some_and(|age| age > UNUSED)
            .then(|| idle.remove(0));
        drop(idle);
        drop(unused);
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

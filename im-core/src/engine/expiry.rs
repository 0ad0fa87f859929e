//! Sessions end with the token that opened them, also those that ask nothing.
//!
//! One look at the wall clock every second serves all of them, whatever the link; none while no session has an end.
//! What a session asks after the end of its token is refused without waiting for that look, in `attach`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{Engine, lock, registry::SessionEntry};
use crate::{CloseReason, SessionId, Timestamp};

/// How much longer than its token a session may last while it asks nothing. Short beside tokens of minutes, and one
/// wake-up for all sessions. The clock is looked at rather than slept towards: it may be set at any moment.
const LOOK: Duration = Duration::from_secs(1);

/// The sessions that have an end, by when it comes.
#[derive(Default)]
pub(super) struct Expiries {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    sessions: BTreeMap<(Timestamp, SessionId), Arc<SessionEntry>>,
    is_scheduled: bool,
}

/// A look that is to come. When its task is dropped unrun, the next session schedules another.
struct Scheduled(Arc<Engine>);

impl Drop for Scheduled {
    fn drop(&mut self) {
        lock(&self.0.expiries.state).is_scheduled = false;
    }
}

impl Expiries {
    /// From now on the session ends with its token.
    pub(super) fn add(&self, engine: &Arc<Engine>, session: &Arc<SessionEntry>) {
        let Some(at) = session.expires_at_ms else {
            return;
        };
        let key = (at, session.id);
        lock(&self.state).sessions.insert(key, session.clone());
        self.schedule(engine);
    }

    /// The session is over for another reason.
    pub(super) fn remove(&self, session: &SessionEntry) {
        if let Some(at) = session.expires_at_ms {
            lock(&self.state).sessions.remove(&(at, session.id));
        }
    }

    fn schedule(&self, engine: &Arc<Engine>) {
        if std::mem::replace(&mut lock(&self.state).is_scheduled, true) {
            return;
        }
        let runtime = &engine.ports.runtime;
        let wait = runtime.sleep(LOOK);
        let scheduled = Scheduled(engine.clone());
        runtime.spawn(Box::pin(async move {
            wait.await;
            let engine = scheduled.0.clone();
            drop(scheduled);
            engine.expiries.look(&engine);
        }));
    }

    fn look(&self, engine: &Arc<Engine>) {
        let now = engine.ports.runtime.now();
        let (due, is_done) = {
            let mut state = lock(&self.state);
            let first_later = (now.plus(Duration::from_millis(1)), SessionId(0));
            let later = state.sessions.split_off(&first_later);
            let due = std::mem::replace(&mut state.sessions, later);
            (due, state.sessions.is_empty())
        };
        if !is_done {
            self.schedule(engine);
        }
        for session in due.values() {
            engine.end(session, CloseReason::Unauthenticated);
        }
    }
}

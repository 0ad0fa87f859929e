//! Log-outs: which sessions end, and which of those that are just being opened do not begin.
//!
//! A token that was found good may be revoked before its session is in the registry. So whoever logs somebody out notes
//! it here before it looks for sessions, and a session that has come into the registry looks here: one of the two finds
//! the other.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Engine, lock,
    nodes::{Letter, To},
    registry::SessionEntry,
};
use crate::{
    CloseReason, Code, DeviceId, Rejection, UserId,
    port::{Identity, LogOutCount},
};

/// How long a log-out is remembered: longer than any link may take to open a session with a token that it brought.
const REMEMBERED: Duration = Duration::from_secs(60);

/// Log-outs that are remembered at most, about 100 bytes each.
const KEPT: usize = 10_000;

/// Which sessions of a user are meant.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(super) enum Affected {
    All,
    Device(DeviceId),
    SignIn(Uuid),
}

impl Affected {
    fn of(device: Option<&DeviceId>) -> Self {
        device.cloned().map_or(Self::All, Self::Device)
    }

    fn includes(&self, session: &SessionEntry) -> bool {
        match self {
            Self::All => true,
            Self::Device(device) => session.device == *device,
            Self::SignIn(sign_in) => session.sign_in == Some(*sign_in),
        }
    }
}

/// The log-outs of a short while, numbered.
#[derive(Default)]
pub(super) struct LogOuts {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many there were.
    count: u64,
    /// By number.
    recent: VecDeque<LogOut>,
    /// Up to which number they are forgotten.
    forgotten: u64,
}

struct LogOut {
    number: u64,
    at: Duration,
    user: UserId,
    affected: Affected,
}

impl LogOuts {
    pub(super) fn count(&self) -> LogOutCount {
        LogOutCount(lock(&self.state).count)
    }

    fn note(&self, user: &UserId, affected: Affected, now: Duration) {
        let mut state = lock(&self.state);
        let is_old = |log_out: &LogOut| log_out.at + REMEMBERED <= now;
        while state.recent.len() >= KEPT || state.recent.front().is_some_and(is_old) {
            if let Some(oldest) = state.recent.pop_front() {
                state.forgotten = oldest.number;
            }
        }
        state.count += 1;
        let number = state.count;
        state.recent.push_back(LogOut {
            number,
            at: now,
            user: user.clone(),
            affected,
        });
    }

    /// Refuses a session that was logged out after so many.
    pub(super) fn check(
        &self,
        session: &SessionEntry,
        after: LogOutCount,
    ) -> Result<(), Rejection> {
        if self.include(session, after) {
            return Err(Rejection::new(
                Code::Unauthenticated,
                "this device was logged out, or its token was looked at too long ago; sign in again",
            ));
        }
        Ok(())
    }

    /// Whether a session was logged out after so many. Where that is not known any more, it may have been.
    fn include(&self, session: &SessionEntry, after: LogOutCount) -> bool {
        let state = lock(&self.state);
        let later = state.recent.iter().rev();
        let mut later = later.take_while(|log_out| log_out.number > after.0);
        after.0 < state.forgotten
            || later.any(|log_out| {
                log_out.user == session.actor.user && log_out.affected.includes(session)
            })
    }
}

impl Engine {
    /// Whom a token stands for, and when that was found out.
    pub(crate) async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let count = self.log_outs.count();
        let identity = self.authenticator.authenticate(token).await?;
        Ok(Identity {
            checked_at: Some(count),
            ..identity
        })
    }

    /// Ends the sessions of a user, or of one of its devices.
    pub(crate) fn disconnect(
        self: &Arc<Self>,
        user: &UserId,
        device: Option<&DeviceId>,
        reason: CloseReason,
    ) {
        self.end_sessions(user, Affected::of(device), reason);
    }

    /// Ends the sessions that tokens of a sign-in opened.
    pub(crate) fn sign_out(self: &Arc<Self>, user: &UserId, sign_in: Uuid) {
        self.end_sessions(
            user,
            Affected::SignIn(sign_in),
            CloseReason::Unauthenticated,
        );
    }

    fn end_sessions(self: &Arc<Self>, user: &UserId, affected: Affected, reason: CloseReason) {
        let letter = Letter::LoggedOut(user.clone(), affected.clone(), reason);
        self.write_to(To::All, &letter);
        self.end_sessions_here(user, affected, reason);
    }

    /// As [`Self::end_sessions`], on this node alone.
    pub(super) fn end_sessions_here(
        self: &Arc<Self>,
        user: &UserId,
        affected: Affected,
        reason: CloseReason,
    ) {
        // Who may come back at once may as well come in.
        if !reason.may_resume() {
            let now = self.ports.runtime.monotonic();
            self.log_outs.note(user, affected.clone(), now);
        }
        for session in self.registry.sessions_of(user) {
            if affected.includes(&session) {
                self.end(&session, reason);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::fixture, *};

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn phone() -> DeviceId {
        DeviceId::new("phone").unwrap()
    }

    /// A session of alice's phone, from sign-in 1.
    fn session() -> SessionEntry {
        let mut session = fixture::session("alice");
        session.sign_in = Some(Uuid::from_u128(1));
        session
    }

    #[test]
    fn who_was_logged_out_after_a_count_is_found_and_nobody_else() {
        let (log_outs, session) = (LogOuts::default(), session());
        let cases = [
            ("alice", Affected::All, true),
            ("alice", Affected::Device(phone()), true),
            ("alice", Affected::SignIn(Uuid::from_u128(1)), true),
            ("alice", Affected::SignIn(Uuid::from_u128(2)), false),
            (
                "alice",
                Affected::of(DeviceId::new("tablet").ok().as_ref()),
                false,
            ),
            ("bob", Affected::All, false),
        ];
        for (name, affected, expected) in cases {
            let before = log_outs.count();
            log_outs.note(&user(name), affected.clone(), Duration::ZERO);

            assert_eq!(
                log_outs.include(&session, before),
                expected,
                "{name} {affected:?}"
            );
            assert!(!log_outs.include(&session, log_outs.count()), "it is over");
        }
    }

    #[test]
    fn what_is_forgotten_counts_as_a_log_out() {
        let (log_outs, session) = (LogOuts::default(), session());
        let before = log_outs.count();
        log_outs.note(&user("bob"), Affected::All, Duration::ZERO);
        assert!(!log_outs.include(&session, before));
        let between = log_outs.count();

        log_outs.note(&user("bob"), Affected::All, REMEMBERED);

        assert!(log_outs.include(&session, before));
        assert!(!log_outs.include(&session, between));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let log_outs = LogOuts::default();
        for _ in 0..=KEPT {
            log_outs.note(&user("bob"), Affected::All, Duration::ZERO);
        }

        assert_eq!(lock(&log_outs.state).recent.len(), KEPT);
    }
}

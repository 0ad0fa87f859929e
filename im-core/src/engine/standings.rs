//! What is known here of users' standings, and what follows from them.
//!
//! All standings that are not plain are at hand, because every command asks and nearly nobody has one: about 200 bytes each,
//! and the reason. What this process changes holds at once; what others change is read every few seconds, as long as
//! somebody asks or the house is kept.

use std::{
    collections::HashMap,
    sync::{
        Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Engine,
    nodes::{Changed, Letter, To},
};
use crate::{
    Actor, Authority, CloseReason, Command, Rejection, Standing, StoreError, Timestamp, UserId,
    port::{SignOut, VersionedStanding},
};

/// How long what is known is believed.
const BELIEVED: Duration = Duration::from_secs(5);
/// How old it is when somebody is sent to look, while all others go on.
const LOOK: Duration = Duration::from_secs(3);
/// Standings that are read at once.
const PAGE: usize = 500;

/// Standings by user.
#[derive(Default)]
pub(super) struct Standings {
    known: RwLock<Known>,
    /// When the store was last read, in milliseconds of the uptime and one more; 0 before the first time. Beside the lock,
    /// because every command asks.
    read_at: AtomicU64,
    /// Held by whoever reads the store, so that one does.
    looking: tokio::sync::Mutex<()>,
    is_sent: AtomicBool,
}

#[derive(Default)]
struct Known {
    by_user: HashMap<UserId, VersionedStanding>,
    /// Up to which change the store was read.
    read_to: u64,
}

/// Who asks whether what is known can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Asking {
    /// A session, whose commands keep their order: it does not wait.
    Session,
    /// Somebody who waits for a look where it must be.
    Waiting,
}

/// How far what is known can be believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Age {
    New,
    /// Somebody should look.
    Older,
    /// Not without a look.
    Old,
}

impl Standings {
    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.known.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// When the store was last read; `None` before the first time.
    fn read_at(&self) -> Option<Duration> {
        let read_at = self.read_at.load(Ordering::Acquire);
        read_at.checked_sub(1).map(Duration::from_millis)
    }

    fn age(&self, now: Duration) -> Age {
        match self.read_at() {
            Some(at) if now < at + LOOK => Age::New,
            Some(at) if now < at + BELIEVED => Age::Older,
            Some(_) | None => Age::Old,
        }
    }

    /// Asks about the standing of a user, where it is not plain.
    fn check(
        &self,
        user: &UserId,
        check: impl FnOnce(&Standing) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        let known = self.read();
        // Of nearly everybody nothing was decided, and in most places of nobody.
        if known.by_user.is_empty() {
            return Ok(());
        }
        known
            .by_user
            .get(user)
            .map_or(Ok(()), |one| check(&one.standing))
    }

    /// Takes in what the store has. `false` when something as new is known.
    fn learn(&self, one: VersionedStanding) -> bool {
        let mut known = self.write();
        let stands = known.by_user.get(&one.user);
        let is_new = one.version > stands.map_or(known.read_to, |stands| stands.version);
        if is_new {
            known.by_user.insert(one.user.clone(), one);
        }
        is_new
    }

    /// The store was read up to a change, by whoever began at `now`.
    fn have_read(&self, to: u64, now: Duration) {
        let mut known = self.write();
        known.read_to = known.read_to.max(to);
        let read_to = known.read_to;
        // Nothing older can come any more.
        known
            .by_user
            .retain(|_, one| !one.standing.is_plain() || one.version > read_to);
        let now = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.read_at.store(now.saturating_add(1), Ordering::Release);
    }
}

/// That somebody is sent to look. Whatever becomes of it, another can be sent afterwards.
struct Sent(Arc<Engine>);

impl Drop for Sent {
    fn drop(&mut self) {
        self.0.standings.is_sent.store(false, Ordering::Release);
    }
}

impl Engine {
    /// Whether what is known can be believed. Where it is getting old somebody is sent to look.
    pub(crate) fn know_standings(self: &Arc<Self>, asking: Asking) -> bool {
        let age = self.standings.age(self.ports.runtime.monotonic());
        if age == Age::New {
            return true;
        }
        if age == Age::Old && asking == Asking::Waiting {
            return false;
        }
        if !self.standings.is_sent.swap(true, Ordering::AcqRel) {
            let sent = Sent(self.clone());
            self.ports.runtime.spawn(Box::pin(async move {
                // What can be said of a failure is said there.
                let _ = sent.0.look_at_standings().await;
            }));
        }
        true
    }

    /// Reads what was changed since the last look, by whatever process.
    ///
    /// # Errors
    /// When nothing was ever read here: where the store fails later, what was known holds on.
    pub(crate) async fn look_at_standings(self: &Arc<Self>) -> Result<(), Rejection> {
        let before = self.ports.runtime.monotonic();
        let _turn = self.standings.looking.lock().await;
        let mut read_to = self.standings.read().read_to;
        let read_at = self.standings.read_at();
        if read_at.is_some_and(|at| at >= before) {
            // Somebody else did, meanwhile.
            return Ok(());
        }
        let now = self.ports.runtime.monotonic();
        match self.read_changes(&mut read_to).await {
            Ok(()) => {
                self.standings.have_read(read_to, now);
                Ok(())
            }
            Err(error) if read_at.is_none() => Err(error.into()),
            Err(error) => {
                // Logged by the conversion. Not again at once: the store may need a moment.
                let _ = Rejection::from(error);
                self.standings.have_read(read_to, now);
                Ok(())
            }
        }
    }

    /// As [`Self::look_at_standings`], because somebody else changed some.
    pub(super) async fn look_at_standings_now(self: &Arc<Self>) -> Result<(), Rejection> {
        self.standings.read_at.store(0, Ordering::Release);
        self.look_at_standings().await
    }

    async fn read_changes(self: &Arc<Self>, read_to: &mut u64) -> Result<(), StoreError> {
        // Before the first time there are no sessions to end.
        let is_again = self.standings.read_at().is_some();
        loop {
            let page = self.ports.standings.changed(*read_to, PAGE).await?;
            let is_last = page.len() < PAGE;
            for one in page {
                *read_to = one.version;
                let is_new = self.standings.learn(one.clone());
                if is_new && is_again {
                    self.keep_out(&one).await;
                }
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Ends the sessions of a user that was just barred, here or by another process.
    async fn keep_out(self: &Arc<Self>, one: &VersionedStanding) {
        let now = self.ports.runtime.now();
        if one.standing.check_in(now).is_ok() {
            return;
        }
        // First: whoever asked for it may not wait for the rest.
        self.disconnect(&one.user, None, CloseReason::Banned);
        if let Err(rejection) = self
            .authenticator
            .sign_out(&one.user, SignOut::Everywhere)
            .await
        {
            tracing::warn!(user = %one.user, %rejection, "tokens of a barred user may be good still");
        }
    }

    /// Takes in a standing that this process has stored.
    pub(super) async fn decided(self: &Arc<Self>, one: &VersionedStanding) {
        self.standings.learn(one.clone());
        self.write_to(To::All, &Letter::Changed(Changed::Standings));
        self.keep_out(one).await;
    }

    /// Refuses what the actor's standing does not allow. A service passes.
    pub(super) fn check_standing(&self, actor: &Actor, command: &Command) -> Result<(), Rejection> {
        self.check_user(actor, |standing, now| standing.check(command, now))
    }

    /// Refuses who may not come in.
    pub(crate) fn check_in(&self, actor: &Actor) -> Result<(), Rejection> {
        self.check_user(actor, Standing::check_in)
    }

    /// Refuses who may change nothing.
    pub(crate) fn check_change(&self, actor: &Actor) -> Result<(), Rejection> {
        self.check_user(actor, Standing::check_change)
    }

    fn check_user(
        &self,
        actor: &Actor,
        check: impl FnOnce(&Standing, Timestamp) -> Result<(), Rejection>,
    ) -> Result<(), Rejection> {
        if actor.authority == Authority::Service {
            return Ok(());
        }
        let now = || self.ports.runtime.now();
        let standings = &self.standings;
        standings.check(&actor.user, |standing| check(standing, now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Restriction, RestrictionKind};

    const NOW: Duration = Duration::from_secs(60);

    fn stored(version: u64, restrictions: usize) -> VersionedStanding {
        let muted = Restriction {
            kind: RestrictionKind::Muted,
            since_ms: Timestamp(0),
            until_ms: Timestamp::FOREVER,
            reason: None,
        };
        VersionedStanding {
            user: UserId::new("bob").unwrap(),
            standing: Standing {
                admin: false,
                restrictions: vec![muted; restrictions],
            },
            version,
        }
    }

    fn version(standings: &Standings) -> Option<u64> {
        let known = standings.read();
        known.by_user.values().next().map(|one| one.version)
    }

    #[test]
    fn what_was_read_before_a_change_does_not_undo_it() {
        let standings = Standings::default();
        assert!(standings.learn(stored(5, 0)));

        assert!(!standings.learn(stored(4, 1)));

        assert_eq!(version(&standings), Some(5));
        standings.have_read(4, NOW);
        assert!(!standings.learn(stored(4, 1)), "read once more");
        standings.have_read(5, NOW);
        assert_eq!(version(&standings), None, "nothing older comes any more");
        assert!(!standings.learn(stored(5, 0)));
    }

    #[test]
    fn what_is_known_gets_old() {
        let standings = Standings::default();
        assert_eq!(standings.age(NOW), Age::Old);

        standings.have_read(0, NOW);

        let millisecond = Duration::from_millis(1);
        assert_eq!(standings.age(NOW + LOOK - millisecond), Age::New);
        assert_eq!(standings.age(NOW + LOOK), Age::Older);
        assert_eq!(standings.age(NOW + BELIEVED), Age::Old);
    }

    #[test]
    fn only_what_is_not_plain_is_asked_about() {
        let standings = Standings::default();
        let refuse = |_: &Standing| Err(Rejection::not_found("thing"));
        let (bob, eve) = (UserId::new("bob").unwrap(), UserId::new("eve").unwrap());
        assert_eq!(standings.check(&bob, refuse), Ok(()));

        standings.learn(stored(1, 1));

        assert!(standings.check(&bob, refuse).is_err());
        assert_eq!(standings.check(&eve, refuse), Ok(()));
    }
}

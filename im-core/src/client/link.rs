//! What a sender knows of its link: which one is open, when another may be opened, and when none ever again.

use std::{sync::Arc, time::Duration};

use super::{Connection, Credential, pause};
use crate::CloseReason;

/// Links in a row that may end with their tokens soon after they were opened. Beyond, whoever gives the tokens and
/// whoever takes them do not agree, and asking once more would not help.
const SHORT_LINKS: u32 = 3;

/// A link that lasted as long as this was worth opening.
const LASTING: Duration = Duration::from_secs(10);

/// Longest time that a server can keep a device away. What it asks for beyond is a mistake, or no friend's.
pub(super) const LONGEST_AWAY: Duration = Duration::from_secs(60);

/// The link of a session, over time.
#[derive(Default)]
pub(super) struct Link {
    open: Option<Arc<dyn Connection>>,
    /// Connected, but what waits was not sent again yet. Kept, because whoever did that may have stopped in the middle.
    pub(super) fresh: Option<Arc<dyn Connection>>,
    /// Why it will not be opened again.
    over: Option<CloseReason>,
    opened_at: Duration,
    /// How many in a row ended with their token before they had lasted.
    short: u32,
    /// Before that moment no other is opened.
    not_before: Duration,
}

/// The moment at which something is decided, and the chance that it is decided with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// As [`Runtime::monotonic`](crate::port::Runtime::monotonic) counts.
    pub(super) now: Duration,
    /// As [`pause::jittered`] takes it.
    pub(super) jitter: u32,
}

impl Link {
    /// The open link, when there is one.
    ///
    /// # Errors
    /// Why there will never be one again.
    pub(super) fn open(&self) -> Result<Option<Arc<dyn Connection>>, CloseReason> {
        match self.over {
            Some(reason) => Err(reason),
            None => Ok(self.open.clone()),
        }
    }

    /// From `now` on commands go over `link`.
    pub(super) fn opened(&mut self, link: Arc<dyn Connection>, now: Duration) {
        self.fresh = None;
        self.open = Some(link);
        self.opened_at = now;
    }

    /// `link` is over. Whoever still speaks of one that was replaced changes nothing.
    pub(super) fn ended(
        &mut self,
        link: &Arc<dyn Connection>,
        reason: CloseReason,
        credential: Credential,
        moment: Moment,
    ) {
        let is_open = self.open.as_ref();
        if !is_open.is_some_and(|open| Arc::ptr_eq(open, link)) {
            return;
        }
        self.open = None;
        if reason == CloseReason::Unauthenticated && credential == Credential::Renewable {
            self.signed_out(moment);
        } else if reason.may_resume() {
            // As it is, without a chance of our own: the server has given each of its sessions another time.
            self.not_before = moment.now + link.time_away().min(LONGEST_AWAY);
        } else {
            self.over = Some(reason);
        }
    }

    /// The token has ended, and another can be had: comes back with it, after a pause, but not again and again.
    fn signed_out(&mut self, Moment { now, jitter }: Moment) {
        if now.saturating_sub(self.opened_at) >= LASTING {
            self.short = 0;
        } else if self.short == SHORT_LINKS {
            self.over = Some(CloseReason::Unauthenticated);
            return;
        } else {
            self.short += 1;
        }
        let wait = pause::SHORTEST * (1 << self.short);
        self.not_before = now + pause::jittered(wait, jitter);
    }

    /// A token was refused that was asked for to come back with.
    pub(super) fn refused(&mut self) {
        self.over = Some(CloseReason::Unauthenticated);
    }

    /// How long to wait before another link is opened.
    pub(super) fn wait(&self, now: Duration) -> Duration {
        self.not_before.saturating_sub(now)
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::{CallError, Command, Push, Reply, SessionOpened};

    /// Asks to stay away for so long.
    struct Silent(Duration);

    #[async_trait]
    impl Connection for Silent {
        fn opened(&self) -> &SessionOpened {
            unreachable!("nobody asks")
        }

        async fn call(&self, _: Command) -> Result<Reply, CallError> {
            Err(CallError::Lost)
        }

        async fn next(&self) -> Result<Push, CloseReason> {
            Err(CloseReason::IdleTimeout)
        }

        fn time_away(&self) -> Duration {
            self.0
        }
    }

    fn silent(away: Duration) -> Arc<dyn Connection> {
        Arc::new(Silent(away))
    }

    /// Opens a link, and lets it end a while later.
    fn live(
        link: &mut Link,
        now: &mut Duration,
        span: Duration,
        reason: CloseReason,
        by: Credential,
    ) {
        *now += link.wait(*now);
        let connection = silent(Duration::ZERO);
        link.opened(connection.clone(), *now);
        *now += span;
        let moment = Moment {
            now: *now,
            jitter: 500,
        };
        link.ended(&connection, reason, by, moment);
    }

    #[test]
    fn who_can_get_another_token_comes_back_after_a_pause() {
        let (mut link, mut now) = (Link::default(), Duration::ZERO);
        let (day, ended) = (Duration::from_secs(86_400), CloseReason::Unauthenticated);

        for _ in 0..100 {
            live(&mut link, &mut now, day, ended, Credential::Renewable);
            assert!(link.open().is_ok());
            assert_eq!(link.wait(now), pause::SHORTEST);
        }
    }

    #[test]
    fn links_that_end_with_their_tokens_at_once_are_the_last_ones() {
        let (mut link, mut now) = (Link::default(), Duration::ZERO);
        let (soon, ended) = (Duration::from_secs(1), CloseReason::Unauthenticated);

        let mut waits = Vec::new();
        while link.open().is_ok() {
            live(&mut link, &mut now, soon, ended, Credential::Renewable);
            waits.push(link.wait(now).as_millis());
        }

        assert_eq!(waits, [200, 400, 800, 0]);
        assert_eq!(link.open().err(), Some(ended));
    }

    #[test]
    fn who_has_one_token_is_signed_out_when_it_ends() {
        let (mut link, mut now) = (Link::default(), Duration::ZERO);
        let ended = CloseReason::Unauthenticated;

        live(&mut link, &mut now, LASTING, ended, Credential::Fixed);

        assert_eq!(link.open().err(), Some(ended));
    }

    #[test]
    fn another_token_does_not_help_against_other_reasons() {
        let (mut link, mut now) = (Link::default(), Duration::ZERO);
        let ended = CloseReason::Displaced;

        live(&mut link, &mut now, LASTING, ended, Credential::Renewable);

        assert_eq!(link.open().err(), Some(ended));
    }

    #[test]
    fn a_server_can_ask_to_stay_away_but_not_for_ever() {
        let (day, second) = (Duration::from_secs(86_400), Duration::from_secs(1));
        let moment = Moment {
            now: day,
            jitter: 999,
        };
        for (asked, waits) in [
            (Duration::ZERO, Duration::ZERO),
            (second * 5, second * 5),
            (day, LONGEST_AWAY),
        ] {
            let (mut link, connection) = (Link::default(), silent(asked));
            link.opened(connection.clone(), Duration::ZERO);

            let away = CloseReason::GoingAway;
            link.ended(&connection, away, Credential::Fixed, moment);

            assert_eq!(link.wait(day), waits);
            assert!(link.open().unwrap().is_none());
        }
    }

    #[test]
    fn the_end_of_a_link_that_was_replaced_changes_nothing() {
        let (mut link, former) = (Link::default(), silent(Duration::ZERO));
        link.opened(former.clone(), Duration::ZERO);
        link.opened(silent(Duration::ZERO), Duration::ZERO);

        let moment = Moment {
            now: Duration::ZERO,
            jitter: 0,
        };
        link.ended(&former, CloseReason::Displaced, Credential::Fixed, moment);

        assert!(link.open().unwrap().is_some());
    }
}

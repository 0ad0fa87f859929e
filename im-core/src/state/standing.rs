//! What a standing allows: of commands, and of coming in at all.

use crate::{
    Access, Allowance, Code, Command, Rejection, Restriction, RestrictionKind, Standing, Timestamp,
};

impl Standing {
    /// Refuses a command that its user may not ask now. To keep a session alive and to end it is always allowed.
    ///
    /// # Errors
    /// `muted`, `frozen`, `account_banned` or `account_disabled`, with the reason and the end.
    pub fn check(&self, command: &Command, now: Timestamp) -> Result<(), Rejection> {
        let access = command.access();
        self.refuse(now, |kind| match kind {
            RestrictionKind::Banned | RestrictionKind::Disabled => access != Access::Open,
            RestrictionKind::Frozen => access.changes(),
            RestrictionKind::Muted => is_heard(command),
        })
    }

    /// Refuses a change of something that is no conversation's and no command's, such as the account.
    ///
    /// # Errors
    /// As [`Standing::check`].
    pub fn check_change(&self, now: Timestamp) -> Result<(), Rejection> {
        self.refuse(now, |kind| kind != RestrictionKind::Muted)
    }

    /// Refuses whoever may not come in.
    ///
    /// # Errors
    /// `account_banned` or `account_disabled`, with the reason and the end.
    pub fn check_in(&self, now: Timestamp) -> Result<(), Rejection> {
        self.refuse(now, RestrictionKind::bars)
    }

    fn refuse(
        &self,
        now: Timestamp,
        forbids: impl Fn(RestrictionKind) -> bool,
    ) -> Result<(), Rejection> {
        let holds = |one: &&Restriction| now < one.until_ms && forbids(one.kind);
        // What takes most is told first.
        let holding = self.restrictions.iter().filter(holds);
        holding
            .min_by_key(|one| one.kind)
            .map_or(Ok(()), |one| Err(refusal(one, now)))
    }
}

impl Access {
    /// Whether what is asked with it changes anything.
    const fn changes(self) -> bool {
        match self {
            Self::Open | Self::Read | Self::Inspect => false,
            Self::Write | Self::Operate | Self::Administer => true,
        }
    }
}

/// Whether others hear of what a command does. Not counted is what only takes something back, or oneself away.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "what is counted as said is heard, and a new command is counted as one or the other"
)]
const fn is_heard(command: &Command) -> bool {
    match command {
        Command::AcceptContact(_)
        | Command::AddText(_)
        | Command::Typing(_)
        | Command::UpdateProfile(_) => true,
        Command::LeaveGroup(_)
        | Command::RecallMessage(_)
        | Command::RevokeInvite(_)
        | Command::WithdrawRequest(_) => false,
        _ => matches!(command.allowance(), Allowance::Sends),
    }
}

fn refusal(restriction: &Restriction, now: Timestamp) -> Rejection {
    let (code, what) = match restriction.kind {
        RestrictionKind::Banned => (Code::AccountBanned, "this account is banned"),
        RestrictionKind::Disabled => (Code::AccountDisabled, "this account is switched off"),
        RestrictionKind::Frozen => (Code::Frozen, "this account is frozen, and only reads"),
        RestrictionKind::Muted => (Code::Muted, "this account is muted, and only reads"),
    };
    let reason = restriction.reason.as_deref();
    let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
    if restriction.until_ms == Timestamp::FOREVER {
        return Rejection::new(code, format!("{what}{reason}; ask an admin"));
    }
    let end = moment(restriction.until_ms);
    let rejection = Rejection::new(code, format!("{what} until {end}{reason}; wait until then"));
    rejection.retry_after(restriction.until_ms.since(now))
}

/// A moment for people, in UTC, never too early.
fn moment(at: Timestamp) -> String {
    let minutes = at.0.div_euclid(60_000) + i64::from(at.0.rem_euclid(60_000) > 0);
    let (days, minute) = (minutes.div_euclid(24 * 60), minutes.rem_euclid(24 * 60));
    let (year, month, day) = date(days);
    let (hour, minute) = (minute / 60, minute % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02} UTC")
}

/// The date so many days after the first of 1970. Counted from the first of March, so that the day that only some years
/// have is the last (Howard Hinnant, "chrono-compatible low-level date algorithms").
const fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let is_next_year = month >= 10;
    let month = if is_next_year { month - 9 } else { month + 3 };
    let year = year_of_era + era * 400 + is_next_year as i64;
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_in_utc_and_never_too_early() {
        for (at, told) in [
            (0, "1970-01-01 00:00 UTC"),
            (951_782_400_000, "2000-02-29 00:00 UTC"),
            (951_868_799_999, "2000-03-01 00:00 UTC"),
            (1_785_000_000_001, "2026-07-25 17:21 UTC"),
            (4_107_542_400_000, "2100-03-01 00:00 UTC"),
        ] {
            assert_eq!(moment(Timestamp(at)), told);
        }
    }
}

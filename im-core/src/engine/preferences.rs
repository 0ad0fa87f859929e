//! What users want the server to do and not to do for them; kept at hand because messages, receipts and presence ask.

use std::{collections::HashMap, sync::Arc};

use super::{
    Engine,
    beliefs::{AtHand, Beliefs},
    nodes::{Changed, Letter, To},
    own::contended,
    registry::SessionEntry,
};
use crate::{
    Actor, ChangePreferences, Code, Own, OwnKey, OwnKind, OwnRow, Preferences, PreferencesPatch,
    Presence, Push, Rejection, UserId, Writers,
    port::{Broadcast, OwnWrite, Urgency},
};

/// How often a change is made anew because another device was faster.
const ATTEMPTS: usize = 16;

/// What is known of users' preferences.
pub(super) type KnownPreferences = Beliefs<UserId, Preferences>;

fn key(user: &UserId) -> OwnKey {
    OwnKey::new(OwnKind::Preferences, user.into())
}

fn preferences_in(row: Option<&OwnRow>) -> Preferences {
    match row.and_then(|row| row.value.as_ref()) {
        Some(Own::Preferences(preferences)) => *preferences,
        _ => Preferences::default(),
    }
}

impl Engine {
    /// The preferences of each of `users`; of those that are not at hand by one question to the store.
    pub(super) async fn preferences_of(
        &self,
        users: &[UserId],
    ) -> Result<HashMap<UserId, Arc<Preferences>>, Rejection> {
        let now = self.ports.runtime.monotonic();
        let mut found = HashMap::with_capacity(users.len());
        let mut asked = Vec::new();
        for user in users {
            match self.preferences.at_hand(user, now) {
                AtHand::Good(preferences) => {
                    found.insert(user.clone(), preferences);
                }
                before @ (AtHand::Old(_) | AtHand::Nothing(_)) => asked.push((user, before)),
            }
        }
        if asked.is_empty() {
            return Ok(found);
        }
        let keys: Vec<_> = asked
            .iter()
            .map(|(user, _)| ((*user).clone(), key(user)))
            .collect();
        let rows = self.ports.own.read(&keys).await?;
        let mut rows: HashMap<UserId, OwnRow> = rows.into_iter().collect();
        for (user, before) in asked {
            let preferences = Arc::new(preferences_in(rows.remove(user).as_ref()));
            self.preferences.keep(user, &preferences, &before, now);
            found.insert(user.clone(), preferences);
        }
        Ok(found)
    }

    /// The preferences of one user.
    pub(super) async fn preferences(&self, user: &UserId) -> Result<Arc<Preferences>, Rejection> {
        let mut found = self.preferences_of(std::slice::from_ref(user)).await?;
        Ok(found.remove(user).unwrap_or_default())
    }

    /// Of two, those to whom only contacts may write.
    pub(super) async fn contacts_only(
        &self,
        a: &UserId,
        b: &UserId,
    ) -> Result<Vec<UserId>, Rejection> {
        let preferences = self.preferences_of(&[a.clone(), b.clone()]).await?;
        let only = preferences
            .into_iter()
            .filter(|(_, preferences)| preferences.writers == Writers::Contacts);
        Ok(only.map(|(user, _)| user).collect())
    }

    /// The actor's row, also when nothing was ever changed.
    pub(super) async fn own_preferences(&self, actor: &Actor) -> Result<OwnRow, Rejection> {
        let place = (actor.user.clone(), key(&actor.user));
        let row = self.ports.own.read(&[place]).await?.pop();
        let row = row.map(|(_, row)| row);
        let preferences = preferences_in(row.as_ref());
        Ok(OwnRow {
            kind: OwnKind::Preferences,
            key: (&actor.user).into(),
            value: Some(Own::Preferences(preferences)),
            version: row.map_or(0, |row| row.version),
            due_ms: None,
        })
    }

    pub(super) async fn change_preferences(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: ChangePreferences,
    ) -> Result<OwnRow, Rejection> {
        check(&ask.changes)?;
        for _ in 0..ATTEMPTS {
            let row = self.own_preferences(actor).await?;
            let stands = preferences_in(Some(&row));
            let changed = ask.changes.applied_to(stands);
            if changed == stands {
                return Ok(row);
            }
            let value = Own::Preferences(changed);
            let write = OwnWrite::put(actor.user.clone(), (&actor.user).into(), value);
            let written = {
                let _forget = self.preferences.changing(&actor.user);
                let write = write.if_still(row.version);
                self.write_own(session, vec![write]).await?
            };
            if let Some(row) = written.and_then(|mut rows| rows.pop()) {
                let letter = Changed::Preferences(actor.user.clone());
                self.write_to(To::All, &Letter::Changed(letter));
                self.show_presence(&actor.user, changed).await;
                return Ok(row);
            }
        }
        Err(contended())
    }

    /// Ends the watches of those who may not see the user any more: to them it went.
    pub(super) async fn show_presence(&self, user: &UserId, preferences: Preferences) {
        self.registry.show(user, preferences.last_seen);
        let before = self.registry.watchers_of(user);
        self.stop_watching(user).await;
        let after = self.registry.watchers_of(user);
        let gone = Push::Presence(Presence::unknown(user.clone()));
        let gone = Broadcast::new(Urgency::Ephemeral, vec![gone]);
        for session in before {
            if after.iter().all(|other| other.id != session.id) {
                session.tell(&gone);
            }
        }
    }
}

/// Refuses a time that is none.
fn check(changes: &PreferencesPatch) -> Result<(), Rejection> {
    let hours = changes
        .notifications
        .and_then(|notifications| notifications.quiet_hours);
    let Some(hours) = hours else { return Ok(()) };
    let is_minute = |minute| minute < 24 * 60;
    if !is_minute(hours.from_minute) || !is_minute(hours.to_minute) {
        let detail = "quiet_hours: from_minute and to_minute must be 0 to 1439";
        return Err(Rejection::new(Code::InvalidRequest, detail));
    }
    if !(-840..=840).contains(&hours.utc_offset_minutes) {
        let detail = "quiet_hours: utc_offset_minutes must be -840 to 840";
        return Err(Rejection::new(Code::InvalidRequest, detail));
    }
    Ok(())
}

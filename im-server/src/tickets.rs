//! Connection tickets: what a browser opens a session with, because it cannot set a header and a token must not be in
//! a URL. Single use, 60 seconds, in memory: they are good only on the node that gave them.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use im_core::{Code, Rejection, Timestamp, UserId};

use crate::{
    opaque::Kind,
    tokens::{Claims, unauthenticated},
};

/// How long a ticket lasts.
pub(crate) const TICKET_TTL: Duration = Duration::from_secs(60);

/// Tickets that wait at most, about 300 bytes each.
const CAPACITY: usize = 50_000;

/// Tickets of one user that wait at most; a further one replaces the oldest.
const PER_USER: usize = 16;

/// The tickets that were given and not yet used.
#[derive(Default)]
pub(crate) struct Tickets {
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    tickets: HashMap<[u8; 32], Ticket>,
    of_user: HashMap<UserId, VecDeque<[u8; 32]>>,
}

struct Ticket {
    claims: Claims,
    expires_at: Timestamp,
}

impl Tickets {
    /// A ticket that stands for what a token says, and when it ends: never after the token.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many are waiting.
    pub(crate) fn give(
        &self,
        claims: Claims,
        now: Timestamp,
    ) -> Result<(String, Timestamp), Rejection> {
        let text = Kind::Ticket.generate();
        let hash = Kind::Ticket
            .hash(&text)
            .expect("a generated ticket has the form of one");
        let expires_at = now.plus(TICKET_TTL).min(claims.expires_at());
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.tickets.len() >= CAPACITY {
            waiting.purge(now);
        }
        if waiting.tickets.len() >= CAPACITY {
            return Err(Rejection::new(
                Code::Overloaded,
                "too many tickets are waiting; try again in a moment",
            )
            .retry_after(Duration::from_secs(5)));
        }
        waiting.insert(hash, Ticket { claims, expires_at });
        Ok((text, expires_at))
    }

    /// Uses a ticket up.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] when it is unknown, used, or too old.
    pub(crate) fn redeem(&self, text: &str, now: Timestamp) -> Result<Claims, Rejection> {
        let hash = Kind::Ticket.hash(text).ok_or_else(unauthenticated)?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = waiting.remove(&hash).ok_or_else(unauthenticated)?;
        if ticket.expires_at <= now {
            return Err(unauthenticated());
        }
        Ok(ticket.claims)
    }
}

impl Waiting {
    fn insert(&mut self, hash: [u8; 32], ticket: Ticket) {
        let own = self.of_user.entry(ticket.claims.sub.clone()).or_default();
        own.push_back(hash);
        let oldest = if own.len() > PER_USER {
            own.pop_front()
        } else {
            None
        };
        self.tickets.insert(hash, ticket);
        if let Some(oldest) = oldest {
            self.tickets.remove(&oldest);
        }
    }

    fn remove(&mut self, hash: &[u8; 32]) -> Option<Ticket> {
        let ticket = self.tickets.remove(hash)?;
        if let Some(own) = self.of_user.get_mut(&ticket.claims.sub) {
            own.retain(|other| other != hash);
            if own.is_empty() {
                self.of_user.remove(&ticket.claims.sub);
            }
        }
        Some(ticket)
    }

    fn purge(&mut self, now: Timestamp) {
        self.tickets.retain(|_, ticket| ticket.expires_at > now);
        self.of_user.retain(|_, own| {
            own.retain(|hash| self.tickets.contains_key(hash));
            !own.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use im_core::{DeviceId, Scopes};

    use super::*;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn claims(user: &str) -> Claims {
        Claims {
            sub: UserId::new(user).unwrap(),
            device: DeviceId::new("d").unwrap(),
            sid: uuid::Uuid::nil(),
            scope: Scopes::USER,
            exp: NOW.0 / 1000 + 900,
            iat: NOW.0 / 1000,
            iat_ms: NOW,
            iss: "im-server".into(),
        }
    }

    #[test]
    fn a_ticket_works_once() {
        let tickets = Tickets::default();
        let (ticket, _) = tickets.give(claims("alice"), NOW).unwrap();

        assert_eq!(tickets.redeem(&ticket, NOW).unwrap().sub.as_str(), "alice");
        assert_eq!(tickets.redeem(&ticket, NOW), Err(unauthenticated()));
    }

    #[test]
    fn a_ticket_ends_after_a_minute() {
        let tickets = Tickets::default();
        let (ticket, expires_at) = tickets.give(claims("alice"), NOW).unwrap();

        assert_eq!(expires_at, NOW.plus(TICKET_TTL));
        assert_eq!(tickets.redeem(&ticket, expires_at), Err(unauthenticated()));
    }

    #[test]
    fn one_user_cannot_hold_many_and_nothing_is_left_over() {
        let tickets = Tickets::default();
        let given: Vec<_> = (0..PER_USER + 4)
            .map(|_| tickets.give(claims("alice"), NOW).unwrap().0)
            .collect();

        let good = given
            .iter()
            .filter(|ticket| tickets.redeem(ticket, NOW).is_ok());
        assert_eq!(good.count(), PER_USER);
        let waiting = tickets.waiting.lock().unwrap();
        assert!(waiting.tickets.is_empty() && waiting.of_user.is_empty());
    }
}

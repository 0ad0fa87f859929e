//! Access tokens that ended before their time, on this node.
//!
//! An access token is not stored, so that checking one costs no query; what is kept instead is the short list of those
//! that were revoked, until they would have ended anyway. The store has the same list; it is read at the start, and what
//! other servers add every few seconds.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, PoisonError},
};

use im_core::{DeviceId, Timestamp, UserId};
use uuid::Uuid;

use crate::tokens::Claims;

/// Entries of each list at most, about 64 bytes each. Beyond it, the half goes that ends first.
const CAPACITY: usize = 100_000;

/// What was revoked, and until when that has to be remembered.
#[derive(Debug, Default)]
pub(crate) struct Revocations {
    lists: Mutex<Lists>,
}

#[derive(Debug, Default)]
struct Lists {
    devices: HashMap<(UserId, DeviceId), Revoked>,
    families: HashMap<Uuid, Revoked>,
    users: HashMap<UserId, Revoked>,
}

#[derive(Clone, Copy, Debug)]
struct Revoked {
    at: Timestamp,
    until: Timestamp,
}

impl Revocations {
    /// Whether the token that says this was revoked: its family, or what its user or device was issued by then.
    pub(crate) fn contains(&self, claims: &Claims) -> bool {
        let lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        let is_covered =
            |revoked: Option<&Revoked>| revoked.is_some_and(|revoked| claims.iat_ms <= revoked.at);
        let of_device = || {
            let key = (claims.sub.clone(), claims.device.clone());
            lists.devices.get(&key)
        };
        lists.families.contains_key(&claims.sid)
            || is_covered(lists.users.get(&claims.sub))
            || (!lists.devices.is_empty() && is_covered(of_device()))
    }

    /// Revokes everything that a user was issued for a device up to this moment. Whether that is news.
    pub(crate) fn add_device(
        &self,
        device: (UserId, DeviceId),
        at: Timestamp,
        until: Timestamp,
    ) -> bool {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut lists.devices, device, Revoked { at, until })
    }

    /// Revokes a family, and remembers it until its last access token would have ended. Whether that is news.
    pub(crate) fn add_family(&self, family: Uuid, at: Timestamp, until: Timestamp) -> bool {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut lists.families, family, Revoked { at, until })
    }

    /// Revokes everything that a user was issued up to this moment. Whether that is news.
    pub(crate) fn add_user(&self, user: UserId, at: Timestamp, until: Timestamp) -> bool {
        let mut lists = self.lists.lock().unwrap_or_else(PoisonError::into_inner);
        insert(&mut lists.users, user, Revoked { at, until })
    }
}

fn insert<K: Eq + Hash>(list: &mut HashMap<K, Revoked>, key: K, revoked: Revoked) -> bool {
    if list.get(&key).is_some_and(|known| revoked.at <= known.at) {
        return false;
    }
    if list.len() >= CAPACITY {
        list.retain(|_, other| other.until > revoked.at);
    }
    if list.len() >= CAPACITY {
        let mut ends: Vec<_> = list.values().map(|other| other.until).collect();
        let (_, median, _) = ends.select_nth_unstable(CAPACITY / 2);
        let median = *median;
        list.retain(|_, other| other.until > median);
    }
    list.insert(key, revoked);
    true
}

#[cfg(test)]
mod tests {
    use im_core::Scopes;

    use super::*;

    #[test]
    fn the_list_is_bounded_and_keeps_what_lasts_longest() {
        let revocations = Revocations::default();
        let family = |n: usize| Uuid::from_u128(n as u128);
        let claims = |n| Claims {
            sub: UserId::new("alice").expect("an id"),
            device: DeviceId::new("phone").expect("an id"),
            sid: family(n),
            scope: Scopes::USER,
            exp: 0,
            iat: 0,
            iat_ms: Timestamp(0),
            iss: String::new(),
        };
        for n in 0..=CAPACITY {
            revocations.add_family(family(n), Timestamp(0), Timestamp(n as i64));
        }

        assert!(revocations.contains(&claims(CAPACITY)));
        assert!(!revocations.contains(&claims(0)));
        let lists = revocations.lists.lock().expect("nobody panicked");
        assert!(lists.families.len() <= CAPACITY);
    }
}

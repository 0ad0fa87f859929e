//! What was read from the store a moment ago and is believed for a while, because it is asked for all the time.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex},
    time::Duration,
};

use super::lock;

/// How many values are kept at hand. Beyond, all are forgotten and read again.
const KEPT: usize = 100_000;

/// How long they are believed: another process on the same store may have changed them. A change by this process holds at
/// once.
const BELIEVED: Duration = Duration::from_secs(5);
/// When somebody else looks again, should who is looking not come back.
const PATIENCE: Duration = Duration::from_secs(1);

/// Values by key, as they were read.
pub(super) struct Beliefs<K, V> {
    known: Mutex<Known<K, V>>,
}

struct Known<K, V> {
    by: HashMap<K, Believed<V>>,
    /// Raised by every change, so that what was read before it is not kept.
    changes: u64,
}

impl<K, V> Default for Beliefs<K, V> {
    fn default() -> Self {
        Self {
            known: Mutex::new(Known {
                by: HashMap::new(),
                changes: 0,
            }),
        }
    }
}

/// A value, and until when nobody asks again.
struct Believed<V> {
    value: Arc<V>,
    until: Duration,
}

/// What is at hand under a key.
pub(super) enum AtHand<V> {
    /// To be used as it is.
    Good(Arc<V>),
    /// To be read again by whoever is told so, while the others use it.
    Old(Arc<V>),
    /// Nothing, after so many changes.
    Nothing(u64),
}

impl<K: Clone + Eq + Hash, V> Beliefs<K, V> {
    pub(super) fn at_hand(&self, key: &K, now: Duration) -> AtHand<V> {
        let mut known = lock(&self.known);
        let changes = known.changes;
        match known.by.get_mut(key) {
            Some(believed) if now < believed.until => AtHand::Good(believed.value.clone()),
            Some(believed) => {
                // One reads; nobody else in the meantime.
                believed.until = now + PATIENCE;
                AtHand::Old(believed.value.clone())
            }
            None => AtHand::Nothing(changes),
        }
    }

    /// Keeps what was read, unless a change came in between. `now` is from before it was read, so that it is never
    /// believed for too long.
    pub(super) fn keep(&self, key: &K, value: &Arc<V>, before: &AtHand<V>, now: Duration) {
        let mut known = lock(&self.known);
        let is_unchanged = match before {
            AtHand::Good(old) | AtHand::Old(old) => known
                .by
                .get(key)
                .is_some_and(|believed| Arc::ptr_eq(&believed.value, old)),
            AtHand::Nothing(changes) => known.changes == *changes,
        };
        if !is_unchanged {
            return;
        }
        if known.by.len() >= KEPT {
            known.by.clear();
        }
        let (value, until) = (value.clone(), now + BELIEVED);
        known.by.insert(key.clone(), Believed { value, until });
    }

    /// Forgets all of them.
    pub(super) fn forget(&self) {
        let mut known = lock(&self.known);
        known.changes += 1;
        known.by.clear();
    }

    /// To be held while something is changed.
    pub(super) const fn changing<'a>(&'a self, key: &'a K) -> Forget<'a, K, V> {
        Forget { beliefs: self, key }
    }
}

/// Forgets a value when it goes out of scope: also when the store failed, or nobody waited for it, and it is not known what
/// is stored.
pub(super) struct Forget<'a, K: Eq + Hash, V> {
    beliefs: &'a Beliefs<K, V>,
    key: &'a K,
}

impl<K: Eq + Hash, V> Drop for Forget<'_, K, V> {
    fn drop(&mut self) {
        let mut known = lock(&self.beliefs.known);
        known.changes += 1;
        known.by.remove(self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Names = Beliefs<&'static str, &'static str>;

    fn keep(names: &Names, value: &'static str, before: &AtHand<&'static str>, now: Duration) {
        names.keep(&"alice", &Arc::new(value), before, now);
    }

    #[test]
    fn of_all_who_ask_one_reads_again() {
        let (names, now) = (Names::default(), Duration::ZERO);
        let nothing = names.at_hand(&"alice", now);
        keep(&names, "old", &nothing, now);
        let is_good = |now| matches!(names.at_hand(&"alice", now), AtHand::Good(_));
        assert!(is_good(BELIEVED - Duration::from_millis(1)));

        let old = names.at_hand(&"alice", BELIEVED);

        assert!(matches!(old, AtHand::Old(_)));
        assert!(is_good(BELIEVED));
        keep(&names, "new", &old, BELIEVED);
        let AtHand::Good(value) = names.at_hand(&"alice", BELIEVED + PATIENCE) else {
            panic!("it was just read")
        };
        assert_eq!(*value, "new");
    }

    #[test]
    fn who_never_comes_back_is_stood_in_for() {
        let names = Names::default();
        let nothing = names.at_hand(&"alice", Duration::ZERO);
        keep(&names, "old", &nothing, Duration::ZERO);
        assert!(matches!(names.at_hand(&"alice", BELIEVED), AtHand::Old(_)));

        let later = names.at_hand(&"alice", BELIEVED + PATIENCE);

        assert!(matches!(later, AtHand::Old(_)));
    }

    #[test]
    fn what_was_read_before_a_change_is_not_kept() {
        let names = Names::default();
        let nothing = names.at_hand(&"alice", Duration::ZERO);
        keep(&names, "old", &nothing, Duration::ZERO);
        let old = names.at_hand(&"alice", BELIEVED);
        drop(names.changing(&"alice"));

        keep(&names, "older", &old, BELIEVED);

        let now = names.at_hand(&"alice", BELIEVED);
        assert!(matches!(now, AtHand::Nothing(_)));
    }
}

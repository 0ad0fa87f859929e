//! What everything is called in Redis: each key and each channel, in one place.

use im_core::{NodeId, UserId, port::AttemptKey};

use super::RedisError;

/// Characters of a prefix at most.
const LONGEST: usize = 64;

/// Places for what is counted of one kind of attempt: whoever tries under many names fills no more than these. Two that share a
/// place share a count; nobody can choose with whom.
const PLACES: u32 = 1 << 18;

/// The names of one cluster of nodes.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
    /// Channels are the same in all databases of a server; keys are not.
    database: u8,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: u8) -> Result<Self, RedisError> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':');
        if prefix.is_empty() || prefix.len() > LONGEST || !prefix.chars().all(is_plain) {
            return Err(RedisError::Prefix);
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            database,
        })
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Sorted set: each node, and until when it is there, in microseconds of the server's clock.
    pub(super) fn nodes(&self) -> String {
        // One slot of a Redis Cluster for this and the next: a script uses both.
        format!("{{{}}}:nodes", self.prefix)
    }

    /// Hash: of which `store` the nodes are, and which `protocol` they speak.
    pub(super) fn whose(&self) -> String {
        format!("{{{}}}:whose", self.prefix)
    }

    /// Hash: the `version`, and for each node until when its word stands, a colon, and what it has.
    pub(super) fn user(&self, user: &UserId) -> String {
        format!("{}:user:{user}", self.prefix)
    }

    /// Hash: the `holder`, and `until` when.
    pub(super) fn lease(&self, name: &str) -> String {
        format!("{}:lease:{name}", self.prefix)
    }

    /// Text: when all attempts that were used up are given back, in microseconds of the server's clock.
    pub(super) fn used(&self, key: &AttemptKey) -> String {
        format!("{}:used:{}", self.prefix, named(key))
    }

    /// Hash: `failures` in a row, and `until` when they lock, in microseconds of the server's clock.
    pub(super) fn failures(&self, key: &AttemptKey) -> String {
        format!("{}:failures:{}", self.prefix, named(key))
    }

    /// Text: how far a store has come.
    pub(super) fn reach(&self, store: &str) -> String {
        format!("{}:reach:{store}", self.prefix)
    }

    /// Channel: what is for all nodes.
    pub(super) fn to_all(&self) -> String {
        format!("{}:{}:all", self.prefix, self.database)
    }

    /// Channel: what is for one node.
    pub(super) fn to_node(&self, node: NodeId) -> String {
        format!("{}:{}:node:{node}", self.prefix, self.database)
    }
}

fn named(key: &AttemptKey) -> String {
    let [a, b, c, d, ..] = key.of;
    format!(
        "{}:{:x}",
        key.kind,
        u32::from_be_bytes([a, b, c, d]) % PLACES
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_prefix_is_plain_and_short() {
        for good in ["im", "im-2", "a.b:c_D"] {
            assert!(Keys::new(good, 0).is_ok(), "{good}");
        }
        for bad in ["", " ", "a b", "{im}", "im*", "小", &"x".repeat(65)] {
            assert!(Keys::new(bad, 0).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_one_script_uses_is_in_one_slot() {
        let keys = Keys::new("im", 0).unwrap();
        let slot = |key: String| fred::util::redis_keyslot(key.as_bytes());
        assert_eq!(slot(keys.nodes()), slot(keys.whose()));
    }

    #[test]
    fn there_are_no_more_counts_than_places() {
        let names = (0..PLACES * 3 / 2).map(|n| {
            let mut of = [7; 16];
            of[..4].copy_from_slice(&n.wrapping_mul(0x9E37_79B1).to_be_bytes());
            named(&AttemptKey { kind: "user", of })
        });

        let names: std::collections::HashSet<_> = names.collect();

        assert!(names.len() <= PLACES as usize);
        assert!(names.len() > PLACES as usize / 2, "and they are used");
    }

    #[test]
    fn two_databases_of_a_server_have_channels_of_their_own() {
        let [a, b] = [0, 1].map(|database| Keys::new("im", database).unwrap());
        assert_ne!(a.to_all(), b.to_all());
    }
}

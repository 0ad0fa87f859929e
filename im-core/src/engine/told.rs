//! What was told last of how far members have come.
//!
//! A user reads on two nodes, and the letter with the earlier position comes later. Nobody here is told of that after the other
//! one: each position is put together with the last that was told, and what is no news by that is not told.

use std::{
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

use tokio::sync::{Mutex, MutexGuard};

use crate::{ConversationId, Position, Receipt, UserId};

/// As many as let different members be told of side by side.
const PARTS: usize = 64;
/// Positions that are remembered in each half of a part: together more than letters wait to be worked on. What was told
/// longer ago is forgotten, whatever the size of the conversations.
const ROWS: usize = 256;

type Positions = HashMap<(ConversationId, UserId), Position>;

/// What was told lately on this node.
pub(super) struct Told {
    parts: Vec<Mutex<Part>>,
}

/// What was told of some of the members. Held until whoever listens is told: so that they are told in order.
#[derive(Default)]
pub(super) struct Part {
    latest: Positions,
    /// What was told before `latest` was begun.
    earlier: Positions,
}

impl Default for Told {
    fn default() -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
        }
    }
}

impl Told {
    /// Waits until nobody is being told of this member.
    pub(super) async fn turn(&self, receipt: &Receipt) -> MutexGuard<'_, Part> {
        let mut hasher = DefaultHasher::new();
        (receipt.conversation, &receipt.user).hash(&mut hasher);
        let place = hasher.finish() % PARTS as u64;
        self.parts[place as usize].lock().await
    }
}

impl Part {
    /// What is to be told now that a member has come this far; `None` when that was told.
    pub(super) fn news(&mut self, receipt: &Receipt) -> Option<Receipt> {
        let key = (receipt.conversation, receipt.user.clone());
        let told = self.latest.get(&key).or_else(|| self.earlier.get(&key));
        let position = told.map_or(receipt.position, |told| told.merge(receipt.position));
        if told == Some(&position) {
            return None;
        }
        if self.latest.len() >= ROWS && !self.latest.contains_key(&key) {
            self.earlier = std::mem::take(&mut self.latest);
        }
        self.latest.insert(key, position);
        Some(Receipt {
            position,
            ..receipt.clone()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seq;

    fn user(name: &str) -> UserId {
        UserId::new(name).unwrap()
    }

    fn receipt(of: &str, delivered: u64, read: u64) -> Receipt {
        Receipt {
            conversation: ConversationId::direct(&user("ann"), &user("bob")),
            user: user(of),
            position: Position {
                delivered: Seq(delivered),
                read: Seq(read),
                read_ordinal: read,
            },
        }
    }

    #[test]
    fn an_earlier_position_that_comes_later_is_not_told() {
        let mut part = Part::default();

        let news = [7, 5, 7, 8].map(|read| part.news(&receipt("ann", read, read)));

        let seven_and_eight = [
            Some(receipt("ann", 7, 7)),
            None,
            None,
            Some(receipt("ann", 8, 8)),
        ];
        assert_eq!(news, seven_and_eight);
    }

    #[test]
    fn of_two_positions_the_further_is_told_in_each_respect() {
        let mut part = Part::default();

        part.news(&receipt("ann", 9, 2));
        let news = part.news(&receipt("ann", 5, 5));

        assert_eq!(news, Some(receipt("ann", 9, 5)));
        assert_eq!(part.news(&receipt("bob", 1, 1)), Some(receipt("bob", 1, 1)));
    }

    #[test]
    fn it_remembers_the_last_few_hundred_and_no_more() {
        let mut part = Part::default();
        part.news(&receipt("ann", 7, 7));

        let others = (0..ROWS).map(|n| receipt(&format!("u{n}"), 1, 1));
        others.for_each(|other| drop(part.news(&other)));
        let late = part.news(&receipt("ann", 5, 5));
        let others = (0..10 * ROWS).map(|n| receipt(&format!("v{n}"), 1, 1));
        others.for_each(|other| drop(part.news(&other)));

        assert_eq!(late, None);
        assert!(part.latest.len() + part.earlier.len() <= 2 * ROWS);
    }
}

//! What goes wrong between nodes without anybody being able to notice by a number.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use super::{
    super::{super::Chance, cluster::Way},
    Bug, Bugs, SHOWS,
};
use crate::{ConversationId, Seq, StoreError, Whereabouts, port::HeadStore};

/// Where a letter has its number, as the engine writes it. What is told of how many there were has 0 there.
const NUMBER: std::ops::Range<usize> = 18..26;

/// What becomes of a letter.
pub(in crate::testing::simulation) enum Fate {
    /// It goes on, as far as the weather lets it.
    Goes(Bytes),
    /// It goes to another node.
    Strays(Bytes),
    Lost,
}

impl Bugs {
    /// What becomes of a letter. Whether a bug shows is drawn from the letter's own chances.
    pub(in crate::testing::simulation) fn letter(
        &self,
        chance: &mut Chance,
        way: Way,
        bytes: Bytes,
    ) -> Fate {
        let Some(number) = self.bug.and_then(|_| number_of(&bytes)) else {
            return Fate::Goes(bytes);
        };
        let is_count = number == 0;
        let shows = chance.one_in(SHOWS);
        let mut memory = self.lock();
        match self.bug {
            Some(Bug::CountsUntold) if is_count => Fate::Lost,
            Some(Bug::LetterRepeated) if !is_count => {
                let before = memory.letters.insert(way, bytes.clone());
                match before.filter(|_| shows) {
                    Some(before) => Fate::Goes(numbered(&before, number)),
                    None => Fate::Goes(bytes),
                }
            }
            Some(Bug::LetterUnnumbered | Bug::LetterStrays) => {
                let unnumbered = memory.unnumbered.entry(way).or_default();
                if is_count {
                    return Fate::Lost;
                }
                if !shows {
                    return Fate::Goes(numbered(&bytes, number.saturating_sub(*unnumbered)));
                }
                *unnumbered += 1;
                if self.is(Bug::LetterStrays) {
                    return Fate::Strays(bytes);
                }
                Fate::Lost
            }
            _ => Fate::Goes(bytes),
        }
    }

    /// Whether the directory forgets what it was told just now.
    pub(in crate::testing::simulation) fn forgets_announced(&self) -> bool {
        self.strikes(Bug::DirectoryForgets)
    }

    /// The directory has found where users are.
    pub(in crate::testing::simulation) fn found(&self, found: &mut [Whereabouts]) {
        if self.strikes(Bug::NodeNotFound) {
            for whereabouts in found {
                whereabouts.nodes.clear();
            }
        }
    }
}

fn number_of(letter: &Bytes) -> Option<u64> {
    let number = letter.get(NUMBER)?.try_into().ok()?;
    Some(u64::from_be_bytes(number))
}

/// A letter under another number.
fn numbered(letter: &Bytes, number: u64) -> Bytes {
    let mut bytes = letter.to_vec();
    bytes[NUMBER].copy_from_slice(&number.to_be_bytes());
    bytes.into()
}

struct WrongHeads {
    inner: Arc<dyn HeadStore>,
    bugs: Bugs,
}

pub(super) fn wrong_heads(inner: &Arc<dyn HeadStore>, bugs: &Bugs) -> Arc<dyn HeadStore> {
    Arc::new(WrongHeads {
        inner: Arc::clone(inner),
        bugs: bugs.clone(),
    })
}

#[async_trait]
impl HeadStore for WrongHeads {
    async fn heads(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        if self.bugs.is(Bug::HeadsUnread) {
            return Ok(Vec::new());
        }
        self.inner.heads(conversations).await
    }

    async fn reached(&self) -> Result<u64, StoreError> {
        self.inner.reached().await
    }
}

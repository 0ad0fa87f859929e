//! Finding messages in SQL: blocks whose signature denies what is looked for are passed over, the others are read.

use async_trait::async_trait;
use im_core::{
    ConversationId, Seq, StoreError, Timestamp,
    port::{Found, Range, Rest, Search, SearchStore},
};

use super::{
    SqlStore,
    block::{self, ENTRIES, block_of},
    connection::Value,
    error::SqlError,
    signature::{Signature, Wanted},
    stored::{column, int, number, uuid},
};

/// Blocks that one search looks at.
const BLOCKS: u64 = 32;

/// Entries after which a search reads no further block.
const READ: usize = 512;

/// Entries in one read: at 64 KiB each no more than 4 MiB.
const AT_ONCE: u64 = 64;

const SIGNATURES: &str = "SELECT block, first_at_ms, signature FROM search_block \
    WHERE conversation_id = ? AND block > ? AND block < ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[SIGNATURES];

/// What is known of a block.
struct Signed {
    first_at: Timestamp,
    signature: Signature,
}

/// Where a search is.
struct Walk {
    search: Search,
    found: Found,
    /// Entries from here on are dealt with.
    before: Seq,
    /// The latest that what is left can be.
    at: Timestamp,
    read: usize,
}

impl Walk {
    /// The first entry of a block that is asked for.
    fn first_of(&self, block: u64) -> Seq {
        Seq((block * ENTRIES).max(self.search.after.0) + 1)
    }

    fn is_over(&self) -> bool {
        self.before <= self.search.after.next()
    }

    fn is_full(&self) -> bool {
        self.found.entries.len() >= self.search.hits
    }
}

impl SqlStore {
    async fn find_messages(&self, search: Search) -> Result<Found, SqlError> {
        let wanted = Wanted::of(&search.needle);
        let mut walk = Walk {
            before: search.before,
            at: Timestamp(i64::MAX),
            read: 0,
            found: Found::default(),
            search,
        };
        if walk.is_over() {
            return Ok(walk.found);
        }
        let at = walk.search.conversation;
        let top = block_of(walk.before.previous());
        let bottom = block_of(walk.search.after.next());
        let lowest = bottom.max(top.saturating_sub(BLOCKS - 1));
        let mut signed = self.signed(at, lowest, top).await?;
        for block in (lowest..=top).rev() {
            let first = walk.first_of(block);
            let known = signed.iter().position(|(known, _)| *known == block);
            match known.map(|place| signed.swap_remove(place).1) {
                Some(known) if !known.signature.admits(&wanted) => {
                    walk.before = first;
                    walk.at = known.first_at;
                }
                known => {
                    if walk.read >= READ {
                        break;
                    }
                    self.read_block(&mut walk, first).await?;
                    // Whatever is before the top block is full.
                    if known.is_none() && block < top {
                        self.core.blocks.hint((at, block));
                    }
                }
            }
            if walk.is_full() {
                break;
            }
        }
        if !walk.is_over() {
            walk.found.rest = Some(Rest {
                before: walk.before,
                at_ms: walk.at,
            });
        }
        Ok(walk.found)
    }

    /// Reads down to the first entry of a block that is asked for, or to the last hit.
    async fn read_block(&self, walk: &mut Walk, first: Seq) -> Result<(), SqlError> {
        while walk.before > first && !walk.is_full() {
            let limit = (walk.before.0 - first.0).min(AT_ONCE);
            let range = Range::Before(walk.before);
            let at = walk.search.conversation;
            let entries = self.read_page(at, range, limit as usize).await?;
            walk.read += entries.len();
            if entries.is_empty() {
                walk.before = first;
            }
            for entry in entries.into_iter().rev() {
                if walk.is_full() {
                    break;
                }
                walk.before = entry.seq;
                walk.at = entry.at_ms;
                if walk.search.needle.matches(&entry) {
                    walk.found.entries.push(entry);
                }
            }
        }
        Ok(())
    }

    /// The signatures of blocks from one to another.
    async fn signed(
        &self,
        at: ConversationId,
        from: u64,
        to: u64,
    ) -> Result<Vec<(u64, Signed)>, SqlError> {
        let values = [uuid(at), Value::Int(int(from) - 1), Value::Int(int(to) + 1)];
        let rows = self.core.query(SIGNATURES, 1, &values).await?;
        let mut signed = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Some(signature) = Signature::read(column(row, 2)?) {
                let first_at = Timestamp(column(row, 1)?);
                let known = Signed {
                    first_at,
                    signature,
                };
                signed.push((number(row, 0)?, known));
            }
        }
        Ok(signed)
    }

    async fn sign_log(&self, at: ConversationId) -> Result<(), SqlError> {
        let head = self.load_snapshot(at).await?.map(|it| it.head.seq);
        let full = head.unwrap_or_default().0 / ENTRIES;
        let mut from = 0;
        while from < full {
            let to = full.min(from + BLOCKS);
            let signed = self.signed(at, from, to - 1).await?;
            let is_signed = |block| signed.iter().any(|(known, _)| *known == block);
            let unsigned = (from..to).filter(|block| !is_signed(*block));
            let unsigned: Vec<_> = unsigned.map(|block| (at, block)).collect();
            block::sign_all(&self.core, &unsigned).await?;
            from = to;
        }
        Ok(())
    }
}

#[async_trait]
impl SearchStore for SqlStore {
    async fn search(&self, search: Search) -> Result<Found, StoreError> {
        let finding = self.find_messages(search).await;
        finding.map_err(|error| error.during("finding messages"))
    }

    async fn prepare(&self, conversation: ConversationId) -> Result<(), StoreError> {
        let signing = self.sign_log(conversation).await;
        signing.map_err(|error| error.during("preparing a log for searches"))
    }
}

//! Blocks of logs with signatures, by which a search passes over what cannot hold what it looks for. Kept behind the log,
//! by one task: an append costs nothing for it, and a block without a signature is read.
//!
//! What changes a text forgets the signature in the same transaction. Who makes one locks the block's entries before it
//! reads them: so either it reads the new text, or the change comes later and forgets what was made.

use std::{
    borrow::Cow,
    collections::BTreeSet,
    sync::Weak,
    time::{Duration, Instant},
};

use im_core::{
    Body, ConversationId, Entry, Seq,
    port::{Append, NewEntry},
    searchable_text,
};
use tokio::sync::mpsc;

use super::{
    connection::{Connection, Value},
    core::Core,
    error::SqlError,
    log::entry,
    signature::Signature,
    stored::{int, uuid},
};

/// Entries of a block. More make signatures denser and reading in vain dearer.
pub(super) const ENTRIES: u64 = 128;

/// Blocks in one transaction: a few milliseconds, for which commits wait in SQLite.
const AT_ONCE: usize = 8;

/// How many times as long as it worked the task rests: each transaction is one that sends wait for, so it takes a twentieth
/// of their time at most. What it does not come to is signed when a search reads it.
const REST: u32 = 19;

/// Hints that wait. One that is left out comes again when a search reads the block.
const WAITING: usize = 1_024;

/// How long hints are gathered.
const GATHER: Duration = Duration::from_secs(1);

pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE search_block (conversation_id {uuid}, block bigint NOT NULL, first_at_ms bigint NOT NULL, \
     signature {blob}, PRIMARY KEY (conversation_id, block))",
];

const ENTRIES_OF: &str = "SELECT seq, sender, client_id, ordinal, at_ms, body FROM entry \
    WHERE conversation_id = ? AND seq > ? ORDER BY seq LIMIT ? FOR UPDATE";

const FORGET: &str = "DELETE FROM search_block WHERE conversation_id = ? AND block = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[ENTRIES_OF];

/// A block: entries `128 n + 1` to `128 (n + 1)`.
pub(super) type Block = (ConversationId, u64);

/// The block that an entry is in.
pub(super) const fn block_of(seq: Seq) -> u64 {
    seq.previous().0 / ENTRIES
}

/// That of a body from which signatures are made: the kind and the text of a message.
pub(super) fn searched(body: &Body) -> Option<(&'static str, Option<String>)> {
    let content = &body.as_message()?.content;
    let text = searchable_text(content).map(Cow::into_owned);
    Some((content.kind(), text))
}

/// Takes hints of blocks that are full and have no signature.
#[derive(Clone)]
pub(super) struct Blocks {
    hints: mpsc::Sender<Block>,
}

pub(super) fn channel() -> (Blocks, mpsc::Receiver<Block>) {
    let (hints, waiting) = mpsc::channel(WAITING);
    (Blocks { hints }, waiting)
}

impl Blocks {
    /// Hints at what an append, which is stored, filled or made to be forgotten.
    pub(super) fn note(&self, append: &Append) {
        let at = append.conversation;
        let last = append.after.0 + append.entries.len() as u64;
        for block in append.after.0 / ENTRIES..last / ENTRIES {
            self.hint((at, block));
        }
        let full = last / ENTRIES;
        let targets = |new: &NewEntry| new.entry.revisions().into_iter().map(|it| it.target());
        for target in append.entries.iter().flat_map(targets) {
            if block_of(target) < full {
                self.hint((at, block_of(target)));
            }
        }
    }

    pub(super) fn hint(&self, block: Block) {
        let _ = self.hints.try_send(block);
    }
}

/// Makes signatures until the store is gone.
pub(super) async fn run(core: Weak<Core>, mut hints: mpsc::Receiver<Block>) {
    let mut gathered = Vec::new();
    while hints.recv_many(&mut gathered, WAITING).await > 0 {
        tokio::time::sleep(GATHER).await;
        while gathered.len() < WAITING
            && let Ok(block) = hints.try_recv()
        {
            gathered.push(block);
        }
        let blocks: BTreeSet<Block> = gathered.drain(..).collect();
        let blocks: Vec<Block> = blocks.into_iter().collect();
        for blocks in blocks.chunks(AT_ONCE) {
            let begun = Instant::now();
            let Some(core) = core.upgrade() else { return };
            if let Err(error) = sign_all(&core, blocks).await {
                // Nothing is lost but speed: whoever reads these blocks hints at them again.
                tracing::debug!(error = &error as &dyn std::error::Error, "signing blocks");
            }
            drop(core);
            tokio::time::sleep(begun.elapsed() * REST).await;
        }
    }
}

/// Makes the signatures of blocks, as far as they are full.
pub(super) async fn sign_all(core: &Core, blocks: &[Block]) -> Result<(), SqlError> {
    for blocks in blocks.chunks(AT_ONCE) {
        core.transaction(|connection, _| {
            Box::pin(async move {
                for block in blocks {
                    connection.sign(*block).await?;
                }
                Ok(())
            })
        })
        .await?;
    }
    Ok(())
}

impl Connection {
    async fn sign(&mut self, (at, block): Block) -> Result<(), SqlError> {
        let values = [
            uuid(at),
            Value::Int(int(block * ENTRIES)),
            Value::Int(int(ENTRIES)),
        ];
        let rows = self.query(ENTRIES_OF, 1, &values).await?;
        let entries = rows.iter().map(|row| entry(at, row));
        let entries = entries.collect::<Result<Vec<Entry>, _>>()?;
        let Some(first) = entries.first().filter(|_| entries.len() as u64 == ENTRIES) else {
            return Ok(());
        };
        let signature = Signature::of(&entries);
        let values = [
            uuid(at),
            Value::Int(int(block)),
            Value::Int(first.at_ms.0),
            Value::Bytes(signature.bytes()),
        ];
        let upsert = "INSERT INTO search_block (conversation_id, block, first_at_ms, signature) VALUES (?, ?, ?, ?) \
                      ON CONFLICT (conversation_id, block) DO UPDATE SET signature = excluded.signature";
        self.execute(upsert, 1, &values).await?;
        Ok(())
    }

    /// Forgets what was derived from the block of an entry whose text changed.
    pub(super) async fn forget_block(
        &mut self,
        at: ConversationId,
        seq: Seq,
    ) -> Result<(), SqlError> {
        let values = [uuid(at), Value::Int(int(block_of(seq)))];
        self.execute(FORGET, 1, &values).await?;
        Ok(())
    }
}

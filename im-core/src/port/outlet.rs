//! Where a session's pushes go: the near end of a link.

use std::sync::OnceLock;

use bytes::Bytes;

use crate::{CloseReason, Push};

/// How much a push matters when there is little room.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Urgency {
    /// Typing, presence: dropped first.
    Ephemeral,
    /// Entries, receipts: dropped next, because they can be fetched.
    Live,
    /// Hints to fetch, and last words: room is kept for them.
    Control,
}

/// What an outlet did with a push.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Offer {
    /// Written or queued.
    Taken,
    /// No room for this urgency. Nothing of it was queued.
    Full,
    /// The link is gone.
    Closed,
}

/// How a transport writes pushes as bytes.
#[derive(Debug)]
pub struct Encoding {
    /// Which of the [`Broadcast::SLOTS`] caches the bytes go to. Two encodings in one process must differ here.
    pub slot: usize,
    /// Writes the pushes, framed as the link wants them.
    pub write: fn(&[Push], &mut Vec<u8>),
}

/// Pushes for many sessions: encoded once per encoding, then shared as bytes.
#[derive(Debug)]
pub struct Broadcast {
    /// What to push, in order.
    pub pushes: Vec<Push>,
    /// How much it matters.
    pub urgency: Urgency,
    encoded: [OnceLock<Bytes>; Self::SLOTS],
}

impl Broadcast {
    /// Number of encodings that can be cached.
    pub const SLOTS: usize = 4;

    /// Pushes that have not been encoded yet.
    #[must_use]
    pub fn new(urgency: Urgency, pushes: Vec<Push>) -> Self {
        Self {
            pushes,
            urgency,
            encoded: Default::default(),
        }
    }

    /// All pushes in one piece, encoded by the first session that asks and shared by the others.
    pub fn bytes(&self, encoding: &Encoding) -> Bytes {
        self.encoded[encoding.slot]
            .get_or_init(|| {
                let mut bytes = Vec::with_capacity(256 * self.pushes.len());
                (encoding.write)(&self.pushes, &mut bytes);
                bytes.into()
            })
            .clone()
    }
}

/// The near end of a link, as the engine sees it.
///
/// # Contract
/// - No method blocks, waits, or calls back into the engine.
/// - What was taken is sent in the order of the calls, or the link ends.
/// - What may be queued is bounded; room is kept back for [`Urgency::Control`].
pub trait Outlet: Send + Sync + 'static {
    /// Writes or queues, or says that there is no room.
    fn offer(&self, broadcast: &Broadcast) -> Offer;

    /// Ends the link after what is queued, as far as that goes without waiting for long.
    fn close(&self, reason: CloseReason);
}

//! Where in a log a moment is. Times never go backwards within a log, so a few single entries tell.

use super::Engine;
use crate::{ConversationId, Rejection, Seq, Timestamp, port::Range};

impl Engine {
    /// The first of the entries `from..to` that was accepted after `at`; `to` when none was.
    ///
    /// Looks from the end, in steps that grow: at most about two reads for each doubling of the distance.
    pub(super) async fn first_after(
        &self,
        id: ConversationId,
        from: Seq,
        to: Seq,
        at: Timestamp,
    ) -> Result<Seq, Rejection> {
        // Always: entries at `late` and beyond came after the moment.
        let (mut late, mut stride) = (to.0, 1);
        let mut early = loop {
            if late <= from.0 {
                return Ok(from);
            }
            let probe = late.saturating_sub(stride).max(from.0);
            if self.is_after(id, Seq(probe), at).await? {
                late = probe;
                stride *= 4;
            } else {
                break probe;
            }
        };
        while late - early > 1 {
            let probe = early + (late - early) / 2;
            if self.is_after(id, Seq(probe), at).await? {
                late = probe;
            } else {
                early = probe;
            }
        }
        Ok(Seq(late))
    }

    /// Whether the entry at `seq` was accepted after `at`. One that is not there yet will have been.
    async fn is_after(
        &self,
        id: ConversationId,
        seq: Seq,
        at: Timestamp,
    ) -> Result<bool, Rejection> {
        let range = Range::After(seq.previous());
        let entry = self.ports.log.read(id, range, 1).await?.pop();
        Ok(entry.is_none_or(|entry| entry.at_ms > at))
    }
}

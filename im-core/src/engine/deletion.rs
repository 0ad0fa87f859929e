//! What a user deleted or cleared away for itself: it stays in the log, and is nothing to that user.

use super::Engine;
use crate::{
    Body, ConversationId, Entry, Membership, Rejection, Seq, Settings, UserId, port::Span,
};

/// Deletions that one catching up tells for one conversation.
const TOLD: usize = 1_000;

impl Engine {
    /// Hides what the user deleted. The entries stay, as nothing, so that no seq is missing.
    pub(super) async fn hide_deleted(
        &self,
        user: &UserId,
        conversation: ConversationId,
        settings: &Settings,
        entries: &mut [Entry],
    ) -> Result<(), Rejection> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(());
        };
        let span = Span {
            conversation,
            after: first.seq.previous(),
            end: last.seq,
        };
        let deleted = if settings.deletes {
            self.ports.tallies.deleted(user, span).await?
        } else {
            Vec::new()
        };
        let cleared = settings.cleared.unwrap_or_default();
        for entry in entries {
            if entry.seq <= cleared || deleted.binary_search(&entry.seq).is_ok() {
                entry.body = Body::Unknown;
            }
        }
        Ok(())
    }

    /// What the user deleted since its rows had a version.
    pub(super) async fn deleted_since(
        &self,
        user: &UserId,
        row: &Membership,
        version: u64,
    ) -> Result<Vec<Seq>, Rejection> {
        if !row.settings.deletes || row.version <= version {
            return Ok(Vec::new());
        }
        let tallies = &self.ports.tallies;
        Ok(tallies
            .deleted_since(user, row.conversation, version, TOLD)
            .await?)
    }
}

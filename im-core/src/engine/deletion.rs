//! What a user deleted or cleared away for itself: it stays in the log, and is nothing to that user.

use std::collections::HashSet;

use super::Engine;
use crate::{
    Body, ConversationId, ConversationView, Entry, Membership, Rejection, Seq, Settings, UserId,
    port::Span,
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
            self.ports.tallies.deleted(user, &[span]).await?
        } else {
            Vec::new()
        };
        let deleted = deleted.into_iter().collect();
        entries
            .iter_mut()
            .for_each(|entry| hide(entry, settings, &deleted));
        Ok(())
    }

    /// As [`Engine::hide_deleted`], for what was said last in some conversations: one read for all of them.
    pub(super) async fn hide_deleted_last(
        &self,
        user: &UserId,
        views: &mut [ConversationView],
    ) -> Result<(), Rejection> {
        let last = views.iter().filter(|view| view.settings.deletes);
        let spans: Vec<Span> = last
            .filter_map(|view| view.last.as_ref())
            .map(|last| Span {
                conversation: last.conversation,
                after: last.seq.previous(),
                end: last.seq,
            })
            .collect();
        let deleted = if spans.is_empty() {
            HashSet::new()
        } else {
            let deleted = self.ports.tallies.deleted(user, &spans).await?;
            deleted.into_iter().collect()
        };
        for view in views {
            if let Some(last) = &mut view.last {
                hide(last, &view.settings, &deleted);
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

/// Hides an entry that is among the deleted ones, or that the user cleared away.
fn hide(entry: &mut Entry, settings: &Settings, deleted: &HashSet<(ConversationId, Seq)>) {
    let is_cleared = entry.seq <= settings.cleared.unwrap_or_default();
    if is_cleared || deleted.contains(&(entry.conversation, entry.seq)) {
        entry.body = Body::Unknown;
    }
}

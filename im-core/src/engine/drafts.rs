//! What users are about to say.

use std::sync::Arc;

use super::{Engine, registry::SessionEntry};
use crate::{
    Actor, DeleteDraft, Done, Draft, Own, OwnKey, OwnKind, OwnRow, PutDraft, Rejection,
    port::OwnWrite, state::check_content,
};

impl Engine {
    pub(super) async fn put_draft(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: PutDraft,
    ) -> Result<OwnRow, Rejection> {
        check_content(&ask.content, &self.limits())?;
        self.member(ask.conversation, &actor.user).await?;
        let draft = Own::Draft(Draft {
            content: ask.content,
            reply_to: ask.reply_to,
            at_ms: self.ports.runtime.now(),
        });
        let write = OwnWrite::put(actor.user.clone(), ask.conversation.into(), draft);
        self.write_one(session, write).await
    }

    pub(super) async fn delete_draft(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: DeleteDraft,
    ) -> Result<Done, Rejection> {
        let key = OwnKey::new(OwnKind::Draft, ask.conversation.into());
        self.remove_one(actor, session, key).await
    }
}

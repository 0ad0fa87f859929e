//! What a command is answered once a conversation has decided it.

use std::sync::Arc;

use super::{Engine, caller::Caller, slot::Stored};
use crate::{Changed, ClientId, ConversationId, ConversationView, Rejection, Sent, state::Ask};

impl Engine {
    pub(super) async fn say(
        self: Arc<Self>,
        actor: Caller,
        conversation: ConversationId,
        client_id: ClientId,
        ask: Ask,
    ) -> Result<Sent, Rejection> {
        let Stored { seq, at_ms } = self.ask(actor, ask).await?;
        Ok(Sent {
            conversation,
            client_id,
            seq,
            at_ms,
        })
    }

    pub(super) async fn change(
        self: Arc<Self>,
        actor: Caller,
        conversation: ConversationId,
        ask: Ask,
    ) -> Result<Changed, Rejection> {
        let Stored { seq, .. } = self.ask(actor, ask).await?;
        Ok(Changed { conversation, seq })
    }

    pub(super) async fn begin(
        self: Arc<Self>,
        actor: Caller,
        ask: Ask,
    ) -> Result<ConversationView, Rejection> {
        let (user, id) = (actor.user.clone(), ask.conversation(&actor.user));
        self.clone().ask(actor, ask).await?;
        self.view(id, &user).await
    }
}

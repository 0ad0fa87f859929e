//! What a command is answered once a conversation has decided it.

use std::{future::Future, sync::Arc};

use super::{Engine, caller::Caller, slot::Stored};
use crate::{
    Changed, ClientId, ConversationId, ConversationView, Rejection, Reply, SendMessage, Sent,
    state::Ask,
};

impl Engine {
    pub(super) fn send_message(
        self: Arc<Self>,
        actor: Caller,
        ask: SendMessage,
    ) -> impl Future<Output = Result<Reply, Rejection>> + Send {
        let (id, client_id) = (ask.conversation, ask.client_id.clone());
        let sent = self.say(actor, id, client_id, Ask::Send(ask));
        async move { sent.await.map(Reply::SendMessage) }
    }

    /// As [`Engine::ask`], for what has a client id.
    pub(super) fn say(
        self: Arc<Self>,
        actor: Caller,
        conversation: ConversationId,
        client_id: ClientId,
        ask: Ask,
    ) -> impl Future<Output = Result<Sent, Rejection>> + Send {
        let asked = self.ask(actor, ask);
        async move {
            let Stored { seq, at_ms } = asked.await?;
            Ok(Sent {
                conversation,
                client_id,
                seq,
                at_ms,
            })
        }
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

//! What a command passes before a part of the engine executes it: the rate of its user, who may ask, standings, hooks.

use std::{future::Future, sync::Arc};

use tracing::Instrument as _;

use super::{Asking, Engine, caller::Caller, registry::SessionEntry};
use crate::{Actor, Command, Rejection, Reply, state::Ask};

impl Engine {
    /// Executes a command for an actor, from a session or without one, in a span of its own where somebody looks at spans
    /// that closely.
    pub(crate) fn execute(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> impl Future<Output = Result<Reply, Rejection>> {
        let session_id = session.as_ref().map(|session| session.id.0);
        let span = tracing::debug_span!("command", method = command.method(), session = session_id);
        self.execute_checked(actor, session, command)
            .instrument(span)
    }

    async fn execute_checked(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        self.check_rate(&actor, &command)?;
        if Self::check_scope(&actor, &command)? {
            return Box::pin(self.administer(actor, session, command)).await;
        }
        let asking = match &session {
            Some(_) => Asking::Session,
            None => Asking::Waiting,
        };
        if !self.know_standings(asking) {
            Box::pin(self.look_at_standings()).await?;
        }
        self.check_standing(&actor, &command)?;
        self.execute_judged(actor, session, command).await
    }

    pub(super) async fn execute_judged(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        if let Command::AddText(ask) = command {
            let added = Box::pin(self.add_text(actor, session, ask)).await?;
            return Ok(Reply::AddText(added));
        }
        if let Command::FinishMessage(ask) = command {
            let sent = Box::pin(self.finish(actor, ask)).await?;
            return Ok(Reply::FinishMessage(sent));
        }
        let (actor, command) = if self.hooks.judge() {
            // In a box for the same reason as below.
            Box::pin(self.judge(actor, command)).await?
        } else {
            (Caller::from(actor), command)
        };
        if let Command::SendMessage(ask) = command {
            if ask.streaming {
                Box::pin(self.check_streams(&actor, &ask)).await?;
            }
            let (id, client_id) = (ask.conversation, ask.client_id.clone());
            let sent = self.say(actor, id, client_id, Ask::Send(ask)).await?;
            return Ok(Reply::SendMessage(sent));
        }
        // In a box: there is a future for every message under way, and it need not have room for all of these.
        Box::pin(self.execute_other(actor, session, command)).await
    }
}

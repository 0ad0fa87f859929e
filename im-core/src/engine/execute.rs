//! What a command passes before a part of the engine executes it: the rate of its user, who may ask, standings, hooks.

use std::{future::Future, sync::Arc};

use futures_util::future::Either;
use tracing::Instrument as _;

use super::{Asking, Engine, caller::Caller, registry::SessionEntry};
use crate::{Actor, Command, Rejection, Reply, SendMessage};

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
        // There is one of these for every message under way, so it is small: a block, where an async fn would keep its
        // arguments twice, and boxes around all that is not a send.
        let work = async move {
            self.check_rate(&actor, &command)?;
            if Self::check_scope(&actor, &command)? {
                return self.administer_boxed(actor, session, command).await;
            }
            let asking = match &session {
                Some(_) => Asking::Session,
                None => Asking::Waiting,
            };
            if !self.know_standings(asking) {
                self.look_at_standings_boxed().await?;
            }
            self.check_standing(&actor, &command)?;
            #[allow(clippy::wildcard_enum_match_arm, reason = "all others go the same way")]
            let executed = match command {
                Command::SendMessage(ask) if self.is_plain(&ask) => {
                    Either::Left(self.send_message(actor.into(), ask))
                }
                command => Either::Right(self.execute_boxed(actor, session, command)),
            };
            executed.await
        };
        work.instrument(span)
    }

    /// Whether nothing is to be done about a message before its conversation decides it.
    fn is_plain(&self, ask: &SendMessage) -> bool {
        !ask.streaming && !self.hooks.judge()
    }

    pub(super) async fn execute_judged(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        let judged_later = matches!(command, Command::AddText(_) | Command::FinishMessage(_));
        let (actor, command) = if self.hooks.judge() && !judged_later {
            self.judge(actor, command).await?
        } else {
            (Caller::from(actor), command)
        };
        self.execute_other(actor, session, command).await
    }
}

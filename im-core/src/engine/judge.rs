//! What the hooks of the host make of a command, ahead of any lane.

use std::{any::type_name, panic::AssertUnwindSafe, pin::pin, time::Duration};

use futures_util::{
    FutureExt,
    future::{Either, select},
};

use super::{
    Engine,
    caller::Caller,
    complaints::Complaints,
    nature::{Nature, nature, place},
    retry::fingerprint,
};
use crate::{
    Actor, Code, Command, Rejection,
    hook::{Before, BeforeOptions, OnFailure, Verdict},
    state::Ask,
};

/// When to ask again where a hook failed.
const ASK_AGAIN: Duration = Duration::from_secs(1);

/// A hook that is asked before something happens.
pub(super) struct Judge {
    /// Its type, for the log.
    name: &'static str,
    hook: Box<dyn Before>,
    options: BeforeOptions,
    complaints: Complaints,
}

impl Judge {
    pub(super) fn new<H: Before>(hook: H, options: BeforeOptions) -> Self {
        Self {
            name: type_name::<H>(),
            hook: Box::new(hook),
            options,
            complaints: Complaints::default(),
        }
    }
}

impl Engine {
    /// What the hooks make of a command. Whatever they make of a retry, it stays one: what is stored is the answer.
    pub(super) async fn judge(
        &self,
        actor: Actor,
        mut command: Command,
    ) -> Result<(Caller, Command), Rejection> {
        let asked = match nature(&command) {
            Nature::Reads => return Ok((Caller::from(actor), command)),
            Nature::Decided(ask) => Some(ask),
            Nature::Writes(_) => None,
        };
        let mut original = None;
        for judge in &self.hooks.judges {
            match self.verdict(judge, &actor, &command).await {
                Verdict::Allow => {}
                Verdict::Change(other) => {
                    let before = std::mem::replace(&mut command, other);
                    original.get_or_insert(before);
                }
                Verdict::Refuse(rejection) => {
                    let command = original.unwrap_or(command);
                    if self.is_done(&actor, &command).await? {
                        // What is stored answers, and nothing is written.
                        return Ok((Caller::from(actor), command));
                    }
                    return Err(rejection);
                }
            }
        }
        let asked = asked.filter(|_| original.is_some());
        let asked = asked.map(|ask| fingerprint(&ask));
        Ok((Caller { actor, asked }, command))
    }

    async fn verdict(&self, judge: &Judge, actor: &Actor, command: &Command) -> Verdict {
        // In a block, so that also what a hook does before it returns its future is caught.
        let hook = AssertUnwindSafe(async { judge.hook.before(actor, command).await });
        let hook = pin!(hook.catch_unwind());
        let late = self.ports.runtime.sleep(judge.options.deadline);
        let failure = match select(hook, late).await {
            Either::Left((Ok(Verdict::Change(other)), _))
                if place(&other, &actor.user) != place(command, &actor.user) =>
            {
                "it changed a command to one of another method, conversation or client id"
            }
            Either::Left((Ok(verdict), _)) => return verdict,
            Either::Left((Err(_), _)) => "it panicked",
            Either::Right(_) => "it was late",
        };
        if let Some(times) = judge.complaints.add(self.ports.runtime.monotonic()) {
            let (hook, method) = (judge.name, command.method());
            tracing::error!(hook, method, times, "a hook before failed: {failure}");
        }
        match judge.options.on_failure {
            OnFailure::Allow => Verdict::Allow,
            OnFailure::Refuse => {
                let detail =
                    "a check of this server does not answer; try again with the same client id";
                Verdict::Refuse(Rejection::new(Code::Unavailable, detail).retry_after(ASK_AGAIN))
            }
        }
    }

    /// Whether a command is a retry of what is stored.
    async fn is_done(&self, actor: &Actor, command: &Command) -> Result<bool, Rejection> {
        if let Nature::Decided(ask) = nature(command) {
            return self.is_stored(actor, &ask).await;
        }
        if let Command::ForwardMessages(ask) = command {
            return Ok(self.forwarded(actor, ask).await?.is_some());
        }
        if let Command::React(ask) = command {
            return Ok(self.reacts(&actor.user, ask).await? == ask.on);
        }
        if let Command::CastVote(ask) = command {
            return self.has_voted(&actor.user, ask).await;
        }
        Ok(false)
    }

    /// Whether the log has this very request already.
    pub(super) async fn is_stored(&self, actor: &Actor, ask: &Ask) -> Result<bool, Rejection> {
        let Some(client_id) = ask.client_id() else {
            return Ok(false);
        };
        let key = (actor.user.clone(), client_id.clone());
        let conversation = ask.conversation(&actor.user);
        let known = self.ports.log.find(conversation, &[key]).await?;
        let fingerprint = fingerprint(ask);
        Ok(known.iter().any(|known| known.fingerprint == fingerprint))
    }
}

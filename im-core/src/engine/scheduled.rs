//! Messages that are sent later: kept as rows of their sender's own, and sent when they are due.

use std::{sync::Arc, time::Duration};

use super::{Engine, own::contended, registry::SessionEntry};
use crate::{
    Actor, Code, Command, Done, Own, OwnKey, OwnKind, OwnRow, Rejection, ScheduleMessage,
    Scheduled, SendMessage, UnscheduleMessage, UserId,
    port::OwnWrite,
    state::{Ask, check_content},
};

/// How often it is decided anew because the row has changed.
const ATTEMPTS: usize = 8;
/// When it is tried again to send what could not be sent at the time for a reason that passes.
const TRY_AGAIN: Duration = Duration::from_secs(30);

impl Engine {
    pub(super) async fn schedule(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: ScheduleMessage,
    ) -> Result<OwnRow, Rejection> {
        let ScheduleMessage { message, at_ms } = ask;
        let ahead = Duration::from_millis(self.limits().schedule_ahead_ms);
        if at_ms > self.ports.runtime.now().plus(ahead) {
            let detail = format!(
                "at_ms is more than {} ms from now; choose an earlier time",
                self.limits().schedule_ahead_ms
            );
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        if message.streaming {
            let detail = "a message whose text comes piece by piece cannot be scheduled";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        check_content(&message.content, &self.limits())?;
        self.member(message.conversation, &actor.user).await?;
        let key = OwnKey::new(OwnKind::Scheduled, (&message.client_id).into());
        let scheduled = Scheduled {
            message,
            at_ms,
            failed: None,
        };
        for _ in 0..ATTEMPTS {
            let place = [(actor.user.clone(), key.clone())];
            let stands = self.ports.own.read(&place).await?.pop().map(|(_, row)| row);
            let version = stands.as_ref().map_or(0, |row| row.version);
            let value = stands.as_ref().and_then(|row| row.value.as_ref());
            if let Some(Own::Scheduled(other)) = value
                && other.failed.is_none()
            {
                let is_same = **other == scheduled;
                return stands.filter(|_| is_same).ok_or_else(conflict);
            }
            // In the place of one that failed there is room.
            if value.is_none() {
                self.check_scheduled(&actor.user).await?;
            }
            let value = Own::Scheduled(Box::new(scheduled.clone()));
            let write = OwnWrite::put(actor.user.clone(), key.key.clone(), value);
            let writes = vec![write.due(at_ms).if_still(version)];
            let written = self.write_own(session, writes).await?;
            if let Some(row) = written.and_then(|mut rows| rows.pop()) {
                return Ok(row);
            }
        }
        Err(contended())
    }

    async fn check_scheduled(&self, user: &UserId) -> Result<(), Rejection> {
        let most = self.limits().scheduled_per_user;
        if self.ports.own.count(user, OwnKind::Scheduled).await? < most {
            return Ok(());
        }
        let detail = format!("at most {most} messages can be scheduled; unschedule one first");
        Err(Rejection::new(Code::TooMany, detail))
    }

    pub(super) async fn unschedule(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: UnscheduleMessage,
    ) -> Result<Done, Rejection> {
        let key = OwnKey::new(OwnKind::Scheduled, (&ask.client_id).into());
        for _ in 0..ATTEMPTS {
            let Some(row) = self.own_row(&actor.user, key.clone()).await? else {
                let detail = "no such scheduled message: it was sent, or never was";
                return Err(Rejection::new(Code::NotFound, detail));
            };
            let write = OwnWrite::remove(actor.user.clone(), key.clone());
            let writes = vec![write.if_still(row.version)];
            if self.write_own(session, writes).await?.is_some() {
                return Ok(Done {});
            }
        }
        Err(contended())
    }

    /// Sends what is due, and takes its row away; or leaves the row, with the reason. `false` when it is due still.
    ///
    /// Who is interrupted in between sends it once more, under the same client id: the log has it then.
    pub(super) async fn send_scheduled(
        self: &Arc<Self>,
        user: UserId,
        row: OwnRow,
        scheduled: Scheduled,
    ) -> bool {
        let key = OwnKey::new(row.kind, row.key);
        match self.own_row(&user, key.clone()).await {
            Ok(Some(now)) if now.version == row.version => {}
            // Unscheduled meanwhile, or somebody else has seen to it.
            Ok(_) => return true,
            Err(error) => {
                // Logged by the conversion.
                let _ = Rejection::from(error);
                return false;
            }
        }
        let sent = self.say_for(user.clone(), scheduled.message.clone());
        let write = match Box::pin(sent).await {
            Ok(()) => OwnWrite::remove(user, key),
            Err(rejection) if rejection.code.is_retryable() => {
                let again = self.ports.runtime.now().plus(TRY_AGAIN);
                OwnWrite::put(user, key.key, Own::Scheduled(Box::new(scheduled))).due(again)
            }
            Err(rejection) => {
                let failed = Scheduled {
                    failed: Some(rejection),
                    ..scheduled
                };
                OwnWrite::put(user, key.key, Own::Scheduled(Box::new(failed)))
            }
        };
        let written = self
            .write_own(None, vec![write.if_still(row.version)])
            .await;
        written.is_ok()
    }

    /// Sends in a user's name. It was counted in the user's allowance when it was scheduled.
    async fn say_for(
        self: &Arc<Self>,
        user: UserId,
        message: SendMessage,
    ) -> Result<(), Rejection> {
        let command = Command::SendMessage(message);
        let actor = Actor::user(user);
        self.check_standing(&actor, &command)?;
        let (caller, command) = self.judge(actor, command).await?;
        if let Command::SendMessage(ask) = command {
            self.clone().ask(caller, Ask::Send(ask)).await?;
        }
        Ok(())
    }
}

fn conflict() -> Rejection {
    Rejection::new(
        Code::Conflict,
        "another message is scheduled under this client id; unschedule it, or choose a new one",
    )
}

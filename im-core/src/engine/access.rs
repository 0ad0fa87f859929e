//! Who may ask a command at all. What is done with more than a user's authority is written down.

use std::{future::Future, sync::Arc, time::Duration};

use tokio::sync::oneshot;
use tracing::Instrument as _;
use uuid::{Builder, Uuid};

use super::{Engine, lane::interrupted, lock, registry::SessionEntry};
use crate::{
    Access, Actor, AuditPage, AuditRecord, Authority, Code, Command, Deed, ReadAudit, Rejection,
    Reply, RowKey, Scope, StoreError, Timestamp, UserId, port::AuditQuery,
};

/// Bytes of what was asked that are written down.
const PARAMS_BYTES: usize = 8 * 1024;

/// How often what is old is forgotten.
const FORGET_AGAIN: Duration = Duration::from_secs(60 * 60);

impl Engine {
    /// Refuses whose credential is not good for a command. `true` when it takes more than a user's authority.
    pub(super) fn check_scope(actor: &Actor, command: &Command) -> Result<bool, Rejection> {
        match command.access() {
            Access::Open => Ok(false),
            Access::Read => actor.require(Scope::Read).map(|()| false),
            Access::Write => actor.require(Scope::Write).map(|()| false),
            Access::Operate | Access::Inspect | Access::Administer => {
                actor.require(Scope::Admin).map(|()| true)
            }
        }
    }

    /// Executes what takes more than a user's authority.
    pub(super) async fn administer(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        self.check_admin(&actor).await?;
        let record = self.record(&actor, &command);
        let Some(record) = record else {
            return self.execute_judged(actor, session, command).await;
        };
        // To the end, whoever waits: a ban is more than a row, and the session that asks may be among those that end.
        let (reply, answer) = oneshot::channel();
        let engine = self.clone();
        let work = async move {
            let work = engine.clone().execute_judged(actor, session, command);
            let outcome = engine.written_down(record, work).await;
            // Nobody may wait for it.
            let _ = reply.send(outcome);
        };
        self.ports.runtime.spawn(Box::pin(work.in_current_span()));
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Does something that is no command, for an actor who needs more than a user's authority for it.
    pub(crate) async fn administer_deed<T>(
        &self,
        actor: &Actor,
        deed: Deed,
        work: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        actor.require(Scope::Admin)?;
        self.check_admin(actor).await?;
        let Deed {
            method,
            about,
            params,
        } = deed;
        let record = self.record_of(actor, method, Some(about), Some(params));
        self.written_down(record, work).await
    }

    /// Does what is written down before and after.
    async fn written_down<T>(
        &self,
        record: AuditRecord,
        work: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        let id = record.id.clone();
        self.ports.audit.note(record).await?;
        let done = work.await;
        let outcome = match &done {
            Ok(_) => "done",
            Err(rejection) => rejection.code.as_str(),
        };
        // It is done, or refused, whether or not that can be written down as well.
        if let Err(error) = self.ports.audit.settle(&id, outcome).await {
            let _ = Rejection::from(error);
        }
        done
    }

    async fn check_admin(&self, actor: &Actor) -> Result<(), Rejection> {
        if actor.authority == Authority::Service {
            return Ok(());
        }
        // Of the store, not of what is believed: who was an admin a moment ago on another node is none.
        let stands = self.ports.standings.standing(&actor.user).await?;
        if stands.is_some_and(|stands| stands.standing.admin) {
            return Ok(());
        }
        Err(Rejection::new(
            Code::Forbidden,
            "only a back end with a server key or an admin may do this",
        ))
    }

    /// What is written down of a command, if anything is.
    fn record(&self, actor: &Actor, command: &Command) -> Option<AuditRecord> {
        let (is_daily, is_service) = (
            command.access() == Access::Operate,
            actor.authority == Authority::Service,
        );
        if command.access() == Access::Inspect || (is_daily && is_service) {
            return None;
        }
        let params = serde_json::to_value(command).ok();
        let params = params.filter(|_| !is_daily);
        Some(self.record_of(actor, command.method(), about(command).cloned(), params))
    }

    fn record_of(
        &self,
        actor: &Actor,
        method: &str,
        about: Option<UserId>,
        params: Option<serde_json::Value>,
    ) -> AuditRecord {
        // No two of a node at the same moment, so that they are read in their order.
        let at_ms = self.last_record.after(self.ports.runtime.now());
        let id = id_at(u64::try_from(at_ms.0).unwrap_or_default());
        let is_small = |params: &serde_json::Value| params.to_string().len() <= PARAMS_BYTES;
        AuditRecord {
            id,
            at_ms,
            actor: actor.user.clone(),
            authority: actor.authority,
            method: method.to_owned(),
            about,
            params: params.filter(is_small),
            outcome: None,
        }
    }

    /// Forgets what was written down long ago, every now and then.
    pub(super) async fn forget_records(&self) -> Result<(), StoreError> {
        let uptime = self.ports.runtime.monotonic();
        {
            let mut forgotten_at = lock(&self.forgotten_at);
            if forgotten_at.is_some_and(|at| uptime < at + FORGET_AGAIN) {
                return Ok(());
            }
            *forgotten_at = Some(uptime);
        }
        let kept = i64::try_from(self.limits().audit_ms).unwrap_or(i64::MAX);
        let now = self.ports.runtime.now();
        let since = Timestamp(now.0.saturating_sub(kept));
        self.ports.audit.forget_before(since).await
    }

    pub(super) async fn audit(&self, ask: ReadAudit) -> Result<AuditPage, Rejection> {
        let limit = self.limits().page_of(ask.limit);
        let query = AuditQuery {
            before: ask.before,
            actor: ask.actor,
            about: ask.about,
            limit,
        };
        let items = self.ports.audit.records(query).await?;
        let done = items.len() < limit;
        let next_cursor = items.last().filter(|_| !done).map(|last| last.id.clone());
        Ok(AuditPage {
            items,
            next_cursor,
            done,
        })
    }
}

/// An id that sorts by time (RFC 9562, version 7).
pub(crate) fn id_at(ms: u64) -> RowKey {
    let chance = Uuid::new_v4().into_bytes();
    let chance = chance.first_chunk().expect("16 bytes begin with 10");
    let id = Builder::from_unix_timestamp_millis(ms, chance).into_uuid();
    RowKey::new(id.to_string()).expect("a UUID is a key")
}

/// The user whom a command is about.
#[allow(
    clippy::wildcard_enum_match_arm,
    reason = "users' own commands are about nobody, and are not written down"
)]
fn about(command: &Command) -> Option<&UserId> {
    match command {
        Command::DemoteUser(ask) => Some(&ask.user),
        Command::LiftRestriction(ask) => Some(&ask.user),
        Command::PromoteUser(ask) => Some(&ask.user),
        Command::RestrictUser(ask) => Some(&ask.user),
        Command::SignOutUser(ask) => Some(&ask.user),
        Command::UpsertUser(ask) => Some(&ask.user),
        _ => None,
    }
}

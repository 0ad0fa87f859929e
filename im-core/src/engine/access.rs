//! Who may ask a command at all. What is done with more than a user's authority is written down.

use std::sync::Arc;

use uuid::{Builder, Uuid};

use super::{Engine, registry::SessionEntry};
use crate::{
    Access, Actor, AuditPage, AuditRecord, Authority, Code, Command, ReadAudit, Rejection, Reply,
    RowKey, Scope, UserId, port::AuditQuery,
};

/// Bytes of what was asked that are written down.
const PARAMS_BYTES: usize = 8 * 1024;

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
        let Some(record) = self.record(&actor, &command) else {
            return self.execute_judged(actor, session, command).await;
        };
        let id = record.id.clone();
        self.ports.audit.note(record).await?;
        let engine = self.clone();
        let done = engine.execute_judged(actor, session, command).await;
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
        match actor.authority {
            Authority::Service => Ok(()),
            Authority::User => Err(Rejection::new(
                Code::Forbidden,
                "only a back end with a server key or an admin may do this",
            )),
        }
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
        let at_ms = self.ports.runtime.now();
        let params = serde_json::to_value(command).ok();
        let is_small = |params: &serde_json::Value| params.to_string().len() <= PARAMS_BYTES;
        Some(AuditRecord {
            id: id_at(u64::try_from(at_ms.0).unwrap_or_default()),
            at_ms,
            actor: actor.user.clone(),
            authority: actor.authority,
            method: command.method().to_owned(),
            about: about(command).cloned(),
            params: params.filter(is_small).filter(|_| !is_daily),
            outcome: None,
        })
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
        Command::UpsertUser(ask) => Some(&ask.user),
        _ => None,
    }
}

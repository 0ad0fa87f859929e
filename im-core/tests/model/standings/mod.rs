//! What admins take from users, in virtual time, with two engines on one store.

mod admins;
mod users;

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, Attachment, Call, ClientId, Code, ConversationId, CreateConversation, Im,
    LiftRestriction, Limits, PromoteUser, ReadAudit, Rejection, RestrictUser, RestrictionKind,
    Store as _, Timestamp, TrustEveryone,
    port::{Ports, Runtime as _},
    testing::{ManualRuntime, user},
};
use im_store::MemoryStore;

use crate::{
    hooks::message,
    link::{identity, opening},
    outlet::TestOutlet,
};

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// Two nodes, of which the first has all who ask here but for those who ask elsewhere. Ann is an admin; alice and bob talk.
struct Service {
    here: Im,
    elsewhere: Im,
    ports: Ports,
    runtime: ManualRuntime,
    chat: ConversationId,
}

impl Service {
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        let limits = Limits {
            audit_ms: HOUR,
            ..Limits::default()
        };
        let node = || {
            let builder = Im::builder(ports.clone(), TrustEveryone);
            builder.limits(limits.clone()).build()
        };
        let (here, elsewhere) = (node(), node());
        let chat = runtime.block_on(here.direct("alice", "bob")).unwrap();
        let service = Self {
            here,
            elsewhere,
            ports,
            runtime,
            chat,
        };
        let promote = PromoteUser { user: user("ann") };
        let operator = Actor::service(user("operator"));
        let promoted = service.here.call(&operator, promote);
        service.runtime.block_on(promoted).unwrap();
        service
    }

    fn at<C: Call>(&self, im: &Im, who: &str, call: C) -> Result<C::Reply, Rejection> {
        let actor = Actor::user(user(who));
        self.runtime.block_on(im.call(&actor, call))
    }

    fn call<C: Call>(&self, who: &str, call: C) -> Result<C::Reply, Rejection> {
        self.at(&self.here, who, call)
    }

    fn code<C: Call>(&self, who: &str, call: C) -> Option<Code> {
        self.call(who, call).err().map(|rejection| rejection.code)
    }

    fn send(&self, who: &str, text: &str) -> Option<Code> {
        let id = ClientId::random();
        self.code(who, message(self.chat, id.as_str(), text))
    }

    /// Ann takes something from alice, for a while.
    fn restrict(&self, kind: RestrictionKind, for_ms: Option<u64>) -> Result<(), Rejection> {
        self.call("ann", self.restriction("alice", kind, for_ms))
            .map(drop)
    }

    fn restriction(&self, whom: &str, kind: RestrictionKind, for_ms: Option<u64>) -> RestrictUser {
        let end = |span| self.runtime.now().plus(Duration::from_millis(span));
        RestrictUser {
            user: user(whom),
            kind,
            until_ms: for_ms.map(end),
            reason: (kind != RestrictionKind::Disabled).then(|| "spam".to_owned()),
        }
    }

    fn lift(&self, kind: RestrictionKind) {
        let user = user("alice");
        self.call("ann", LiftRestriction { user, kind }).unwrap();
    }

    fn advance(&self, ms: u64) {
        self.runtime.advance(Duration::from_millis(ms));
    }

    fn attach(&self, im: &Im, who: &str) -> Result<(Attachment, Arc<TestOutlet>), Rejection> {
        let outlet = Arc::new(TestOutlet::new(Arc::default()));
        let opening = opening(&im_core::testing::device("phone"));
        let attach = im.attach(identity(&user(who)), &opening, outlet.clone());
        let attached = self.runtime.block_on(attach)?;
        Ok((attached, outlet))
    }

    /// What is written down, the oldest first: method, user, outcome.
    fn records(&self) -> Vec<(String, String, String)> {
        let page = self.call("ann", ReadAudit::default()).unwrap();
        let mut records: Vec<_> = page
            .items
            .into_iter()
            .map(|record| {
                let about = record.about.map_or_else(String::new, |it| it.to_string());
                (record.method, about, record.outcome.unwrap_or_default())
            })
            .collect();
        records.reverse();
        records
    }
}

fn group(members: &[&str]) -> CreateConversation {
    CreateConversation::group(ClientId::random(), members.iter().map(|name| user(name)))
}

//! What admins take from users, in virtual time, with two engines on one store.

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, AdminDismiss, AdminRecall, Attachment, Body, Call, ClientId, CloseReason, Code,
    ConversationId, CountUnread, CreateConversation, DemoteUser, History, Im, LeaveGroup,
    LiftRestriction, Limits, ListStandings, OwnKind, Ping, PromoteUser, PutDraft, ReadAudit,
    Rejection, RestrictUser, RestrictionKind, ScheduleMessage, Seq, SignOutUser, Store, Timestamp,
    TrustEveryone, Typing,
    port::{Ports, Runtime},
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

fn draft(conversation: ConversationId) -> PutDraft {
    PutDraft {
        conversation,
        content: "later".into(),
        reply_to: None,
    }
}

fn group(members: &[&str]) -> CreateConversation {
    CreateConversation::group(ClientId::random(), members.iter().map(|name| user(name)))
}

#[test]
fn a_muted_user_reads_and_says_nothing_until_the_end_comes_by_itself() {
    let service = Service::new();
    service
        .restrict(RestrictionKind::Muted, Some(MINUTE))
        .unwrap();

    let refused = service
        .call("alice", message(service.chat, "c", "hello"))
        .unwrap_err();

    assert_eq!(refused.code, Code::Muted);
    assert!(refused.detail.contains("spam"), "{refused}");
    assert_eq!(refused.retry_after_ms, Some(MINUTE));
    let conversation = service.chat;
    assert_eq!(
        service.code("alice", Typing { conversation }),
        Some(Code::Muted)
    );
    assert_eq!(service.code("alice", draft(conversation)), None);
    assert_eq!(service.code("alice", History::of(conversation)), None);
    assert_eq!(service.send("bob", "hello"), None);
    service.advance(MINUTE);
    assert_eq!(service.send("alice", "hello"), None);
}

#[test]
fn a_frozen_user_changes_nothing_until_it_is_lifted() {
    let service = Service::new();
    let begun = service.call("alice", group(&["bob"])).unwrap();
    let leave = || LeaveGroup {
        conversation: begun.conversation,
        client_id: ClientId::random(),
    };
    service.restrict(RestrictionKind::Frozen, None).unwrap();

    assert_eq!(service.send("alice", "hello"), Some(Code::Frozen));
    assert_eq!(
        service.code("alice", draft(service.chat)),
        Some(Code::Frozen)
    );
    assert_eq!(service.code("alice", leave()), Some(Code::Frozen));
    assert_eq!(service.code("alice", CountUnread::default()), None);
    service.lift(RestrictionKind::Frozen);
    assert_eq!(service.send("alice", "hello"), None);
}

#[test]
fn who_is_banned_is_sent_away_at_once_and_comes_back_when_the_ban_ends() {
    for (kind, code) in [
        (RestrictionKind::Banned, Code::AccountBanned),
        (RestrictionKind::Disabled, Code::AccountDisabled),
    ] {
        let service = Service::new();
        let (session, outlet) = service.attach(&service.here, "alice").unwrap();

        service.restrict(kind, Some(MINUTE)).unwrap();

        assert_eq!(outlet.closed(), Some(CloseReason::Banned));
        let asked = session.execute(History::of(service.chat).into_command());
        let refused = service.runtime.block_on(asked).unwrap_err();
        assert_eq!(refused.code, code);
        let refused = service.attach(&service.here, "alice").err().unwrap();
        assert_eq!((refused.code, refused.retry_after_ms), (code, Some(MINUTE)));
        assert_eq!(service.code("alice", CountUnread::default()), Some(code));
        service.advance(MINUTE);
        assert!(service.attach(&service.here, "alice").is_ok());
    }
}

#[test]
fn what_is_decided_here_holds_elsewhere_within_five_seconds() {
    let service = Service::new();
    service.elsewhere.housekeep();
    let (_session, outlet) = service.attach(&service.elsewhere, "alice").unwrap();
    let (bob, _outlet) = service.attach(&service.elsewhere, "bob").unwrap();

    service.restrict(RestrictionKind::Banned, None).unwrap();
    let muted = service.restriction("bob", RestrictionKind::Muted, None);
    service.call("ann", muted).unwrap();
    service.advance(5 * SECOND);

    assert_eq!(outlet.closed(), Some(CloseReason::Banned));
    assert!(service.attach(&service.elsewhere, "alice").is_err());
    let said = message(service.chat, "c", "hello").into_command();
    let refused = service.runtime.block_on(bob.execute(said)).unwrap_err();
    assert_eq!(refused.code, Code::Muted);
}

#[test]
fn who_asks_without_a_session_after_a_quiet_time_is_looked_up_first() {
    let service = Service::new();
    let asked = service.at(&service.elsewhere, "alice", CountUnread::default());
    assert!(asked.is_ok());
    service.restrict(RestrictionKind::Banned, None).unwrap();
    service.advance(5 * SECOND);

    let refused = service.at(&service.elsewhere, "alice", CountUnread::default());

    assert_eq!(refused.unwrap_err().code, Code::AccountBanned);
}

#[test]
fn what_a_muted_user_scheduled_is_not_sent() {
    let service = Service::new();
    let later = ScheduleMessage {
        message: message(service.chat, "c", "hello"),
        at_ms: service.runtime.now().plus(Duration::from_millis(MINUTE)),
    };
    service.call("alice", later).unwrap();
    service.restrict(RestrictionKind::Muted, None).unwrap();

    service.advance(2 * MINUTE);

    let page = service.call("bob", History::of(service.chat)).unwrap();
    assert_eq!(page.head.seq, Seq(1), "only the beginning");
    let (alice, own) = (user("alice"), &service.ports.own);
    let rows = own.list(&alice, OwnKind::Scheduled, None, 9);
    let rows = service.runtime.block_on(rows).unwrap();
    let row = format!("{rows:?}");
    assert!(row.contains("Muted"), "{row}");
}

#[test]
fn who_is_no_admin_any_more_is_refused_at_once_whatever_the_node() {
    let service = Service::new();
    let promote = PromoteUser { user: user("ben") };
    service.call("ann", promote).unwrap();
    let list = ListStandings::default;
    assert!(service.at(&service.elsewhere, "ben", list()).is_ok());

    let demote = DemoteUser { user: user("ben") };
    service.call("ann", demote).unwrap();

    for im in [&service.here, &service.elsewhere] {
        let refused = service.at(im, "ben", list()).unwrap_err();
        assert_eq!(refused.code, Code::Forbidden);
    }
}

#[test]
fn the_last_admin_stays_one_and_no_admin_is_restricted() {
    let service = Service::new();
    let demote = |who: &str| DemoteUser { user: user(who) };

    let last = service.call("ann", demote("ann")).unwrap_err();
    let muted = service.restriction("ann", RestrictionKind::Muted, None);
    let restricted = service.call("ann", muted).unwrap_err();

    assert_eq!(last.code, Code::Forbidden);
    assert!(last.detail.contains("promote another first"), "{last}");
    assert_eq!(restricted.code, Code::Forbidden);
    assert!(restricted.detail.contains("demote"), "{restricted}");
    service
        .call("ann", PromoteUser { user: user("ben") })
        .unwrap();
    assert_eq!(service.code("ben", demote("ann")), None);
    assert_eq!(service.code("ben", demote("ben")), Some(Code::Forbidden));
    let operator = Actor::service(user("operator"));
    let demoted = service.here.call(&operator, demote("ben"));
    assert!(service.runtime.block_on(demoted).is_ok());
}

#[test]
fn who_is_restricted_cannot_be_an_admin() {
    let service = Service::new();
    service
        .restrict(RestrictionKind::Muted, Some(MINUTE))
        .unwrap();
    let promote = || PromoteUser {
        user: user("alice"),
    };

    assert_eq!(service.code("ann", promote()), Some(Code::Forbidden));
    service.advance(MINUTE);
    assert_eq!(service.code("ann", promote()), None);
}

#[test]
fn restrictions_that_cannot_be_are_refused() {
    let service = Service::new();
    let good = service.restriction("alice", RestrictionKind::Muted, None);
    let past = RestrictUser {
        until_ms: Some(service.runtime.now()),
        ..good.clone()
    };
    let far = RestrictUser {
        until_ms: Some(Timestamp(Timestamp::FOREVER.0 - 1)),
        ..good.clone()
    };
    let long = RestrictUser {
        reason: Some("x".repeat(201)),
        ..good.clone()
    };
    let reasoned = RestrictUser {
        kind: RestrictionKind::Disabled,
        ..good
    };

    assert_eq!(service.code("ann", past), Some(Code::InvalidRequest));
    assert_eq!(service.code("ann", far), Some(Code::InvalidRequest));
    assert_eq!(service.code("ann", long), Some(Code::TooLarge));
    assert_eq!(service.code("ann", reasoned), Some(Code::InvalidRequest));
    let page = service.call("ann", ListStandings::default()).unwrap();
    let listed: Vec<_> = page.items.iter().map(|one| one.user.as_str()).collect();
    assert_eq!(listed, ["ann"]);
}

#[test]
fn an_admin_ends_a_group_and_recalls_what_was_said_without_being_in_it() {
    let service = Service::new();
    let at = service.call("alice", group(&["bob"])).unwrap().conversation;
    let said = service
        .call("alice", message(at, "c", "forbidden fruit"))
        .unwrap();
    let recall = |who: &str| {
        let ask = AdminRecall {
            conversation: at,
            seq: said.seq,
            client_id: ClientId::new("r").unwrap(),
        };
        service.call(who, ask)
    };
    let dismiss = |conversation| AdminDismiss {
        conversation,
        client_id: ClientId::random(),
    };

    assert_eq!(recall("alice").unwrap_err().code, Code::Forbidden);
    let dismissed = service.call("ann", dismiss(at)).unwrap();
    let recalled = recall("ann").unwrap();
    assert_eq!(recall("ann").unwrap(), recalled, "a retry");

    let page = service.call("bob", History::of(at)).unwrap();
    let bodies: Vec<_> = page.items.iter().map(|entry| &entry.body).collect();
    assert!(!format!("{bodies:?}").contains("fruit"), "{bodies:?}");
    assert!(matches!(bodies[1], Body::RecalledMessage { .. }));
    assert!(matches!(bodies[2], Body::Dismissed));
    assert!(matches!(bodies[3], Body::Recalled { target } if *target == said.seq));
    assert_eq!(page.items[3].sender, user("ann"), "all see by whom");
    let again = service.call("ann", dismiss(at)).unwrap();
    assert_eq!((dismissed.seq, again.seq), (Seq(3), Seq(4)), "nothing new");
    assert_eq!(
        service.code("ann", dismiss(service.chat)),
        Some(Code::Forbidden)
    );
}

#[test]
fn signing_a_user_out_ends_its_sessions_and_lets_it_back_in() {
    let service = Service::new();
    let (_session, outlet) = service.attach(&service.here, "alice").unwrap();

    let out = SignOutUser {
        user: user("alice"),
    };
    service.call("ann", out).unwrap();

    assert_eq!(outlet.closed(), Some(CloseReason::Unauthenticated));
    assert!(service.attach(&service.here, "alice").is_ok());
}

#[test]
fn all_of_it_is_written_down_with_its_outcome_and_forgotten_after_its_time() {
    let service = Service::new();
    service.restrict(RestrictionKind::Muted, None).unwrap();
    service.lift(RestrictionKind::Muted);
    service
        .call("ann", DemoteUser { user: user("ann") })
        .unwrap_err();
    service
        .call("bob", PromoteUser { user: user("bob") })
        .unwrap_err();

    let records = service.records();

    let told: Vec<_> = records
        .iter()
        .map(|(method, about, outcome)| (method.as_str(), about.as_str(), outcome.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("admin.promote", "ann", "done"),
            ("admin.restrict", "alice", "done"),
            ("admin.lift", "alice", "done"),
            ("admin.demote", "ann", "forbidden"),
        ]
    );
    service.here.housekeep();
    service.advance(2 * HOUR + MINUTE);
    assert_eq!(service.records(), []);
}

#[test]
fn a_session_is_kept_alive_whatever_is_known_of_its_user() {
    let service = Service::new();
    let (session, _outlet) = service.attach(&service.here, "alice").unwrap();
    service.restrict(RestrictionKind::Frozen, None).unwrap();

    let pinged = session.execute(Ping {}.into_command());

    assert!(service.runtime.block_on(pinged).is_ok());
}

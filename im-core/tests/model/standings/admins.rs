//! Who is an admin, what admins do to conversations, and what is written down.

use im_core::{
    Actor, AdminDismiss, AdminRecall, Body, Call as _, ClientId, CloseReason, Code, DemoteUser,
    History, ListStandings, Ping, PromoteUser, RestrictUser, RestrictionKind, Seq, SignOutUser,
    Timestamp, port::Runtime as _, testing::user,
};

use super::{HOUR, MINUTE, Service, group};
use crate::hooks::message;

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
    assert!(service.records().is_empty());
}

#[test]
fn a_session_is_kept_alive_whatever_is_known_of_its_user() {
    let service = Service::new();
    let (session, _outlet) = service.attach(&service.here, "alice").unwrap();
    service.restrict(RestrictionKind::Frozen, None).unwrap();

    let pinged = session.execute(Ping {}.into_command());

    assert!(service.runtime.block_on(pinged).is_ok());
}

//! What is taken from a user, and how it ends.

use std::time::Duration;

use im_core::{
    Call as _, ClientId, CloseReason, Code, ConversationId, CountUnread, History, LeaveGroup,
    OwnKind, PutDraft, RestrictionKind, ScheduleMessage, Seq, Typing, port::Runtime as _,
    testing::user,
};

use super::{MINUTE, SECOND, Service, group};
use crate::hooks::message;

fn draft(conversation: ConversationId) -> PutDraft {
    PutDraft {
        conversation,
        content: "later".into(),
        reply_to: None,
    }
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

//! What admins took from a user.

use super::{NOW, id, key};
use crate::{
    AddText, Code, Command, Content, CountUnread, EditMessage, History, LeaveGroup, MarkRead, Ping,
    PutDraft, RecallMessage, Restriction, RestrictionKind, SendMessage, Seq, Standing, Timestamp,
    Typing, UpdateProfile,
};

fn end() -> Timestamp {
    Timestamp(NOW.0 + 60_000)
}

fn with(kind: RestrictionKind, until_ms: Timestamp) -> Standing {
    let mut standing = Standing::default();
    standing.restrict(Restriction {
        kind,
        since_ms: NOW,
        until_ms,
        reason: Some("spam".to_owned()),
    });
    standing
}

fn send() -> Command {
    Command::SendMessage(SendMessage::new(id(), key(), Content::text("hello")))
}

/// What others hear of.
fn heard() -> Vec<Command> {
    let edit = EditMessage {
        conversation: id(),
        client_id: key(),
        target: Seq(1),
        content: Content::text("hello"),
    };
    let typing = Typing { conversation: id() };
    let text = AddText {
        conversation: id(),
        seq: Seq(1),
        offset: 0,
        text: "hello".to_owned(),
    };
    vec![
        send(),
        Command::AddText(text),
        Command::EditMessage(edit),
        Command::Typing(typing),
        Command::UpdateProfile(UpdateProfile::default()),
    ]
}

/// What changes something, of which nobody hears.
fn quiet() -> Vec<Command> {
    let (conversation, client_id) = (id(), key());
    let draft = PutDraft {
        conversation,
        content: Content::text("hello"),
        reply_to: None,
    };
    let recall = RecallMessage {
        conversation,
        client_id: client_id.clone(),
        target: Seq(1),
    };
    let leave = LeaveGroup {
        conversation,
        client_id,
    };
    let read = MarkRead {
        conversation,
        seq: Seq(1),
    };
    vec![
        Command::PutDraft(draft),
        Command::RecallMessage(recall),
        Command::LeaveGroup(leave),
        Command::MarkRead(read),
    ]
}

/// What changes nothing.
fn reads() -> Vec<Command> {
    vec![
        Command::CountUnread(CountUnread::default()),
        Command::History(History::of(id())),
    ]
}

fn refused(standing: &Standing, commands: &[Command], now: Timestamp) -> Vec<Option<Code>> {
    let codes = commands.iter().map(|command| {
        let checked = standing.check(command, now);
        checked.err().map(|rejection| rejection.code)
    });
    codes.collect()
}

#[test]
fn a_muted_user_says_nothing_and_does_all_else() {
    let standing = with(RestrictionKind::Muted, end());

    assert_eq!(refused(&standing, &heard(), NOW), [Some(Code::Muted); 5]);
    assert_eq!(refused(&standing, &quiet(), NOW), [None; 4]);
    assert_eq!(refused(&standing, &reads(), NOW), [None; 2]);
    assert_eq!(standing.check_in(NOW), Ok(()));
    assert_eq!(standing.check_change(NOW), Ok(()));
}

#[test]
fn a_frozen_user_reads_and_changes_nothing() {
    let standing = with(RestrictionKind::Frozen, end());

    assert_eq!(refused(&standing, &heard(), NOW), [Some(Code::Frozen); 5]);
    assert_eq!(refused(&standing, &quiet(), NOW), [Some(Code::Frozen); 4]);
    assert_eq!(refused(&standing, &reads(), NOW), [None; 2]);
    assert_eq!(standing.check_in(NOW), Ok(()));
    assert_eq!(standing.check_change(NOW).unwrap_err().code, Code::Frozen);
}

#[test]
fn who_is_banned_or_switched_off_does_not_come_in() {
    for (kind, code) in [
        (RestrictionKind::Banned, Code::AccountBanned),
        (RestrictionKind::Disabled, Code::AccountDisabled),
    ] {
        let standing = with(kind, end());

        assert_eq!(standing.check_in(NOW).unwrap_err().code, code);
        assert_eq!(refused(&standing, &reads(), NOW), [Some(code); 2]);
        assert_eq!(standing.check(&Command::Ping(Ping {}), NOW), Ok(()));
    }
}

#[test]
fn what_was_taken_comes_back_by_itself() {
    for kind in [
        RestrictionKind::Banned,
        RestrictionKind::Disabled,
        RestrictionKind::Frozen,
        RestrictionKind::Muted,
    ] {
        let standing = with(kind, end());
        let last = Timestamp(end().0 - 1);

        assert!(standing.check(&send(), last).is_err(), "{kind:?}");
        assert_eq!(standing.check(&send(), end()), Ok(()), "{kind:?}");
        assert_eq!(standing.check_in(end()), Ok(()), "{kind:?}");
        assert!(standing.at(end()).is_plain(), "{kind:?}");
    }
}

#[test]
fn a_refusal_says_why_and_until_when() {
    let ends = with(RestrictionKind::Muted, end());
    let refusal = ends.check(&send(), NOW).unwrap_err();
    assert_eq!(
        refusal.detail,
        "this account is muted, and only reads until 1970-01-12 13:48 UTC: spam; wait until then"
    );
    assert_eq!(refusal.retry_after_ms, Some(60_000));

    let endless = with(RestrictionKind::Muted, Timestamp::FOREVER);
    let refusal = endless.check(&send(), NOW).unwrap_err();
    let detail = "this account is muted, and only reads: spam; ask an admin";
    assert_eq!(refusal.detail, detail);
    assert_eq!(refusal.retry_after_ms, None);
}

#[test]
fn of_several_restrictions_the_one_that_takes_most_is_told() {
    let mut standing = with(RestrictionKind::Muted, end());
    standing.restrict(with(RestrictionKind::Banned, end()).restrictions[0].clone());

    assert_eq!(
        refused(&standing, &[send()], NOW),
        [Some(Code::AccountBanned)]
    );
    assert!(standing.lift(RestrictionKind::Banned));
    assert!(!standing.lift(RestrictionKind::Banned));
    assert_eq!(refused(&standing, &[send()], NOW), [Some(Code::Muted)]);
}

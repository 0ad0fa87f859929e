//! Order in a group: who may speak, who gets in, what roles may do, the end.

use super::{super::Lookup, *};
use crate::{
    ApproveRequests, ChangePermissions, DismissGroup, Message, MuteMembers, Permission,
    Permissions, RenameMember, UnbanUsers, UnmuteMembers,
};

fn mute(whom: &[&str], until_ms: Option<i64>) -> Ask {
    Ask::Mute(MuteMembers {
        conversation: id(),
        client_id: key(),
        users: whom.iter().copied().map(user).collect(),
        until_ms: until_ms.map(Timestamp),
    })
}

fn unmute(whom: &str) -> Ask {
    Ask::Unmute(UnmuteMembers {
        conversation: id(),
        client_id: key(),
        users: vec![user(whom)],
    })
}

fn nickname(whom: &str, nickname: &str) -> Ask {
    Ask::Rename(RenameMember {
        conversation: id(),
        client_id: key(),
        user: user(whom),
        nickname: Some(nickname.into()),
    })
}

fn permissions(role: Role, permissions: &[Permission]) -> Ask {
    Ask::Permissions(ChangePermissions {
        conversation: id(),
        client_id: key(),
        role,
        permissions: Permissions::of(permissions),
    })
}

fn change(changes: InfoPatch) -> Ask {
    Ask::Info(ChangeInfo {
        conversation: id(),
        client_id: key(),
        changes,
    })
}

fn dismiss() -> Ask {
    Ask::Dismiss(DismissGroup {
        conversation: id(),
        client_id: key(),
    })
}

fn after(mut state: ConversationState, who: &str, body: Body) -> ConversationState {
    let seq = state.head().seq.next().0;
    state.apply(&entry(seq, who, body));
    state
}

fn asked_by_hand(state: &ConversationState, who: &str, changes: InfoPatch) -> ConversationState {
    let Ok(Decision::Append(body)) = asked(state, who, change(changes)) else {
        panic!("{who} may not")
    };
    after(state.clone(), who, body)
}

#[test]
fn a_silenced_member_cannot_speak_until_it_ends_or_is_lifted() {
    let (end, later) = (NOW.0 + 1_000, NOW.0 + 1_001);
    let Ok(Decision::Append(body)) = asked(&group(), "adam", mute(&["mia", "mia"], Some(end)))
    else {
        panic!("an admin may silence a member")
    };
    let silent = after(group(), "adam", body);

    assert_eq!(asked(&silent, "mia", send("a")), Err(Code::Muted));
    assert_eq!(
        decide(&silent, "mia", edit(), &said_by("mia", 0)),
        Err(Code::Muted)
    );
    assert!(asked(&silent, "max", send("a")).is_ok());
    let actor = Actor::user(user("mia"));
    let (facts, limits) = (Facts::default(), Limits::default());
    let ended = silent.decide(&actor, &send("a"), &facts, &limits, Timestamp(later));
    assert!(ended.is_ok());
    let lifted = Body::Unmuted {
        members: vec![user("mia")],
    };
    assert_eq!(
        asked(&silent, "adam", unmute("mia")),
        Ok(Decision::Append(lifted.clone()))
    );
    assert!(asked(&after(silent, "adam", lifted), "mia", send("a")).is_ok());
}

#[test]
fn silence_is_for_lower_roles_and_for_a_time_that_comes() {
    assert_eq!(
        asked(&group(), "mia", mute(&["max"], None)),
        Err(Code::Forbidden)
    );
    assert_eq!(
        asked(&group(), "adam", mute(&["ada"], None)),
        Err(Code::Forbidden)
    );
    assert!(asked(&group(), "olga", mute(&["ada"], None)).is_ok());
    assert_eq!(
        asked(&group(), "olga", mute(&["mia"], Some(NOW.0))),
        Err(Code::InvalidRequest)
    );
    assert_eq!(
        asked(&group(), "olga", mute(&["eve"], None)),
        Ok(Decision::Nothing)
    );
    assert_eq!(
        asked(&group(), "olga", unmute("mia")),
        Ok(Decision::Nothing)
    );
}

#[test]
fn silence_does_not_end_by_leaving_and_coming_back() {
    let open = begun(Kind::Group, Joining::Open, &["olga", "mia"]);
    let facts = Facts {
        silent_until: Some(Timestamp::FOREVER),
        ..Facts::default()
    };
    let left = after(open, "mia", Body::Left);
    let Ok(Decision::Append(body)) = decide(&left, "mia", join(), &facts) else {
        panic!("an open group lets in")
    };
    assert_eq!(
        asked(&after(left, "mia", body), "mia", send("a")),
        Err(Code::Muted)
    );
}

#[test]
fn while_all_are_silenced_only_those_speak_who_may_speak_freely() {
    let changes = InfoPatch {
        silenced: Some(true),
        ..InfoPatch::default()
    };
    assert_eq!(
        asked(&group(), "mia", change(changes.clone())),
        Err(Code::Forbidden)
    );
    let silenced = asked_by_hand(&group(), "adam", changes);
    assert_eq!(asked(&silenced, "mia", send("a")), Err(Code::Muted));
    assert!(asked(&silenced, "ada", send("a")).is_ok());
    assert!(asked(&silenced, "olga", send("a")).is_ok());
}

#[test]
fn in_slow_mode_a_member_waits_and_an_admin_does_not() {
    let slow = asked_by_hand(
        &group(),
        "adam",
        InfoPatch {
            slow_mode_ms: Some(5_000),
            ..InfoPatch::default()
        },
    );
    let said = after(slow.clone(), "mia", Body::says("first"));
    let said = after(said, "ada", Body::says("first"));

    let actor = Actor::user(user("mia"));
    let (facts, limits) = (Facts::default(), Limits::default());
    let at = |ms| said.decide(&actor, &send("a"), &facts, &limits, Timestamp(NOW.0 + ms));
    let refused = at(4_000).unwrap_err();
    assert_eq!(
        (refused.code, refused.retry_after_ms),
        (Code::RateLimited, Some(1_000))
    );
    assert!(at(5_000).is_ok());
    assert!(asked(&said, "max", send("a")).is_ok());
    assert!(asked(&said, "ada", send("a")).is_ok());
    let together = Facts {
        earlier: vec![user("max")],
        ..Facts::default()
    };
    assert_eq!(
        decide(&said, "max", send("a"), &together),
        Err(Code::RateLimited)
    );
}

#[test]
fn a_stranger_says_one_thing_until_the_other_side_answers() {
    let limits = Limits {
        strangers_send_one: true,
        ..Limits::default()
    };
    let say = |state: &ConversationState, who: &str, facts: &Facts| {
        let decided = state.decide(&Actor::user(user(who)), &send("a"), facts, &limits, NOW);
        decided.map_err(|rejection| rejection.code)
    };
    let none = Facts::default();
    let Ok(Decision::Append(first)) = say(&direct(), "mia", &none) else {
        panic!("a stranger may say one thing")
    };
    assert!(matches!(&first, Body::Message(message) if message.first));
    let once = after(direct(), "mia", first);

    assert_eq!(say(&once, "mia", &none), Err(Code::Forbidden));
    let contact = Facts {
        is_contact: true,
        ..Facts::default()
    };
    assert!(say(&once, "mia", &contact).is_ok());
    let twice = Facts {
        earlier: vec![user("mia")],
        ..Facts::default()
    };
    assert_eq!(say(&direct(), "mia", &twice), Err(Code::Forbidden));
    let Ok(Decision::Append(answer)) = say(&once, "olga", &none) else {
        panic!("the other side may answer")
    };
    let answered = after(once, "olga", answer);
    assert!(say(&answered, "mia", &none).is_ok());
    assert_eq!(answered.info().spoke, [user("mia"), user("olga")]);
}

#[test]
fn who_is_banned_gets_in_by_no_way_until_it_is_lifted() {
    let banned = Facts {
        banned: vec![user("eve")],
        requested: vec![user("eve")],
        ..Facts::default()
    };
    let open = begun(Kind::Group, Joining::Open, &["olga"]);
    assert_eq!(decide(&open, "eve", join(), &banned), Err(Code::Banned));
    assert_eq!(
        decide(&open, "olga", add(&["eve"]), &banned),
        Err(Code::Banned)
    );
    let approve = Ask::Approve(ApproveRequests {
        conversation: id(),
        client_id: key(),
        users: vec![user("eve")],
    });
    assert_eq!(decide(&open, "olga", approve, &banned), Err(Code::Banned));
    let unban = |who| {
        Ask::Unban(UnbanUsers {
            conversation: id(),
            client_id: key(),
            users: vec![user(who)],
        })
    };
    let lifted = Body::Unbanned {
        members: vec![user("eve")],
    };
    assert_eq!(
        decide(&open, "olga", unban("eve"), &banned),
        Ok(Decision::Append(lifted))
    );
    assert_eq!(
        decide(&open, "olga", unban("max"), &banned),
        Ok(Decision::Nothing)
    );
    assert_eq!(
        decide(&group(), "mia", unban("eve"), &banned),
        Err(Code::Forbidden)
    );
}

#[test]
fn only_who_asked_is_let_in() {
    let approve = |who: &[&str]| {
        Ask::Approve(ApproveRequests {
            conversation: id(),
            client_id: key(),
            users: who.iter().copied().map(user).collect(),
        })
    };
    let facts = Facts {
        requested: vec![user("eve")],
        ..Facts::default()
    };
    let added = Body::MembersAdded {
        members: vec![user("eve")],
        since: None,
    };
    assert_eq!(
        decide(&group(), "adam", approve(&["eve", "zoe", "mia"]), &facts),
        Ok(Decision::Append(added))
    );
    assert_eq!(
        decide(&group(), "adam", approve(&["zoe"]), &facts),
        Ok(Decision::Nothing)
    );
    assert_eq!(
        decide(&group(), "mia", approve(&["eve"]), &facts),
        Err(Code::Forbidden)
    );
}

#[test]
fn one_gets_in_by_asking_or_by_a_link_where_that_is_the_way() {
    let approval = begun(Kind::Group, Joining::Approval, &["olga"]);
    assert_eq!(asked(&approval, "eve", join()), Err(Code::Forbidden));
    let Ask::Join(mut enter) = join() else {
        panic!("a join is a join")
    };
    enter.invited = true;
    assert!(asked(&approval, "eve", Ask::Join(enter.clone())).is_ok());
    assert!(asked(&group(), "eve", Ask::Join(enter)).is_ok());
    assert_eq!(asked(&group(), "eve", join()), Err(Code::NotFound));
}

#[test]
fn newcomers_see_what_was_before_where_that_is_so() {
    let changes = InfoPatch {
        history: Some(Visibility::All),
        ..InfoPatch::default()
    };
    let shown = asked_by_hand(&group(), "olga", changes);
    let Ok(Decision::Append(body)) = asked(&shown, "olga", add(&["eve"])) else {
        panic!("the owner may add")
    };
    let state = after(shown, "olga", body);
    let Lookup::Member(eve) = state.lookup(&user("eve")) else {
        panic!("eve is in")
    };
    assert_eq!(eve.since, Seq(1));
}

#[test]
fn a_member_names_itself_and_an_admin_those_below() {
    assert!(asked(&group(), "mia", nickname("mia", "M")).is_ok());
    assert_eq!(
        asked(&group(), "mia", nickname("max", "M")),
        Err(Code::Forbidden)
    );
    assert!(asked(&group(), "adam", nickname("max", "M")).is_ok());
    assert_eq!(
        asked(&group(), "adam", nickname("ada", "A")),
        Err(Code::Forbidden)
    );
    assert_eq!(
        asked(&group(), "adam", nickname("eve", "E")),
        Err(Code::NotFound)
    );
    assert_eq!(
        asked(&group(), "mia", nickname("mia", "")),
        Ok(Decision::Nothing)
    );
}

#[test]
fn permissions_are_changed_from_above_and_nobody_gives_more_than_it_has() {
    use Permission as P;
    let all = [P::Send, P::React, P::AddMembers];
    assert_eq!(
        asked(&group(), "adam", permissions(Role::Member, &all)),
        Err(Code::Forbidden)
    );
    assert_eq!(
        asked(&group(), "olga", permissions(Role::Owner, &all)),
        Err(Code::Forbidden)
    );
    let Ok(Decision::Append(body)) = asked(&group(), "olga", permissions(Role::Member, &all))
    else {
        panic!("the owner changes what members may do")
    };
    let state = after(group(), "olga", body);
    assert!(asked(&state, "mia", add(&["eve"])).is_ok());
    assert_eq!(
        asked(&state, "olga", permissions(Role::Member, &all)),
        Ok(Decision::Nothing)
    );
    let mute_all = asked(&state, "olga", permissions(Role::Member, &[P::React]));
    let Ok(Decision::Append(body)) = mute_all else {
        panic!("the owner changes what members may do")
    };
    assert_eq!(
        asked(&after(state, "olga", body), "mia", send("a")),
        Err(Code::Forbidden)
    );
}

#[test]
fn in_a_channel_members_read_and_admins_write() {
    let channel = begun(Kind::Channel, Joining::Open, &["olga", "mia"]);
    assert_eq!(asked(&channel, "mia", send("a")), Err(Code::Forbidden));
    assert!(asked(&channel, "olga", send("a")).is_ok());
}

#[test]
fn what_ended_is_only_read_and_left() {
    assert_eq!(asked(&group(), "adam", dismiss()), Err(Code::Forbidden));
    assert_eq!(
        asked(&group(), "olga", dismiss()),
        Ok(Decision::Append(Body::Dismissed))
    );
    let ended = after(group(), "olga", Body::Dismissed);
    for ask in [send("a"), edit(), recall(), rename("a"), add(&["eve"])] {
        assert_eq!(asked(&ended, "olga", ask), Err(Code::Dismissed));
    }
    assert!(asked(&ended, "olga", leave()).is_ok());
    assert_eq!(asked(&ended, "eve", join()), Err(Code::NotFound));
}

#[test]
fn a_change_needs_the_permission_of_each_of_its_fields() {
    let announcement = InfoPatch {
        announcement: Some("a".into()),
        ..InfoPatch::default()
    };
    let state = after(
        group(),
        "olga",
        Body::PermissionsChanged {
            role: Role::Member,
            permissions: Permissions::of(&[Permission::Announce]),
        },
    );
    assert!(asked(&state, "mia", change(announcement.clone())).is_ok());
    let both = InfoPatch {
        name: Some("b".into()),
        ..announcement
    };
    assert_eq!(asked(&state, "mia", change(both)), Err(Code::Forbidden));
}

#[test]
fn of_a_direct_conversation_only_the_span_of_messages_changes() {
    let span = |ms| InfoPatch {
        message_ttl_ms: Some(ms),
        ..InfoPatch::default()
    };
    assert_eq!(asked(&direct(), "mia", rename("a")), Err(Code::Forbidden));
    let short = asked_by_hand(&direct(), "mia", span(60_000));
    let Ok(Decision::Append(Body::Message(Message { expires_at_ms, .. }))) =
        asked(&short, "olga", send("a"))
    else {
        panic!("a message is said")
    };
    assert_eq!(expires_at_ms, Some(Timestamp(NOW.0 + 60_000)));
    let year = Limits::default().span_ms;
    assert_eq!(
        asked(&direct(), "mia", change(span(year + 1))),
        Err(Code::InvalidRequest)
    );
}

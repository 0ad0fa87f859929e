//! Beginning, coming, going and leading.

use super::{
    super::{Lookup, roster_changes},
    *,
};
use crate::CreateConversation;

#[test]
fn not_yours_looks_like_not_there() {
    let there = group();
    for ask in [send("a"), edit(), recall(), kick(&["mia"]), add(&["eve"])] {
        let absent = ConversationState::decide_absent(
            &Actor::user(user("eve")),
            &ask,
            &Facts::default(),
            &Limits::default(),
        );
        let facts = Facts::default();
        let actor = Actor::user(user("eve"));
        let stranger = there.decide(&actor, &ask, &facts, &Limits::default(), NOW);
        assert_eq!(stranger, absent);
    }
    for ask in [role("mia", Role::Admin), join(), leave(), rename("a")] {
        assert_eq!(asked(&there, "eve", ask), Err(Code::NotFound));
    }
}

#[test]
fn admins_remove_members_the_owner_also_admins_and_nobody_the_owner() {
    for (who, whom, allowed) in [
        ("mia", "max", false),
        ("adam", "mia", true),
        ("adam", "ada", false),
        ("adam", "olga", false),
        ("olga", "adam", true),
        ("olga", "olga", false),
        ("adam", "adam", false),
    ] {
        let decided = asked(&group(), who, kick(&[whom]));
        assert_eq!(decided.is_ok(), allowed, "{who} removes {whom}");
    }
    let all_or_none = asked(&group(), "adam", kick(&["mia", "ada"]));
    assert_eq!(all_or_none, Err(Code::Forbidden));
}

#[test]
fn who_is_not_in_is_skipped_and_named_once() {
    let members = vec![user("mia")];
    let reason = None;
    let kicked = Body::Kicked {
        members,
        reason,
        banned_until_ms: None,
    };
    let decided = asked(&group(), "olga", kick(&["eve", "mia", "mia"]));
    assert_eq!(decided, Ok(Decision::Append(kicked)));
    assert_eq!(
        asked(&group(), "olga", kick(&["eve"])),
        Ok(Decision::Nothing)
    );

    let members = vec![user("eve")];
    let added = Body::MembersAdded {
        members,
        since: None,
    };
    let decided = asked(&group(), "adam", add(&["mia", "eve", "eve"]));
    assert_eq!(decided, Ok(Decision::Append(added)));
    assert_eq!(
        asked(&group(), "adam", add(&["mia"])),
        Ok(Decision::Nothing)
    );
    assert_eq!(asked(&group(), "mia", add(&["eve"])), Err(Code::Forbidden));
}

#[test]
fn who_does_not_exist_cannot_be_added() {
    let facts = Facts {
        unknown: vec![user("eve")],
        ..Facts::default()
    };
    let decided = decide(&group(), "olga", add(&["eve"]), &facts);
    assert_eq!(decided, Err(Code::NotFound));
}

#[test]
fn who_is_in_as_many_conversations_as_one_can_be_enters_no_other() {
    let full = |name| Facts {
        full: vec![user(name)],
        ..Facts::default()
    };
    let begin = |ask: &Ask, facts: &Facts| {
        let actor = Actor::user(user("olga"));
        let decided = ConversationState::decide_absent(&actor, ask, facts, &Limits::default());
        decided.map_err(|rejection| rejection.code)
    };
    let create = Ask::Create(CreateConversation {
        client_id: key(),
        name: None,
        members: vec![user("mia")],
        joining: Joining::Invited,
        history: Visibility::default(),
        preset: None,
    });
    let open = begun(Kind::Group, Joining::Open, &["olga"]);

    for name in ["olga", "mia"] {
        assert_eq!(begin(&create, &full(name)), Err(Code::TooMany));
        assert_eq!(
            begin(&Ask::Direct(user("mia")), &full(name)),
            Err(Code::TooMany)
        );
    }
    assert!(begin(&create, &full("max")).is_ok());
    assert_eq!(
        decide(&group(), "adam", add(&["eve", "eva"]), &full("eva")),
        Err(Code::TooMany)
    );
    assert_eq!(
        decide(&group(), "mia", add(&["eva"]), &full("eva")),
        Err(Code::Forbidden),
        "nobody learns of others what one may not ask"
    );
    assert_eq!(
        decide(&open, "eva", join(), &full("eva")),
        Err(Code::TooMany)
    );
    // Who is in already stays in.
    assert_eq!(
        decide(&group(), "adam", add(&["mia"]), &full("mia")),
        Ok(Decision::Nothing)
    );
    let again = decide(&direct(), "mia", Ask::Direct(user("olga")), &full("mia"));
    assert_eq!(again, Ok(Decision::Nothing));
    assert!(decide(&direct(), "mia", send("hello"), &full("mia")).is_ok());
}

#[test]
fn a_group_takes_as_many_as_the_limit_and_not_one_more() {
    let room = Limits::default().group_members as usize - 5;
    let names: Vec<_> = (0..=room).map(|n| format!("new{n}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    assert!(asked(&group(), "olga", add(&names[1..])).is_ok());
    assert_eq!(asked(&group(), "olga", add(&names)), Err(Code::TooMany));
}

#[test]
fn the_owner_leaves_last_or_hands_over_first() {
    assert_eq!(
        asked(&group(), "olga", leave()),
        Err(Code::OwnerMustTransfer)
    );
    assert!(asked(&group(), "adam", leave()).is_ok());
    let alone = begun(Kind::Group, Joining::Invited, &["olga"]);
    assert!(asked(&alone, "olga", leave()).is_ok());
}

#[test]
fn the_owner_hands_over_and_is_an_admin_then() {
    let mut state = group();
    let decided = asked(&state, "olga", role("mia", Role::Owner));
    let Ok(Decision::Append(body)) = decided else {
        panic!("{decided:?}")
    };
    state.apply(&entry(4, "olga", body));

    let role_of = |name| match state.lookup(&user(name)) {
        Lookup::Member(member) => Some(member.role),
        Lookup::Stranger | Lookup::Unknown => None,
    };
    assert_eq!(role_of("mia"), Some(Role::Owner));
    assert_eq!(role_of("olga"), Some(Role::Admin));
    assert_eq!(state.info().owner, Some(user("mia")));
}

#[test]
fn only_the_owner_changes_roles_and_not_its_own() {
    let change = |who, whom, to| asked(&group(), who, role(whom, to));
    assert!(change("olga", "mia", Role::Admin).is_ok());
    assert_eq!(change("olga", "adam", Role::Admin), Ok(Decision::Nothing));
    assert_eq!(change("olga", "olga", Role::Member), Err(Code::Forbidden));
    assert_eq!(change("olga", "eve", Role::Admin), Err(Code::NotFound));
    assert_eq!(change("adam", "mia", Role::Admin), Err(Code::Forbidden));
}

#[test]
fn admins_change_the_group_and_nothing_is_nothing() {
    assert!(asked(&group(), "adam", rename("a")).is_ok());
    assert_eq!(asked(&group(), "mia", rename("a")), Err(Code::Forbidden));
    assert_eq!(asked(&group(), "olga", rename("")), Ok(Decision::Nothing));
    let limit = Limits::default().name_chars;
    assert!(asked(&group(), "olga", rename(&"界".repeat(limit))).is_ok());
    let long = rename(&"界".repeat(limit + 1));
    assert_eq!(asked(&group(), "olga", long), Err(Code::TooLarge));
    let control = asked(&group(), "olga", rename("a\u{7}"));
    assert_eq!(control, Err(Code::InvalidRequest));
}

#[test]
fn anybody_joins_an_open_group_and_nobody_another() {
    let open = begun(Kind::Group, Joining::Open, &["olga"]);
    assert_eq!(
        asked(&open, "eve", join()),
        Ok(Decision::Append(Body::Joined {
            since: None,
            silent_until_ms: None
        }))
    );
    assert_eq!(asked(&open, "olga", join()), Ok(Decision::Nothing));
    assert_eq!(asked(&group(), "eve", join()), Err(Code::NotFound));
    let odd = begun(Kind::Direct, Joining::Open, &["mia", "olga"]);
    assert_eq!(asked(&odd, "eve", join()), Err(Code::NotFound));
}

#[test]
fn a_direct_conversation_keeps_its_two_members_for_ever() {
    for ask in [
        kick(&["olga"]),
        add(&["eve"]),
        leave(),
        role("olga", Role::Admin),
        rename("a"),
    ] {
        assert_eq!(asked(&direct(), "mia", ask), Err(Code::Forbidden));
    }
}

#[test]
fn a_direct_conversation_needs_somebody_without_a_block_and_oneself_is_for_notes() {
    let begin = |peer, facts: &Facts| {
        let (actor, ask) = (Actor::user(user("mia")), Ask::Direct(user(peer)));
        let decided = ConversationState::decide_absent(&actor, &ask, facts, &Limits::default());
        decided.map_err(|rejection| rejection.code)
    };
    let blocked = Facts {
        blocked: true,
        ..Facts::default()
    };
    let unknown = Facts {
        unknown: vec![user("eve")],
        ..Facts::default()
    };
    assert!(begin("olga", &Facts::default()).is_ok());
    let own = begin("mia", &Facts::default());
    let is_personal = |body: &Body| matches!(body, Body::Created { kind: Kind::Personal, members, .. } if *members == [user("mia")]);
    assert!(matches!(own, Ok(Decision::Append(body)) if is_personal(&body)));
    assert_eq!(begin("olga", &blocked), Err(Code::Blocked));
    assert_eq!(begin("eve", &unknown), Err(Code::NotFound));
}

#[test]
fn a_group_begins_with_its_owner_and_each_member_once() {
    let ask = Ask::Create(CreateConversation {
        client_id: key(),
        name: Some(String::new()),
        members: ["mia", "olga", "mia"].map(user).to_vec(),
        joining: Joining::Invited,
        history: Visibility::default(),
        preset: None,
    });
    let actor = Actor::user(user("olga"));
    let decided =
        ConversationState::decide_absent(&actor, &ask, &Facts::default(), &Limits::default());
    let Ok(Decision::Append(body)) = decided else {
        panic!("{decided:?}")
    };
    let state = ConversationState::begin(&entry(1, "olga", body)).unwrap();
    assert_eq!(state.info().member_count, 2);
    assert_eq!(state.info().name, None);
    assert_eq!(state.info().owner, Some(user("olga")));
}

#[test]
fn only_what_changes_members_moves_the_roster_on() {
    let mut state = group();
    let content = Content::text("a");
    let message = Body::says(content);
    state.apply(&entry(4, "mia", message));
    assert_eq!((state.head().seq, state.roster_at()), (Seq(4), Seq(3)));
    state.apply(&entry(5, "mia", Body::Left));
    assert_eq!(state.roster_at(), Seq(5));
    assert_eq!(state.lookup(&user("mia")), Lookup::Stranger);
    assert_eq!(state.lookup(&user("eve")), Lookup::Unknown);
}

#[test]
fn an_entry_that_is_known_changes_nothing() {
    let mut state = group();
    let again = entry(1, "olga", Body::Left);
    state.apply(&again);
    assert_eq!(state.info().member_count, 5);
    assert_eq!(roster_changes(&again).len(), 1);
}

//! Saying, changing and taking back.

use super::*;

#[test]
fn a_member_can_send_and_an_empty_message_is_none() {
    assert!(asked(&group(), "mia", send("hello")).is_ok());
    for empty in ["", " \n\t"] {
        assert_eq!(
            asked(&group(), "mia", send(empty)),
            Err(Code::InvalidRequest)
        );
    }
}

#[test]
fn a_text_may_have_as_many_characters_as_the_limit_and_not_one_more() {
    let limit = Limits::default().text_chars;
    for letter in ["a", "界"] {
        assert!(asked(&group(), "mia", send(&letter.repeat(limit))).is_ok());
        let long = send(&letter.repeat(limit + 1));
        assert_eq!(asked(&group(), "mia", long), Err(Code::TooLarge));
    }
}

#[test]
fn a_block_stops_messages_and_edits_but_not_recalls_and_not_in_groups() {
    let blocked = |facts: Facts| Facts {
        blocked: true,
        ..facts
    };
    let facts = blocked(said_by("mia", 0));
    assert_eq!(
        decide(&direct(), "mia", send("a"), &facts),
        Err(Code::Blocked)
    );
    assert_eq!(decide(&direct(), "mia", edit(), &facts), Err(Code::Blocked));
    assert!(decide(&direct(), "mia", recall(), &facts).is_ok());
    assert!(decide(&group(), "mia", send("a"), &facts).is_ok());
}

#[test]
fn who_hears_from_contacts_alone_is_written_to_by_contacts_alone() {
    let closed = |to: &str, is_contact| Facts {
        contacts_only: vec![user(to)],
        is_contact,
        ..said_by("mia", 0)
    };
    let refusal = Err(Code::ContactsOnly);
    for ask in [send("a"), edit()] {
        let decided =
            |to, is_contact| decide(&direct(), "mia", ask.clone(), &closed(to, is_contact));
        assert_eq!(decided("olga", false), refusal);
        assert!(decided("olga", true).is_ok());
        assert!(decided("mia", false).is_ok(), "it may write itself");
        assert!(decide(&group(), "mia", ask.clone(), &closed("olga", false)).is_ok());
    }
    assert!(decide(&direct(), "mia", recall(), &closed("olga", false)).is_ok());
}

#[test]
fn only_the_sender_edits_and_only_for_so_long() {
    let limit = Limits::default().edit_ms;
    assert!(decide(&group(), "mia", edit(), &said_by("mia", limit)).is_ok());
    let late = said_by("mia", limit + 1);
    assert_eq!(decide(&group(), "mia", edit(), &late), Err(Code::Expired));
    for other in ["olga", "adam", "max"] {
        let facts = said_by("mia", 0);
        assert_eq!(
            decide(&group(), other, edit(), &facts),
            Err(Code::Forbidden)
        );
    }
}

#[test]
fn the_sender_recalls_for_so_long_and_who_leads_a_group_always() {
    let limit = Limits::default().recall_ms;
    assert!(decide(&group(), "mia", recall(), &said_by("mia", limit)).is_ok());
    let late = said_by("mia", limit + 1);
    assert_eq!(decide(&group(), "mia", recall(), &late), Err(Code::Expired));
    assert_eq!(
        decide(&group(), "max", recall(), &late),
        Err(Code::Forbidden)
    );
    for leader in ["olga", "adam"] {
        assert!(decide(&group(), leader, recall(), &late).is_ok());
    }
    assert_eq!(
        decide(&direct(), "olga", recall(), &late),
        Err(Code::Forbidden)
    );
}

#[test]
fn a_clock_that_stepped_back_does_not_expire_anything() {
    let mut facts = said_by("mia", 0);
    if let Some(target) = facts.targets.first_mut() {
        target.at_ms = Timestamp(NOW.0 + 3_600_000);
    }
    assert!(decide(&group(), "mia", recall(), &facts).is_ok());
}

#[test]
fn nothing_more_happens_to_a_recalled_message() {
    let mut facts = said_by("mia", 0);
    if let Some(target) = facts.targets.first_mut() {
        target.body = Body::RecalledMessage { by: Seq(5) };
    }
    for ask in [edit(), recall()] {
        assert_eq!(decide(&group(), "mia", ask, &facts), Err(Code::Recalled));
    }
}

#[test]
fn what_is_no_message_or_was_said_before_one_came_is_not_there() {
    let mut change = said_by("mia", 0);
    if let Some(target) = change.targets.first_mut() {
        target.body = Body::Left;
    }
    assert_eq!(
        decide(&group(), "mia", recall(), &change),
        Err(Code::NotFound)
    );
    assert_eq!(asked(&group(), "mia", recall()), Err(Code::NotFound));

    let mut state = group();
    state.apply(&entry(4, "olga", Body::says(Content::text("before"))));
    let members = vec![user("new")];
    state.apply(&entry(
        5,
        "olga",
        Body::MembersAdded {
            members,
            since: None,
        },
    ));
    let facts = said_by("new", 0);
    assert_eq!(decide(&state, "new", edit(), &facts), Err(Code::NotFound));
}

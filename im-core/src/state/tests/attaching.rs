//! What is attached to messages: replies, mentions, ends, pins, reactions, votes.

use super::{
    super::{Expire, Marks},
    *,
};
use crate::{Mentions, Message, PinMessage, Poll, Reaction, Vote};

fn message(state: &ConversationState, who: &str, ask: SendMessage) -> Result<Message, Code> {
    let Decision::Append(Body::Message(message)) = asked(state, who, Ask::Send(ask))? else {
        panic!("not a message")
    };
    Ok(message)
}

fn plain() -> SendMessage {
    SendMessage::new(id(), key(), "hello")
}

#[test]
fn a_reply_is_to_something_that_the_sender_sees() {
    let reply = |seq| SendMessage {
        reply_to: Some(Seq(seq)),
        thread: Some(Seq(1)),
        ..plain()
    };
    let said = message(&group(), "mia", reply(3)).unwrap();
    assert_eq!((said.reply_to, said.thread), (Some(Seq(3)), Some(Seq(1))));
    assert_eq!(message(&group(), "mia", reply(4)), Err(Code::NotFound));
    let mut late = group();
    let members = vec![user("zoe")];
    let added = Body::MembersAdded {
        members,
        since: None,
    };
    late.apply(&entry(4, "olga", added));
    assert_eq!(message(&late, "zoe", reply(3)), Err(Code::NotFound));
}

#[test]
fn a_mention_is_of_members_and_of_all_only_by_who_may() {
    let calls = |ids: &[&str], all| SendMessage {
        mentions: Some(Mentions {
            users: ids.iter().copied().map(user).collect(),
            all,
        }),
        ..plain()
    };
    let said = message(&group(), "mia", calls(&["max", "eve", "max", "mia"], false)).unwrap();
    assert_eq!(said.mentions.unwrap().users, [user("max")]);
    let said = message(&group(), "mia", calls(&["eve"], false)).unwrap();
    assert_eq!(said.mentions, None);
    assert!(message(&group(), "mia", calls(&[], true)).is_ok());
    let mut quiet = group();
    let body = Body::PermissionsChanged {
        role: Role::Member,
        permissions: crate::Preset::Community.permissions().member,
    };
    quiet.apply(&entry(4, "olga", body));
    assert_eq!(
        message(&quiet, "mia", calls(&[], true)),
        Err(Code::Forbidden)
    );
    let many: Vec<String> = (0..=Limits::default().mentions)
        .map(|n| format!("u{n}"))
        .collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(
        message(&group(), "mia", calls(&many, false)),
        Err(Code::TooMany)
    );
}

#[test]
fn a_message_can_have_an_end_and_burn_between_two() {
    let ends = |ttl_ms, burn_ms| SendMessage {
        ttl_ms,
        burn_ms,
        ..plain()
    };
    let said = message(&group(), "mia", ends(Some(5_000), None)).unwrap();
    assert_eq!(said.expires_at_ms, Some(Timestamp(NOW.0 + 5_000)));
    let said = message(&direct(), "mia", ends(None, Some(5_000))).unwrap();
    assert_eq!((said.expires_at_ms, said.burn_ms), (None, Some(5_000)));
    for (state, ask) in [
        (group(), ends(None, Some(5_000))),
        (group(), ends(Some(0), None)),
        (group(), ends(Some(u64::MAX), None)),
        (direct(), ends(None, Some(0))),
    ] {
        assert_eq!(message(&state, "mia", ask), Err(Code::InvalidRequest));
    }
}

#[test]
fn expiry_takes_what_still_has_a_content() {
    let expire = Ask::Expire(Expire {
        conversation: id(),
        client_id: key(),
        targets: vec![Seq(4), Seq(9)],
    });
    let gone = Body::Expired {
        targets: vec![Seq(4)],
    };
    assert_eq!(
        decide(&group(), "mia", expire.clone(), &said_by("mia", 0)),
        Ok(Decision::Append(gone))
    );
    let mut facts = said_by("mia", 0);
    facts.targets[0].body = Body::RecalledMessage { by: Seq(5) };
    assert_eq!(
        decide(&group(), "mia", expire, &facts),
        Ok(Decision::Nothing)
    );
}

#[test]
fn a_message_is_pinned_once_and_not_more_than_so_many() {
    let pin = Ask::Pin(PinMessage {
        conversation: id(),
        client_id: key(),
        target: Seq(4),
    });
    let facts = said_by("mia", 0);
    let pinned = Body::Pinned { target: Seq(4) };
    assert_eq!(
        decide(&group(), "mia", pin.clone(), &facts),
        Ok(Decision::Append(pinned.clone()))
    );
    let mut state = group();
    state.apply(&entry(4, "mia", Body::says("x")));
    state.apply(&entry(5, "mia", pinned));
    assert_eq!(
        decide(&state, "mia", pin.clone(), &facts),
        Ok(Decision::Nothing)
    );
    assert_eq!(
        decide(&group(), "mia", pin.clone(), &Facts::default()),
        Err(Code::NotFound)
    );
    let limits = Limits {
        pins: 0,
        ..Limits::default()
    };
    let refused = group().decide(&Actor::user(user("mia")), &pin, &facts, &limits, NOW);
    assert_eq!(refused.unwrap_err().code, Code::TooMany);
    state.apply(&entry(6, "mia", Body::Recalled { target: Seq(4) }));
    assert_eq!(state.info().pins, []);
}

fn reaction(who: &str, target: u64) -> Reaction {
    Reaction {
        target: Seq(target),
        user: user(who),
        emoji: "👍".into(),
        on: true,
    }
}

fn react(changes: Vec<Reaction>) -> Ask {
    Ask::React(Marks {
        conversation: id(),
        client_id: key(),
        changes,
    })
}

#[test]
fn alone_a_reaction_is_refused_and_in_company_left_out() {
    let facts = said_by("mia", 0);
    let alone = |who, target| decide(&group(), who, react(vec![reaction(who, target)]), &facts);
    assert!(alone("max", 4).is_ok());
    assert_eq!(alone("max", 5), Err(Code::NotFound));
    assert_eq!(alone("eve", 4), Err(Code::NotFound));

    let together = vec![reaction("eve", 4), reaction("max", 4), reaction("mia", 5)];
    let kept = Body::Reacted {
        changes: vec![reaction("max", 4)],
    };
    assert_eq!(
        decide(&group(), "eve", react(together), &facts),
        Ok(Decision::Append(kept))
    );
}

#[test]
fn who_is_silenced_does_not_react() {
    let mut state = group();
    let members = vec![user("max")];
    let until_ms = Timestamp::FOREVER;
    state.apply(&entry(4, "adam", Body::Muted { members, until_ms }));
    let facts = said_by("mia", 0);
    let refused = decide(&state, "max", react(vec![reaction("max", 4)]), &facts);
    assert_eq!(refused, Err(Code::Muted));
}

fn poll(multiple: bool, closes_at_ms: Option<i64>) -> Facts {
    let mut facts = said_by("mia", 0);
    facts.targets[0].body = Body::says(Content::Poll(Box::new(Poll {
        question: "lunch?".into(),
        options: ["rice", "noodles", "bread"].map(Into::into).to_vec(),
        multiple,
        closes_at_ms: closes_at_ms.map(Timestamp),
    })));
    facts
}

fn vote(options: &[u32]) -> Ask {
    Ask::Vote(Marks {
        conversation: id(),
        client_id: key(),
        changes: vec![Vote {
            target: Seq(4),
            user: user("max"),
            options: options.to_vec(),
        }],
    })
}

#[test]
fn a_vote_is_for_options_of_a_poll_that_is_open() {
    let cast = |options: &[u32], facts: &Facts| decide(&group(), "max", vote(options), facts);
    assert!(cast(&[2], &poll(false, None)).is_ok());
    assert!(cast(&[], &poll(false, None)).is_ok());
    assert!(cast(&[0, 2], &poll(true, Some(NOW.0 + 1))).is_ok());
    for (options, facts) in [
        (&[3][..], poll(false, None)),
        (&[0, 1], poll(false, None)),
        (&[1, 1], poll(true, None)),
        (&[0], said_by("mia", 0)),
    ] {
        assert_eq!(cast(options, &facts), Err(Code::InvalidRequest));
    }
    assert_eq!(cast(&[0], &poll(false, Some(NOW.0))), Err(Code::Expired));
}

#[test]
fn contents_of_each_kind_are_bounded() {
    let file = || crate::FileRef {
        key: "k".into(),
        name: None,
        bytes: None,
        media_type: None,
        sha256: None,
    };
    let image = |file| Content::Image {
        file: Box::new(file),
        width: None,
        height: None,
        thumbnail: None,
        caption: None,
    };
    let place = |latitude| {
        Content::Location(Box::new(crate::Location {
            latitude,
            longitude: 0.0,
            title: None,
            address: None,
        }))
    };
    let polls = |options: &[&str]| {
        Content::Poll(Box::new(Poll {
            question: "q".into(),
            options: options.iter().map(|text| (*text).into()).collect(),
            multiple: false,
            closes_at_ms: None,
        }))
    };
    let item = |content| crate::ForwardedItem {
        sender: user("mia"),
        at_ms: NOW,
        content,
    };
    let forwarded = |content| Content::Forwarded {
        title: None,
        items: vec![item(content)],
    };
    let deep = |depth| (0..depth).fold(Content::text("x"), |content, _| forwarded(content));
    let said = |content| {
        asked(
            &group(),
            "mia",
            Ask::Send(SendMessage::new(id(), key(), content)),
        )
    };

    for good in [image(file()), place(90.0), polls(&["a", "b"]), deep(3)] {
        assert!(said(good.clone()).is_ok(), "{good:?}");
    }
    let upper = crate::FileRef {
        sha256: Some("A".repeat(64)),
        ..file()
    };
    let spaced = crate::FileRef {
        key: "a b".into(),
        ..file()
    };
    for bad in [
        image(upper),
        image(spaced),
        place(90.1),
        place(f64::NAN),
        polls(&["a"]),
        polls(&["a", "a"]),
        deep(4),
        Content::Forwarded {
            title: None,
            items: vec![],
        },
    ] {
        assert_eq!(said(bad.clone()), Err(Code::InvalidRequest), "{bad:?}");
    }
    let huge = Content::Custom {
        name: "x".into(),
        data: "y".repeat(70_000).into(),
    };
    assert_eq!(said(huge), Err(Code::TooLarge));
    assert_eq!(said(Content::Unknown), Err(Code::UnsupportedContent));
}

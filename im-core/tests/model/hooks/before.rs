//! What is asked before something happens.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use futures_util::FutureExt;
use im_core::{
    Actor, BlockUser, Call, CastVote, ClientId, Code, Command, Content, ConversationId,
    ForwardMessages, GetConversation, OpenDirect, Ping, Poll, React, RecallMessage, Rejection,
    SendMessage, Typing, UpdateProfile,
    hook::{BeforeOptions, OnFailure, Verdict},
    port::Runtime,
    testing::user,
};

use super::{House, Says, Slow, message, text_of, with_text};

/// Adds a mark to every text.
fn marks(mark: &'static str) -> impl Fn(&Actor, &Command) -> Verdict {
    move |_, command| match text_of(command) {
        Some(text) => Verdict::Change(with_text(command, format!("{text}{mark}"))),
        None => Verdict::Allow,
    }
}

fn refuses(_: &Actor, command: &Command) -> Verdict {
    match text_of(command) {
        Some(text) if text.contains("bad") => {
            Verdict::Refuse(Rejection::new(Code::Forbidden, "not that"))
        }
        _ => Verdict::Allow,
    }
}

fn patient() -> BeforeOptions {
    BeforeOptions {
        on_failure: OnFailure::Allow,
        ..BeforeOptions::default()
    }
}

#[test]
fn hooks_are_asked_in_order_and_each_sees_what_the_one_before_made() {
    let house = House::new(|im, _| im.before(Says(marks("1"))).before(Says(marks("2"))));

    house.send("c", "x").unwrap();

    assert_eq!(house.texts(), ["x12"]);
}

#[test]
fn who_is_refused_gets_the_answer_of_the_hook_and_nothing_happens() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let later = Says(move |_: &Actor, _: &Command| {
        count.fetch_add(1, Relaxed);
        Verdict::Allow
    });
    let house = House::new(|im, _| im.before(Says(refuses)).before(later));

    let answer = house.send("c", "bad");

    assert_eq!(answer, Err(Rejection::new(Code::Forbidden, "not that")));
    assert!(house.texts().is_empty());
    assert_eq!(asked.load(Relaxed), 0);
}

#[test]
fn a_slow_hook_delays_its_own_request_alone_until_its_deadline() {
    let house = House::new(|im, runtime| {
        im.before(Slow {
            text: "slow",
            takes: Duration::from_secs(3_600),
            runtime: runtime.clone(),
        })
    });
    let answer = Arc::new(Mutex::new(None));
    let (im, chat, told) = (house.im.clone(), house.chat, answer.clone());
    house.runtime.spawn(Box::pin(async move {
        let bob = Actor::user(user("bob"));
        let sent = im.call(&bob, message(chat, "b", "slow")).await;
        *told.lock().unwrap() = Some(sent);
    }));
    house.runtime.run_until_idle();

    house.send("c", "quick").unwrap();
    assert_eq!(house.runtime.monotonic(), Duration::ZERO);
    house.runtime.advance(Duration::from_millis(999));
    assert!(answer.lock().unwrap().is_none());
    house.runtime.advance(Duration::from_millis(1));

    let rejection = answer.lock().unwrap().take().unwrap().unwrap_err();
    assert_eq!(rejection.code, Code::Unavailable);
    assert_eq!(house.texts(), ["quick"]);
}

#[test]
fn what_a_late_hook_means_is_chosen_where_it_is_registered() {
    let house = House::new(|im, runtime| {
        let slow = Slow {
            text: "slow",
            takes: Duration::from_secs(3_600),
            runtime: runtime.clone(),
        };
        im.before_with(slow, patient())
    });

    house.send("c", "slow").unwrap();

    assert_eq!(house.texts(), ["slow"]);
}

#[test]
fn a_panic_is_a_failure_of_one_request() {
    fn panics(_: &Actor, command: &Command) -> Verdict {
        assert_ne!(text_of(command), Some("boom"));
        Verdict::Allow
    }
    let strict = House::new(|im, _| im.before(Says(panics)));
    let lenient = House::new(|im, _| im.before_with(Says(panics), patient()));

    assert_eq!(
        strict.send("c", "boom").unwrap_err().code,
        Code::Unavailable
    );
    lenient.send("c", "boom").unwrap();

    strict.send("d", "fine").unwrap();
    assert_eq!(strict.texts(), ["fine"]);
    assert_eq!(lenient.texts(), ["boom"]);
}

#[test]
fn a_retry_gets_the_first_answer_also_when_the_hook_has_changed_its_mind() {
    let times = AtomicUsize::new(0);
    let counts = Says(move |_: &Actor, command: &Command| match text_of(command) {
        Some(text) => {
            let text = format!("{text} {}", times.fetch_add(1, Relaxed));
            Verdict::Change(with_text(command, text))
        }
        None => Verdict::Allow,
    });
    let house = House::new(|im, _| im.before(counts));

    let first = house.send("c", "x").unwrap();
    let again = house.send("c", "x").unwrap();
    let other = house.send("c", "y").unwrap_err();

    assert_eq!(first, again);
    assert_eq!(other.code, Code::Conflict);
    assert_eq!(house.texts(), ["x 0"]);
}

#[test]
fn a_retry_of_what_is_stored_is_not_refused() {
    let strict = Arc::new(AtomicBool::new(false));
    let is_strict = strict.clone();
    let hook = Says(move |_: &Actor, command: &Command| match text_of(command) {
        Some(_) if is_strict.load(Relaxed) => {
            Verdict::Refuse(Rejection::new(Code::Forbidden, "not now"))
        }
        _ => Verdict::Allow,
    });
    let house = House::new(|im, _| im.before(Says(marks("!"))).before(hook));
    let first = house.send("c", "x").unwrap();

    strict.store(true, Relaxed);
    let again = house.send("c", "x");
    let other = house.send("c", "y");
    let new = house.send("d", "x");

    assert_eq!(again, Ok(first));
    assert_eq!(other.unwrap_err().code, Code::Forbidden);
    assert_eq!(new.unwrap_err().code, Code::Forbidden);
    assert_eq!(house.texts(), ["x!"]);
}

#[test]
fn a_command_must_stay_in_its_place() {
    fn elsewhere(_: &Actor, command: &Command) -> Verdict {
        let Command::SendMessage(mut ask) = command.clone() else {
            return Verdict::Allow;
        };
        match ask.content.as_text() {
            Some("conversation") => {
                ask.conversation = ConversationId::direct(&user("eve"), &user("alice"));
            }
            Some("client id") => ask.client_id = im_core::ClientId::random(),
            Some("method") => return Verdict::Change(Ping {}.into_command()),
            _ => {}
        }
        Verdict::Change(ask.into_command())
    }
    let house = House::new(|im, _| im.before(Says(elsewhere)));

    for text in ["conversation", "client id", "method"] {
        let answer = house.send(text.split(' ').next().unwrap(), text);
        assert_eq!(answer.unwrap_err().code, Code::Unavailable, "{text}");
    }
    house.send("c", "here").unwrap();

    assert_eq!(house.texts(), ["here"]);
}

#[test]
fn hooks_see_who_writes_what_and_nothing_that_only_reads() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let list = seen.clone();
    let hook = Says(move |actor: &Actor, command: &Command| {
        let mut list = list.lock().unwrap();
        list.push((actor.clone(), command.method()));
        Verdict::Allow
    });
    let house = House::new(|im, _| im.before(hook));
    let conversation = house.chat;
    let profile = UpdateProfile {
        nickname: Some("Al".into()),
        avatar: None,
        bio: None,
        extra: None,
        ..UpdateProfile::default()
    };

    house.call(GetConversation { conversation }).unwrap();
    house.call(Typing { conversation }).unwrap();
    house.call(profile).unwrap();
    house.call(BlockUser { user: user("eve") }).unwrap();
    house.call(OpenDirect { user: user("finn") }).unwrap();

    let alice = Actor::user(user("alice"));
    let methods = ["user.update", "contact.block", "conversation.direct"];
    assert_eq!(
        *seen.lock().unwrap(),
        methods.map(|method| (alice.clone(), method))
    );
}

#[test]
fn who_answers_at_once_changes_neither_the_path_nor_the_order() {
    let without = House::new(|im, _| im);
    let with = House::new(|im, _| im.before(Says(marks(""))));
    let alice = Actor::user(user("alice"));

    for house in [without, with] {
        let answers = ["a", "b", "c"].map(|text| {
            let sent = house.im.call(&alice, message(house.chat, text, text));
            // Answered when it is polled first, as the store in memory is.
            sent.now_or_never().unwrap().unwrap().seq.0
        });
        assert_eq!(answers, [2, 3, 4]);
    }
}

/// Refuses everything that writes once it is told to.
fn refuses_when(strict: Arc<AtomicBool>) -> impl Fn(&Actor, &Command) -> Verdict {
    move |_, _| {
        if strict.load(Relaxed) {
            Verdict::Refuse(Rejection::new(Code::Forbidden, "not now"))
        } else {
            Verdict::Allow
        }
    }
}

#[test]
fn a_retry_of_what_was_passed_on_is_not_refused_also_when_its_source_is_gone() {
    let strict = Arc::new(AtomicBool::new(false));
    let house = House::new(|im, _| im.before(Says(refuses_when(strict.clone()))));
    let said = house.send("c", "x").unwrap();
    let forward = |client_id: &str, times| ForwardMessages {
        conversation: house.chat,
        client_id: ClientId::new(client_id).unwrap(),
        from: house.chat,
        seqs: vec![said.seq; times],
        merged: false,
        title: None,
    };
    let first = house.call(forward("f", 2)).unwrap();
    let recall = RecallMessage {
        conversation: house.chat,
        client_id: ClientId::new("r").unwrap(),
        target: said.seq,
    };
    house.call(recall).unwrap();

    strict.store(true, Relaxed);

    assert_eq!(house.call(forward("f", 2)), Ok(first));
    assert_eq!(house.texts(), ["x", "x"]);
    for other in [forward("f", 1), forward("new", 2)] {
        assert_eq!(house.call(other).unwrap_err().code, Code::Forbidden);
    }
}

#[test]
fn a_reaction_and_a_vote_that_stand_are_not_refused_and_not_stored_again() {
    let strict = Arc::new(AtomicBool::new(false));
    let house = House::new(|im, _| im.before(Says(refuses_when(strict.clone()))));
    let poll = Content::Poll(Box::new(Poll {
        question: "lunch?".into(),
        options: vec!["yes".into(), "no".into()],
        multiple: false,
        closes_at_ms: None,
    }));
    let asked = SendMessage::new(house.chat, ClientId::new("c").unwrap(), poll);
    let target = house.call(asked).unwrap().seq;
    let react = |emoji: &str| React {
        conversation: house.chat,
        target,
        emoji: emoji.into(),
        on: true,
    };
    let vote = |option| CastVote {
        conversation: house.chat,
        target,
        options: vec![option],
    };
    house.call(react("+")).unwrap();
    let last = house.call(vote(1)).unwrap();

    strict.store(true, Relaxed);

    assert_eq!(house.call(react("+")), Ok(last.clone()));
    assert_eq!(house.call(vote(1)), Ok(last));
    assert_eq!(house.call(react("-")).unwrap_err().code, Code::Forbidden);
    assert_eq!(house.call(vote(0)).unwrap_err().code, Code::Forbidden);
}

//! Histories written by hand: a good one, and for each ill one that has it.

use super::{super::history::*, *};
use crate::{Position, Seq, UserId, testing::user};

const NOTHING: [Ill; 0] = [];

fn here() -> ConversationId {
    ConversationId::direct(&user("ann"), &user("bob"))
}

fn sight(seq: u64, sender: &str, what: Seen) -> Sight {
    Sight {
        conversation: here(),
        seq,
        sender: user(sender),
        what,
    }
}

fn created() -> Sight {
    sight(1, "ann", Seen::Came(vec![user("ann"), user("bob")]))
}

fn said(seq: u64, text: &str) -> Sight {
    sight(seq, "ann", Seen::Said(text.into()))
}

fn pushed(sight: Sight) -> Event {
    Event::Pushed { link: 1, sight }
}

fn shown(device: usize, sight: Sight) -> Event {
    Event::Shown { device, sight }
}

fn asked(ask: usize, device: usize, wish: Wish) -> Event {
    Event::Asked { ask, device, wish }
}

fn answered(ask: usize, answer: Answer) -> Event {
    Event::Answered { ask, answer }
}

fn log(entries: impl IntoIterator<Item = Sight>) -> Event {
    Event::Log {
        conversation: here(),
        entries: entries.into_iter().collect(),
    }
}

fn read(seq: u64) -> Position {
    Position {
        delivered: Seq(seq),
        read: Seq(seq),
        read_ordinal: 0,
    }
}

/// Ann (device 0) says two things, and Bob (device 1) reads them over link 1.
fn good() -> Vec<Event> {
    let say = |text: &str| Wish::Say(here(), text.into());
    let mut events = vec![
        Event::Opened {
            link: 1,
            device: 1,
            node: 0,
        },
        asked(1, 0, say("m1 hello")),
        answered(1, Answer::Stored(2)),
        asked(2, 0, say("m2 again")),
        answered(2, Answer::Stored(3)),
    ];
    let entries = [created(), said(2, "m1 hello"), said(3, "m2 again")];
    events.extend(entries.clone().map(pushed));
    for device in [0, 1] {
        events.extend(entries.clone().map(|sight| shown(device, sight)));
    }
    let view = Answer::View {
        head: 3,
        position: read(2),
        unread: 1,
    };
    events.extend([
        asked(3, 1, Wish::Read(here(), 2)),
        answered(3, Answer::Position(read(2))),
        Event::Rested,
        asked(4, 1, Wish::View(here())),
        answered(4, view),
        log(entries),
    ]);
    events
}

fn ills(events: Vec<Event>) -> Vec<Ill> {
    let devices: Vec<UserId> = vec![user("ann"), user("bob"), user("eve")];
    let found = check(&History { devices, events });
    let ills: BTreeSet<Ill> = found.into_iter().map(|finding| finding.ill).collect();
    ills.into_iter().collect()
}

/// The good history, where whatever `is_it` is became something else.
fn with(is_it: impl Fn(&Event) -> bool, becomes: &[Event]) -> Vec<Event> {
    let before = good();
    let events = before.iter().flat_map(|event| {
        if is_it(event) {
            becomes.to_vec()
        } else {
            vec![event.clone()]
        }
    });
    let events: Vec<_> = events.collect();
    assert_ne!(events, before);
    events
}

fn is(event: Event) -> impl Fn(&Event) -> bool {
    move |other| *other == event
}

fn is_log(event: &Event) -> bool {
    matches!(event, Event::Log { .. })
}

#[test]
fn a_good_history_has_nothing() {
    assert_eq!(ills(good()), NOTHING);
    assert_eq!(ills(Vec::new()), NOTHING);
}

#[test]
fn what_was_acknowledged_and_is_not_stored_is_lost() {
    let events = with(is_log, &[log([created(), said(2, "m1 hello")])]);
    assert!(ills(events).contains(&Ill::Lost));
}

#[test]
fn what_a_device_did_not_get_in_the_end_is_lost() {
    let events = with(is(shown(1, said(3, "m2 again"))), &[]);
    assert_eq!(ills(events), [Ill::Lost]);
}

#[test]
fn what_comes_twice_is_found_on_links_devices_pages_and_in_logs() {
    let twice = |event: Event| with(is(event.clone()), &[event.clone(), event]);
    assert_eq!(ills(twice(pushed(said(2, "m1 hello")))), [Ill::Duplicated]);
    assert_eq!(
        ills(twice(shown(0, said(3, "m2 again")))),
        [Ill::Duplicated]
    );

    let page = vec![said(2, "m1 hello"), said(2, "m1 hello")];
    let paged = Event::Paged {
        link: 1,
        sights: page,
    };
    let events = with(is(Event::Rested), &[paged, Event::Rested]);
    assert_eq!(ills(events), [Ill::Duplicated]);

    let entries = [
        created(),
        said(2, "m1 hello"),
        said(3, "m2 again"),
        said(4, "m2 again"),
    ];
    assert!(ills(with(is_log, &[log(entries)])).contains(&Ill::Duplicated));
}

#[test]
fn what_comes_too_early_is_reordered() {
    let (one, other) = (said(2, "m1 hello"), said(3, "m2 again"));
    let mut events = with(is(shown(1, one.clone())), &[shown(1, other.clone())]);
    let last = events
        .iter()
        .rposition(|event| *event == shown(1, other.clone()));
    events[last.unwrap()] = shown(1, one);
    assert!(ills(events).contains(&Ill::Reordered));
}

#[test]
fn what_was_asked_later_and_stands_earlier_is_reordered() {
    let entries = [created(), said(2, "m2 again"), said(3, "m1 hello")];
    let mut events = good();
    events.retain(|event| !matches!(event, Event::Pushed { .. } | Event::Shown { .. }));
    events.retain(|event| *event != Event::Rested);
    for event in &mut events {
        match event {
            Event::Answered {
                answer: Answer::Stored(seq),
                ..
            } => *seq = 5 - *seq,
            Event::Log { entries: old, .. } => *old = entries.to_vec(),
            _ => {}
        }
    }
    assert_eq!(ills(events), [Ill::Reordered]);
}

#[test]
fn a_hole_in_what_was_pushed_is_a_gap_unless_there_was_a_hint() {
    let two = pushed(said(2, "m1 hello"));
    assert_eq!(ills(with(is(two.clone()), &[])), [Ill::Gap]);

    let hint = Event::Hinted {
        link: 1,
        conversation: here(),
    };
    assert_eq!(ills(with(is(two), &[hint])), NOTHING);
}

#[test]
fn a_hole_in_a_log_is_a_gap() {
    let entries = [created(), said(2, "m1 hello"), said(4, "m2 again")];
    assert!(ills(with(is_log, &[log(entries)])).contains(&Ill::Gap));
}

#[test]
fn who_never_was_a_member_or_is_none_any_more_sees_nothing() {
    let stranger = Event::Opened {
        link: 2,
        device: 2,
        node: 0,
    };
    let push = Event::Pushed {
        link: 2,
        sight: said(2, "m1 hello"),
    };
    let events = with(is(Event::Rested), &[stranger, push, Event::Rested]);
    assert_eq!(ills(events), [Ill::NotTheirs]);

    let went = sight(2, "ann", Seen::Went(vec![user("bob")]));
    let entries = [created(), went, said(3, "m2 again")];
    assert!(ills(with(is_log, &[log(entries)])).contains(&Ill::NotTheirs));
}

#[test]
fn a_wrong_count_of_what_is_unread_is_found() {
    let view = |unread| Answer::View {
        head: 3,
        position: read(2),
        unread,
    };
    let events = with(is(answered(4, view(1))), &[answered(4, view(2))]);
    assert_eq!(ills(events), [Ill::UnreadWrong]);
}

#[test]
fn devices_that_hold_something_else_diverge() {
    let other = with(
        is(shown(1, said(2, "m1 hello"))),
        &[shown(1, said(2, "m9 other"))],
    );
    assert_eq!(ills(other), [Ill::Diverged]);

    let older = with(
        is(shown(1, said(2, "m1 hello"))),
        &[shown(1, said(2, "m1 earlier"))],
    );
    assert_eq!(ills(older), [Ill::Diverged]);
}

/// Ann takes her first message back; what her devices and Bob's see of it afterwards.
fn recalled(after: impl IntoIterator<Item = Event>) -> Vec<Event> {
    let recall = sight(4, "ann", Seen::Recalled(2));
    let mut events = good();
    events.retain(|event| !is_log(event) && !matches!(event, Event::Rested));
    events.extend([
        asked(5, 0, Wish::Recall(here(), 2)),
        answered(5, Answer::Stored(4)),
        pushed(recall.clone()),
        shown(0, recall.clone()),
        shown(1, recall.clone()),
    ]);
    events.extend(after);
    let gone = sight(2, "ann", Seen::Gone);
    events.push(log([created(), gone, said(3, "m2 again"), recall]));
    events
}

#[test]
fn what_was_taken_back_is_not_seen_again() {
    assert_eq!(ills(recalled([])), NOTHING);

    let late = [
        asked(6, 1, Wish::Look(here())),
        answered(6, Answer::Page(vec![said(2, "m1 hello")])),
    ];
    assert_eq!(ills(recalled(late)), [Ill::RecalledSeen]);
    let again = [pushed(said(2, "m1 hello"))];
    assert!(ills(recalled(again)).contains(&Ill::RecalledSeen));
    let again = [shown(1, said(2, "m1 hello"))];
    assert!(ills(recalled(again)).contains(&Ill::RecalledSeen));
}

#[test]
fn an_answer_that_is_not_so_is_a_false_ack() {
    let told = answered(1, Answer::Stored(2));
    let events = with(is(told), &[answered(1, Answer::Stored(3))]);
    assert!(ills(events).contains(&Ill::FalseAck));

    let recall = [
        asked(6, 0, Wish::Recall(here(), 3)),
        answered(6, Answer::Stored(5)),
    ];
    assert_eq!(ills(recalled(recall)), [Ill::FalseAck]);
}

#[test]
fn positions_do_not_go_back() {
    let receipt = |seq| Event::Receipt {
        link: 1,
        conversation: here(),
        user: user("bob"),
        position: read(seq),
    };
    let events = with(is(Event::Rested), &[receipt(3), receipt(2), Event::Rested]);
    assert_eq!(ills(events), [Ill::WentBack]);

    let view = |seq, unread| Answer::View {
        head: 3,
        position: read(seq),
        unread,
    };
    let events = with(is(answered(4, view(2, 1))), &[answered(4, view(1, 2))]);
    assert_eq!(ills(events), [Ill::WentBack]);
}

#[test]
fn who_waits_for_ever_is_found() {
    let events = with(
        is(Event::Rested),
        &[asked(9, 0, Wish::Look(here())), Event::Rested],
    );
    assert_eq!(ills(events), [Ill::Stuck]);

    let over = Event::Over {
        device: 1,
        why: "displaced".into(),
    };
    assert_eq!(
        ills(with(is(Event::Rested), &[over, Event::Rested])),
        [Ill::Stuck]
    );
}

//! How two users become contacts.

use crate::{
    Code, Limits, Own, OwnKind, Timestamp,
    state::{
        ContactAsk, ContactChange, ContactFacts, Pair, Side,
        Whose::{Mine, Theirs},
    },
};
use ContactChange::{Put, Remove};

const NOW: Timestamp = Timestamp(1_000_000);

/// The two, each of whom asks in turn.
#[derive(Default)]
struct Two {
    pair: Pair,
    now: i64,
}

#[derive(Clone, Copy)]
enum Who {
    A,
    B,
}

impl Two {
    fn ask(&mut self, who: Who, ask: &ContactAsk) -> Result<usize, Code> {
        self.ask_with(who, ask, ContactFacts::default())
    }

    fn ask_with(&mut self, who: Who, ask: &ContactAsk, facts: ContactFacts) -> Result<usize, Code> {
        let turned = |pair: Pair| match who {
            Who::A => pair,
            Who::B => Pair {
                mine: pair.theirs,
                theirs: pair.mine,
            },
        };
        let now = NOW.plus(std::time::Duration::from_millis(
            u64::try_from(self.now).unwrap(),
        ));
        let mut pair = turned(self.pair.clone());
        let changes = pair
            .decide(ask, facts, &Limits::default(), now)
            .map_err(|rejection| rejection.code)?;
        let count = changes.len();
        for change in changes {
            pair.apply(change);
        }
        self.pair = turned(pair);
        Ok(count)
    }

    fn are_contacts(&self) -> bool {
        let has = |side: &Side| side.contact.is_some();
        assert_eq!(has(&self.pair.mine), has(&self.pair.theirs));
        has(&self.pair.mine)
    }
}

impl Pair {
    fn apply(&mut self, change: ContactChange) {
        let side = |pair: &mut Self, whose| match whose {
            Mine => std::mem::take(&mut pair.mine),
            Theirs => std::mem::take(&mut pair.theirs),
        };
        let (whose, value, kind, due) = match change {
            Put(whose, value, due) => {
                let kind = value.kind();
                (whose, Some(value), kind, due)
            }
            Remove(whose, kind) => (whose, None, kind, None),
        };
        let mut changed = side(self, whose);
        match (kind, value) {
            (OwnKind::Contact, Some(Own::Contact(contact))) => changed.contact = Some(contact),
            (OwnKind::Contact, _) => changed.contact = None,
            (OwnKind::Request, Some(Own::Request(request))) => {
                changed.request = Some((request, due.unwrap()));
            }
            _ => changed.request = None,
        }
        match whose {
            Mine => self.mine = changed,
            Theirs => self.theirs = changed,
        }
    }
}

fn request() -> ContactAsk {
    ContactAsk::Request {
        greeting: Some("hi".into()),
    }
}

#[test]
fn a_request_that_is_accepted_makes_contacts_of_both() {
    let mut two = Two::default();
    assert_eq!(two.ask(Who::A, &request()), Ok(2));
    assert_eq!(two.ask(Who::A, &request()), Ok(0), "once is enough");
    assert_eq!(two.ask(Who::A, &ContactAsk::Accept), Err(Code::NotFound));

    assert_eq!(two.ask(Who::B, &ContactAsk::Accept), Ok(4));

    assert!(two.are_contacts());
    assert_eq!(
        (&two.pair.mine.request, &two.pair.theirs.request),
        (&None, &None)
    );
    for ask in [request(), ContactAsk::Accept, ContactAsk::Withdraw] {
        assert_eq!(two.ask(Who::A, &ask), Ok(0));
        assert_eq!(two.ask(Who::B, &ask), Ok(0));
    }
}

#[test]
fn requests_that_cross_make_contacts() {
    let mut two = Two::default();
    two.ask(Who::A, &request()).unwrap();

    two.ask(Who::B, &request()).unwrap();

    assert!(two.are_contacts());
}

#[test]
fn who_was_refused_sees_it_and_may_ask_again() {
    let mut two = Two::default();
    two.ask(Who::A, &request()).unwrap();

    assert_eq!(two.ask(Who::B, &ContactAsk::Reject), Ok(2));
    assert_eq!(two.ask(Who::B, &ContactAsk::Reject), Ok(0));

    assert!(two.pair.mine.request.as_ref().unwrap().0.rejected);
    assert_eq!(two.pair.theirs.request, None);
    assert_eq!(two.ask(Who::B, &ContactAsk::Accept), Err(Code::NotFound));
    assert_eq!(two.ask(Who::A, &request()), Ok(2));
    assert!(!two.pair.mine.request.as_ref().unwrap().0.rejected);
}

#[test]
fn a_request_that_was_taken_back_cannot_be_accepted() {
    let mut two = Two::default();
    two.ask(Who::A, &request()).unwrap();
    assert_eq!(two.ask(Who::B, &ContactAsk::Withdraw), Ok(0), "not its own");

    assert_eq!(two.ask(Who::A, &ContactAsk::Withdraw), Ok(2));

    assert_eq!(two.ask(Who::B, &ContactAsk::Accept), Err(Code::NotFound));
    assert_eq!(two.ask(Who::B, &ContactAsk::Reject), Err(Code::NotFound));
    assert_eq!(two.ask(Who::A, &ContactAsk::Withdraw), Ok(0));
}

#[test]
fn a_request_whose_time_is_over_is_nothing() {
    let mut two = Two::default();
    two.ask(Who::A, &request()).unwrap();
    two.now = i64::try_from(Limits::default().contact_request_ms).unwrap();

    assert_eq!(two.ask(Who::B, &ContactAsk::Accept), Err(Code::Expired));
    assert_eq!(two.ask(Who::B, &request()), Ok(2));
    assert!(!two.are_contacts());
    two.ask(Who::A, &ContactAsk::Accept).unwrap();
    assert!(two.are_contacts());
}

#[test]
fn a_block_stands_in_the_way_of_requests_from_both_sides() {
    let blocked = ContactFacts {
        blocked: true,
        ..ContactFacts::default()
    };
    let mut two = Two::default();
    assert_eq!(
        two.ask_with(Who::A, &request(), blocked),
        Err(Code::Blocked)
    );
    two.ask(Who::A, &request()).unwrap();
    for ask in [request(), ContactAsk::Accept] {
        assert_eq!(two.ask_with(Who::B, &ask, blocked), Err(Code::Blocked));
    }
    assert_eq!(two.ask_with(Who::B, &ContactAsk::Reject, blocked), Ok(2));
}

#[test]
fn bounds_hold_for_both() {
    let full = ContactFacts {
        full: true,
        ..ContactFacts::default()
    };
    let requested_out = ContactFacts {
        requested_out: true,
        ..ContactFacts::default()
    };
    let mut two = Two::default();
    for facts in [full, requested_out] {
        assert_eq!(two.ask_with(Who::A, &request(), facts), Err(Code::TooMany));
    }
    two.ask(Who::A, &request()).unwrap();
    assert_eq!(
        two.ask_with(Who::B, &ContactAsk::Accept, full),
        Err(Code::TooMany)
    );
    assert_eq!(
        two.ask_with(Who::B, &ContactAsk::Accept, requested_out),
        Ok(4)
    );
    let long = ContactAsk::Request {
        greeting: Some("x".repeat(Limits::default().greeting_chars + 1)),
    };
    assert_eq!(two.ask(Who::A, &long), Err(Code::TooLarge));
}

#[test]
fn contacts_end_on_both_sides() {
    let mut two = Two::default();
    assert_eq!(two.ask(Who::A, &ContactAsk::Delete), Ok(0));
    two.ask(Who::A, &request()).unwrap();
    two.ask(Who::B, &ContactAsk::Accept).unwrap();

    assert_eq!(two.ask(Who::B, &ContactAsk::Delete), Ok(2));

    assert!(!two.are_contacts());
}

#[test]
fn how_a_contact_is_kept_is_ones_own() {
    let change = |remark: Option<&str>, labels: Option<&[&str]>| ContactAsk::Change {
        remark: remark.map(str::to_owned),
        labels: labels.map(|labels| labels.iter().map(|&it| it.to_owned()).collect()),
    };
    let mut two = Two::default();
    assert_eq!(
        two.ask(Who::A, &change(Some("Bobby"), None)),
        Err(Code::NotFound)
    );
    two.ask(Who::A, &request()).unwrap();
    two.ask(Who::B, &request()).unwrap();

    let named = change(Some("Bobby"), Some(&["work", "chess", "work"]));
    assert_eq!(two.ask(Who::A, &named), Ok(1));
    assert_eq!(two.ask(Who::A, &named), Ok(0));
    let mine = two.pair.mine.contact.clone().unwrap();
    assert_eq!(mine.remark.as_deref(), Some("Bobby"));
    assert_eq!(mine.labels, ["chess", "work"]);
    assert_eq!(two.pair.theirs.contact.as_ref().unwrap().remark, None);

    assert_eq!(two.ask(Who::A, &change(Some(""), Some(&[]))), Ok(1));
    assert_eq!(two.pair.mine.contact.as_ref().unwrap().remark, None);
    for (bad, code) in [
        (change(None, Some(&[" "])), Code::InvalidRequest),
        (change(None, Some(&["a\u{7}"])), Code::InvalidRequest),
        (change(None, Some(&["x"; 21])), Code::TooMany),
        (change(Some(&"x".repeat(101)), None), Code::TooLarge),
    ] {
        assert_eq!(two.ask(Who::A, &bad), Err(code));
    }
}

//! What is said later, and what is said now and kept nowhere.

use im_core::{
    ClientId, Code, Content, ListScheduled, Own, SayNow, ScheduleMessage, SendMessage, Timestamp,
    UnscheduleMessage,
};

use crate::{
    rules::{Known, may_say},
    wishes::Wish,
    world::{World, conversation, user},
};

/// How client ids of scheduled messages begin.
pub(crate) const LATER: &str = "s";

/// A message for later.
#[derive(Clone, Debug)]
pub(crate) struct Later {
    pub(crate) user: usize,
    pub(crate) at: usize,
    pub(crate) id: ClientId,
    pub(crate) due: i64,
    pub(crate) withdrawn: Withdrawn,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Withdrawn {
    No,
    InTime,
    MaybeTooLate,
}

impl World {
    pub(crate) fn schedule(&mut self, n: usize, at: usize, in_ms: i64, wish: &Wish) {
        self.said += 1;
        let id = ClientId::new(format!("{LATER}{}", self.said)).unwrap();
        let text = format!("later/{};", self.said);
        let due = self.now() + in_ms;
        let expected = self.member(n, at);
        let ask = ScheduleMessage {
            message: SendMessage::new(conversation(at), id.clone(), text),
            at_ms: Timestamp(due),
        };
        let answer = self.call(n, ask);
        if self.meets(&expected, &answer, wish) {
            let withdrawn = Withdrawn::No;
            let later = Later {
                user: n,
                at,
                id,
                due,
                withdrawn,
            };
            self.owned.later.push(later);
        }
    }

    pub(crate) fn unschedule(&mut self, n: usize, which: usize) {
        let mine = self.owned.later.iter().enumerate();
        let mut mine = mine
            .filter(|(_, later)| later.user == n)
            .map(|(place, _)| place);
        let Some(place) = mine.nth(which) else {
            return;
        };
        let Later {
            id, due, withdrawn, ..
        } = self.owned.later[place].clone();
        let is_early = self.now() < due - 1_000;
        let answer = self.call(n, UnscheduleMessage { client_id: id });
        match answer {
            Ok(_) => {
                assert_eq!(withdrawn, Withdrawn::No, "withdrawn twice");
                self.owned.later[place].withdrawn = if is_early {
                    Withdrawn::InTime
                } else {
                    Withdrawn::MaybeTooLate
                };
            }
            Err(rejection) => {
                assert_eq!(rejection.code, Code::NotFound);
                // The clock may have been there before.
                let may_be_sent = withdrawn != Withdrawn::No || !is_early || self.steps;
                assert!(may_be_sent, "{which} of {n} is gone before its time");
            }
        }
    }

    /// A message for later was sent once, or stays with the reason; one that was withdrawn in time was not sent.
    pub(crate) fn check_later(&self) {
        for later in &self.owned.later {
            let sent = self.truth(later.at).entries;
            let sent = sent.iter().filter(|entry| entry.client_id == later.id);
            let sent = sent.count();
            let ask = ListScheduled {
                after: None,
                limit: Some(200),
            };
            let rows = self.call(later.user, ask).unwrap().items;
            let row = rows
                .iter()
                .find(|row| row.key.as_str() == later.id.as_str());
            let failed = row.map(|row| match &row.value {
                Some(Own::Scheduled(scheduled)) => scheduled.failed.is_some(),
                other => panic!("not scheduled: {other:?}"),
            });
            match later.withdrawn {
                Withdrawn::No => {
                    let is_one = matches!((sent, failed), (1, None) | (0, Some(true)));
                    assert!(is_one, "{later:?}: sent {sent} times, row {failed:?}");
                }
                Withdrawn::InTime => assert_eq!((sent, failed), (0, None), "{later:?}"),
                Withdrawn::MaybeTooLate => assert!(sent <= 1 && failed.is_none(), "{later:?}"),
            }
        }
    }

    /// What is said to those who are there reaches nobody else, and no log.
    pub(crate) fn say_now(&mut self, n: usize, at: usize, wish: &Wish) {
        self.said += 1;
        let text = format!("now/{};", self.said);
        let truth = self.truth(at);
        let known = Known {
            now: self.now(),
            blocked: self.is_blocked_in(at),
            asked: false,
            sees: false,
        };
        let expected = may_say(&truth, &user(n), &known);
        let ask = SayNow {
            conversation: conversation(at),
            content: Content::text(text.clone()),
        };
        let answer = self.call(n, ask);
        let is_done = self.meets(&expected, &answer, wish);
        for device in &self.devices {
            let heard = device.outlet().is_some_and(|outlet| outlet.heard(&text));
            let may_hear = is_done && truth.is_in(&device.user);
            assert!(
                !heard || may_hear || self.members_elsewhere,
                "law 6: {} heard {text}",
                device.user
            );
        }
        let said = self.truth(at).entries;
        assert!(
            !said
                .iter()
                .any(|entry| format!("{:?}", entry.body).contains(&text)),
            "{text} was stored"
        );
    }
}

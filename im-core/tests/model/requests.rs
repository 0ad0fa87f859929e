//! What users ask of conversations, and what must come of it.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use im_core::{Actor, Body, Code, Entry, Error, Rejection, Reply, UserId, port::Runtime};

use crate::{
    asks::{Request, What},
    commands::seq_of,
    device::State,
    later::LATER,
    rules::{Expect, Known, expect},
    truth::Truth,
    world::{World, conversation, user},
};

impl World {
    /// One request, and what the reference says of it.
    pub(crate) fn judged(&mut self, request: &Request) {
        if self.busy {
            self.wait(4_000);
        }
        self.observe();
        let truth = self.truth(request.conversation);
        let (known, failures) = (self.known_of(request), self.failures());
        let future = self.execute(request.user, request.command());
        let answer = self.ground.runtime.block_on(future);
        self.last = Some(request.clone());
        let after = self.truth(request.conversation);
        let failed = self.failures() > failures;
        if let (What::Approve { whom }, Ok(_)) = (&request.what, &answer) {
            self.doors.asked.remove(&(request.conversation, *whom));
        }
        self.judge(request, [&truth, &after], answer, failed, &known);
    }

    fn judge(
        &self,
        request: &Request,
        [truth, after]: [&Truth; 2],
        answer: Result<Reply, Rejection>,
        failed: bool,
        known: &Known,
    ) {
        let new = new_by(truth, after, &user(request.user));
        let grew = new.len();
        if let Err(rejection) = &answer
            && failed
            && rejection.code == Code::Unavailable
        {
            assert!(grew <= 1);
            return;
        }
        let key = (request.conversation, request.user, request.key);
        if request.what.has_key()
            && let Some((what, seq)) = self.known.get(&key)
        {
            assert_eq!(grew, 0, "law 2: a known client id was stored again");
            let Some(what) = what else { return };
            match answer {
                Ok(reply) => {
                    assert_eq!(*what, request.what, "law 2: other content, but accepted");
                    assert_eq!(seq_of(&reply), *seq, "law 2: same client id, other seq");
                }
                Err(rejection) => {
                    // What is to be passed on is looked at first.
                    let is_first = matches!(request.what, What::Forward { .. });
                    let codes = [Code::Conflict, Code::NotFound];
                    let codes = &codes[..=usize::from(is_first)];
                    assert!(codes.contains(&rejection.code), "{request:?}: {rejection}");
                    assert_ne!(*what, request.what, "law 2: a retry was refused");
                }
            }
            return;
        }
        let expected = expect(truth, &user(request.user), &request.what, known);
        let outcome = match &answer {
            Ok(_) if grew == 0 => Expect::Nothing,
            Ok(reply) => {
                assert_eq!(new, [seq_of(reply)], "the seq of a new entry");
                Expect::Append
            }
            Err(rejection) => {
                assert_eq!(grew, 0, "{request:?} was refused, and stored");
                Expect::Refuse(rejection.code)
            }
        };
        // Reactions ask first who is in, and the store or another engine may know better.
        let may_be_late = !request.what.has_key() && (self.members_elsewhere || self.lags);
        assert!(
            expected.allows(&outcome) || may_be_late,
            "{request:?}: expected {expected:?}, got {answer:?}"
        );
    }

    pub(crate) fn ballot(&mut self, poll: &Request, votes: &[(usize, Option<u32>)]) {
        self.judged(poll);
        self.observe();
        let key = (poll.conversation, poll.user, poll.key);
        let Some((_, target)) = self.known.get(&key).cloned() else {
            return;
        };
        for (user, option) in votes {
            let what = What::Vote {
                target,
                option: *option,
            };
            self.judged(&Request {
                user: *user,
                what,
                ..poll.clone()
            });
        }
    }

    /// What the reference needs to know of a request, beside the log.
    fn known_of(&self, request: &Request) -> Known {
        let sees = match &request.what {
            What::Forward { from, target } => {
                self.sight(request.user, *from, *target) == Expect::Append
            }
            _ => false,
        };
        let asked = match &request.what {
            What::Approve { whom } => self.doors.asked.contains(&(request.conversation, *whom)),
            _ => false,
        };
        Known {
            now: self.now(),
            blocked: self.is_blocked_in(request.conversation),
            asked,
            sees,
        }
    }

    /// Several at once; each must end, and be in the log where it says.
    pub(crate) fn together(&mut self, requests: &[Request], device: Option<usize>) {
        type Answers = Arc<Mutex<Vec<(Request, Result<Reply, Rejection>)>>>;
        let answers = Answers::default();
        for request in requests {
            let future = self.execute(request.user, request.command());
            let (answers, request) = (answers.clone(), request.clone());
            self.ground.runtime.spawn(Box::pin(async move {
                let answer = future.await;
                answers.lock().unwrap().push((request, answer));
            }));
        }
        if let Some(device) = device {
            // So short that it reads in the middle of what the others do.
            self.devices[device].drain(&self.ground, Duration::from_micros(10));
        }
        self.wait(4_000);
        self.look_at_the_doors();
        let answers = answers.lock().unwrap();
        assert_eq!(
            answers.len(),
            requests.len(),
            "a request was never answered"
        );
        for (request, answer) in answers.iter() {
            let Ok(reply) = answer else { continue };
            let truth = self.truth(request.conversation);
            let entry = &truth.entries[seq_of(reply) as usize - 1];
            if matches!(request.what, What::Send { .. }) {
                assert_eq!(entry.sender, user(request.user));
                assert_eq!(entry.client_id.as_str(), format!("k{}", request.key));
            }
        }
    }

    pub(crate) fn elsewhere(&mut self, request: &Request) {
        // Only in groups: other nodes learn of blocks some seconds later.
        let is_coming_or_going = matches!(
            request.what,
            What::Add { .. } | What::Kick { .. } | What::Ban { .. }
        );
        let is_message = matches!(request.what, What::Send { .. });
        if !(is_message || is_coming_or_going) || request.conversation > 1 {
            return;
        }
        self.used_elsewhere = true;
        self.members_elsewhere |= is_coming_or_going;
        let actor = Actor::user(user(request.user));
        let answer = self.elsewhere.execute(&actor, request.command());
        let _ = self.ground.runtime.block_on(answer);
    }

    pub(crate) fn say(&mut self, n: usize, at: usize, wait: bool) {
        let State::Session(session, _) = &self.devices[n * 2].state else {
            return;
        };
        let sender = session.sender();
        self.said += 1;
        let text = format!("say/{};", self.said);
        let id = conversation(at);
        if !wait {
            let mut future = pin!(sender.send(&id, text.clone()));
            let _ = poll_once(&mut future);
            self.says.push((text, None));
            self.busy = true;
            return;
        }
        match self.ground.runtime.block_on(sender.send(&id, text.clone())) {
            Ok(sent) => self.says.push((text, Some(sent.seq.0))),
            Err(Error::Rejected(rejection)) => {
                assert!(!rejection.code.is_retryable(), "{rejection}");
                self.says.push((text, None));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Seqs of what a user did between two looks. What happens by itself is not its doing.
fn new_by(truth: &Truth, after: &Truth, me: &UserId) -> Vec<u64> {
    let new = &after.entries[truth.entries.len()..];
    let is_mine = |entry: &&Entry| {
        let by_itself = matches!(entry.body, Body::Expired { .. });
        entry.sender == *me && !by_itself && !entry.client_id.as_str().starts_with(LATER)
    };
    new.iter()
        .filter(is_mine)
        .map(|entry| entry.seq.0)
        .collect()
}

pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

//! What users ask of conversations, and what must come of it.

use std::{
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use im_core::{Actor, Code, Error, Rejection, Reply, port::Runtime};

use crate::{
    device::State,
    ops::{Request, What},
    truth::{Expect, Truth, expect},
    world::{World, conversation, seq_of, user},
};

impl World {
    /// One request, and what the reference says of it.
    pub(crate) fn judged(&mut self, request: &Request) {
        if self.busy {
            self.wait(4_000);
        }
        self.observe();
        let truth = self.truth(request.conversation);
        let (now, failures) = (self.now(), self.failures());
        let future = self.execute(request.user, request.command());
        let answer = self.ground.runtime.block_on(future);
        self.last = Some(request.clone());
        let after = self.truth(request.conversation);
        let failed = self.failures() > failures;
        self.judge(request, &truth, &after, answer, failed, now);
    }

    fn judge(
        &self,
        request: &Request,
        truth: &Truth,
        after: &Truth,
        answer: Result<Reply, Rejection>,
        failed: bool,
        now: i64,
    ) {
        let grew = after.head() - truth.head();
        if let Err(rejection) = &answer
            && failed
            && rejection.code == Code::Unavailable
        {
            assert!(grew <= 1);
            return;
        }
        let key = (request.conversation, request.user, request.key);
        if let Some((what, seq)) = self.known.get(&key) {
            assert_eq!(grew, 0, "law 2: a known client id was stored again");
            let Some(what) = what else { return };
            match answer {
                Ok(reply) => {
                    assert_eq!(*what, request.what, "law 2: other content, but accepted");
                    assert_eq!(seq_of(&reply), *seq, "law 2: same client id, other seq");
                }
                Err(rejection) => {
                    assert_eq!(rejection.code, Code::Conflict, "{request:?}");
                    assert_ne!(*what, request.what, "law 2: a retry was refused");
                }
            }
            return;
        }
        let blocked = self.is_blocked_in(request.conversation);
        let me = user(request.user);
        let expected = match expect(truth, &me, &request.ask(), blocked, now) {
            Expect::AppendOr(_) if answer.is_ok() => Expect::Append,
            Expect::AppendOr(code) => Expect::Refuse(code),
            expected => expected,
        };
        match (&expected, answer) {
            (Expect::Append, Ok(reply)) => {
                assert_eq!(grew, 1);
                assert_eq!(seq_of(&reply), after.head(), "the seq of a new entry");
            }
            (Expect::Nothing, Ok(_)) => assert_eq!(grew, 0),
            (Expect::Refuse(code), Err(rejection)) => {
                assert_eq!((*code, grew), (rejection.code, 0));
            }
            (_, answer) => panic!("{request:?}: expected {expected:?}, got {answer:?}"),
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
        let is_coming_or_going = matches!(request.what, What::Add { .. } | What::Kick { .. });
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

pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

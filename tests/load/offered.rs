//! Messages that are offered on a schedule, whatever becomes of them: accepted or refused, each is answered once.

use std::{
    ops::Range,
    sync::Arc,
    time::{Duration, Instant},
};

use tests::frames::{self, Frame, TEXT};

use crate::swarm::{Script, Step};

/// When messages are due: at one rate, and then at another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Plan {
    /// Messages at the first rate.
    pub(crate) first: usize,
    /// Messages at the second.
    after: usize,
    /// Messages per second at first.
    rate: f64,
    /// Messages per second then.
    pub(crate) then: f64,
}

impl Plan {
    pub(crate) fn of(rate: f64, seconds: f64) -> Self {
        Self {
            first: (rate * seconds) as usize,
            after: 0,
            rate,
            then: rate,
        }
    }

    /// Followed by another.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            after: next.first,
            then: next.rate,
            ..self
        }
    }

    pub(crate) fn count(self) -> usize {
        self.first + self.after
    }

    pub(crate) fn due(self, place: usize) -> Duration {
        let at_first = place.min(self.first) as f64 / self.rate;
        let then = place.saturating_sub(self.first) as f64 / self.then;
        Duration::from_secs_f64(at_first + then)
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outcome {
    /// From when it was due to the answer.
    pub(crate) nanos: u64,
    peer: usize,
    /// Nothing: refused, to be tried again.
    pub(crate) seq: Option<u64>,
}

/// What is sent.
#[derive(Clone)]
pub(crate) struct Requests {
    conversations: Arc<[String]>,
    text: Arc<str>,
}

impl Requests {
    /// Appends the message of a number in the conversation of a sender.
    pub(crate) fn append(&self, sender: usize, number: u64, out: &mut Vec<u8>) {
        let (conversation, text) = (&self.conversations[sender], &self.text);
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":{number},"method":"message.send","params":{{"conversation":"{conversation}","client_id":"c{number}","content":{{"kind":"text","text":"{text}"}}}}}}"#
        );
        frames::append(TEXT, request.as_bytes(), out);
    }
}

/// Who sends, and what they are answered.
pub(crate) struct Offered {
    begun: Begun,
    /// The number of the first message of this run.
    first: u64,
    /// The last seq in the conversation of each.
    last: Vec<u64>,
    missing: usize,
    now: Instant,
    outcomes: Vec<Option<Outcome>>,
    requests: Requests,
    pub(crate) wrong: Option<String>,
}

/// Since when the answers are waited for.
enum Begun {
    /// Since the message was due.
    Planned(Plan, Instant),
    /// Each sender has one in flight, since then; so many are said.
    InTurn { since: Vec<Instant>, said: usize },
}

impl Offered {
    /// In conversations in which nothing was said yet.
    pub(crate) fn new(conversations: &[String], text: usize) -> Self {
        Self {
            begun: Begun::InTurn {
                since: Vec::new(),
                said: 0,
            },
            first: 0,
            // The first entry begins the conversation.
            last: vec![1; conversations.len()],
            missing: 0,
            now: Instant::now(),
            outcomes: Vec::new(),
            requests: Requests {
                conversations: conversations.into(),
                text: "x".repeat(text).into(),
            },
            wrong: None,
        }
    }

    /// Begins a run on a schedule, and returns the numbers of its messages.
    pub(crate) fn begin(&mut self, plan: Plan, begin: Instant) -> Range<u64> {
        self.begun = Begun::Planned(plan, begin);
        self.expect(plan.count())
    }

    /// Begins a run in which each sender waits for its answer.
    pub(crate) fn begin_closed(&mut self, messages: usize) {
        let since = vec![Instant::now(); self.last.len()];
        self.begun = Begun::InTurn { since, said: 0 };
        self.expect(messages);
    }

    fn expect(&mut self, messages: usize) -> Range<u64> {
        self.missing = messages;
        self.outcomes = vec![None; messages];
        self.first..self.first + messages as u64
    }

    pub(crate) fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Messages that are not answered yet.
    pub(crate) fn missing(&self) -> usize {
        self.missing
    }

    /// The last seq that somebody was told.
    pub(crate) fn last(&self, sender: usize) -> u64 {
        self.last[sender]
    }

    /// Has a sender say the next thing, when there is something left.
    pub(crate) fn say_next(&mut self, sender: usize, out: &mut Vec<u8>) {
        let Begun::InTurn { since, said } = &mut self.begun else {
            return;
        };
        if *said == self.outcomes.len() {
            return;
        }
        since[sender] = Instant::now();
        let number = self.first + *said as u64;
        *said += 1;
        self.requests.append(sender, number, out);
    }

    /// Ends a run, in which everything was answered.
    ///
    /// # Errors
    /// When what a sender was told of is not what it sent, in that order and without a hole.
    pub(crate) fn end(&mut self) -> Result<Vec<Outcome>, String> {
        self.first += self.outcomes.len() as u64;
        let outcomes: Vec<_> = self.outcomes.drain(..).flatten().collect();
        for Outcome { peer, seq, .. } in &outcomes {
            let Some(seq) = *seq else { continue };
            let last = std::mem::replace(&mut self.last[*peer], seq);
            if seq != last + 1 {
                return Err(format!(
                    "LOSS: sender {peer} was told of {seq} after {last}"
                ));
            }
        }
        Ok(outcomes)
    }

    fn answered(&mut self, peer: usize, payload: &[u8]) -> Option<()> {
        let number = digits(payload, ID.len())?;
        let place = number.checked_sub(self.first)? as usize;
        let since = match &self.begun {
            Begun::Planned(plan, begin) => *begin + plan.due(place),
            Begun::InTurn { since, .. } => since[peer],
        };
        let has = |text: &str| {
            payload
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        let key = br#""seq":"#;
        let found = payload.windows(key.len()).position(|part| part == key);
        let seq = match found {
            Some(at) => Some(digits(payload, at + key.len())?),
            None if has(r#""retryable":true"#) => None,
            None => return None,
        };
        let outcome = self.outcomes.get_mut(place)?;
        if outcome.is_some() {
            return None;
        }
        let nanos = self.now.saturating_duration_since(since).as_nanos() as u64;
        *outcome = Some(Outcome { nanos, peer, seq });
        self.missing -= 1;
        Some(())
    }
}

/// How a reply begins.
const ID: &str = r#"{"jsonrpc":"2.0","id":"#;

/// The number that stands somewhere.
fn digits(payload: &[u8], at: usize) -> Option<u64> {
    let digits = payload.get(at..)?.iter();
    let digits = digits.take_while(|byte| byte.is_ascii_digit());
    digits.fold(None, |number, digit| {
        Some(number.unwrap_or(0) * 10 + u64::from(digit - b'0'))
    })
}

impl Script for Offered {
    fn upgraded(&mut self, _: usize, out: &mut Vec<u8>) {
        let open = br#"{"jsonrpc":"2.0","id":"o","method":"session.open","params":{"device":"d"}}"#;
        frames::append(TEXT, open, out);
    }

    fn wakes(&mut self) {
        self.now = Instant::now();
    }

    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        let payload = frame.payload;
        let is = |start: &str| payload.starts_with(start.as_bytes());
        if is(r#"{"jsonrpc":"2.0","id":"o","result""#) {
            return Step::Done;
        }
        // One's own message is also pushed to oneself.
        if is(r#"{"jsonrpc":"2.0","method":"message.stored""#) {
            return Step::On;
        }
        let is_answer = is(ID) && self.answered(peer, payload).is_some();
        if is_answer {
            self.say_next(peer, out);
        } else {
            self.wrong
                .get_or_insert(String::from_utf8_lossy(payload).into_owned());
        }
        Step::On
    }
}

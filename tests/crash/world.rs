//! What the harness knows from the outside: who asked for what, what was answered, and what each device has seen.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::AddAssign,
    time::{SystemTime, UNIX_EPOCH},
};

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{Violation, log::Log};

/// Conversations by place: two direct ones, a group, and a group with an open door.
pub(crate) const CONVERSATIONS: usize = 4;
/// The place of the group with the open door.
pub(crate) const OPEN_GROUP: usize = 3;

/// Everything, shared by all devices. One thread, so no lock.
#[derive(Debug, Default)]
pub(crate) struct World {
    /// Their ids, by place.
    pub(crate) conversations: Vec<String>,
    /// A user who has been in each of them from the beginning.
    pub(crate) witnesses: Vec<String>,
    /// Access tokens by user.
    pub(crate) tokens: BTreeMap<String, String>,
    /// What was asked for, by client id.
    pub(crate) asks: HashMap<String, Ask>,
    /// What each device has seen, by its name.
    pub(crate) seen: BTreeMap<String, DeviceLog>,
    /// The last seq of each conversation that was acknowledged or seen by anybody, by place.
    pub(crate) heads: [u64; CONVERSATIONS],
    /// How much was acknowledged.
    pub(crate) acknowledged: u64,
    pub(crate) deferrals: Deferrals,
    /// How many sessions were opened.
    pub(crate) sessions: u64,
    /// From the time of an entry to its arrival at a device.
    pub(crate) gaps: Gaps,
    /// The first thing that a device found wrong.
    pub(crate) violation: Option<Violation>,
}

/// What a device has seen.
#[derive(Debug)]
pub(crate) struct DeviceLog {
    pub(crate) user: String,
    pub(crate) logs: Vec<Log>,
    /// What it is doing.
    pub(crate) whereabouts: String,
    /// Whether it is connected, has caught up, and waits for no answer.
    pub(crate) is_settled: bool,
}

/// What was refused for a while, by code: how often.
#[derive(Debug, Default)]
pub(crate) struct Deferrals(BTreeMap<String, u64>);

/// Times from the moment that an entry names as its own to the moment when a device had it.
#[derive(Debug)]
pub(crate) struct Gaps(Histogram<u64>);

/// Something that a device asked for.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) conversation: usize,
    pub(crate) user: String,
    pub(crate) device: String,
    /// The how manieth of its device.
    pub(crate) number: u64,
    pub(crate) kind: Kind,
    pub(crate) answer: Answer,
    /// Whether it was refused for a while and asked again later: then others may have overtaken it.
    pub(crate) was_deferred: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    Message(String),
    Edit(u64, String),
    Recall(u64),
    Join,
    Leave,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Open,
    Stored(u64),
    Refused(String),
}

impl Ask {
    /// The method and the parameters that ask for it.
    pub(crate) fn request(&self, client_id: &str, conversation: &str) -> (&'static str, Value) {
        let mut params = json!({"conversation": conversation, "client_id": client_id});
        let content = |text: &str| json!({"kind": "text", "text": text});
        let method = match &self.kind {
            Kind::Message(text) => {
                params["content"] = content(text);
                "message.send"
            }
            Kind::Edit(target, text) => {
                params["target"] = json!(target);
                params["content"] = content(text);
                "message.edit"
            }
            Kind::Recall(target) => {
                params["target"] = json!(target);
                "message.recall"
            }
            Kind::Join => "group.join",
            Kind::Leave => "group.leave",
        };
        (method, params)
    }
}

impl World {
    pub(crate) fn conversation_at(&self, id: &str) -> Option<usize> {
        self.conversations.iter().position(|one| one == id)
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.seen.values().all(|device| device.is_settled)
    }

    /// Whether every device has come as far as anything that was acknowledged or seen. Those who come and go in the open
    /// group are not looked at there.
    pub(crate) fn is_even(&self) -> bool {
        self.seen.values().all(|device| {
            let logs = device.logs.iter().enumerate();
            let mut own = logs.filter(|(_, log)| !log.entries.is_empty());
            let comes_and_goes = comes_and_goes(&device.user);
            own.all(|(at, log)| log.last() >= self.heads[at] || comes_and_goes && at == OPEN_GROUP)
        })
    }

    /// The last seq of a conversation that a device has. 0 for none.
    pub(crate) fn last_of(&self, device: &str, conversation: usize) -> u64 {
        let log = self.seen.get(device).map(|seen| &seen.logs[conversation]);
        log.map_or(0, Log::last)
    }

    /// Notes that a conversation has come so far.
    pub(crate) fn reached(&mut self, conversation: usize, seq: u64) {
        self.heads[conversation] = self.heads[conversation].max(seq);
    }

    /// What each device does, and what it has of the last that anybody has, for people.
    pub(crate) fn whereabouts(&self) -> String {
        let all = self.seen.iter().map(|(name, seen)| {
            let lasts: Vec<_> = seen.logs.iter().map(Log::last).collect();
            let (whereabouts, is_settled) = (&seen.whereabouts, seen.is_settled);
            format!("{name} {whereabouts}, settled: {is_settled}, has {lasts:?}")
        });
        let all = all.collect::<Vec<_>>().join("; ");
        format!("{all}; the last ones are {:?}", self.heads)
    }

    /// Takes an answer in. A second answer must be the same as the first.
    pub(crate) fn answered(&mut self, client_id: &str, answer: Answer) -> Result<(), Violation> {
        let Some(ask) = self.asks.get_mut(client_id) else {
            return Err(format!("an answer to {client_id}, which nobody asked"));
        };
        if ask.answer != Answer::Open && ask.answer != answer {
            let first = &ask.answer;
            return Err(format!(
                "{client_id} was answered {first:?}, and then {answer:?}"
            ));
        }
        ask.answer = answer;
        let conversation = ask.conversation;
        if let Answer::Stored(seq) = ask.answer {
            self.acknowledged += 1;
            self.reached(conversation, seq);
        }
        Ok(())
    }
}

/// Whether a user joins and leaves the open group again and again.
pub(crate) fn comes_and_goes(user: &str) -> bool {
    matches!(user, "eve" | "fay")
}

impl Deferrals {
    pub(crate) fn add(&mut self, code: &str) {
        *self.0.entry(code.to_owned()).or_default() += 1;
    }

    /// How often anything was.
    pub(crate) fn count(&self) -> u64 {
        self.0.values().sum()
    }
}

impl AddAssign<&Self> for Deferrals {
    fn add_assign(&mut self, other: &Self) {
        for (code, count) in &other.0 {
            *self.0.entry(code.clone()).or_default() += count;
        }
    }
}

impl fmt::Display for Deferrals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing refused for a while");
        }
        let all: Vec<_> = self
            .0
            .iter()
            .map(|(code, count)| format!("{count} {code}"))
            .collect();
        write!(f, "refused for a while: {}", all.join(", "))
    }
}

impl Gaps {
    /// An entry of that time arrived now.
    pub(crate) fn arrived(&mut self, at_ms: u64) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let now = now.map_or(0, |time| time.as_millis() as u64);
        self.0.saturating_record(now.saturating_sub(at_ms));
    }

    /// Milliseconds that 99 of 100 stay below.
    pub(crate) fn p99_ms(&self) -> u64 {
        self.0.value_at_quantile(0.99)
    }

    pub(crate) fn forget(&mut self) {
        self.0.reset();
    }
}

impl Default for Gaps {
    fn default() -> Self {
        Self(Histogram::new_with_bounds(1, 600_000, 3).expect("these bounds are fine"))
    }
}

impl fmt::Display for Gaps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (count, max) = (self.0.len(), self.0.max());
        let median = self.0.value_at_quantile(0.5);
        write!(
            f,
            "{count} deliveries, from storing to arriving: p50 {median} ms, p99 {} ms, max {max} ms",
            self.p99_ms()
        )
    }
}

//! What the harness knows from the outside: who asked for what, what was answered, and what each device has seen.

use std::collections::{BTreeMap, HashMap};

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
    /// Devices that are back since the last restart.
    pub(crate) settled: usize,
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
}

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

    pub(crate) fn whereabouts(&self) -> String {
        let all = self.seen.iter();
        let all = all.map(|(name, seen)| format!("{name} {}", seen.whereabouts));
        all.collect::<Vec<_>>().join(", ")
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
        Ok(())
    }
}

//! A log as somebody sees it, and the fold of it: what each message says now.

use std::collections::BTreeMap;

use serde_json::Value;

/// Entries by seq.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log {
    pub(crate) entries: BTreeMap<u64, Seen>,
    /// What the server says is the last one. 0 when nobody asked it.
    pub(crate) head: u64,
    /// How many entries came twice.
    pub(crate) repeated: u64,
}

/// An entry, as far as the audit cares.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) sender: String,
    pub(crate) client_id: String,
    /// As on the wire. A message that was recalled is still a `message` here.
    pub(crate) kind: String,
    pub(crate) target: Option<u64>,
    /// Who enters with it.
    pub(crate) members: Vec<String>,
    /// For a message: what it says now; nothing when it was recalled. For an edit: what it said.
    pub(crate) text: Option<String>,
}

impl Seen {
    pub(crate) fn new(entry: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let body = &entry["body"];
        let kind = match body["type"].as_str().unwrap_or_default() {
            "recalled_message" => "message",
            kind => kind,
        };
        let members = body["members"].as_array().into_iter().flatten();
        Self {
            sender: text(&entry["sender"]),
            client_id: text(&entry["client_id"]),
            kind: kind.to_owned(),
            target: body["target"].as_u64(),
            members: members.map(text).collect(),
            text: body["content"]["text"].as_str().map(str::to_owned),
        }
    }

    /// Whether this is the other; the text may differ where one side cannot know the last change.
    pub(crate) fn is_same(&self, other: &Self, any_text: bool) -> bool {
        if any_text {
            let text = other.text.clone();
            return Self {
                text,
                ..self.clone()
            } == *other;
        }
        self == other
    }
}

impl Log {
    /// The last seq that is there.
    pub(crate) fn last(&self) -> u64 {
        self.entries.last_key_value().map_or(0, |(seq, _)| *seq)
    }

    /// Takes an entry as a device does: an edit changes its message, a recall wipes it and its edits.
    pub(crate) fn take(&mut self, seq: u64, entry: Seen) {
        match (entry.kind.as_str(), entry.target) {
            ("edited", Some(target)) => {
                if let (Some(message), Some(text)) = (self.entries.get_mut(&target), &entry.text)
                    && message.text.is_some()
                {
                    message.text = Some(text.clone());
                }
            }
            ("recalled", Some(target)) => {
                for (seq, seen) in &mut self.entries {
                    if *seq == target || seen.kind == "edited" && seen.target == Some(target) {
                        seen.text = None;
                    }
                }
            }
            _ => {}
        }
        if self.entries.insert(seq, entry).is_some() {
            self.repeated += 1;
        }
    }

    /// The spans during which somebody is a member: from the first entry to see to the last one.
    pub(crate) fn membership(&self, user: &str) -> Vec<(u64, u64)> {
        let mut spans: Vec<(u64, u64)> = Vec::new();
        for (seq, entry) in &self.entries {
            let enters = match entry.kind.as_str() {
                "joined" => entry.sender == user,
                "created" | "members_added" => entry.members.iter().any(|member| member == user),
                _ => false,
            };
            if enters {
                spans.push((*seq, u64::MAX));
            } else if entry.kind == "left"
                && entry.sender == user
                && let Some(span) = spans.last_mut()
            {
                span.1 = *seq;
            }
        }
        spans
    }
}

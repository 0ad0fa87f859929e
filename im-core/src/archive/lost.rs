//! Facts that messages left whose content is gone: that somebody has spoken, that messages burn. The log does not say so
//! any more, the conversation's facts do.

use crate::{
    Body, Content, Entry, Info, Message, UserId,
    state::{FactChange, RosterChange, roster_changes},
};

/// Facts that no message of a log tells.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Lost {
    spoke: Vec<UserId>,
    burns: bool,
}

impl Lost {
    /// All facts of this kind that a conversation has.
    pub(super) fn of(info: &Info) -> Self {
        Self {
            spoke: info.spoke.clone(),
            burns: info.burns,
        }
    }

    /// Strikes out what an entry tells.
    pub(super) fn found(&mut self, entry: &Entry) {
        if entry.body.as_message().is_none() {
            return;
        }
        for change in roster_changes(entry) {
            if let RosterChange::Facts(FactChange::Spoke(user)) = &change {
                self.spoke.retain(|it| it != user);
            }
            self.burns &= change != RosterChange::Facts(FactChange::Burns);
        }
    }

    /// Gives the first message whose content is gone what it had: a message without text, which the entry that took it
    /// away takes away again.
    pub(super) fn restore(&mut self, entry: &mut Entry) {
        let (Body::ExpiredMessage { by } | Body::RecalledMessage { by }) = entry.body else {
            return;
        };
        let place = self.spoke.iter().position(|it| *it == entry.sender);
        // What was erased with its sender was taken away by no entry.
        if by <= entry.seq || place.is_none() && !self.burns {
            return;
        }
        let mut message = Message::new(Content::text(""));
        message.first = place.map(|place| self.spoke.remove(place)).is_some();
        message.burn_ms = std::mem::take(&mut self.burns).then_some(0);
        entry.body = Body::Message(message);
    }
}

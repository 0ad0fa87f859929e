//! What a device wants sent: kept, in order, until the engine has answered.

use std::collections::BTreeMap;

use crate::{ClientId, ConversationId, SendMessage};

/// Messages that wait for an answer, in the order in which they were written.
///
/// A message leaves when the engine stored it or refused it for good. After a break everything that is left is sent
/// again in order; the client id keeps the engine from storing it twice.
#[derive(Clone, Debug, Default)]
pub struct Outbox {
    next: u64,
    waiting: BTreeMap<u64, SendMessage>,
}

impl Outbox {
    /// Takes a message in; the ticket names it from now on.
    pub fn push(&mut self, message: SendMessage) -> u64 {
        let ticket = self.next;
        self.next += 1;
        self.waiting.insert(ticket, message);
        ticket
    }

    /// The message was stored, or refused for good.
    pub fn settle(&mut self, ticket: u64) -> Option<SendMessage> {
        self.waiting.remove(&ticket)
    }

    /// The message with this client id was seen in the log of its conversation.
    pub fn settle_stored(&mut self, conversation: ConversationId, client_id: &ClientId) {
        self.waiting.retain(|_, message| {
            message.conversation != conversation || message.client_id != *client_id
        });
    }

    /// Everything without an answer, in order.
    pub fn waiting(&self) -> impl Iterator<Item = (u64, &SendMessage)> {
        self.waiting
            .iter()
            .map(|(ticket, message)| (*ticket, message))
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Content, UserId};

    fn message(text: &str) -> SendMessage {
        let (a, b) = (UserId::new("a").unwrap(), UserId::new("b").unwrap());
        SendMessage::new(
            ConversationId::direct(&a, &b),
            ClientId::new(text).unwrap(),
            Content::text(text),
        )
    }

    #[test]
    fn what_has_no_answer_waits_in_order() {
        let mut outbox = Outbox::default();
        let tickets = ["one", "two", "three"].map(|text| outbox.push(message(text)));

        assert_eq!(outbox.settle(tickets[1]), Some(message("two")));
        assert_eq!(outbox.settle(tickets[1]), None);

        let waiting: Vec<_> = outbox.waiting().map(|(ticket, _)| ticket).collect();
        assert_eq!(waiting, [tickets[0], tickets[2]]);
    }

    #[test]
    fn what_is_seen_in_the_log_of_its_conversation_waits_no_more() {
        let mut outbox = Outbox::default();
        let one = message("one");
        outbox.push(one.clone());
        let elsewhere = ConversationId::from_uuid(uuid::Uuid::nil());

        outbox.settle_stored(elsewhere, &one.client_id);
        assert_eq!(outbox.len(), 1);
        outbox.settle_stored(one.conversation, &one.client_id);
        assert!(outbox.is_empty());
    }
}

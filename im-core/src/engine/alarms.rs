//! Messages whose content goes by itself: after a time, or once the other side has read them. Open messages end in
//! `stream_end`.

use std::{collections::BTreeMap, sync::Arc};

use super::Engine;
use crate::{
    Actor, ClientId, ConversationId, Entry, Message, Position, Seq, StoreError, Timestamp, UserId,
    port::Span,
    state::{Ask, Expire},
};

/// Alarms that are worked through at once.
const BATCH: usize = 256;

impl Engine {
    /// Takes the content of messages whose time is over, some of them. `false` when it should not be tried again at once.
    ///
    /// Several nodes may be at it: what is gone already is left as it is.
    pub(super) async fn expire_messages(
        self: &Arc<Self>,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut by_conversation: BTreeMap<ConversationId, Vec<Seq>> = BTreeMap::new();
        for alarm in self.ports.alarms.due(now, BATCH).await? {
            let seqs = by_conversation.entry(alarm.conversation).or_default();
            seqs.push(alarm.seq);
        }
        let mut all = true;
        for (conversation, targets) in by_conversation {
            all &= self.expire_in(conversation, targets).await;
        }
        Ok(all)
    }

    async fn expire_in(self: &Arc<Self>, conversation: ConversationId, targets: Vec<Seq>) -> bool {
        // In the name of who said the first of them: an entry has a sender.
        let Ok(Some(first)) = self.entry_at(conversation, targets[0]).await else {
            return false;
        };
        let ask = Ask::Expire(Expire {
            conversation,
            client_id: ClientId::random(),
            targets,
        });
        let before = self.ports.log.load(conversation).await;
        let actor = Actor::service(first.sender);
        let Ok(stored) = self.clone().ask(actor.into(), ask).await else {
            return false;
        };
        // Nothing to take where there is an alarm: it would ring for ever.
        let head = before.ok().flatten().map(|snapshot| snapshot.head.seq);
        head.is_none_or(|head| stored.seq > head)
    }

    /// Looks again when a message is to go, or to end, that was said just now.
    pub(super) fn wind(&self, entry: &Entry) {
        let message = entry.body.as_message();
        let has_end =
            |message: &Message| message.expires_at_ms.is_some() || message.open_until().is_some();
        if message.is_some_and(has_end) {
            self.keep_house();
        }
    }

    /// A member has read so far: what burns once it is read begins to.
    pub(super) async fn light(
        &self,
        conversation: ConversationId,
        reader: &UserId,
        before: Position,
        after: Position,
    ) -> Result<(), StoreError> {
        let span = Span {
            conversation,
            after: before.read,
            end: after.read,
        };
        let now = self.ports.runtime.now();
        if self.ports.alarms.light(reader, span, now).await? > 0 {
            self.keep_house();
        }
        Ok(())
    }
}

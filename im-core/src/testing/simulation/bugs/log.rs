//! A log that lies.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;

use super::{Bug, Bugs};
use crate::{
    Body, ClientId, Content, ConversationId, Entry, Epoch, Message, Seq, StoreError, UserId,
    port::{Append, Appended, Known, LogStore, Range, Runtime, Snapshot},
};

/// How much later what was acknowledged is stored.
const LATER: Duration = Duration::from_millis(100);

struct WrongLog {
    inner: Arc<dyn LogStore>,
    bugs: Bugs,
    runtime: Arc<dyn Runtime>,
}

pub(super) fn wrong(
    inner: &Arc<dyn LogStore>,
    bugs: &Bugs,
    runtime: Arc<dyn Runtime>,
) -> Arc<dyn LogStore> {
    Arc::new(WrongLog {
        inner: Arc::clone(inner),
        bugs: bugs.clone(),
        runtime,
    })
}

impl WrongLog {
    fn remember(&self, append: &mut Append) {
        let mixes = self.bugs.strikes(Bug::TextMixedUp);
        let mut memory = self.bugs.lock();
        for new in &mut append.entries {
            let place = (new.entry.conversation, new.entry.seq);
            if let Body::Message(message) = &mut new.entry.body {
                memory.texts.insert(place, message.content.clone());
                let before = memory.last_text.replace(message.content.clone());
                if let Some(before) = before.filter(|_| mixes) {
                    message.content = before;
                }
            }
        }
    }

    /// The same once more, under other client ids, behind what is stored.
    async fn store_again(&self, append: &Append) -> Result<Appended, StoreError> {
        let mut again = append.clone();
        let head = self.inner.load(append.conversation).await?;
        let head = head.map(|snapshot| snapshot.head).unwrap_or_default();
        again.after = head.seq;
        let (mut seq, mut ordinal) = (head.seq, head.ordinal);
        for new in &mut again.entries {
            seq = seq.next();
            ordinal += u64::from(new.entry.body.is_countable());
            new.entry.seq = seq;
            new.entry.ordinal = ordinal;
            new.entry.client_id = self.bugs.new_id();
        }
        self.inner.append(again).await
    }

    fn falsify(&self, entries: &mut Vec<Entry>) {
        let bugs = &self.bugs;
        let last = entries.len().saturating_sub(1);
        if last > 0 && bugs.strikes(Bug::ReadSkipsRow) {
            entries.remove(last / 2);
        }
        if last > 0 && bugs.strikes(Bug::ReadSwapsRows) {
            entries.swap(last - 1, last);
        }
        if last > 0 && bugs.strikes(Bug::ReadRepeatsRow) {
            entries.insert(last, entries[last].clone());
        }
        if !entries.is_empty() && bugs.is(Bug::ReadCutsShort) {
            entries.pop();
        }
        if !bugs.is(Bug::RecallIgnored) && !bugs.is(Bug::EditIgnored) {
            return;
        }
        let memory = bugs.lock();
        for entry in entries {
            let said = memory.texts.get(&(entry.conversation, entry.seq));
            let (Some(said), bug) = (said.cloned(), bugs.bug) else {
                continue;
            };
            match &mut entry.body {
                Body::Message(message) if bug == Some(Bug::EditIgnored) => message.content = said,
                body @ Body::RecalledMessage { .. } if bug == Some(Bug::RecallIgnored) => {
                    *body = Body::Message(Message::new(said));
                }
                _ => {}
            }
        }
    }
}

#[async_trait]
impl LogStore for WrongLog {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        if self.bugs.strikes(Bug::EpochLost) {
            return Ok(Epoch(7));
        }
        self.inner.epoch().await
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        self.inner.renew_epoch().await
    }

    async fn append(&self, mut append: Append) -> Result<Appended, StoreError> {
        self.remember(&mut append);
        let is_said = append.entries[0].entry.body.as_message().is_some();
        if is_said && self.bugs.strikes(Bug::AppendDropped) {
            return Ok(Appended::Stored);
        }
        if is_said && self.bugs.strikes(Bug::AppendLater) {
            let (inner, wait) = (Arc::clone(&self.inner), self.runtime.sleep(LATER));
            self.runtime.spawn(Box::pin(async move {
                wait.await;
                // If nothing came between.
                let _ = inner.append(append).await;
            }));
            return Ok(Appended::Stored);
        }
        let appended = self.inner.append(append.clone()).await?;
        match appended {
            Appended::Stored if is_said && self.bugs.strikes(Bug::AppendDoubled) => {
                self.store_again(&append).await?;
            }
            Appended::Duplicate if is_said && self.bugs.is(Bug::DuplicateStored) => {
                return self.store_again(&append).await;
            }
            Appended::Conflict if is_said && self.bugs.is(Bug::ConflictStored) => {
                return Ok(Appended::Stored);
            }
            _ => {}
        }
        Ok(appended)
    }

    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        self.inner.load(conversation).await
    }

    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let mut entries = self.inner.read(conversation, range, limit).await?;
        self.falsify(&mut entries);
        Ok(entries)
    }

    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        self.inner.earlier(conversation, target, limit).await
    }

    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        let mut found = self.inner.find(conversation, keys).await?;
        if self.bugs.is(Bug::FoundElsewhere) {
            for known in &mut found {
                known.seq = known.seq.next();
            }
        }
        Ok(found)
    }
}

//! A log that fails when it is told to: before it stores, after it stored, late; and that knows what was taken back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    Body, ClientId, Content, ConversationId, Entry, Epoch, Message, Seq, StoreError, UserId,
    port::{Append, Appended, Known, LogStore, Range, Runtime, Snapshot},
};

use crate::slow::{Turns, slowly};

/// What happens to the next append, or read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    /// Fails, and nothing is stored.
    Before,
    /// Is stored, but says that it failed.
    After,
    /// Is stored, and says so late.
    Late(u64),
    /// Says that it failed, and is stored so many milliseconds later.
    Lands(u64),
    /// Says that it is stored, and is not.
    Lost,
    /// The next read fails.
    Read,
}

/// Texts that were taken back.
#[derive(Default)]
pub(crate) struct Texts {
    /// Not to be read any more: the store has the recall.
    pub(crate) stored: Vec<String>,
    /// Not to be pushed any more either: the engine was told that the store has it.
    pub(crate) told: Vec<String>,
    /// Said again elsewhere, and therefore not gone with the message that said it first.
    pub(crate) copied: Vec<String>,
}

impl Texts {
    fn copy(&mut self, texts: Vec<String>) {
        self.stored.retain(|text| !texts.contains(text));
        self.told.retain(|text| !texts.contains(text));
        self.copied.extend(texts);
    }
}

pub(crate) type Banned = Arc<Mutex<Texts>>;

pub(crate) struct FaultyLog {
    pub(crate) inner: Arc<dyn LogStore>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    /// How many calls failed.
    pub(crate) failed: Mutex<u32>,
    pub(crate) banned: Banned,
    pub(crate) turns: Arc<Turns>,
}

impl FaultyLog {
    fn next(&self, wanted: impl Fn(Fault) -> bool) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let first = faults.front().copied().filter(|fault| wanted(*fault));
        first.inspect(|_| {
            faults.pop_front();
        })
    }

    fn fail<T>(&self) -> Result<T, StoreError> {
        *self.failed.lock().unwrap() += 1;
        Err(StoreError::new("a test", "injected"))
    }

    /// What these entries take back, or whose time they say is over.
    async fn taken_back(&self, append: &Append) -> Vec<String> {
        let mut gone: Vec<Seq> = Vec::new();
        for new in &append.entries {
            match &new.entry.body {
                Body::Recalled { target } => gone.push(*target),
                Body::Expired { targets } => gone.extend(targets),
                _ => {}
            }
        }
        if gone.is_empty() {
            return Vec::new();
        }
        let all = self
            .inner
            .read(append.conversation, Range::After(Seq::ZERO), usize::MAX)
            .await;
        let texts = all
            .unwrap()
            .into_iter()
            .filter_map(|entry| match entry.body {
                Body::Message(Message { content, .. }) if gone.contains(&entry.seq) => {
                    text_of(&content)
                }
                Body::Edited {
                    target,
                    content: Some(content),
                    ..
                } if gone.contains(&target) => text_of(&content),
                _ => None,
            });
        let banned = self.banned.lock().unwrap();
        texts.filter(|text| !banned.copied.contains(text)).collect()
    }
}

/// What these entries say that was said elsewhere.
fn copies(append: &Append) -> Vec<String> {
    let messages = append
        .entries
        .iter()
        .filter_map(|new| new.entry.body.as_message());
    let forwarded = messages.filter(|message| message.forwarded.is_some());
    forwarded
        .filter_map(|message| text_of(&message.content))
        .collect()
}

pub(crate) fn text_of(content: &Content) -> Option<String> {
    match content {
        Content::Poll(poll) => Some(poll.question.clone()),
        other => other.as_text().map(str::to_owned),
    }
}

#[async_trait]
impl LogStore for FaultyLog {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        self.inner.epoch().await
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        self.inner.renew_epoch().await
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        self.turns.give_way().await;
        let fault = self.next(|fault| fault != Fault::Read);
        if fault == Some(Fault::Before) {
            return self.fail();
        }
        if fault == Some(Fault::Lost) {
            return Ok(Appended::Stored);
        }
        if let Some(Fault::Lands(ms)) = fault {
            let (inner, wait) = (
                self.inner.clone(),
                self.runtime.sleep(Duration::from_millis(ms)),
            );
            self.runtime.spawn(Box::pin(async move {
                wait.await;
                inner.append(append).await.unwrap();
            }));
            return self.fail();
        }
        let taken = self.taken_back(&append).await;
        self.banned.lock().unwrap().copy(copies(&append));
        let appended = self.inner.append(append).await?;
        if appended != Appended::Stored {
            return Ok(appended);
        }
        self.banned.lock().unwrap().stored.extend(taken.clone());
        match fault {
            Some(Fault::After) => return self.fail(),
            Some(Fault::Late(ms)) => self.runtime.sleep(Duration::from_millis(ms)).await,
            Some(_) | None => {}
        }
        self.turns.give_way().await;
        self.banned.lock().unwrap().told.extend(taken);
        Ok(appended)
    }

    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        slowly!(self, self.inner.load(conversation))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        if self.next(|fault| fault == Fault::Read).is_some() {
            return self.fail();
        }
        slowly!(self, self.inner.read(conversation, range, limit))
    }

    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        slowly!(self, self.inner.earlier(conversation, target, limit))
    }

    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        slowly!(self, self.inner.find(conversation, keys))
    }
}

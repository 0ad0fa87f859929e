//! One device's session: sends that are neither lost nor doubled, entries once each and in order, whatever the link does.

mod taking;

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Connection, Connector, OpenMessage, Sender,
    incomplete::{Incomplete, Place},
    sender::connect,
    tracker::Tracker,
};
use crate::{
    Attention, Body, Call, Code, Content, ConversationId, Cursor, Entry, Error, GetMessages, Push,
    Sent, SetPresence, UserId, port::Runtime,
};

/// One device's session, in process or over a link. Reconnects and resumes by itself.
///
/// Sending takes `&self`; reading takes `&mut self`. To do both at once, send through a [`Session::sender`].
pub struct Session {
    sender: Sender,
    tracker: Tracker,
    /// What arrived and was not handed out yet.
    ready: VecDeque<Push>,
    /// Where something is to be fetched. Kept until that is done, because whoever waits may stop in the middle.
    missing: BTreeSet<ConversationId>,
    /// The version that the device had before what is ready and in no log.
    version_before: Option<u64>,
    incomplete: Incomplete,
    /// The link that `tracker` is up to date with.
    synced: Option<Arc<dyn Connection>>,
    /// The link for which pages are being looked through.
    paging: Option<Arc<dyn Connection>>,
}

impl Session {
    /// Opens a session that hands out what happens from now on.
    ///
    /// # Errors
    /// `Rejected` when the server refuses; when it cannot be reached this waits and tries again.
    ///
    /// # Cancel safety
    /// Dropping the future closes the link that it may have opened.
    pub async fn open(
        connector: Arc<dyn Connector>,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, Error> {
        let mut session = Self::begin(connector, runtime, Cursor::default()).await?;
        while session.synced.is_none() {
            session.catch_up(Some(0)).await?;
        }
        session.ready.clear();
        session.version_before = None;
        Ok(session)
    }

    /// Opens a session that first hands out everything that happened since `cursor`.
    ///
    /// # Errors
    /// As [`Session::open`].
    ///
    /// # Cancel safety
    /// As [`Session::open`].
    pub async fn resume(
        connector: Arc<dyn Connector>,
        runtime: Arc<dyn Runtime>,
        cursor: Cursor,
    ) -> Result<Self, Error> {
        Self::begin(connector, runtime, cursor).await
    }

    async fn begin(
        connector: Arc<dyn Connector>,
        runtime: Arc<dyn Runtime>,
        cursor: Cursor,
    ) -> Result<Self, Error> {
        let first = connect(&*connector, &*runtime).await?;
        let sender = Sender::new(connector, runtime, first);
        let incomplete = Incomplete::since(cursor.positions.clone());
        Ok(Self {
            sender,
            tracker: Tracker::new(cursor),
            ready: VecDeque::new(),
            missing: BTreeSet::new(),
            version_before: None,
            incomplete,
            synced: None,
            paging: None,
        })
    }

    /// Who this is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        self.sender.user()
    }

    /// Where the device is: keep it, and [`Session::resume`] from it.
    ///
    /// It covers what was handed out. What is ready but was not handed out yet will come again.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.tracker.cursor().clone();
        // Another session gets no pushes for what this one had looked through: it looks through everything.
        cursor.page = None;
        if let Some(version) = self.version_before {
            cursor.version = version;
        }
        for push in &self.ready {
            if let Push::Entry(entry) = push {
                // Where the user is out nothing is held any more, but what waits here is still to come.
                let before = entry.seq.previous();
                let held = cursor.positions.entry(entry.conversation);
                held.and_modify(|held| *held = before.min(*held))
                    .or_insert(before);
            }
        }
        cursor
    }

    /// A handle for sending, to be used while this session is read.
    #[must_use]
    pub fn sender(&self) -> Sender {
        self.sender.clone()
    }

    /// As [`Sender::send`].
    ///
    /// # Errors
    /// As [`Sender::send`].
    ///
    /// # Cancel safety
    /// As [`Sender::send`].
    pub async fn send(
        &self,
        to: &ConversationId,
        content: impl Into<Content>,
    ) -> Result<Sent, Error> {
        self.sender.send(to, content).await
    }

    /// As [`Sender::stream`].
    ///
    /// # Errors
    /// As [`Sender::stream`].
    ///
    /// # Cancel safety
    /// As [`Sender::stream`].
    pub async fn stream(
        &self,
        to: &ConversationId,
        content: impl Into<Content>,
    ) -> Result<OpenMessage, Error> {
        self.sender.stream(to, content).await
    }

    /// As [`Sender::call`].
    ///
    /// # Errors
    /// As [`Sender::call`].
    ///
    /// # Cancel safety
    /// As [`Sender::call`].
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        self.sender.call(call).await
    }

    /// Says whether somebody is at this device, and says it again after each break. A session begins with somebody there.
    ///
    /// # Errors
    /// As [`Sender::call`].
    ///
    /// # Cancel safety
    /// As [`Sender::call`].
    pub async fn attend(&self, availability: Attention) -> Result<(), Error> {
        self.call(SetPresence { availability }).await.map(drop)
    }

    /// The next message from somebody else, or from another device of one's own. Entry, receipts and the rest are
    /// passed over; see [`Session::next_event`]. One whose text comes piece by piece is handed out when it is complete.
    ///
    /// # Errors
    /// `Closed` when the session is over for good.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next_message(&mut self) -> Result<Entry, Error> {
        loop {
            if let Some(place) = self.incomplete.completed() {
                let entry = self.fetch_message(place).await?;
                self.incomplete.fetched();
                if let Some(entry) = entry {
                    return Ok(entry);
                }
            }
            if let Push::Entry(entry) = self.next_event().await?
                && !self.sender.is_echo(&entry)
                && !self.incomplete.passes_over(&entry)
                && matches!(entry.body, Body::Message(_))
            {
                return Ok(entry);
            }
        }
    }

    /// A message as it is now; `None` when its content is gone, or it is not for this user any more.
    async fn fetch_message(&self, place: Place) -> Result<Option<Entry>, Error> {
        let ask = GetMessages {
            conversation: place.0,
            seqs: vec![place.1],
        };
        match self.sender.call_until_answered(ask).await {
            Ok(found) => {
                let mut found = found.items.into_iter();
                Ok(found.find(|entry| entry.body.as_message().is_some()))
            }
            Err(Error::Rejected(rejection)) if rejection.code == Code::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The next thing that happened: every entry of every conversation once and in order, and what is not in a log.
    ///
    /// # Errors
    /// `Closed` when the session is over for good.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next_event(&mut self) -> Result<Push, Error> {
        loop {
            if let Some(push) = self.ready.pop_front() {
                return Ok(push);
            }
            self.version_before = None;
            let link = self.sender.link().await?;
            if self
                .synced
                .as_ref()
                .is_none_or(|synced| !Arc::ptr_eq(synced, &link))
            {
                self.catch_up(Some(200)).await?;
                continue;
            }
            if let Some(conversation) = self.missing.first().copied() {
                self.fetch(conversation).await?;
                continue;
            }
            match link.next().await {
                Ok(push) => self.arrived(push),
                Err(reason) => {
                    self.synced = None;
                    self.sender.broke(&link, reason);
                }
            }
        }
    }
}

//! One device's session: sends that are neither lost nor doubled, entries once each and in order, whatever the link does.

use std::{
    collections::{BTreeSet, VecDeque},
    sync::Arc,
};

use super::{
    Connection, Connector, OpenMessage, Sender,
    incomplete::{Incomplete, Place},
    sender::connect,
    tracker::{Arrival, Tracker},
};
use crate::{
    Attention, Body, Call, Code, Content, ConversationId, Cursor, Deleted, Entry, Error,
    GetMessages, History, Positions, Push, Sent, SetPresence, SyncPage, SyncPull, UserId,
    port::Runtime,
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

    /// Takes the next page of what the device missed, one at a time, so that no more than a page waits in memory. After
    /// the last one the device is up to date with its link.
    async fn catch_up(&mut self, limit: Option<u32>) -> Result<(), Error> {
        let link = self.sender.link().await?;
        if self
            .paging
            .as_ref()
            .is_none_or(|paging| !Arc::ptr_eq(paging, &link))
        {
            // What was looked through may have gone on before this link was there to say so.
            self.tracker.begin_again();
            self.paging = Some(link.clone());
        }
        // First, so that nobody sees it as back for long.
        self.sender.attend_again().await?;
        let pull = SyncPull {
            cursor: Some(self.tracker.cursor().clone())
                .filter(|cursor| *cursor != Cursor::default()),
            have: Positions::new(),
            limit,
        };
        let page = self.sender.call_until_answered(pull).await?;
        let done = page.done;
        self.take_page(page);
        if !done {
            return Ok(());
        }
        self.paging = None;
        // All of it was looked through.
        self.missing.clear();
        let watched = self.sender.watch_again().await;
        // Also what was found out before it failed, or by one that nobody waited for.
        let news = self.sender.presence_news().into_iter();
        self.ready.extend(news.map(Push::Presence));
        watched?;
        let unread = self.sender.count_unread_again().await?;
        self.ready.extend(unread.map(Push::UnreadChanged));
        self.synced = Some(link);
        Ok(())
    }

    fn take_page(&mut self, page: SyncPage) {
        if page.reset {
            self.tracker = Tracker::default();
        }
        if !page.items.is_empty() || !page.blocks.is_empty() || !page.own.is_empty() {
            self.version_before
                .get_or_insert(self.tracker.cursor().version);
        }
        for item in page.items {
            for entry in item.entries {
                self.take(entry);
            }
            // Positions and settings are in no log. Whether they differ from what the program knows, it knows itself.
            if !item.deleted.is_empty() {
                self.ready.push_back(Push::Deleted(Deleted {
                    conversation: item.view.conversation,
                    seqs: item.deleted,
                }));
            }
            let view = Box::new(item.view);
            self.ready.push_back(Push::ConversationChanged(view));
        }
        let blocks = page.blocks.into_iter().map(Push::BlockChanged);
        self.ready.extend(blocks);
        let own = page.own.into_iter().map(Box::new).map(Push::OwnChanged);
        self.ready.extend(own);
        self.tracker.turn_page(page.cursor, page.reset);
    }

    /// Takes an entry in, unless the device has it.
    fn take(&mut self, entry: Entry) {
        if self.tracker.take(&entry) {
            self.sender.stored(&entry);
            self.ready.push_back(Push::Entry(entry));
        }
    }

    fn arrived(&mut self, push: Push) {
        match push {
            Push::Entry(entry) => match self.tracker.arrival(&entry, self.user()) {
                Arrival::Next => self.take(entry),
                Arrival::Old => {}
                Arrival::Gap => {
                    self.missing.insert(entry.conversation);
                }
            },
            Push::HeadMoved(hint) => {
                self.missing.insert(hint.conversation);
            }
            // On the same link, as after a break.
            Push::SyncNeeded(_) => {
                self.synced = None;
                self.paging = None;
            }
            // The link says by itself when it is over, and until when.
            Push::SessionClosing(_) => {}
            Push::UnreadChanged(totals) => {
                self.sender.unread_told(totals);
                self.ready.push_back(Push::UnreadChanged(totals));
            }
            Push::Presence(presence) => {
                self.sender.presence_told(&presence);
                self.ready.push_back(Push::Presence(presence));
            }
            other @ (Push::BlockChanged(_)
            | Push::ConversationChanged(_)
            | Push::OwnChanged(_)
            | Push::Deleted(_)
            | Push::JoinRequested(_)
            | Push::Receipt(_)
            | Push::SaidNow(_)
            | Push::TextGrew(_)
            | Push::Typing(_)) => self.ready.push_back(other),
        }
    }

    /// Brings a page of what is missing in a conversation.
    async fn fetch(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let ask = History {
            after_seq: Some(self.tracker.held(conversation)),
            limit: Some(200),
            ..History::of(conversation)
        };
        let done = match self.sender.call_until_answered(ask).await {
            Ok(page) => {
                for entry in page.items {
                    self.take(entry);
                }
                page.done
            }
            // We are not in it any more: there is nothing for us there.
            Err(Error::Rejected(rejection)) if rejection.code == Code::NotFound => true,
            Err(error) => return Err(error),
        };
        if done {
            self.missing.remove(&conversation);
        }
        Ok(())
    }
}

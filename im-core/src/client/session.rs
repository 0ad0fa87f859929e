//! One device's session: sends that are neither lost nor doubled, entries once each and in order, whatever the link does.

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    CallError, Connection, Connector,
    tracker::{Arrival, Tracker},
};
use crate::{
    Body, Call, ClientId, CloseReason, Code, Command, Content, ConversationId, Cursor, Entry,
    Error, History, Positions, Push, Rejection, Reply, SendMessage, Sent, Seq, SyncPage, SyncPull,
    UserId, port::Runtime, state::Outbox,
};

/// The shortest and the longest pause between two attempts to connect.
const PAUSE: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(10));
/// Own messages whose echo is waited for. Beyond, the oldest are forgotten and their echoes handed out.
const ECHOES: usize = 10_000;

/// One device's session, in process or over a link. Reconnects and resumes by itself.
///
/// Sending takes `&self`; reading takes `&mut self`. To do both at once, send through a [`Session::sender`].
pub struct Session {
    sender: Sender,
    tracker: Tracker,
    /// What arrived and was not handed out yet.
    ready: VecDeque<Push>,
    /// The link that `tracker` is up to date with.
    synced: Option<Arc<dyn Connection>>,
}

/// Sends for a session. Clone it to send from several tasks.
#[derive(Clone)]
pub struct Sender {
    shared: Arc<Shared>,
}

struct Shared {
    connector: Arc<dyn Connector>,
    runtime: Arc<dyn Runtime>,
    user: UserId,
    link: Mutex<Link>,
    connecting: tokio::sync::Mutex<()>,
    outbox: Mutex<Outbox>,
    echoes: Mutex<Echoes>,
}

#[derive(Default)]
struct Link {
    open: Option<Arc<dyn Connection>>,
    /// Why it will not be opened again.
    over: Option<CloseReason>,
}

#[derive(Default)]
struct Echoes {
    expected: HashSet<ClientId>,
    order: VecDeque<ClientId>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
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
        session.catch_up(Some(0)).await?;
        session.ready.clear();
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
        let shared = Shared {
            user: first.opened().user.clone(),
            connector,
            runtime,
            link: Mutex::new(Link {
                open: Some(first),
                over: None,
            }),
            connecting: tokio::sync::Mutex::default(),
            outbox: Mutex::default(),
            echoes: Mutex::default(),
        };
        let sender = Sender {
            shared: Arc::new(shared),
        };
        Ok(Self {
            sender,
            tracker: Tracker::new(cursor),
            ready: VecDeque::new(),
            synced: None,
        })
    }

    /// Who this is.
    #[must_use]
    pub fn user(&self) -> &UserId {
        &self.sender.shared.user
    }

    /// Where the device is: keep it, and [`Session::resume`] from it.
    ///
    /// It covers what was handed out. What is ready but was not handed out yet will come again.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.tracker.cursor().clone();
        for push in &self.ready {
            if let Push::Entry(entry) = push
                && let Some(held) = cursor.positions.get_mut(&entry.conversation)
            {
                *held = entry.seq.previous().min(*held);
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

    /// The next message from somebody else, or from another device of one's own. Entry, receipts and the rest are
    /// passed over; see [`Session::next_event`].
    ///
    /// # Errors
    /// `Closed` when the session is over for good.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next_message(&mut self) -> Result<Entry, Error> {
        loop {
            if let Push::Entry(entry) = self.next_event().await?
                && matches!(entry.body, Body::Message { .. })
                && !self.sender.is_echo(&entry)
            {
                return Ok(entry);
            }
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
            let link = self.sender.link().await?;
            if self
                .synced
                .as_ref()
                .is_none_or(|synced| !Arc::ptr_eq(synced, &link))
            {
                self.catch_up(Some(200)).await?;
                continue;
            }
            match link.next().await {
                Ok(push) => self.arrived(push).await?,
                Err(reason) => {
                    self.synced = None;
                    self.sender.broke(&link, reason);
                }
            }
        }
    }

    /// Catches up with the present link.
    async fn catch_up(&mut self, limit: Option<u32>) -> Result<(), Error> {
        let link = self.sender.link().await?;
        loop {
            let pull = SyncPull {
                cursor: Some(self.tracker.cursor().clone())
                    .filter(|cursor| *cursor != Cursor::default()),
                have: Positions::new(),
                limit,
            };
            let page = self.sender.call(pull).await?;
            let done = page.done;
            self.take_page(page);
            if done {
                break;
            }
        }
        self.synced = Some(link);
        Ok(())
    }

    fn take_page(&mut self, page: SyncPage) {
        if page.reset {
            self.tracker = Tracker::default();
        }
        for item in page.items {
            for entry in item.entries {
                if self.tracker.take(&entry) {
                    self.ready.push_back(Push::Entry(entry));
                }
            }
        }
        self.ready
            .extend(page.blocks.into_iter().map(Push::BlockChanged));
        self.tracker.turn_page(page.cursor, page.reset);
    }

    async fn arrived(&mut self, push: Push) -> Result<(), Error> {
        match push {
            Push::Entry(entry) => match self.tracker.arrival(&entry, self.user()) {
                Arrival::Next => {
                    self.tracker.take(&entry);
                    self.ready.push_back(Push::Entry(entry));
                    Ok(())
                }
                Arrival::Old => Ok(()),
                Arrival::Gap(after) => self.fetch(entry.conversation, after).await,
            },
            Push::HeadMoved(hint) => {
                let held = self.tracker.held(hint.conversation);
                self.fetch(hint.conversation, held).await
            }
            // The link says by itself when it is over.
            Push::SessionClosing(_) => Ok(()),
            other @ (Push::BlockChanged(_)
            | Push::ConversationChanged(_)
            | Push::Presence(_)
            | Push::Receipt(_)
            | Push::Typing(_)) => {
                self.ready.push_back(other);
                Ok(())
            }
        }
    }

    /// Brings what is missing in a conversation.
    async fn fetch(&mut self, conversation: ConversationId, mut after: Seq) -> Result<(), Error> {
        loop {
            let ask = History {
                conversation,
                after_seq: Some(after),
                before_seq: None,
                limit: Some(200),
            };
            let page = match self.sender.call(ask).await {
                Ok(page) => page,
                // We are not in it any more: there is nothing for us there.
                Err(Error::Rejected(rejection)) if rejection.code == Code::NotFound => {
                    return Ok(());
                }
                Err(error) => return Err(error),
            };
            for entry in page.items {
                after = entry.seq;
                if self.tracker.take(&entry) {
                    self.ready.push_back(Push::Entry(entry));
                }
            }
            if page.done {
                return Ok(());
            }
        }
    }
}

impl Sender {
    /// Says something. Resolves when it is stored; until then it is sent again as often as the link breaks or the server
    /// is busy, and is stored exactly once.
    ///
    /// # Errors
    /// `Rejected` when the server refuses for good, `Closed` when the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw the message: it is sent again after the next break until it has an answer.
    pub async fn send(
        &self,
        to: &ConversationId,
        content: impl Into<Content>,
    ) -> Result<Sent, Error> {
        let client_id = ClientId::random();
        let message = SendMessage {
            conversation: *to,
            client_id: client_id.clone(),
            content: content.into(),
        };
        self.expect_echo(client_id);
        let ticket = lock(&self.shared.outbox).push(message.clone());
        loop {
            let answer = self.call(message.clone()).await;
            if let Err(Error::Rejected(rejection)) = &answer
                && rejection.code.is_retryable()
            {
                let wait = rejection
                    .retry_after_ms
                    .map_or(PAUSE.0, Duration::from_millis);
                self.shared
                    .runtime
                    .sleep(wait.clamp(PAUSE.0, PAUSE.1))
                    .await;
                continue;
            }
            lock(&self.shared.outbox).settle(ticket);
            return answer;
        }
    }

    /// Executes a command; executes it again when the link broke before the reply came. All commands are safe to repeat.
    ///
    /// # Errors
    /// `Rejected` with a stable code, `Closed` when the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw a command that was polled.
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        let reply = self.execute(call.into_command()).await?;
        let mismatch = || {
            Rejection::new(
                Code::InvalidFrame,
                "the server answered with another command's reply",
            )
        };
        Ok(C::reply_of(reply).ok_or_else(mismatch)?)
    }

    async fn execute(&self, command: Command) -> Result<Reply, Error> {
        loop {
            let link = self.link().await?;
            match link.call(command.clone()).await {
                Ok(reply) => return Ok(reply),
                Err(CallError::Rejected(rejection)) => return Err(rejection.into()),
                Err(CallError::Closed(reason)) => self.broke(&link, reason),
                Err(CallError::Lost) => {
                    let reason = match link_end(&*link).await {
                        Some(reason) => reason,
                        None => CloseReason::IdleTimeout,
                    };
                    self.broke(&link, reason);
                }
            }
        }
    }

    /// The open link; opens one when there is none.
    async fn link(&self) -> Result<Arc<dyn Connection>, Error> {
        if let Some(link) = self.open_link()? {
            return Ok(link);
        }
        let _one_at_a_time = self.shared.connecting.lock().await;
        if let Some(link) = self.open_link()? {
            return Ok(link);
        }
        let link = connect(&*self.shared.connector, &*self.shared.runtime).await?;
        self.send_again(&link).await;
        lock(&self.shared.link).open = Some(link.clone());
        Ok(link)
    }

    fn open_link(&self) -> Result<Option<Arc<dyn Connection>>, Error> {
        let link = lock(&self.shared.link);
        match link.over {
            Some(reason) => Err(Error::Closed(reason)),
            None => Ok(link.open.clone()),
        }
    }

    /// Sends what has no answer, in order, before anything new goes over the link.
    async fn send_again(&self, link: &Arc<dyn Connection>) {
        let waiting: Vec<_> = lock(&self.shared.outbox)
            .waiting()
            .map(|(ticket, message)| (ticket, message.clone()))
            .collect();
        for (ticket, message) in waiting {
            match link.call(message.into_command()).await {
                Err(CallError::Closed(_) | CallError::Lost) => return,
                Err(CallError::Rejected(rejection)) if rejection.code.is_retryable() => return,
                // Whoever waits for the answer asks once more and is told the same.
                Err(CallError::Rejected(_)) | Ok(_) => {
                    lock(&self.shared.outbox).settle(ticket);
                }
            }
        }
    }

    fn broke(&self, link: &Arc<dyn Connection>, reason: CloseReason) {
        let mut state = lock(&self.shared.link);
        if state
            .open
            .as_ref()
            .is_some_and(|open| Arc::ptr_eq(open, link))
        {
            state.open = None;
            if !reason.may_resume() {
                state.over = Some(reason);
            }
        }
    }

    fn expect_echo(&self, client_id: ClientId) {
        let mut echoes = lock(&self.shared.echoes);
        echoes.order.push_back(client_id.clone());
        echoes.expected.insert(client_id);
        while echoes.order.len() > ECHOES {
            if let Some(oldest) = echoes.order.pop_front() {
                echoes.expected.remove(&oldest);
            }
        }
    }

    fn is_echo(&self, entry: &Entry) -> bool {
        entry.sender == self.shared.user
            && lock(&self.shared.echoes).expected.remove(&entry.client_id)
    }
}

/// Why a link is over, when it says so at once.
async fn link_end(link: &dyn Connection) -> Option<CloseReason> {
    use futures_util::FutureExt;
    loop {
        match link.next().now_or_never()? {
            Ok(_) => {}
            Err(reason) => return Some(reason),
        }
    }
}

/// Opens a link; as long as nobody answers, after growing pauses that differ from device to device.
async fn connect(
    connector: &dyn Connector,
    runtime: &dyn Runtime,
) -> Result<Arc<dyn Connection>, Error> {
    let mut pause = PAUSE.0;
    loop {
        let wait = match connector.connect().await {
            Ok(link) => return Ok(link.into()),
            Err(CallError::Rejected(rejection)) if !rejection.code.is_retryable() => {
                return Err(rejection.into());
            }
            Err(CallError::Rejected(rejection)) => rejection
                .retry_after_ms
                .map_or(pause, Duration::from_millis),
            Err(CallError::Closed(reason)) => return Err(Error::Closed(reason)),
            Err(CallError::Lost) => pause,
        };
        let jitter = (uuid::Uuid::new_v4().as_u128() % 1_000) as u32;
        runtime
            .sleep(wait / 2 + wait.min(PAUSE.1) * jitter / 1_000)
            .await;
        pause = (pause * 2).min(PAUSE.1);
    }
}

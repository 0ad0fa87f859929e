//! What a session sends: kept until it is answered, sent again when the link breaks, in order.

mod renewal;

use std::{
    collections::{HashSet, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    CallError, Connection, Connector, Credential, OpenMessage,
    attention::SaidAttention,
    link::{LONGEST_AWAY, Link, Moment},
    pause,
    watches::Watches,
};
use crate::{
    Call, ClientId, CloseReason, Code, Command, Content, ConversationId, Entry, Error, Rejection,
    Reply, SendMessage, Sent, UserId, port::Runtime, state::Outbox,
};

/// Own messages whose echo is waited for. Beyond, the oldest are forgotten and their echoes handed out.
const ECHOES: usize = 10_000;

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
    watches: Mutex<Watches>,
    attention: Mutex<SaidAttention>,
}

#[derive(Default)]
struct Echoes {
    expected: HashSet<ClientId>,
    order: VecDeque<ClientId>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Sender {
    pub(super) fn new(
        connector: Arc<dyn Connector>,
        runtime: Arc<dyn Runtime>,
        first: Arc<dyn Connection>,
    ) -> Self {
        let user = first.opened().user.clone();
        let mut link = Link::default();
        link.opened(first, runtime.monotonic());
        let shared = Shared {
            user,
            connector,
            runtime,
            link: Mutex::new(link),
            connecting: tokio::sync::Mutex::default(),
            outbox: Mutex::default(),
            echoes: Mutex::default(),
            watches: Mutex::default(),
            attention: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    pub(super) fn user(&self) -> &UserId {
        &self.shared.user
    }

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
        let message = SendMessage::new(*to, ClientId::random(), content);
        self.send_message(message).await
    }

    /// Begins a message whose text comes piece by piece; what it begins with can be empty.
    ///
    /// # Errors
    /// As [`Sender::send`].
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw the message: it is begun, and the server ends it as interrupted.
    pub async fn stream(
        &self,
        to: &ConversationId,
        content: impl Into<Content>,
    ) -> Result<OpenMessage, Error> {
        let content = content.into();
        let message = SendMessage {
            streaming: true,
            ..SendMessage::new(*to, ClientId::random(), content.clone())
        };
        let sent = self.send_message(message).await?;
        Ok(OpenMessage::new(self.clone(), sent, content))
    }

    async fn send_message(&self, message: SendMessage) -> Result<Sent, Error> {
        self.expect_echo(message.client_id.clone());
        let ticket = lock(&self.shared.outbox).push(message.clone());
        let answer = self.call_until_answered(message).await;
        lock(&self.shared.outbox).settle(ticket);
        answer
    }

    /// As [`Sender::call`], but does not take "try again later" for an answer.
    pub(super) async fn call_until_answered<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        loop {
            let answer = self.call(call.clone()).await;
            let Err(Error::Rejected(rejection)) = &answer else {
                return answer;
            };
            if !rejection.code.is_retryable() {
                return answer;
            }
            self.pause_after(rejection).await;
        }
    }

    async fn pause_after(&self, rejection: &Rejection) {
        let wait = rejection
            .retry_after_ms
            .map_or(pause::SHORTEST, Duration::from_millis);
        let wait = wait.clamp(pause::SHORTEST, pause::LONGEST);
        self.shared.runtime.sleep(wait).await;
    }

    /// Executes a command; executes it again when the link broke before the reply came. All commands are safe to repeat.
    ///
    /// # Errors
    /// `Rejected` with a stable code, `Closed` when the session is over.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw a command that was polled.
    pub async fn call<C: Call>(&self, call: C) -> Result<C::Reply, Error> {
        let command = call.into_command();
        let watch = lock(&self.shared.watches).asking(&command);
        let attention = lock(&self.shared.attention).asking(&command);
        let answer = self.execute(command).await;
        if let (Some(attention), Ok((_, link))) = (attention, &answer) {
            lock(&self.shared.attention).known(link, attention);
        }
        if let Some(users) = watch {
            lock(&self.shared.watches).answered(&users, &answer);
        }
        let (reply, _) = answer?;
        if let Reply::CountUnread(totals) = &reply {
            self.unread_told(*totals);
        }
        Ok(C::reply_of(reply).ok_or_else(mismatch)?)
    }

    /// The reply, and the link that it came over.
    pub(crate) async fn execute(
        &self,
        command: Command,
    ) -> Result<(Reply, Arc<dyn Connection>), Error> {
        loop {
            let link = self.link().await?;
            match link.call(command.clone()).await {
                Ok(reply) => return Ok((reply, link)),
                // Nothing was executed, and with the next token it will be.
                Err(CallError::Rejected(rejection))
                    if rejection.code == Code::Unauthenticated
                        && self.shared.connector.credential() == Credential::Renewable =>
                {
                    self.broke(&link, CloseReason::Unauthenticated);
                }
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
    pub(super) async fn link(&self) -> Result<Arc<dyn Connection>, Error> {
        if let Some(link) = self.open_link()? {
            return Ok(link);
        }
        let _one_at_a_time = self.shared.connecting.lock().await;
        if let Some(link) = self.open_link()? {
            return Ok(link);
        }
        let fresh = lock(&self.shared.link).fresh.clone();
        let link = match fresh {
            Some(link) => link,
            None => self.connect_again().await?,
        };
        self.send_again(&link).await;
        let now = self.shared.runtime.monotonic();
        lock(&self.shared.link).opened(link.clone(), now);
        Ok(link)
    }

    fn open_link(&self) -> Result<Option<Arc<dyn Connection>>, Error> {
        lock(&self.shared.link).open().map_err(Error::Closed)
    }

    /// Opens a link when it is time to.
    async fn connect_again(&self) -> Result<Arc<dyn Connection>, Error> {
        let Shared {
            connector, runtime, ..
        } = &*self.shared;
        let wait = lock(&self.shared.link).wait(runtime.monotonic());
        if !wait.is_zero() {
            runtime.sleep(wait).await;
        }
        let connected = connect(&**connector, &**runtime).await;
        let mut state = lock(&self.shared.link);
        match &connected {
            Ok(link) => state.fresh = Some(link.clone()),
            Err(Error::Rejected(rejection)) if rejection.code == Code::Unauthenticated => {
                state.refused();
            }
            Err(_) => {}
        }
        connected
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
                Err(CallError::Rejected(rejection))
                    if rejection.code.is_retryable() || rejection.code == Code::Unauthenticated =>
                {
                    return;
                }
                // Whoever waits for the answer asks once more and is told the same.
                Err(CallError::Rejected(_)) | Ok(_) => {
                    lock(&self.shared.outbox).settle(ticket);
                }
            }
        }
    }

    pub(super) fn broke(&self, link: &Arc<dyn Connection>, reason: CloseReason) {
        let moment = Moment {
            now: self.shared.runtime.monotonic(),
            jitter: pause::jitter(&*self.shared.runtime),
        };
        let credential = self.shared.connector.credential();
        lock(&self.shared.link).ended(link, reason, credential, moment);
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

    /// A message of one's own is in the log: whoever sent it may have stopped waiting for the answer.
    pub(super) fn stored(&self, entry: &Entry) {
        if entry.sender == self.shared.user {
            lock(&self.shared.outbox).settle_stored(entry.conversation, &entry.client_id);
        }
    }

    pub(super) fn is_echo(&self, entry: &Entry) -> bool {
        entry.sender == self.shared.user
            && lock(&self.shared.echoes).expected.remove(&entry.client_id)
    }
}

fn mismatch() -> Rejection {
    Rejection::new(
        Code::InvalidFrame,
        "the server answered with another command's reply",
    )
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
pub(super) async fn connect(
    connector: &dyn Connector,
    runtime: &dyn Runtime,
) -> Result<Arc<dyn Connection>, Error> {
    let mut pause = pause::SHORTEST;
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
        let wait = wait.min(LONGEST_AWAY);
        let jitter = pause::jitter(runtime);
        runtime.sleep(pause::jittered(wait, jitter)).await;
        pause = (pause * 2).min(pause::LONGEST);
    }
}

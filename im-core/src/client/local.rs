//! The link within a process: no bytes, no copies.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::Notify;

use super::{CallError, Connection, Connector, Credential};
use crate::{
    Attachment, CloseReason, Command, ConversationId, DeviceClass, DeviceId, HeadMoved, Im,
    OpenSession, Push, Reply, Seq, SessionOpened,
    port::{Broadcast, Identity, Offer, Outlet, Urgency},
};

/// Pushes that wait for a program that does not read. Beyond, it is told to fetch.
const QUEUE: usize = 4_096;

/// Opens sessions in this process.
pub(crate) struct LocalConnector {
    im: Im,
    identity: Identity,
    device: DeviceId,
}

impl LocalConnector {
    pub(crate) const fn new(im: Im, identity: Identity, device: DeviceId) -> Self {
        Self {
            im,
            identity,
            device,
        }
    }
}

#[async_trait]
impl Connector for LocalConnector {
    async fn connect(&self) -> Result<Box<dyn Connection>, CallError> {
        if self.im.is_closing() {
            return Err(CallError::Closed(CloseReason::GoingAway));
        }
        let queue = Arc::new(Queue::default());
        let open = OpenSession {
            token: None,
            device: self.device.clone(),
            class: DeviceClass::Bot,
        };
        let im = self.im.clone();
        let attachment = im
            .attach(self.identity.clone(), &open, queue.clone())
            .await
            .inspect_err(|rejection| im.count_refusal(rejection.code))?;
        Ok(Box::new(LocalConnection {
            im,
            attachment,
            queue,
        }))
    }

    fn credential(&self) -> Credential {
        Credential::Fixed
    }
}

struct LocalConnection {
    im: Im,
    attachment: Attachment,
    queue: Arc<Queue>,
}

#[async_trait]
impl Connection for LocalConnection {
    fn opened(&self) -> &SessionOpened {
        self.attachment.opened()
    }

    async fn call(&self, command: Command) -> Result<Reply, CallError> {
        if self.queue.lock().closed.is_some() {
            return Err(CallError::Lost);
        }
        let executed = self.attachment.execute(command).await;
        Ok(executed.inspect_err(|rejection| self.im.count_refusal(rejection.code))?)
    }

    async fn next(&self) -> Result<Push, CloseReason> {
        loop {
            if let Some(next) = self.queue.take() {
                return next;
            }
            // A push between the look and the wait leaves a permit.
            self.queue.arrived.notified().await;
        }
    }

    /// None: an engine in this process that went away does not come back.
    fn time_away(&self) -> Duration {
        Duration::ZERO
    }
}

#[derive(Default)]
struct Waiting {
    pushes: VecDeque<Push>,
    /// Where there is something to fetch, and up to where. Bounded by the number of conversations.
    heads: BTreeMap<ConversationId, Seq>,
    closed: Option<CloseReason>,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Notify,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<Result<Push, CloseReason>> {
        let mut waiting = self.lock();
        if let Some(push) = waiting.pushes.pop_front() {
            return Some(Ok(push));
        }
        if let Some((conversation, head)) = waiting.heads.pop_first() {
            return Some(Ok(Push::HeadMoved(HeadMoved { conversation, head })));
        }
        waiting.closed.map(Err)
    }
}

impl Outlet for Queue {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        let mut waiting = self.lock();
        if waiting.closed.is_some() {
            return Offer::Closed;
        }
        if let [Push::HeadMoved(hint)] = &broadcast.pushes[..] {
            let head = waiting.heads.entry(hint.conversation).or_default();
            *head = hint.head.max(*head);
        } else {
            let room = match broadcast.urgency {
                Urgency::Ephemeral => QUEUE / 2,
                Urgency::Live => QUEUE,
                Urgency::Control => QUEUE + 16,
            };
            if waiting.pushes.len() + broadcast.pushes.len() > room {
                return Offer::Full;
            }
            waiting.pushes.extend(broadcast.pushes.iter().cloned());
        }
        drop(waiting);
        self.arrived.notify_one();
        Offer::Taken
    }

    fn close(&self, reason: CloseReason) {
        self.lock().closed.get_or_insert(reason);
        self.arrived.notify_one();
    }
}

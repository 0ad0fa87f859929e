//! A link for a `Session` that breaks when a test says so, also after a command was executed and before its reply.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    Actor, Attachment, CallError, CloseReason, Command, Connection, Connector, Credential,
    DeviceClass, DeviceId, Im, OpenSession, Push, Reply, SessionOpened, UserId, port::Identity,
};

use crate::{faults::Banned, outlet::TestOutlet};

pub(crate) struct TestConnector {
    pub(crate) im: Im,
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) banned: Banned,
    /// The outlet of the link that is open.
    pub(crate) outlet: Mutex<Option<Arc<TestOutlet>>>,
    /// The reply to the next command is lost.
    pub(crate) lose_reply: Arc<AtomicBool>,
}

pub(crate) fn identity(user: &UserId) -> Identity {
    Identity {
        actor: Actor::user(user.clone()),
        expires_at_ms: None,
        sign_in: None,
        checked_at: None,
    }
}

pub(crate) fn opening(device: &DeviceId) -> OpenSession {
    OpenSession {
        token: None,
        device: device.clone(),
        class: DeviceClass::Bot,
    }
}

#[async_trait]
impl Connector for TestConnector {
    async fn connect(&self) -> Result<Box<dyn Connection>, CallError> {
        let outlet = Arc::new(TestOutlet::new(self.banned.clone()));
        let identity = identity(&self.user);
        let attachment = self
            .im
            .attach(identity, &opening(&self.device), outlet.clone())
            .await?;
        *self.outlet.lock().unwrap() = Some(outlet.clone());
        Ok(Box::new(TestConnection {
            attachment,
            outlet,
            lose_reply: self.lose_reply.clone(),
        }))
    }

    fn credential(&self) -> Credential {
        Credential::Fixed
    }
}

struct TestConnection {
    attachment: Attachment,
    outlet: Arc<TestOutlet>,
    lose_reply: Arc<AtomicBool>,
}

#[async_trait]
impl Connection for TestConnection {
    fn opened(&self) -> &SessionOpened {
        self.attachment.opened()
    }

    async fn call(&self, command: Command) -> Result<Reply, CallError> {
        if self.outlet.closed().is_some() {
            return Err(CallError::Lost);
        }
        let reply = self.attachment.execute(command).await;
        if self.lose_reply.swap(false, Ordering::Relaxed) {
            self.outlet.break_off();
            return Err(CallError::Lost);
        }
        Ok(reply?)
    }

    async fn next(&self) -> Result<Push, CloseReason> {
        loop {
            if let Some(push) = self.outlet.next() {
                return Ok(push);
            }
            if let Some(reason) = self.outlet.closed() {
                return Err(reason);
            }
            self.outlet.arrived.notified().await;
        }
    }

    fn time_away(&self) -> Duration {
        self.outlet.time_away()
    }
}

//! placeholder
use crate::{port::*, *};
use std::{sync::Arc, time::Duration};
/// The engine; clone to share.
#[derive(Clone)]
pub struct Im;
/// Builder.
pub struct Builder;
#[allow(missing_docs)]
impl Builder {
    pub fn limits(self, _limits: Limits) -> Self {
        self
    }
    pub fn heartbeat(self, _span: Duration) -> Self {
        self
    }
    pub fn runtime(self, _runtime: Arc<dyn Runtime>) -> Self {
        self
    }
    pub fn build(self) -> Im {
        Im
    }
}
#[allow(missing_docs)]
impl Im {
    pub fn builder(_store: impl Store, _authenticator: impl Authenticator) -> Builder {
        Builder
    }
    pub fn limits(&self) -> &Limits {
        unimplemented!()
    }
    pub fn ports(&self) -> &Ports {
        unimplemented!()
    }
    pub async fn authenticate(&self, _token: &str) -> Result<Identity, Rejection> {
        unimplemented!()
    }
    pub async fn attach(
        &self,
        _identity: Identity,
        _open: &OpenSession,
        _outlet: Arc<dyn Outlet>,
    ) -> Result<Attachment, Rejection> {
        unimplemented!()
    }
    pub async fn execute(&self, _actor: &Actor, _command: Command) -> Result<Reply, Rejection> {
        unimplemented!()
    }
    pub async fn call<C: Call>(&self, _actor: &Actor, _call: C) -> Result<C::Reply, Rejection> {
        unimplemented!()
    }
    pub fn disconnect(&self, _user: &UserId, _device: Option<&DeviceId>, _reason: CloseReason) {}
    pub async fn shut_down(&self) {}
    pub async fn connect(
        &self,
        _user: impl TryInto<UserId, Error: Into<Error>>,
        _device: impl TryInto<DeviceId, Error: Into<Error>>,
    ) -> Result<Session, Error> {
        unimplemented!()
    }
    pub async fn direct(
        &self,
        _a: impl TryInto<UserId, Error: Into<Error>>,
        _b: impl TryInto<UserId, Error: Into<Error>>,
    ) -> Result<ConversationId, Error> {
        unimplemented!()
    }
}

//! Where what the engine does is compiled: here, once.
//!
//! The compiler makes the code of an async fn in each crate that polls it, with all that it awaits: a program would compile
//! and carry most of the engine several times. What is boxed by a plain function of this crate is made here. Sends go
//! without: theirs is the one future that a message does not box.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Attachment, Engine, registry::SessionEntry};
use crate::{
    Actor, Command, OpenSession, Rejection, Reply, StoreError, UserId,
    port::{Identity, Outlet},
};

impl Engine {
    #[inline(never)]
    pub(super) fn execute_boxed(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> BoxFuture<'static, Result<Reply, Rejection>> {
        Box::pin(self.execute_judged(actor, session, command))
    }

    #[inline(never)]
    pub(super) fn administer_boxed(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> BoxFuture<'static, Result<Reply, Rejection>> {
        Box::pin(self.administer(actor, session, command))
    }

    #[inline(never)]
    pub(crate) fn look_at_standings_boxed(
        self: &Arc<Self>,
    ) -> BoxFuture<'_, Result<(), Rejection>> {
        Box::pin(self.look_at_standings())
    }

    #[inline(never)]
    pub(crate) fn look_at_settings_boxed(
        self: &Arc<Self>,
    ) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(self.look_at_settings())
    }

    #[inline(never)]
    pub(crate) fn attach_boxed<'a>(
        self: &'a Arc<Self>,
        identity: Identity,
        open: &'a OpenSession,
        outlet: Arc<dyn Outlet>,
    ) -> BoxFuture<'a, Result<Attachment, Rejection>> {
        Box::pin(self.attach(identity, open, outlet))
    }

    #[inline(never)]
    pub(crate) fn erase_boxed<'a>(
        self: &'a Arc<Self>,
        user: &'a UserId,
    ) -> BoxFuture<'a, Result<(), Rejection>> {
        Box::pin(self.erase(user))
    }

    #[inline(never)]
    pub(crate) fn resume_erasures_boxed(
        self: &Arc<Self>,
    ) -> BoxFuture<'_, Result<usize, Rejection>> {
        Box::pin(self.resume_erasures())
    }

    #[inline(never)]
    pub(crate) fn shut_down_boxed(self: &Arc<Self>) -> BoxFuture<'_, ()> {
        Box::pin(self.shut_down())
    }
}

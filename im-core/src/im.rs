//! The handle that a program holds.

mod builder;
mod counting;

use std::{future::Future, sync::Arc, time::Duration};

pub use builder::Builder;
use uuid::Uuid;

use crate::{
    Actor, Attachment, Call, CloseReason, Command, ConversationId, Deed, DeviceId, Error, Limits,
    OpenDirect, OpenSession, Rejection, Reply, Session, Store, StoreError, UserId,
    client::LocalConnector,
    engine::{Asking, Engine},
    port::{Authenticator, Identity, Outlet, Ports},
};

/// The engine. Clone it to share it: all clones are one.
#[derive(Clone)]
pub struct Im {
    engine: Arc<Engine>,
}

impl Im {
    /// Begins with what has no default: where things are stored, and who is believed.
    #[must_use]
    pub fn builder(store: impl Store, authenticator: impl Authenticator) -> Builder {
        Builder::new(store.ports(), Arc::new(authenticator))
    }

    /// Joins the other nodes that [`Builder::cluster`] names: from then on what one node stores reaches the sessions of all.
    /// Call it once, before sessions are opened; it ends with [`Im::shut_down`]. Without other nodes it does nothing.
    ///
    /// # Errors
    /// When the bus or the directory does not answer. Later failures are made good by themselves.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the node listening to no end; asking again joins.
    pub async fn join(&self) -> Result<(), StoreError> {
        self.engine.join().await
    }

    /// The bounds of what is accepted, as they are at this moment.
    #[must_use]
    pub fn limits(&self) -> Arc<Limits> {
        Arc::clone(&self.engine.limits())
    }

    /// How often a device on a link must be heard.
    #[must_use]
    pub fn heartbeat(&self) -> Duration {
        self.engine.heartbeat
    }

    /// The ports that this engine works on.
    #[must_use]
    pub fn ports(&self) -> &Ports {
        &self.engine.ports
    }

    /// Sessions that are open here.
    #[must_use]
    pub fn session_count(&self) -> usize {
        self.engine.session_count()
    }

    /// Opens a session in this process. The host vouches for the user.
    ///
    /// # Errors
    /// `Misuse` when a text is no id, `Rejected` when the store does not answer or another device has the place.
    ///
    /// # Cancel safety
    /// Dropping the future opens nothing.
    pub async fn connect(
        &self,
        user: impl TryInto<UserId, Error: Into<Error>>,
        device: impl TryInto<DeviceId, Error: Into<Error>>,
    ) -> Result<Session, Error> {
        let actor = Actor::user(user.try_into().map_err(Into::into)?);
        let device = device.try_into().map_err(Into::into)?;
        let connector = LocalConnector::new(
            self.clone(),
            Identity {
                actor,
                expires_at_ms: None,
                sign_in: None,
                checked_at: None,
            },
            device,
        );
        Session::open(Arc::new(connector), self.engine.ports.runtime.clone()).await
    }

    /// The direct conversation of two users; begins it when there is none yet.
    ///
    /// # Errors
    /// `Misuse` when a text is no id, `Rejected` when one has blocked the other or the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the conversation begun; asking again finds it.
    pub async fn direct(
        &self,
        a: impl TryInto<UserId, Error: Into<Error>>,
        b: impl TryInto<UserId, Error: Into<Error>>,
    ) -> Result<ConversationId, Error> {
        let actor = Actor::service(a.try_into().map_err(Into::into)?);
        let user = b.try_into().map_err(Into::into)?;
        Ok(self.call(&actor, OpenDirect { user }).await?.conversation)
    }

    /// Executes a command for an actor that the host vouches for, without a session.
    ///
    /// # Errors
    /// A [`Rejection`] with a stable code.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw a command that was polled.
    pub async fn call<C: Call>(&self, actor: &Actor, call: C) -> Result<C::Reply, Rejection> {
        let reply = self.execute(actor, call.into_command()).await?;
        Ok(C::reply_of(reply).expect("the engine answers each command with its own reply"))
    }

    /// As [`Im::call`], for a command that is known only at run time.
    ///
    /// # Errors
    /// A [`Rejection`] with a stable code.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw a command that was polled.
    pub async fn execute(&self, actor: &Actor, command: Command) -> Result<Reply, Rejection> {
        let engine = self.engine.clone();
        let executed = engine.execute(actor.clone(), None, command).await;
        executed.inspect_err(|rejection| self.count_refusal(rejection.code))
    }

    /// Whom a token stands for.
    ///
    /// # Errors
    /// `unauthenticated` for every kind of bad token.
    ///
    /// # Cancel safety
    /// Dropping the future may spend a single-use ticket.
    pub async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        self.engine.authenticate(token).await
    }

    /// Opens a session for a device at the end of a link. For transports.
    ///
    /// # Errors
    /// `unavailable` when the store does not answer or the node is going away; `device_limit` when another device has the
    /// place; `unauthenticated` when the device was logged out since the token was found good.
    ///
    /// # Cancel safety
    /// Dropping the future opens nothing.
    pub async fn attach(
        &self,
        identity: Identity,
        open: &OpenSession,
        outlet: Arc<dyn Outlet>,
    ) -> Result<Attachment, Rejection> {
        self.engine.attach_boxed(identity, open, outlet).await
    }

    /// How often an `after` hook was not told of an entry, because too many waited for it.
    #[must_use]
    pub fn untold_hooks(&self) -> u64 {
        self.engine.untold_hooks()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.engine.is_closing()
    }

    /// Ends the sessions of a user, or of one of its devices.
    pub fn disconnect(&self, user: &UserId, device: Option<&DeviceId>, reason: CloseReason) {
        self.engine.disconnect(user, device, reason);
    }

    /// Ends the sessions that tokens of a sign-in opened, on whatever device: see [`Identity::sign_in`].
    pub fn sign_out(&self, user: &UserId, sign_in: Uuid) {
        self.engine.sign_out(user, sign_in);
    }

    /// Does something that is no command, such as an erasure, for a back end or for an admin with a token that is good for
    /// that, and writes it down in the audit log with its outcome. `work` begins when that is checked and noted.
    ///
    /// # Errors
    /// `forbidden` for anybody else, `unavailable` when the store does not answer, and what `work` fails with.
    ///
    /// # Cancel safety
    /// As that of `work`, whose outcome is not written down then.
    pub async fn administer<T>(
        &self,
        actor: &Actor,
        deed: Deed,
        work: impl Future<Output = Result<T, Rejection>>,
    ) -> Result<T, Rejection> {
        self.engine.administer_deed(actor, deed, work).await
    }

    /// Takes over what admins have changed of the settings. For a host to call at its start, ahead of [`Im::housekeep`]: what
    /// is forgotten when, and what is let in, hangs on them.
    ///
    /// # Errors
    /// When the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn load_settings(&self) -> Result<(), StoreError> {
        self.engine.look_at_settings_boxed().await
    }

    /// Refuses that an admin is erased, by itself or by another: it is demoted first, so that there is always one. A service
    /// passes. For what erases users.
    ///
    /// # Errors
    /// `forbidden`; `unavailable` when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn check_erasable(&self, actor: &Actor, user: &UserId) -> Result<(), Rejection> {
        self.engine.check_erasable(actor, user).await
    }

    /// Refuses a user who is kept out, by what is known here: at most five seconds old. For what a host answers itself.
    ///
    /// # Errors
    /// `account_banned` or `account_disabled`; `unavailable` when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn check_in(&self, actor: &Actor) -> Result<(), Rejection> {
        self.know_standings().await?;
        self.engine.check_in(actor)
    }

    /// As [`Im::check_in`], and refuses a user who may change nothing. For what a host lets users change.
    ///
    /// # Errors
    /// As [`Im::check_in`], and `frozen`.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn check_change(&self, actor: &Actor) -> Result<(), Rejection> {
        self.know_standings().await?;
        self.engine.check_change(actor)
    }

    async fn know_standings(&self) -> Result<(), Rejection> {
        if self.engine.know_standings(Asking::Waiting) {
            return Ok(());
        }
        self.engine.look_at_standings_boxed().await
    }

    /// Erases a user: ends its sessions, leaves its groups, and deletes what it owns and wipes what it said. Its id is not
    /// given again. What it takes on other nodes to notice, [`Im::resume_erasures`] makes good a day later.
    ///
    /// # Errors
    /// `unavailable` when the store does not answer; the erasure is due then.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the erasure begun: [`Im::resume_erasures`] goes on with it.
    pub async fn erase(&self, user: &UserId) -> Result<(), Rejection> {
        self.engine.erase_boxed(user).await
    }

    /// Goes on with erasures that broke off or are due again, and says how many were. For a host to call at its start and
    /// every now and then.
    ///
    /// # Errors
    /// `unavailable` when the store does not answer.
    ///
    /// # Cancel safety
    /// Dropping the future leaves what is not done due.
    pub async fn resume_erasures(&self) -> Result<usize, Rejection> {
        self.engine.resume_erasures_boxed().await
    }

    /// Begins to do what is due, such as sending what was scheduled: call it once at the start of a program whose users
    /// schedule messages, so that what was scheduled before the start is sent. It begins by itself with the first thing
    /// that is scheduled in this process. One small task; it ends with [`Im::shut_down`].
    pub fn housekeep(&self) {
        self.engine.keep_house();
    }

    /// Begins to follow what admins change of the settings on other nodes: they hold here within a second. Call it once at
    /// the start of a program that shares its store; one small task, which reads one row twice a second and ends with
    /// [`Im::shut_down`]. Without it a node hears of changes when it is asked for the settings or changes some itself, and
    /// begins with what it was configured with.
    pub fn follow_settings(&self) {
        self.engine.follow_settings();
    }

    /// Refuses new sessions, tells all to come back, and stores what was kept back.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the last positions of writers unstored; nothing that was answered is lost.
    pub async fn shut_down(&self) {
        self.engine.shut_down_boxed().await;
    }
}

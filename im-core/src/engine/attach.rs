//! Sessions: how they begin, what they may ask, how they end.

use std::{
    collections::HashMap,
    future::Future,
    sync::{Arc, Mutex, atomic::Ordering},
    time::Duration,
};

use super::{
    Asking, Engine,
    audience::{Listening, listen_as_read},
    lock,
    registry::SessionEntry,
};
use crate::{
    Actor, CloseReason, Code, Command, ConversationId, Device, OpenSession, Push, Rejection, Reply,
    Scope, Seq, SessionClosing, SessionOpened,
    port::{Broadcast, Identity, Outlet, Seen, Urgency},
    state::{DeliveryState, time_away},
};

/// A device's live session. Ends when it is dropped.
pub struct Attachment {
    engine: Arc<Engine>,
    entry: Arc<SessionEntry>,
    opened: SessionOpened,
}

impl Attachment {
    /// How it was opened.
    #[must_use]
    pub const fn opened(&self) -> &SessionOpened {
        &self.opened
    }

    /// Whom it acts for.
    #[must_use]
    pub fn actor(&self) -> &Actor {
        &self.entry.actor
    }

    /// Executes a command. Commands on one conversation keep the order in which their futures were first polled.
    ///
    /// # Errors
    /// A [`Rejection`] with a stable code.
    ///
    /// # Cancel safety
    /// Dropping the future does not withdraw a command that was polled.
    pub fn execute(
        &self,
        command: Command,
    ) -> impl Future<Output = Result<Reply, Rejection>> + Send + 'static {
        let (engine, entry) = (self.engine.clone(), self.entry.clone());
        async move {
            let expires = entry.expires_at_ms;
            if expires.is_some_and(|expires| expires <= engine.ports.runtime.now()) {
                engine.end(&entry, CloseReason::Unauthenticated);
                return Err(Rejection::new(
                    Code::Unauthenticated,
                    "the token has expired; sign in again",
                ));
            }
            engine.is_used(&entry);
            let actor = entry.actor.clone();
            engine.execute(actor, Some(entry), command).await
        }
    }
}

impl Drop for Attachment {
    fn drop(&mut self) {
        self.engine.detach(&self.entry);
    }
}

impl Engine {
    /// Opens a session: from now on entries of its conversations are offered to `outlet`.
    pub(crate) async fn attach(
        self: &Arc<Self>,
        identity: Identity,
        open: &OpenSession,
        outlet: Arc<dyn Outlet>,
    ) -> Result<Attachment, Rejection> {
        if self.is_closing() {
            return Err(Rejection::new(
                Code::Unavailable,
                "the server is going away; connect again",
            ));
        }
        // What is pushed to a session is seen.
        identity.actor.require(Scope::Read)?;
        let checked_at = identity.checked_at;
        let checked_at = checked_at.unwrap_or_else(|| self.log_outs.count());
        let admission = self.login_policy.of(open.class);
        if !self.know_standings(Asking::Waiting) {
            self.look_at_standings().await?;
        }
        self.check_in(&identity.actor)?;
        let now = self.ports.runtime.now();
        let user = identity.actor.user.clone();
        let device = Device {
            user: user.clone(),
            id: open.device.clone(),
            class: open.class,
            created_at_ms: now,
            last_seen_ms: now,
        };
        let id = self.registry.next_id();
        let actor = identity.actor.clone();
        let entry = Arc::new(SessionEntry {
            class: open.class,
            expires_at_ms: identity.expires_at_ms,
            sign_in: identity.sign_in,
            delivery: Mutex::new(DeliveryState::opening()),
            ..SessionEntry::new(id, actor, open.device.clone(), outlet)
        });
        // This and who is admitted are asked again where it counts: whom it refuses here is not remembered either.
        self.log_outs.check(&entry, checked_at)?;
        self.registry
            .check_admission(admission, &user, (&open.device, open.class))?;
        self.remember(device).await?;
        let epoch = self.ports.log.epoch().await?;
        let opened = SessionOpened {
            session: entry.id,
            user,
            epoch,
            server_time_ms: now,
            heartbeat_ms: u64::try_from(self.heartbeat.as_millis()).unwrap_or(u64::MAX),
        };
        self.expiries.add(self, &entry);
        let added = self.registry.add(&entry, admission);
        let displaced = added.inspect_err(|_| self.expiries.remove(&entry))?;
        // From here on dropping it undoes what was done.
        let attachment = Attachment {
            engine: self.clone(),
            entry,
            opened,
        };
        self.log_outs.check(&attachment.entry, checked_at)?;
        for displaced in displaced {
            self.end(&displaced, CloseReason::Displaced);
        }
        // Before it reads: what others store from now on is told here.
        let elsewhere = self.announced(&attachment.entry.actor.user).await;
        let is_late = elsewhere.is_none();
        self.take_place(&attachment.entry, admission, &elsewhere.unwrap_or_default())?;
        self.listen_everywhere(&attachment.entry).await?;
        if is_late {
            // What others stored since it read, before it is announced, is told to nobody here.
            self.nodes.look_when_announced(&self.registry.changed);
        }
        // Who was barred before it was added was not there to be sent away.
        self.check_in(attachment.actor())?;
        // The node may have begun to close while the store answered.
        if self.is_closing() {
            return Err(Rejection::new(
                Code::Unavailable,
                "the server is going away; connect again",
            ));
        }
        lock(&attachment.entry.delivery).opened();
        self.counts.opened.add(1);
        Ok(attachment)
    }

    /// Puts a session into the audience of each of its conversations.
    async fn listen_everywhere(&self, entry: &Arc<SessionEntry>) -> Result<(), Rejection> {
        let user = &entry.actor.user;
        loop {
            let departures = self.registry.departures(user);
            let loads = self.registry.loads();
            entry.read_at.store(loads, Ordering::Release);
            let conversations = self.ports.members.conversations_of(user).await?;
            let heads = self.heads_to_follow(&conversations).await?;
            let mut settled = true;
            for id in conversations {
                let head = heads.get(&id).copied();
                settled &= listen_as_read(&self.slots.at(id), entry, head) == Listening::Settled;
            }
            // Somebody who was removed meanwhile may have been put where it no longer belongs: take it out, look again.
            if settled && self.registry.departures(user) == departures {
                return Ok(());
            }
            let listens = lock(&entry.listens).as_mut().map(std::mem::take);
            self.ignore_all(entry, listens);
        }
    }

    /// Of several nodes: the heads of those conversations that nobody here follows yet. From there on what others store is
    /// told.
    async fn heads_to_follow(
        &self,
        conversations: &[ConversationId],
    ) -> Result<HashMap<ConversationId, Seq>, Rejection> {
        if !self.nodes.are_several() {
            return Ok(HashMap::new());
        }
        let is_new = |id: &&ConversationId| {
            let slot = self.slots.at(**id);
            let mut inner = slot.lock();
            inner.forget_unless_followed();
            inner.delivered().is_none() || inner.audience.is_empty()
        };
        let new: Vec<_> = conversations.iter().filter(is_new).copied().collect();
        let heads = self.ports.heads.heads(&new).await?;
        Ok(heads.into_iter().collect())
    }

    fn ignore_all(&self, entry: &SessionEntry, listens: Option<Vec<ConversationId>>) {
        for id in listens.into_iter().flatten() {
            self.slots.at(id).lock().ignore(entry);
        }
    }

    fn detach(self: &Arc<Self>, entry: &SessionEntry) {
        let now = self.ports.runtime.now();
        let listens = lock(&entry.listens).take();
        self.ignore_all(entry, listens);
        self.expiries.remove(entry);
        self.stop_counting_unread(entry);
        if !self.registry.remove(entry, now) {
            return;
        }
        let seen = Seen {
            user: entry.actor.user.clone(),
            device: entry.device.clone(),
            at_ms: now,
        };
        self.positions.seen(self, seen);
        self.fell_off(&entry.actor.user);
    }

    /// Ends a session from the server's side. It is over at once, whenever the transport notices.
    pub(super) fn end(self: &Arc<Self>, entry: &SessionEntry, reason: CloseReason) {
        self.send_away(entry, reason, Duration::ZERO);
    }

    /// As [`Engine::end`], and asks the device to stay away for a while.
    fn send_away(self: &Arc<Self>, entry: &SessionEntry, reason: CloseReason, away: Duration) {
        let closing = Push::SessionClosing(SessionClosing {
            reason,
            retry_after_ms: u64::try_from(away.as_millis()).unwrap_or(u64::MAX),
        });
        entry.tell(&Broadcast::new(Urgency::Control, vec![closing]));
        entry.outlet.close(reason);
        self.detach(entry);
    }

    /// Ends all sessions, so that their devices come back elsewhere or later, but not all at once; and stores what was
    /// kept back.
    pub(crate) async fn shut_down(self: &Arc<Self>) {
        self.closing.store(true, Ordering::Release);
        self.keep_house();
        self.end_streams().await;
        let mut sessions = self.registry.all();
        // In the order in which they came, so that the same chances go to the same sessions.
        sessions.sort_by_key(|session| session.id);
        for session in &sessions {
            let away = time_away(sessions.len(), self.ports.runtime.chance());
            self.send_away(session, CloseReason::GoingAway, away);
        }
        self.positions.store(self).await;
        self.leave().await;
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }

    pub(crate) fn session_count(&self) -> usize {
        self.registry.count()
    }
}

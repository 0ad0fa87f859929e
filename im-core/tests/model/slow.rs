//! A store that lets others run in the middle of its calls, as one that waits for a disk does.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use im_core::{
    ConversationId, Member, Membership, Position, SettingsPatch, StoreError, Timestamp, UserId,
    port::{Advance, BoxFuture, MemberStore, PositionStore, Runtime},
};

/// What others do in the middle of a call, each time that a call gives way.
pub(crate) type Meanwhile = Box<dyn FnMut() -> BoxFuture<()> + Send>;

/// How long each call takes: a few microseconds, in a sequence that a seed determines; nothing with seed 0.
pub(crate) struct Turns {
    state: AtomicU64,
    runtime: Arc<dyn Runtime>,
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
    /// How much longer it takes to find out who shares a conversation.
    pub(crate) sharing_takes: Mutex<Duration>,
}

impl Turns {
    pub(crate) fn new(seed: u64, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            state: AtomicU64::new(seed),
            runtime,
            meanwhile: Mutex::default(),
            sharing_takes: Mutex::default(),
        }
    }

    pub(crate) async fn give_way(&self) {
        // Xorshift: nothing but a sequence that looks random.
        let mut state = self.state.load(Ordering::Relaxed);
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        self.state.store(state, Ordering::Relaxed);
        let span = Duration::from_micros((state >> 33) % 8);
        self.runtime.sleep(span).await;
        let taken = self.meanwhile.lock().unwrap().take();
        if let Some(mut meanwhile) = taken {
            // What is done meanwhile gives way too, and nothing happens in the middle of that.
            meanwhile().await;
            *self.meanwhile.lock().unwrap() = Some(meanwhile);
        }
    }

    /// At the `nth` time that a call gives way from now on, counted from 1, this is done.
    pub(crate) fn at(&self, nth: usize, what: BoxFuture<()>) {
        let (mut count, mut what) = (0, Some(what));
        *self.meanwhile.lock().unwrap() = Some(Box::new(move || {
            count += 1;
            let what = if count == nth { what.take() } else { None };
            what.unwrap_or_else(|| Box::pin(async {}))
        }));
    }
}

/// Both sides of a call: others may run before it takes effect, and before the caller hears of it.
macro_rules! slowly {
    ($self:ident, $call:expr) => {{
        $self.turns.give_way().await;
        let answer = $call.await;
        $self.turns.give_way().await;
        answer
    }};
}
pub(crate) use slowly;

pub(crate) struct Slow<P: ?Sized> {
    pub(crate) inner: Arc<P>,
    pub(crate) turns: Arc<Turns>,
}

#[async_trait]
impl MemberStore for Slow<dyn MemberStore> {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        slowly!(self, self.inner.members(conversation, users))
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        slowly!(self, self.inner.roster(conversation, after, limit))
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        slowly!(self, self.inner.membership(user, conversation))
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        slowly!(self, self.inner.memberships(user, after, limit))
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        slowly!(self, self.inner.conversations_of(user))
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        let takes = *self.turns.sharing_takes.lock().unwrap();
        self.turns.runtime.sleep(takes).await;
        slowly!(self, self.inner.sharing(user, others))
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let members = &self.inner;
        slowly!(
            self,
            members.change_settings(user, conversation, changes, now)
        )
    }
}

#[async_trait]
impl PositionStore for Slow<dyn PositionStore> {
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError> {
        slowly!(self, self.inner.advance(advances))
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        slowly!(self, self.inner.position(conversation, user))
    }

    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError> {
        slowly!(self, self.inner.positions(conversation, after, limit))
    }
}

//! A store that is away: each call takes time and can fail. The ports that every message passes are behind it; the others
//! answer at once.

use std::sync::Arc;

use async_trait::async_trait;

use super::{executor::Process, weather::Weather};
use crate::{
    ClientId, Content, ConversationId, Entry, Epoch, Member, Membership, Position, Seq,
    SettingsPatch, StoreError, Timestamp, UserId,
    port::{
        Advance, Append, Appended, Known, LogStore, MemberStore, Ports, PositionStore, Range,
        Runtime, Snapshot, Span, Tally, TallyStore,
    },
};

/// The way from a node to its store.
#[derive(Clone)]
pub(super) struct Way {
    pub(super) weather: Arc<Weather>,
    /// Whose end also ends what was given up and is stored late.
    pub(super) late: Process,
}

/// The same ports, at the other end of this way.
pub(super) fn away(ports: &Ports, way: &Way, runtime: Arc<dyn Runtime>) -> Ports {
    Ports {
        log: Away::new(&ports.log, way),
        members: Away::new(&ports.members, way),
        positions: Away::new(&ports.positions, way),
        tallies: Away::new(&ports.tallies, way),
        runtime,
        ..ports.clone()
    }
}

struct Away<P: ?Sized> {
    inner: Arc<P>,
    way: Way,
}

impl<P: ?Sized> Away<P> {
    fn new(inner: &Arc<P>, way: &Way) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::clone(inner),
            way: way.clone(),
        })
    }
}

/// A call with its two ways. Dropped on the first, nothing was done; dropped on the second, it was.
macro_rules! travel {
    ($self:ident, $call:expr) => {{
        $self.way.weather.there().await?;
        let answer = $call.await?;
        $self.way.weather.back().await?;
        Ok(answer)
    }};
}

#[async_trait]
impl LogStore for Away<dyn LogStore> {
    async fn epoch(&self) -> Result<Epoch, StoreError> {
        travel!(self, self.inner.epoch())
    }

    async fn renew_epoch(&self) -> Result<Epoch, StoreError> {
        travel!(self, self.inner.renew_epoch())
    }

    async fn append(&self, append: Append) -> Result<Appended, StoreError> {
        if let Some(later) = self.way.weather.lands_late() {
            let (inner, process) = (Arc::clone(&self.inner), &self.way.late);
            let wait = process.sleep(later);
            process.spawn(Box::pin(async move {
                wait.await;
                // Nobody waits for what became of it.
                let _ = inner.append(append).await;
            }));
            return Err(StoreError::new("a simulated append", "no answer in time"));
        }
        travel!(self, self.inner.append(append))
    }

    async fn load(&self, conversation: ConversationId) -> Result<Option<Snapshot>, StoreError> {
        travel!(self, self.inner.load(conversation))
    }

    async fn read(
        &self,
        conversation: ConversationId,
        range: Range,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        travel!(self, self.inner.read(conversation, range, limit))
    }

    async fn earlier(
        &self,
        conversation: ConversationId,
        target: Seq,
        limit: usize,
    ) -> Result<Vec<(Seq, Content)>, StoreError> {
        travel!(self, self.inner.earlier(conversation, target, limit))
    }

    async fn find(
        &self,
        conversation: ConversationId,
        keys: &[(UserId, ClientId)],
    ) -> Result<Vec<Known>, StoreError> {
        travel!(self, self.inner.find(conversation, keys))
    }
}

#[async_trait]
impl MemberStore for Away<dyn MemberStore> {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        travel!(self, self.inner.members(conversation, users))
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        travel!(self, self.inner.roster(conversation, after, limit))
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        travel!(self, self.inner.membership(user, conversation))
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        travel!(self, self.inner.memberships(user, after, limit))
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        travel!(self, self.inner.conversations_of(user))
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        travel!(self, self.inner.sharing(user, others))
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let members = &self.inner;
        travel!(
            self,
            members.change_settings(user, conversation, changes, now)
        )
    }
}

#[async_trait]
impl PositionStore for Away<dyn PositionStore> {
    async fn advance(&self, advances: Vec<Advance>) -> Result<(), StoreError> {
        travel!(self, self.inner.advance(advances))
    }

    async fn position(
        &self,
        conversation: ConversationId,
        user: &UserId,
    ) -> Result<Option<Position>, StoreError> {
        travel!(self, self.inner.position(conversation, user))
    }

    async fn positions(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, StoreError> {
        travel!(self, self.inner.positions(conversation, after, limit))
    }
}

#[async_trait]
impl TallyStore for Away<dyn TallyStore> {
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError> {
        travel!(self, self.inner.tallies(user, spans))
    }

    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError> {
        travel!(self, self.inner.latest(spans))
    }

    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError> {
        travel!(self, self.inner.delete(user, conversation, seqs))
    }

    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        travel!(self, self.inner.deleted(user, spans))
    }

    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        travel!(
            self,
            self.inner.deleted_since(user, conversation, version, limit)
        )
    }
}

//! A page of conversations takes as many reads as one conversation does.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use im_core::{
    Actor, ChangeSettings, ClientId, Content, ConversationId, Entry, Im, ListConversations, Member,
    Membership, SendMessage, Seq, SettingsPatch, StoreError, Timestamp, TrustEveryone, UserId,
    port::{MemberStore, Span, Store as _, Tally, TallyStore},
};
use im_store::MemoryStore;

use crate::world::user;

/// A store whose reads are counted.
struct Counted<P: ?Sized> {
    inner: Arc<P>,
    reads: Arc<AtomicUsize>,
}

impl<P: ?Sized> Counted<P> {
    fn inner(&self) -> &P {
        self.reads.fetch_add(1, Ordering::Relaxed);
        &self.inner
    }
}

#[async_trait]
impl TallyStore for Counted<dyn TallyStore> {
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError> {
        self.inner().tallies(user, spans).await
    }

    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError> {
        self.inner().latest(spans).await
    }

    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError> {
        self.inner().delete(user, conversation, seqs).await
    }

    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        self.inner().deleted(user, spans).await
    }

    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let reading = self
            .inner()
            .deleted_since(user, conversation, version, limit);
        reading.await
    }
}

#[async_trait]
impl MemberStore for Counted<dyn MemberStore> {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        self.inner().members(conversation, users).await
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.inner().roster(conversation, after, limit).await
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        self.inner().membership(user, conversation).await
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        self.inner().memberships(user, after, limit).await
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        self.inner().conversations_of(user).await
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        self.inner().sharing(user, others).await
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        let members = self.inner();
        members
            .change_settings(user, conversation, changes, now)
            .await
    }
}

struct House {
    im: Im,
    reads: Arc<AtomicUsize>,
}

impl House {
    fn new() -> Self {
        let mut ports = MemoryStore::new().ports();
        let reads = Arc::new(AtomicUsize::new(0));
        ports.members = Arc::new(Counted {
            inner: ports.members.clone(),
            reads: reads.clone(),
        });
        ports.tallies = Arc::new(Counted {
            inner: ports.tallies.clone(),
            reads: reads.clone(),
        });
        let im = Im::builder(ports, TrustEveryone).build();
        Self { im, reads }
    }

    /// Conversations with user 0, each with something unread.
    async fn fill(&self, count: usize) {
        for n in 1..=count {
            let (me, other) = (user(0), user(n));
            let chat = self.im.direct(me, other.clone()).await.unwrap();
            let text = Content::text(format!("from {n}"));
            let message = SendMessage::new(chat, ClientId::random(), text);
            let other = Actor::user(other);
            self.im.call(&other, message).await.unwrap();
        }
    }

    /// A page, and how many reads it took.
    async fn page(&self, limit: u32) -> (Vec<im_core::ConversationView>, usize) {
        let before = self.reads.load(Ordering::Relaxed);
        let ask = ListConversations {
            after: None,
            limit: Some(limit),
            which: None,
        };
        let page = self.im.call(&Actor::user(user(0)), ask).await.unwrap();
        (page.items, self.reads.load(Ordering::Relaxed) - before)
    }
}

#[tokio::test]
async fn a_page_takes_as_many_reads_as_one_conversation() {
    let house = House::new();
    house.fill(50).await;

    let (one, reads_of_one) = house.page(1).await;
    let (fifty, reads_of_fifty) = house.page(50).await;

    assert_eq!((one.len(), fifty.len()), (1, 50));
    // The rows, what was said last, what is unread.
    assert_eq!((reads_of_one, reads_of_fifty), (3, 3));
    for view in fifty {
        let last = view.last.unwrap();
        assert_eq!((last.conversation, view.unread), (view.conversation, 1));
        assert!(last.body.as_message().is_some());
    }
}

#[tokio::test]
async fn conversations_that_are_not_listed_cost_few_reads() {
    let house = House::new();
    house.fill(100).await;
    let (all, _) = house.page(100).await;
    let (shown, archived) = (&all[98..], &all[..98]);
    for view in archived {
        let changes = SettingsPatch {
            archived: Some(true),
            ..SettingsPatch::default()
        };
        let ask = ChangeSettings {
            conversation: view.conversation,
            changes,
        };
        house.im.call(&Actor::user(user(0)), ask).await.unwrap();
    }

    let (found, reads) = house.page(2).await;

    assert_eq!(found.len(), 2);
    assert_eq!(found[0].conversation, shown[0].conversation);
    assert_eq!(found[1].last, shown[1].last);
    // 2 rows, 4, 8 … 64; what was said last, and what is unread.
    assert_eq!(reads, 6 + 2);
}

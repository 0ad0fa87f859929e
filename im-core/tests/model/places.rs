//! Nobody is in more conversations than the limit says, and only who brings somebody in pays for the question.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use im_core::{
    Actor, AddMembers, Call, ChangeInfo, ClientId, Code, Content, ConversationId,
    CreateConversation, EditMessage, GetConversation, Im, InfoPatch, JoinGroup, Joining,
    KickMembers, LeaveGroup, Limits, OpenDirect, RecallMessage, Rejection, SendMessage, Seq, Store,
    StoreError, TrustEveryone, UserId, Visibility,
    port::MembershipCount,
    testing::{client_id, user},
};
use im_store::MemoryStore;

/// Counts how often it is asked.
struct Asked {
    inner: Arc<dyn MembershipCount>,
    times: Arc<AtomicUsize>,
}

#[async_trait]
impl MembershipCount for Asked {
    async fn in_at_least(&self, least: usize, users: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        self.times.fetch_add(1, Ordering::Relaxed);
        self.inner.in_at_least(least, users).await
    }
}

/// An engine where one can be in two conversations.
struct House {
    im: Im,
    times: Arc<AtomicUsize>,
}

impl House {
    fn new() -> Self {
        let mut ports = MemoryStore::new().ports();
        let times = Arc::new(AtomicUsize::new(0));
        ports.membership_count = Arc::new(Asked {
            inner: ports.membership_count.clone(),
            times: times.clone(),
        });
        let limits = Limits {
            conversations_per_user: 2,
            ..Limits::default()
        };
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        Self { im, times }
    }

    async fn ask<C: Call>(&self, who: &str, command: C) -> Result<C::Reply, Rejection> {
        self.im.call(&Actor::user(user(who)), command).await
    }

    async fn group(&self, who: &str, members: &[&str]) -> Result<ConversationId, Rejection> {
        let create = CreateConversation {
            client_id: key(),
            name: None,
            members: members.iter().map(|id| user(id)).collect(),
            joining: Joining::Open,
            history: Visibility::default(),
            preset: None,
        };
        Ok(self.ask(who, create).await?.conversation)
    }

    async fn direct(&self, who: &str, peer: &str) -> Result<ConversationId, Rejection> {
        let open = OpenDirect { user: user(peer) };
        Ok(self.ask(who, open).await?.conversation)
    }

    async fn say(&self, who: &str, at: ConversationId) -> Result<Seq, Rejection> {
        Ok(self.ask(who, said(at)).await?.seq)
    }

    fn times(&self) -> usize {
        self.times.load(Ordering::Relaxed)
    }
}

fn key() -> ClientId {
    client_id(&uuid::Uuid::new_v4().to_string())
}

fn said(conversation: ConversationId) -> SendMessage {
    SendMessage::new(conversation, key(), Content::text("hello"))
}

fn add(conversation: ConversationId, users: &[&str]) -> AddMembers {
    AddMembers {
        conversation,
        client_id: key(),
        users: users.iter().map(|id| user(id)).collect(),
    }
}

fn join(conversation: ConversationId) -> JoinGroup {
    JoinGroup {
        conversation,
        client_id: key(),
    }
}

fn assert_full<T: std::fmt::Debug>(answer: Result<T, Rejection>, sentence: &str) {
    let rejection = answer.unwrap_err();
    assert_eq!(rejection.code, Code::TooMany);
    assert!(rejection.detail.contains(sentence), "{rejection}");
}

#[tokio::test]
async fn who_is_full_enters_nothing_more_until_a_place_is_free() {
    let house = House::new();
    let chat = house.direct("alice", "bob").await.unwrap();
    let first = house.group("alice", &[]).await.unwrap();
    let other = house.group("carol", &["dave"]).await.unwrap();
    let (yours, theirs) = ("you are in 2 conversations", "can be: alice; try without");

    assert_full(house.group("alice", &[]).await, yours);
    assert_full(house.direct("alice", "eve").await, yours);
    assert_full(house.ask("alice", join(other)).await, yours);
    assert_full(house.group("eve", &["alice", "finn"]).await, theirs);
    assert_full(house.direct("eve", "alice").await, theirs);
    assert_full(
        house.ask("carol", add(other, &["eve", "alice"])).await,
        theirs,
    );

    let view = house
        .ask(
            "carol",
            GetConversation {
                conversation: other,
            },
        )
        .await;
    assert_eq!(view.unwrap().head.seq, Seq(1), "nothing is stored by half");
    // What there is stays usable, and can be opened again.
    assert_eq!(house.direct("alice", "bob").await.unwrap(), chat);
    assert_eq!(house.direct("bob", "alice").await.unwrap(), chat);
    assert_eq!(house.say("alice", chat).await.unwrap(), Seq(2));
    let leave = LeaveGroup {
        conversation: first,
        client_id: key(),
    };
    house.ask("alice", leave).await.unwrap();
    house
        .ask("carol", add(other, &["eve", "alice"]))
        .await
        .unwrap();
    assert_full(house.group("alice", &[]).await, yours);
}

#[tokio::test]
async fn a_retry_of_what_filled_the_last_place_gets_the_first_answer() {
    let house = House::new();
    let open = house.group("bob", &[]).await.unwrap();
    let create = CreateConversation {
        client_id: key(),
        name: None,
        members: Vec::new(),
        joining: Joining::Invited,
        history: Visibility::default(),
        preset: None,
    };
    let (created, joined) = (create.clone(), join(open));
    let first = house.ask("alice", create).await.unwrap().conversation;
    let seq = house.ask("alice", joined.clone()).await.unwrap().seq;

    let again = house.ask("alice", created).await.unwrap().conversation;

    assert_eq!(again, first);
    assert_eq!(house.ask("alice", joined).await.unwrap().seq, seq);
}

#[tokio::test]
async fn nothing_is_asked_for_a_command_that_brings_nobody_in() {
    let house = House::new();
    let chat = house.direct("alice", "bob").await.unwrap();
    let room = house.group("alice", &["carol"]).await.unwrap();
    let begun = house.times();
    assert_eq!(begun, 2, "once for each beginning");

    let target = house.say("alice", chat).await.unwrap();
    house.say("carol", room).await.unwrap();
    let edit = EditMessage {
        conversation: chat,
        client_id: key(),
        target,
        content: Content::text("better"),
    };
    house.ask("alice", edit).await.unwrap();
    let recall = RecallMessage {
        conversation: chat,
        client_id: key(),
        target,
    };
    house.ask("alice", recall).await.unwrap();
    house.direct("bob", "alice").await.unwrap();
    house.ask("alice", add(room, &["carol"])).await.unwrap();
    let rename = ChangeInfo {
        conversation: room,
        client_id: key(),
        changes: InfoPatch {
            name: Some("room".into()),
            ..InfoPatch::default()
        },
    };
    house.ask("alice", rename).await.unwrap();
    let kick = KickMembers {
        conversation: room,
        client_id: key(),
        users: vec![user("carol")],
        reason: None,
        banned_until_ms: None,
    };
    house.ask("alice", kick).await.unwrap();

    assert_eq!(house.times(), begun);
    house
        .ask("alice", add(room, &["carol", "dave"]))
        .await
        .unwrap();
    assert_eq!(house.times(), begun + 1, "once for all that are added");
}

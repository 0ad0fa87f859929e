//! What an invite link is spent on.

use std::sync::{Arc, Mutex};

use futures_util::future::join;
use im_core::{
    Actor, Call, ClientId, Code, ConversationId, CreateConversation, CreateInvite, Im,
    JoinByInvite, KickMembers, LeaveGroup, Limits, ListInvites, Rejection, Store as _,
    TrustEveryone, testing::user,
};
use im_store::MemoryStore;

use crate::{
    faults::{Fault, FaultyLog},
    slow::Turns,
};

struct House {
    im: Im,
    code: String,
    group: ConversationId,
    log: Arc<FaultyLog>,
}

impl House {
    /// A group of alice and bob with room for one more, and a link that lets in two.
    async fn new() -> Self {
        let limits = Limits {
            group_members: 3,
            ..Limits::default()
        };
        let mut ports = MemoryStore::new().ports();
        let log = Arc::new(FaultyLog {
            inner: ports.log.clone(),
            runtime: ports.runtime.clone(),
            faults: Mutex::default(),
            failed: Mutex::default(),
            banned: Arc::default(),
            turns: Arc::new(Turns::new(0, ports.runtime.clone())),
        });
        ports.log = log.clone();
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        let create = CreateConversation::group(key("group"), [user("bob")]);
        let alice = Actor::user(user("alice"));
        let group = im.call(&alice, create).await.unwrap().conversation;
        let invite = CreateInvite {
            conversation: group,
            expires_at_ms: None,
            uses: Some(2),
        };
        let code = im.call(&alice, invite).await.unwrap().code;
        Self {
            im,
            code,
            group,
            log,
        }
    }

    async fn call<C: Call>(&self, who: &str, call: C) -> Result<C::Reply, Rejection> {
        self.im.call(&Actor::user(user(who)), call).await
    }

    fn enter(&self, client_id: &str) -> JoinByInvite {
        JoinByInvite {
            client_id: key(client_id),
            code: self.code.clone(),
        }
    }

    async fn uses_left(&self) -> Option<u32> {
        let ask = ListInvites {
            conversation: self.group,
        };
        let invites = self.call("alice", ask).await.unwrap();
        invites.items[0].uses_left
    }
}

fn key(text: &str) -> ClientId {
    ClientId::new(text).unwrap()
}

#[tokio::test]
async fn a_link_is_not_spent_on_who_finds_the_group_full() {
    let house = House::new().await;
    house.call("carol", house.enter("c")).await.unwrap();

    let refused = house.call("dave", house.enter("d")).await.unwrap_err();

    assert_eq!(refused.code, Code::TooMany);
    assert_eq!(house.uses_left().await, Some(1));
    let kick = KickMembers {
        conversation: house.group,
        client_id: key("kick"),
        users: vec![user("bob")],
        reason: None,
        banned_until_ms: None,
    };
    house.call("alice", kick).await.unwrap();
    house.call("dave", house.enter("d")).await.unwrap();
    assert_eq!(house.uses_left().await, Some(0));
}

#[tokio::test]
async fn a_retry_spends_nothing_and_gets_its_first_answer_when_the_link_is_used_up_too() {
    let house = House::new().await;
    let first = house.call("carol", house.enter("c")).await.unwrap();

    let again = house.call("carol", house.enter("c")).await.unwrap();

    assert_eq!((again, house.uses_left().await), (first.clone(), Some(1)));
    let leave = LeaveGroup {
        conversation: house.group,
        client_id: key("leave"),
    };
    house.call("carol", leave).await.unwrap();
    let after = house.call("carol", house.enter("c")).await.unwrap();
    assert_eq!((after, house.uses_left().await), (first.clone(), Some(1)));
    house.call("dave", house.enter("d")).await.unwrap();
    let used_up = house.call("carol", house.enter("c")).await.unwrap();
    assert_eq!((used_up, house.uses_left().await), (first, Some(0)));
    let new = house.call("carol", house.enter("new")).await.unwrap_err();
    assert_eq!(new.code, Code::NotFound);
}

#[tokio::test]
async fn two_requests_of_a_user_at_the_same_moment_spend_one_use() {
    let house = House::new().await;

    let both = join(
        house.call("carol", house.enter("c1")),
        house.call("carol", house.enter("c2")),
    );
    let (one, other) = both.await;

    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(house.uses_left().await, Some(1));
}

#[tokio::test]
async fn a_request_of_which_nobody_knows_what_became_spends_one_use_however_often_it_comes() {
    // Nothing was stored; something was, and nobody was told.
    for fault in [Fault::Before, Fault::After] {
        let house = House::new().await;
        let fails = |fault| house.log.faults.lock().unwrap().push_back(fault);

        fails(fault);
        let first = house.call("carol", house.enter("c")).await.unwrap_err();
        assert_eq!(first.code, Code::Unavailable, "{fault:?}");
        assert_eq!(house.uses_left().await, Some(1), "{fault:?}");

        house.call("carol", house.enter("c")).await.unwrap();
        assert_eq!(house.uses_left().await, Some(1), "{fault:?}");

        // What was held serves once.
        let leave = LeaveGroup {
            conversation: house.group,
            client_id: key("leave"),
        };
        house.call("carol", leave).await.unwrap();
        house.call("carol", house.enter("new")).await.unwrap();
        assert_eq!(house.uses_left().await, Some(0), "{fault:?}");
    }
}

#[tokio::test]
async fn what_is_held_for_a_request_is_given_back_when_that_lets_nobody_in() {
    let house = House::new().await;
    house.log.faults.lock().unwrap().push_back(Fault::Before);
    let unknown = house.call("carol", house.enter("c")).await.unwrap_err();
    assert_eq!(unknown.code, Code::Unavailable);
    house.call("dave", house.enter("d")).await.unwrap();
    assert_eq!(house.uses_left().await, Some(0));

    let full = house.call("carol", house.enter("c")).await.unwrap_err();

    assert_eq!(full.code, Code::TooMany);
    assert_eq!(house.uses_left().await, Some(1));
}

//! A slow mode over restarts and on other nodes.

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, Call, ChangeInfo, ClientId, Code, ConversationId, CreateConversation, Im, InfoPatch,
    RecallMessage, Rejection, SendMessage, Seq, Timestamp, TrustEveryone,
    port::{Ports, Store as _},
    testing::{ManualRuntime, user},
};
use im_store::MemoryStore;

struct House {
    group: ConversationId,
    ports: Ports,
    runtime: ManualRuntime,
}

impl House {
    /// A group of alice, bob and carol, where members say one thing a minute.
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        let key = |text| ClientId::new(text).unwrap();
        let create = CreateConversation::group(key("group"), ["bob", "carol"].map(user));
        let group = ConversationId::created_by(&user("alice"), &key("group"));
        let house = Self {
            group,
            ports,
            runtime,
        };
        house.call("alice", create).unwrap();
        let changes = InfoPatch {
            slow_mode_ms: Some(60_000),
            ..InfoPatch::default()
        };
        let slow = ChangeInfo {
            conversation: group,
            client_id: key("slow"),
            changes,
        };
        house.call("alice", slow).unwrap();
        house
    }

    /// Asks an engine that knows nothing of the group yet.
    fn call<C: Call>(&self, who: &str, call: C) -> Result<C::Reply, Rejection> {
        let im = Im::builder(self.ports.clone(), TrustEveryone).build();
        let actor = Actor::user(user(who));
        self.runtime.block_on(im.call(&actor, call))
    }

    fn say(&self, who: &str) -> Result<Seq, Rejection> {
        let message = SendMessage::new(self.group, ClientId::random(), "hello");
        self.call(who, message).map(|sent| sent.seq)
    }

    fn waits(&self, who: &str) -> Option<u64> {
        let refused = self.say(who).unwrap_err();
        assert_eq!(refused.code, Code::RateLimited);
        refused.retry_after_ms
    }
}

#[test]
fn a_member_who_spoke_a_moment_ago_waits_also_after_a_restart() {
    let house = House::new();
    house.say("bob").unwrap();

    house.runtime.advance(Duration::from_secs(20));

    assert_eq!(house.waits("bob"), Some(40_000));
    house.say("carol").unwrap();
    house.say("alice").unwrap();
    house.say("alice").unwrap();
    house.runtime.advance(Duration::from_secs(40));
    house.say("bob").unwrap();
    assert_eq!(house.waits("carol"), Some(20_000));
}

#[test]
fn what_was_taken_back_and_what_others_said_since_does_not_shorten_the_wait() {
    let house = House::new();
    let seq = house.say("bob").unwrap();
    let recall = RecallMessage {
        conversation: house.group,
        client_id: ClientId::random(),
        target: seq,
    };
    house.call("bob", recall).unwrap();

    for _ in 0..150 {
        house.say("alice").unwrap();
    }

    assert_eq!(house.waits("bob"), Some(60_000));
}

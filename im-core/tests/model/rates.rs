//! What is written and what else is asked have allowances of their own, for each user.

use std::{sync::Arc, time::Duration};

use im_core::{
    Actor, BlockUser, Call, Code, Command, Content, ConversationId, GetPresence, History, Im,
    Limits, ListConversations, MarkDelivered, MarkRead, OpenDirect, Ping, Rejection, Reply,
    SendMessage, Seq, Store, SyncPull, Timestamp, TrustEveryone, Typing, UnblockUser,
    testing::{ManualRuntime, client_id, user},
};
use im_store::MemoryStore;

const SENDS: u32 = 2;
const REQUESTS: u32 = 5;

/// An engine with both allowances, and a clock that stands still.
struct House {
    im: Im,
    runtime: ManualRuntime,
    chat: ConversationId,
}

impl House {
    /// Alice and bob have a conversation; neither has asked for anything yet.
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        let limits = Limits {
            sends_per_second: Some(SENDS),
            requests_per_second: Some(REQUESTS),
            ..Limits::default()
        };
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        let open = OpenDirect { user: user("bob") };
        let service = Actor::service(user("alice"));
        let chat = runtime.block_on(im.call(&service, open)).unwrap();
        Self {
            im,
            runtime,
            chat: chat.conversation,
        }
    }

    fn execute(&self, actor: &Actor, command: Command) -> Result<Reply, Rejection> {
        self.runtime.block_on(self.im.execute(actor, command))
    }

    fn ask(&self, who: &str, call: impl Call) -> Result<Reply, Rejection> {
        self.execute(&Actor::user(user(who)), call.into_command())
    }

    fn read(&self) -> MarkRead {
        MarkRead {
            conversation: self.chat,
            seq: Seq(1),
        }
    }

    fn say(&self, n: u32) -> SendMessage {
        SendMessage::new(
            self.chat,
            client_id(&format!("c{n}")),
            Content::text("hello"),
        )
    }

    /// What is counted as a request, one of each kind.
    fn requests(&self) -> Vec<Command> {
        let conversation = self.chat;
        let users = vec![user("bob")];
        vec![
            Typing { conversation }.into_command(),
            self.read().into_command(),
            MarkDelivered {
                conversation,
                seq: Seq(1),
            }
            .into_command(),
            GetPresence { users }.into_command(),
            History::of(conversation).into_command(),
            ListConversations {
                after: None,
                limit: None,
                which: None,
            }
            .into_command(),
            SyncPull {
                cursor: None,
                have: Default::default(),
                limit: None,
            }
            .into_command(),
            BlockUser { user: user("eve") }.into_command(),
            UnblockUser { user: user("eve") }.into_command(),
        ]
    }
}

fn refusal(answer: Result<Reply, Rejection>) -> Rejection {
    let rejection = answer.unwrap_err();
    assert_eq!(rejection.code, Code::RateLimited, "{rejection}");
    rejection
}

#[test]
fn a_burst_of_requests_passes_then_they_wait_and_time_heals() {
    let house = House::new();
    for _ in 0..REQUESTS * 2 {
        house.ask("alice", house.read()).unwrap();
    }

    let rejection = refusal(house.ask("alice", house.read()));

    assert_eq!(rejection.retry_after_ms, Some(1_000 / u64::from(REQUESTS)));
    assert!(
        rejection
            .detail
            .contains("at most 5 requests per second; wait")
    );
    house.runtime.advance(Duration::from_millis(200));
    house.ask("alice", house.read()).unwrap();
    refusal(house.ask("alice", house.read()));
}

#[test]
fn everything_but_writes_is_counted_together_and_what_ends_a_session_is_not() {
    let house = House::new();
    let alice = Actor::user(user("alice"));
    for request in house.requests() {
        house.execute(&alice, request).unwrap();
    }
    let _ = house.ask("alice", house.read());

    for request in house.requests() {
        let method = request.method();
        let answer = house.execute(&alice, request);
        assert!(
            answer.is_err_and(|it| it.code == Code::RateLimited),
            "{method}"
        );
    }

    house.ask("alice", Ping {}).unwrap();
    house.ask("alice", im_core::CloseSession {}).unwrap();
    // Others are not held up, and a back end is not counted.
    house.ask("bob", house.read()).unwrap();
    let service = Actor::service(user("alice"));
    house
        .execute(&service, house.read().into_command())
        .unwrap();
}

#[test]
fn neither_allowance_uses_up_the_other() {
    let house = House::new();
    while house.ask("alice", house.read()).is_ok() {}
    for n in 0..SENDS * 2 {
        house.ask("alice", house.say(n)).unwrap();
    }
    let rejection = refusal(house.ask("alice", house.say(9)));
    assert!(rejection.detail.contains("with the same client id"));

    while house.ask("bob", house.say(10)).is_ok() {}

    house.ask("bob", house.read()).unwrap();
}

//! Messages that are sent later: once, whatever becomes of the server in the meantime.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use im_core::{
    ClientId, ConversationId, Limits, ListScheduled, OpenDirect, OwnKind, Push, ScheduleMessage,
    SendMessage, Seq, Session, Timestamp, UnscheduleMessage, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, entries_until, next_that, seqs};

#[tokio::test]
async fn what_was_scheduled_before_a_crash_is_sent_once_after_it() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let mut world = World::engine_on(database, Limits::default()).await;
    let phone = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = direct(&phone, "bob").await;
    entries_until(&mut bob, chat, Seq(1)).await;

    let row = call(&phone, later(chat, "birthday", Duration::from_secs(2))).await;
    let told = next_that(&mut laptop, "what the phone scheduled", own).await;
    assert_eq!(told, row);
    world.crash().await;

    assert_eq!(seqs(&entries_until(&mut bob, chat, Seq(2)).await), [2]);
    world.crash().await;
    // Whatever was not done yet is done before what is asked for now, and nothing is done twice.
    call(&phone, later(chat, "after", Duration::ZERO)).await;
    let heard = entries_until(&mut bob, chat, Seq(3)).await;
    assert_eq!(seqs(&heard), [3]);
    assert_eq!(heard[0].client_id.as_str(), "after");
}

#[tokio::test]
async fn a_server_sends_what_was_scheduled_before_it_stopped() {
    let mut world = World::server().await;
    world.token("bob", "none").await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = direct(&alice, "bob").await;
    entries_until(&mut bob, chat, Seq(1)).await;
    call(&alice, later(chat, "c", Duration::from_secs(2))).await;

    world.restart().await;

    assert_eq!(seqs(&entries_until(&mut bob, chat, Seq(2)).await), [2]);
}

#[tokio::test]
async fn a_message_is_scheduled_and_unscheduled_by_hand_and_by_rest() {
    let world = World::server().await;
    world.token("bob", "none").await;
    let alice = world.connect("alice", "phone").await;
    let chat = direct(&alice, "bob").await;
    let mut link = world.by_hand("alice", "laptop").await;
    let content = json!({"kind": "text", "text": "later"});
    let at_ms = now().0 + 3_600_000;
    let params =
        json!({"conversation": chat, "client_id": "c", "content": content, "at_ms": at_ms});

    let row = link.call("message.schedule", params).await.unwrap();
    let list = link.call("message.scheduled", json!({})).await.unwrap();

    assert_eq!(row["value"]["at_ms"], at_ms);
    assert_eq!(list["items"], json!([row]));
    let ask = UnscheduleMessage {
        client_id: ClientId::new("c").unwrap(),
    };
    call(&alice, ask).await;
    let rest = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let body = json!({"content": content, "at_ms": at_ms, "reply_to": 1, "thread": 1, "ttl_ms": 60_000,
        "mentions": {"users": ["bob"]}, "burn_ms": 5_000, "sent_at_ms": 7});
    let path = format!("/v1/conversations/{chat}/scheduled");
    let put = rest.send_once("POST", &path, "r", &body).await;
    assert_eq!(
        (put.status, &put.body["key"]),
        (201, &json!("r")),
        "{put:?}"
    );
    for (field, value) in body.as_object().unwrap() {
        assert_eq!(&put.body["value"][field], value, "{field}");
    }
    let list = rest.get("/v1/scheduled").await;
    assert_eq!(list.body["items"], json!([put.body]));
    let gone = rest.send("DELETE", "/v1/scheduled/r", &json!({})).await;
    assert_eq!(gone.status, 204);
    let again = rest.send("DELETE", "/v1/scheduled/r", &json!({})).await;
    assert_eq!((again.status, again.code()), (404, "not_found"));
    let list = ListScheduled {
        after: None,
        limit: None,
    };
    assert_eq!(call(&alice, list).await.items, []);
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    Timestamp(i64::try_from(since.as_millis()).unwrap())
}

fn later(chat: ConversationId, id: &str, wait: Duration) -> ScheduleMessage {
    ScheduleMessage {
        message: SendMessage::new(chat, ClientId::new(id).unwrap(), "hello"),
        at_ms: now().plus(wait),
    }
}

fn own(push: &Push) -> Option<im_core::OwnRow> {
    match push {
        Push::OwnChanged(row) if row.kind == OwnKind::Scheduled => Some((**row).clone()),
        _ => None,
    }
}

async fn direct(session: &Session, peer: &str) -> ConversationId {
    let view = call(session, OpenDirect { user: user(peer) }).await;
    view.conversation
}

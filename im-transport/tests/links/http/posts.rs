//! Posts by hand: what is asked, in what order, by whom, and how much.

use im_core::{CloseReason, Code};
use serde_json::{Value, json};

use super::{
    by_hand::{Answer, Stream, post},
    door::{Door, bearer},
};
use crate::door::user;

async fn posted(door: &Door, stream: &Stream, frames: &[Value]) -> Answer {
    let lines: Vec<_> = frames.iter().map(Value::to_string).collect();
    post(
        door.address,
        &stream.link,
        &bearer("alice"),
        &lines.join("\n"),
    )
    .await
}

fn ping(id: u64) -> Value {
    json!({"id": id, "method": "session.ping"})
}

#[tokio::test]
async fn a_request_is_answered_in_the_answer_to_its_post() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let chat = door.direct("alice", "bob").await;

    let send = json!({"id": "s", "method": "message.send", "params": {
        "conversation": chat, "client_id": "c1", "content": {"kind": "text", "text": "hello"}}});
    let answer = posted(&door, &stream, std::slice::from_ref(&send)).await;
    let again = posted(&door, &stream, &[send]).await;

    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json\r\n"));
    let reply = &answer.replies()[0];
    assert_eq!(reply["id"], "s");
    assert!(reply["result"]["seq"].is_u64(), "{reply}");
    assert_eq!(again.replies()[0], *reply);
}

#[tokio::test]
async fn several_frames_are_asked_in_their_order() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let chat = door.direct("alice", "bob").await;
    let send = |n: u64| {
        json!({"id": n, "method": "message.send", "params": {
            "conversation": chat, "client_id": format!("c{n}"), "content": {"kind": "text", "text": "x"}}})
    };

    let frames: Vec<_> = (0..200).map(send).collect();
    let mut replies = posted(&door, &stream, &frames).await.replies();

    replies.sort_by_key(|reply| reply["id"].as_u64());
    let seqs: Vec<_> = replies
        .iter()
        .map(|it| it["result"]["seq"].as_u64().unwrap())
        .collect();
    let first = seqs[0];
    assert_eq!(seqs, (first..first + 200).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_broken_frame_gets_a_code_and_the_session_lives() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let code = |answer: Answer| answer.replies()[0]["error"]["data"]["code"].clone();

    let headers = bearer("alice");
    let broken = post(door.address, &stream.link, &headers, "{nonsense").await;
    assert_eq!(code(broken), "invalid_frame");
    let open =
        json!({"id": 1, "method": "session.open", "params": {"token": "alice", "device": "phone"}});
    assert_eq!(code(posted(&door, &stream, &[open]).await), "conflict");

    let silent = posted(&door, &stream, &[json!({"method": "session.ping"})]).await;
    assert_eq!((silent.status, silent.body.as_str()), (200, ""));
    let answer = posted(&door, &stream, &[ping(1), ping(2)]).await;
    assert_eq!(answer.replies().len(), 2);
}

#[tokio::test]
async fn a_link_is_for_its_own_user_alone() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let _mallory = door.stream("mallory", "phone").await;
    let body = ping(1).to_string();
    let with =
        async |headers: &str, link: &str| post(door.address, link, headers, &body).await.refusal();

    let other = with(&bearer("mallory"), &stream.link).await;
    let absent = with(&bearer("alice"), &"A".repeat(32)).await;

    assert_eq!(other, (404, Code::NotFound));
    assert_eq!(absent, other);
    assert_eq!(with("", &stream.link).await, (401, Code::Unauthenticated));
    let forged = with(&bearer("not a user"), &stream.link).await;
    assert_eq!(forged, (401, Code::Unauthenticated));
}

#[tokio::test]
async fn a_post_has_a_bound_and_the_session_lives() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let headers = bearer("alice");

    let large = " ".repeat(512 * 1024 + 1);
    let refused = post(door.address, &stream.link, &headers, &large).await;
    let full = post(door.address, &stream.link, &headers, &large[1..]).await;

    assert_eq!(refused.refusal(), (413, Code::TooLarge));
    assert_eq!(full.status, 200);
    assert_eq!(door.im.session_count(), 1);
}

#[tokio::test]
async fn a_session_ends_by_a_post_and_takes_no_more() {
    let door = Door::open().await;
    let mut stream = door.stream("alice", "phone").await;

    let close = json!({"id": 1, "method": "session.close"});
    let answer = posted(&door, &stream, &[close, ping(2)]).await;

    assert_eq!(answer.replies().len(), 1, "{}", answer.body);
    assert_eq!(stream.close_code().await, 1000);
    let late = posted(&door, &stream, &[ping(3)]).await;
    assert_eq!(late.refusal(), (404, Code::NotFound));
    assert_eq!(door.im.session_count(), 0);
}

#[tokio::test]
async fn a_link_that_was_closed_is_over_before_its_stream_is_read() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;

    door.im
        .disconnect(&user("alice"), None, CloseReason::Unauthenticated);
    crate::door::within(async { while posted(&door, &stream, &[ping(1)]).await.status == 200 {} })
        .await;

    assert_eq!(door.im.session_count(), 0);
}

//! Bytes that are no request: each gets its code, and the session lives where it can.

use im_core::OpenDirect;
use serde_json::{Value, json};

use crate::world::{ByHand, Frame, Opcode, World, call};

/// Frames that are answered without an id, because none can be read: what is sent, and the code.
const BROKEN: &[(&str, &[u8], &str)] = &[
    ("an empty frame", b"", "invalid_frame"),
    (
        "truncated JSON",
        br#"{"jsonrpc":"2.0","id":1,"method":"session.pi"#,
        "invalid_frame",
    ),
    ("no JSON at all", b"hello", "invalid_frame"),
    ("two frames in one", b"{}{}", "invalid_frame"),
    ("a list", b"[1]", "invalid_frame"),
    ("a number", b"7", "invalid_frame"),
    ("null", b"null", "invalid_frame"),
    ("an empty object", b"{}", "invalid_frame"),
    (
        "an id that is negative",
        br#"{"id":-1,"method":"session.ping"}"#,
        "invalid_frame",
    ),
    (
        "an id that is a list",
        br#"{"id":[],"method":"session.ping"}"#,
        "invalid_frame",
    ),
    (
        "a method that is a number",
        br#"{"method":7}"#,
        "invalid_frame",
    ),
    (
        "an unknown method without an id",
        br#"{"method":"no.such"}"#,
        "unknown_method",
    ),
];

#[tokio::test]
async fn a_frame_that_is_no_request_is_refused_and_the_session_lives() {
    let world = World::engine().await;
    let mut link = world.by_hand("alice", "phone").await;

    for (what, bytes, code) in BROKEN {
        let error = link.provoke(Opcode::Text, bytes).await.unwrap_err();
        assert_eq!(error["code"], *code, "{what}: {error}");
        assert_eq!(error["retryable"], false, "{what}");
        assert_lives(&mut link).await;
    }
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let error = link
        .provoke(Opcode::Text, deep.as_bytes())
        .await
        .unwrap_err();
    assert_eq!(error["code"], "invalid_frame");
    assert_lives(&mut link).await;
}

#[tokio::test]
async fn a_frame_of_the_wrong_kind_is_refused_and_the_session_lives() {
    let world = World::engine().await;
    let mut text = world.by_hand("alice", "text").await;
    let mut binary = ByHand::dial(world.address(), Some("im.v1.msgpack")).await;
    let open = json!({"token": "alice", "device": "binary"});
    binary.call("session.open", open).await.unwrap();

    let ping = br#"{"id":1,"method":"session.ping"}"#;
    let error = text.provoke(Opcode::Binary, ping).await.unwrap_err();
    assert_eq!(error["code"], "invalid_frame");
    let error = binary.provoke(Opcode::Text, ping).await.unwrap_err();
    assert_eq!(error["code"], "invalid_frame");
    // Truncated, of a wrong shape, nested without end, and a length that nothing follows.
    let endless = [0x91; 5_000];
    for bytes in [
        &b"\x83\xa2id\x01"[..],
        &[0xc1],
        &[0x93, 1, 2, 3],
        &endless,
        &[0xdf, 0xff, 0xff, 0xff, 0xff],
    ] {
        let error = binary.provoke(Opcode::Binary, bytes).await.unwrap_err();
        assert_eq!(error["code"], "invalid_frame");
        assert_lives(&mut binary).await;
    }
    assert_lives(&mut text).await;
}

#[tokio::test]
async fn what_breaks_the_websocket_ends_the_link_and_nothing_else() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let open = OpenDirect {
        user: im_core::testing::user("bob"),
    };
    let chat = call(&alice, open).await.conversation;
    let too_large = {
        let mut head = vec![0x81, 0x80 | 127];
        head.extend((512u64 * 1024 + 1).to_be_bytes());
        head.extend([0; 4]);
        head
    };
    let cases: [(&str, &[u8], u16); 7] = [
        (
            "text that is not UTF-8",
            &[0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe],
            1007,
        ),
        ("a message that is too large", &too_large, 1009),
        (
            "a length beyond all limits",
            &[
                0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
            ],
            1009,
        ),
        ("a frame without a mask", &[0x81, 0x02, b'{', b'}'], 1002),
        ("reserved bits", &[0xf1, 0x80, 0, 0, 0, 0], 1002),
        ("an opcode that is none", &[0x83, 0x80, 0, 0, 0, 0], 1002),
        ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0], 1002),
    ];

    for (n, (what, bytes, code)) in cases.iter().enumerate() {
        let mut link = world.by_hand("bob", &format!("device-{n}")).await;
        link.write_raw(bytes).await;
        assert_eq!(link.close_code().await, *code, "{what}");
        assert_eq!(link.frame().await, Frame::End, "{what}");
    }
    // Half a frame, and then nothing.
    let mut link = world.by_hand("bob", "half").await;
    link.write_raw(&[0x81, 0xfe, 0x10]).await;
    drop(link);
    alice.send(&chat, "still here").await.unwrap();
    assert_lives(&mut world.by_hand("bob", "phone").await).await;
}

#[tokio::test]
async fn a_link_whose_session_is_not_open_may_ask_for_nothing() {
    let world = World::engine().await;
    let mut link = ByHand::dial(world.address(), None).await;

    for method in ["session.ping", "conversation.list", "sync.pull"] {
        let error = link.call(method, json!({})).await.unwrap_err();
        assert_eq!(error["code"], "unauthenticated", "{method}");
    }
    // A wrong type is the caller's mistake, and no attempt to get in.
    let error = link
        .call("session.open", json!({"token": 7, "device": "d"}))
        .await;
    assert_eq!(error.unwrap_err()["code"], "invalid_request");
    let open = json!({"token": "alice", "device": "d"});
    link.call("session.open", open.clone()).await.unwrap();
    assert_eq!(
        link.call("session.open", open).await.unwrap_err()["code"],
        "conflict"
    );
    assert_lives(&mut link).await;

    // Before the session is open even a small message is too large.
    let mut link = ByHand::dial(world.address(), None).await;
    let long = json!({"method": "x".repeat(9_000)}).to_string();
    link.write(Opcode::Text, long.as_bytes()).await;
    assert_eq!(link.close_code().await, 1009);
}

#[tokio::test]
async fn who_sends_nothing_but_nonsense_is_shown_out() {
    let world = World::engine().await;
    let mut link = world.by_hand("alice", "phone").await;

    let mut refused = 0;
    let code = loop {
        for _ in 0..100 {
            link.write(Opcode::Text, b"nonsense").await;
        }
        let mut code = None;
        for _ in 0..100 {
            match link.frame().await {
                Frame::Value(answer) => {
                    assert_eq!(answer["error"]["data"]["code"], "invalid_frame");
                    refused += 1;
                }
                Frame::Close(with, _) => {
                    code = Some(with);
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        if let Some(code) = code {
            break code;
        }
    };

    assert_eq!(code, 4301);
    assert!(refused >= 16, "a few mistakes are forgiven");
    assert_lives(&mut world.by_hand("alice", "phone").await).await;
}

async fn assert_lives(link: &mut ByHand) {
    let pong: Value = link.call("session.ping", json!({})).await.unwrap();
    assert!(pong["server_time_ms"].is_i64());
}

//! What WebSocket has and other links have not, over both of its subprotocols.

use im_core::{
    Code, Command, Ping,
    wire::{Format, Incoming, RequestId},
};

use crate::{
    door::{Door, Over},
    raw::{self, CLOSE, PING, PONG, Raw, frame, open},
};

const FORMATS: [Format; 2] = [Format::Json, Format::MessagePack];

#[tokio::test]
async fn a_peer_that_breaks_rfc_6455_is_closed_with_its_code() {
    for format in FORMATS {
        let door = Door::open(Over::web_socket(format)).await;

        let mut link = door.raw_session("alice", "phone").await;
        link.write(b"\x81\x02hi").await;
        assert_eq!(link.close_code().await, 1002);

        let mut link = door.raw_session("alice", "phone").await;
        link.write(&frame(raw::TEXT, b"\xff")).await;
        assert_eq!(link.close_code().await, 1007);
    }
}

#[tokio::test]
async fn a_message_of_the_other_kind_gets_a_code_and_the_session_lives() {
    for format in FORMATS {
        let door = Door::open(Over::web_socket(format)).await;
        let mut link = door.raw_session("alice", "phone").await;
        let other = match format {
            Format::Json => raw::BINARY,
            Format::MessagePack => raw::TEXT,
        };

        link.write(&frame(other, b"{}")).await;

        assert_eq!(link.refusal().await, Code::InvalidFrame);
        link.request(&Command::Ping(Ping {})).await;
        assert_eq!(link.incoming().await, Incoming::Reply(RequestId::Number(7)));
    }
}

#[tokio::test]
async fn a_pong_has_what_its_ping_had() {
    let door = Door::open(Over::JSON).await;
    let mut link = door.raw_session("alice", "phone").await;

    for byte in frame(PING, b"slow") {
        link.write(&[byte]).await;
        tokio::task::yield_now().await;
    }

    assert_eq!(link.read().await, Some((PONG, b"slow".to_vec())));
}

#[tokio::test]
async fn a_token_may_come_with_the_request() {
    for format in FORMATS {
        let door = Door::open(Over::web_socket(format)).await;
        let header = "Authorization: Bearer alice\r\n";
        let mut link = Raw::open(door.address, format, header).await;

        link.request(&open(None, "phone")).await;

        assert_eq!(link.incoming().await, Incoming::Reply(RequestId::Number(7)));
        assert_eq!(door.im.session_count(), 1);
    }
}

#[tokio::test]
async fn a_close_is_answered() {
    for format in FORMATS {
        let door = Door::open(Over::web_socket(format)).await;
        let code = 1000u16.to_be_bytes();

        for payload in [&code[..], b""] {
            let mut link = door.raw_session("alice", "phone").await;
            link.write(&frame(CLOSE, payload)).await;
            assert_eq!(link.read().await, Some((CLOSE, payload.to_vec())));
            assert_eq!(link.read().await, None);
        }
    }
}

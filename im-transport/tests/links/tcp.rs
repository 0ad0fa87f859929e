//! What TCP has and other links have not: lengths, which may lie, and ends that are no frames.

use std::time::Duration;

use im_core::{Actor, CloseReason, Code, Command, Ping, port::Identity, wire::Incoming};
use im_transport::{Bounds, tcp::TcpServer};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    door::{Door, HEARTBEAT, Over, PATIENCE, end_of, say, seq, user},
    raw::{Raw, behind_its_length, open},
};

/// Everything that a server still says, to the end of the stream.
async fn rest(link: &mut Raw) -> Vec<u8> {
    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, link.stream.read_to_end(&mut rest)).await;
    end.unwrap().unwrap();
    rest
}

#[tokio::test]
async fn the_last_frame_is_an_array_of_a_code_and_a_sentence() {
    let door = Door::open(Over::TCP).await;
    let mut link = door.raw().await;

    link.write(&[0, 0, 0x20, 1]).await;
    link.stream.shutdown().await.unwrap();

    let sentence = "a frame of 8193 bytes is too large; at most 8192 are taken";
    let mut inside = vec![0x92, 0xcd, 0x03, 0xf1, 0xd9, sentence.len() as u8];
    inside.extend(sentence.as_bytes());
    assert_eq!(rest(&mut link).await, behind_its_length(&inside));
}

#[tokio::test]
async fn a_length_that_lies_is_refused_before_anything_follows() {
    let door = Door::open(Over::TCP).await;
    for lie in [u32::MAX, 1 << 31, 512 * 1024 + 1] {
        let mut guest = door.raw().await;
        guest.write(&lie.to_be_bytes()).await;
        assert_eq!(guest.close_code().await, 1009, "{lie}");

        let mut alice = door.raw_session("alice", "phone").await;
        alice.write(&lie.to_be_bytes()).await;
        assert_eq!(alice.close_code().await, 1009, "{lie}");
    }
}

#[tokio::test]
async fn half_a_length_is_not_waited_for_for_ever() {
    let bounds = Bounds {
        message_timeout: Duration::from_millis(200),
        ..Bounds::default()
    };
    let door = Door::open_with(Over::TCP, bounds, HEARTBEAT).await;
    let mut link = door.raw_session("alice", "phone").await;

    link.write(&[0, 0]).await;

    assert_eq!(link.close_code().await, 4001);
}

#[tokio::test]
async fn http_on_the_port_is_told_that_it_is_too_large() {
    let door = Door::open(Over::TCP).await;
    let mut link = door.raw().await;

    link.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;

    assert_eq!(link.close_code().await, 1009);
}

#[tokio::test]
async fn json_is_told_what_is_spoken_here() {
    let door = Door::open(Over::TCP).await;
    let mut link = door.raw_session("alice", "phone").await;

    link.data(br#"{"id":1,"method":"session.ping"}"#).await;

    assert_eq!(link.refusal().await, Code::InvalidFrame);
    link.request(&Command::Ping(Ping {})).await;
    assert!(matches!(link.incoming().await, Incoming::Reply(_)));
}

#[tokio::test]
async fn a_client_that_ends_its_stream_ends_its_session() {
    let door = Door::open(Over::TCP).await;
    let mut link = door.raw_session("alice", "phone").await;

    link.stream.shutdown().await.unwrap();

    assert_eq!(link.read().await, None);
    assert_eq!(door.im.session_count(), 0);
}

#[tokio::test]
async fn a_host_can_authenticate_by_itself() {
    let door = Door::open(Over::TCP).await;
    let server = TcpServer::new(door.im.clone(), Bounds::default());
    let identity = Identity {
        actor: Actor::user(user("carol")),
        expires_at_ms: None,
        sign_in: None,
        checked_at: None,
    };
    let (near, far) = tokio::io::duplex(1_024);

    server.accept_as(near, identity);
    let mut link = Raw::tcp(far);
    link.request(&open(None, "phone")).await;

    assert!(matches!(link.incoming().await, Incoming::Reply(_)));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_host_can_accept_by_itself() {
    let door = Door::open(Over::TCP).await;
    let server = TcpServer::new(door.im.clone(), Bounds::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let far = TcpStream::connect(listener.local_addr().unwrap());
    let (far, near) = tokio::join!(far, listener.accept());

    server.accept(near.unwrap().0);
    let mut link = Raw::tcp(far.unwrap());
    link.open_session("alice", "phone").await;

    door.im.shut_down().await;
    assert_eq!(link.close_code().await, 4000);
    tokio::time::timeout(PATIENCE, server.drained())
        .await
        .unwrap();
}

#[tokio::test]
async fn beyond_the_bound_of_connections_who_comes_is_closed_and_who_is_there_stays() {
    for over in [Over::TCP, Over::TCP_AND_TLS] {
        let bounds = Bounds {
            max_connections: 2,
            ..Bounds::default()
        };
        let door = Door::open_with(over, bounds, HEARTBEAT).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let bob = door.connect("bob", "phone").await.unwrap();

        let third = door.connect("carol", "phone").await;

        assert_eq!(third.map(drop), Err(im_core::CallError::Lost));
        let chat = door.direct("alice", "bob").await;
        alice.call(say(&chat, "c1", "hello")).await.unwrap();
        bob.call(Command::Ping(Ping {})).await.unwrap();
    }
}

#[tokio::test]
async fn a_session_outlives_its_links() {
    let door = Door::open(Over::TCP).await;
    let mut bob = im_transport::Client::connect(&door.url(), "bob", "laptop")
        .await
        .unwrap();
    let alice = door.connect("alice", "phone").await.unwrap();
    let chat = door.direct("alice", "bob").await;

    for n in 0..3 {
        door.im
            .disconnect(&user("bob"), None, CloseReason::GoingAway);
        let said = say(&chat, &format!("c{n}"), "hello");
        let sent = seq(alice.call(said).await.unwrap());
        let got = tokio::time::timeout(PATIENCE, bob.next_message()).await;
        assert_eq!(got.unwrap().unwrap().seq.0, sent);
    }
}

#[tokio::test]
async fn a_client_hears_why_a_server_ends_the_link() {
    let door = Door::open(Over::TCP).await;
    let alice = door.connect("alice", "phone").await.unwrap();

    door.im
        .disconnect(&user("alice"), None, CloseReason::Displaced);

    assert_eq!(end_of(&*alice).await, CloseReason::Displaced);
}

#[tokio::test]
async fn a_client_breaks_off_with_a_server_that_sends_too_much() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("tcp://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        let mut link = Raw::tcp(listener.accept().await.unwrap().0);
        // What the client asks for is not looked at.
        link.read().await.unwrap();
        link.write(&u32::MAX.to_be_bytes()).await;
        link.read().await
    });

    let outcome = im_transport::Client::connect(&url, "alice", "phone").await;

    assert!(outcome.is_err());
    assert_eq!(server.await.unwrap(), None, "and says nothing more");
}

//! The HTTP side: what is negotiated, who is refused, and where the door can be mounted.

use std::time::Duration;

use axum::{Router, extract::Request, routing::get};
use bytes::Bytes;
use fastwebsockets::{Frame, OpCode, Payload, handshake};
use http_body_util::Empty;
use im_core::{
    Actor, Command, Im, Ping, TrustEveryone,
    port::Identity,
    wire::{Format, Incoming, RequestId},
};
use im_store::MemoryStore;
use im_transport::{
    Bounds,
    ws::{Options, Origins, WebSocketServer},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    door::{Door, HEARTBEAT, Over, PATIENCE, user},
    raw::{Framing, Raw, open, shake},
};

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap()
}

#[tokio::test]
async fn who_offers_no_subprotocol_speaks_json() {
    let door = Door::open(Over::JSON).await;

    let (tcp, answer) = shake(door.address, "").await;

    assert_eq!(status(&answer), "101");
    assert!(
        !answer.to_lowercase().contains("sec-websocket-protocol"),
        "{answer}"
    );
    let mut link = Raw {
        stream: tcp,
        format: Format::Json,
        framing: Framing::WebSocket,
    };
    link.open_session("alice", "phone").await;
}

#[tokio::test]
async fn the_first_subprotocol_that_is_known_is_taken() {
    let door = Door::open(Over::JSON).await;
    for (offer, expected) in [
        ("im.v1.json, im.v1.msgpack", "im.v1.json"),
        ("im.v2.cbor, im.v1.msgpack", "im.v1.msgpack"),
    ] {
        let headers = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        let (_, answer) = shake(door.address, &headers).await;
        assert!(
            answer.contains(&format!("sec-websocket-protocol: {expected}\r\n")),
            "{answer}"
        );
    }
    let (_, answer) = shake(door.address, "Sec-WebSocket-Protocol: mqtt\r\n").await;
    assert_eq!(status(&answer), "400");
    assert!(answer.contains("content-type: text/plain"), "{answer}");
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused() {
    let door = Door::open(Over::JSON).await;
    let listed = Origins::List(["https://app.example".to_owned()].into());
    let open_to_one = Door::open_to(listed).await;

    let of = async |door: &Door, origin: &str| {
        let (_, answer) = shake(door.address, &format!("Origin: {origin}\r\n")).await;
        status(&answer).to_owned()
    };

    assert_eq!(of(&door, &format!("http://{}", door.address)).await, "101");
    assert_eq!(of(&door, "http://evil.example").await, "403");
    assert_eq!(of(&open_to_one, "https://app.example").await, "101");
    assert_eq!(
        of(&open_to_one, &format!("http://{}", open_to_one.address)).await,
        "403"
    );
}

#[tokio::test]
async fn slow_headers_are_not_waited_for() {
    let bounds = Bounds {
        open_timeout: Duration::from_millis(200),
        ..Bounds::default()
    };
    let door = Door::open_with(Over::JSON, bounds, HEARTBEAT).await;

    let mut tcp = TcpStream::connect(door.address).await.unwrap();
    tcp.write_all(b"GET / HTTP/1.1\r\nHost: ").await.unwrap();

    let mut rest = Vec::new();
    let end = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut rest)).await;
    end.expect("the server hangs up").unwrap();
}

#[tokio::test]
async fn huge_headers_are_refused() {
    let door = Door::open(Over::JSON).await;

    let (_, answer) = shake(door.address, &format!("X-Long: {}\r\n", "x".repeat(20_000))).await;

    assert_eq!(status(&answer), "431");
}

/// An axum service with two doors: one that wants a token, one that has authenticated already.
async fn axum_host() -> (std::net::SocketAddr, Im) {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let server = WebSocketServer::new(im.clone(), Options::default());
    let trusted = server.clone();
    let identity = Identity {
        actor: Actor::user(user("carol")),
        expires_at_ms: None,
        sign_in: None,
        checked_at: None,
    };
    let routes = Router::new()
        .route(
            "/v1/ws",
            get(async move |mut request: Request| server.upgrade(&mut request)),
        )
        .route(
            "/carol",
            get(async move |mut request: Request| {
                trusted.upgrade_as(&mut request, identity.clone())
            }),
        );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    (address, im)
}

#[tokio::test]
async fn the_door_can_be_mounted_in_axum() {
    let (address, im) = axum_host().await;

    let mut link = Raw::open(address, Format::Json, "").await;
    link.open_session("alice", "phone").await;

    assert_eq!(im.session_count(), 1);
}

#[tokio::test]
async fn a_host_can_authenticate_by_itself_and_another_client_can_speak() {
    struct Spawn;
    impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Spawn {
        fn execute(&self, future: F) {
            tokio::spawn(future);
        }
    }
    let (address, im) = axum_host().await;
    let request = hyper::Request::get(format!("http://{address}/carol"))
        .header("host", address.to_string())
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", handshake::generate_key())
        .body(Empty::<Bytes>::new())
        .unwrap();
    let tcp = TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = handshake::client(&Spawn, request, tcp).await.unwrap();

    let mut payload = Vec::new();
    let id = RequestId::Number(1);
    im_core::wire::write_request(Format::Json, &id, &open(None, "tablet"), &mut payload);
    let text = Frame::text(Payload::Owned(payload));
    socket.write_frame(text).await.unwrap();

    let frame = socket.read_frame().await.unwrap();
    assert_eq!(frame.opcode, OpCode::Text);
    let reply = Incoming::read(Format::Json, &frame.payload).unwrap();
    assert_eq!(reply, Incoming::Reply(id));
    assert_eq!(im.session_count(), 1);
    let close = Frame::close(1000, b"");
    socket.write_frame(close).await.unwrap();
    let frame = socket.read_frame().await.unwrap();
    assert_eq!(frame.opcode, OpCode::Close);
}

#[tokio::test]
async fn a_stream_that_is_no_socket_works_as_well() {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let server = WebSocketServer::new(im.clone(), Options::default());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // What hyper sees is a pipe in memory, as it would be a TLS stream.
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        let (near, mut far) = tokio::io::duplex(1_024);
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut tcp, &mut far).await });
        let service = hyper::service::service_fn(move |mut request| {
            std::future::ready(Ok::<_, std::convert::Infallible>(
                server.upgrade::<hyper::body::Incoming>(&mut request),
            ))
        });
        let io = hyper_util::rt::TokioIo::new(near);
        hyper::server::conn::http1::Builder::new()
            .serve_connection(io, service)
            .with_upgrades()
            .await
    });
    let mut link = Raw::open(address, Format::Json, "").await;
    link.open_session("bob", "phone").await;
    let chat = im.direct("alice", "bob").await.unwrap();
    let alice = im.connect("alice", "laptop").await.unwrap();

    for n in 0..20 {
        // More than the pipe holds at a time.
        let sent = alice.send(&chat, "x".repeat(5_000)).await.unwrap();
        loop {
            match link.incoming().await {
                Incoming::Push(im_core::Push::Entry(entry)) if entry.seq == sent.seq => break,
                Incoming::Push(_) => {}
                other => panic!("push {n}: {other:?}"),
            }
        }
    }

    im.shut_down().await;
    assert_eq!(link.close_code().await, 4000);
}

#[tokio::test]
async fn beyond_the_bound_of_connections_a_request_is_answered_with_503() {
    let bounds = Bounds {
        max_connections: 1,
        ..Bounds::default()
    };
    let door = Door::open_with(Over::JSON, bounds, HEARTBEAT).await;
    let mut alice = door.raw_session("alice", "phone").await;

    let (_, answer) = shake(door.address, "").await;

    assert_eq!(status(&answer), "503");
    alice.request(&Command::Ping(Ping {})).await;
    assert!(matches!(alice.incoming().await, Incoming::Reply(_)));
}

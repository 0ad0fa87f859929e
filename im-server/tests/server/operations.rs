//! What operators look at: health, capabilities, stopping.

use std::time::{Duration, Instant};

use im_server::Secret;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::house::House;

#[tokio::test]
async fn a_running_server_is_alive_and_ready() {
    let house = House::open().await;
    for path in ["/healthz", "/readyz"] {
        let answer = house.ask(&format!("GET {path}")).send().await;
        assert_eq!(
            (answer.status, &answer.body[..]),
            (200, &br#"{"status":"ok"}"#[..])
        );
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    }
}

#[tokio::test]
async fn capabilities_tell_clients_what_they_can_do() {
    let house = House::open_with(|config| {
        config.public_url = Some("https://im.example.org/".parse().unwrap())
    })
    .await;
    let answer = house.ask("GET /v1/capabilities").send().await.json();
    assert_eq!(answer["limits"]["text_chars"], 10_000);
    assert_eq!(answer["limits"]["sends_per_second"], 10);
    assert_eq!(answer["limits"]["requests_per_second"], 50);
    assert_eq!(answer["transports"][0]["url"], "wss://im.example.org/v1/ws");
    assert_eq!(
        answer["transports"][1]["url"],
        "https://im.example.org/v1/events"
    );
    let methods = answer["methods"].as_array().unwrap();
    assert!(
        methods
            .iter()
            .any(|door| door["method"] == "message.send" && door["verb"] == "POST")
    );
}

#[tokio::test]
async fn a_request_that_is_no_upgrade_is_told_so() {
    let house = House::open().await;
    let answer = house.ask("GET /v1/ws").send().await;
    assert_eq!(answer.problem(), (426, "invalid_request".into()));
    assert_eq!(answer.headers["sec-websocket-version"], "13");
}

#[tokio::test]
async fn a_websocket_opens_with_a_bearer_token() {
    let house = House::open().await;
    let token = house.token_of("alice").await;

    let mut stream = open_websocket(&house, &token).await;

    let devices = house
        .ask("GET /v1/devices")
        .token(&token)
        .send()
        .await
        .json();
    assert_eq!(devices["items"][0]["id"], "phone");

    house.server.shut_down().await;
    let farewell = read_until(&mut stream, "going_away").await;
    assert!(farewell.contains("session.closing"), "{farewell}");
}

#[test]
fn the_last_words_are_written_before_the_server_is_gone() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let (begin, begun) = std::sync::mpsc::channel();
    let reader = runtime.block_on(async {
        let house = House::open_with(|config| {
            config.database_url = Secret::new("memory:");
            config.limits.sends_per_second = None;
        })
        .await;
        let token = house.token_of("bob").await;
        house.token_of("alice").await;
        let im = house.server.im();
        let chat = im.direct("alice", "bob").await.unwrap();
        let alice = im.connect("alice", "laptop").await.unwrap();
        let stream = open_websocket(&house, &token).await;
        // More than sockets hold: much waits for bob, and the last words behind it.
        for _ in 0..2_000 {
            alice.send(&chat, "x".repeat(9_000)).await.unwrap();
        }
        let mut stream = stream.into_std().unwrap();
        stream.set_nonblocking(false).unwrap();
        let reader = std::thread::spawn(move || {
            begun.recv().unwrap();
            let mut bytes = Vec::new();
            let _ = std::io::Read::read_to_end(&mut stream, &mut bytes);
            bytes
        });

        let stopping = house.server.shut_down();
        tokio::join!(stopping, async { begin.send(()).unwrap() });
        reader
    });
    drop(runtime);

    let bytes = reader.join().unwrap();
    let end = &bytes[bytes.len() - 60..];
    let close = 4000_u16.to_be_bytes();
    assert!(end.windows(2).any(|code| code == close), "{end:?}");
}

/// A WebSocket with an open session.
async fn open_websocket(house: &House, token: &str) -> TcpStream {
    let mut stream = TcpStream::connect(house.server.address()).await.unwrap();
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: im.v1.json\r\nAuthorization: Bearer {token}\r\n\r\n",
        house.server.address()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let head = read_until(&mut stream, "\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");

    let open = br#"{"id":1,"method":"session.open","params":{"device":"phone"}}"#;
    stream.write_all(&frame(open)).await.unwrap();
    let reply = read_until(&mut stream, "}}").await;
    assert!(reply.contains(r#""session":"#), "{reply}");
    stream
}

/// A text frame, masked with zeros.
fn frame(payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![
        0x81,
        0x80 | u8::try_from(payload.len()).unwrap(),
        0,
        0,
        0,
        0,
    ];
    frame.extend_from_slice(payload);
    frame
}

async fn read_until(stream: &mut TcpStream, end: &str) -> String {
    let mut bytes = Vec::new();
    let read = async {
        while !String::from_utf8_lossy(&bytes).contains(end) {
            assert!(
                stream.read_buf(&mut bytes).await.unwrap() > 0,
                "the stream ended"
            );
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), read).await;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(in_time.is_ok(), "{text}");
    text
}

#[tokio::test]
async fn stopping_does_not_wait_for_idle_connections_and_takes_no_new_ones() {
    let house = House::open().await;
    let address = house.server.address();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    read_until(&mut idle, "ok").await;

    let started = Instant::now();
    house.server.shut_down().await;

    assert!(
        started.elapsed() < Duration::from_secs(5),
        "{:?}",
        started.elapsed()
    );
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn beyond_the_most_connections_the_newest_is_refused() {
    let house = House::open_with(|config| config.max_connections = 1).await;
    let get = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    let mut first = TcpStream::connect(house.server.address()).await.unwrap();
    first.write_all(get).await.unwrap();
    read_until(&mut first, "ok").await;

    let mut second = TcpStream::connect(house.server.address()).await.unwrap();
    let mut answer = Vec::new();
    // It may be closed before it has asked.
    let _ = second.write_all(get).await;
    let _ = second.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "{answer:?}");

    first.write_all(get).await.unwrap();
    read_until(&mut first, "ok").await;
}

#[tokio::test]
async fn half_a_head_does_not_hold_a_connection_for_ever() {
    let house = House::open().await;
    let mut slow = TcpStream::connect(house.server.address()).await.unwrap();
    let mut large = TcpStream::connect(house.server.address()).await.unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\nhost: ")
        .await
        .unwrap();

    let flood = format!("GET / HTTP/1.1\r\nhost: {}\r\n", "x".repeat(100_000));
    let _ = large.write_all(flood.as_bytes()).await;
    let mut answer = String::new();
    let _ = large.read_to_string(&mut answer).await;
    assert!(
        answer.is_empty() || answer.starts_with("HTTP/1.1 431"),
        "{answer}"
    );

    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(30), slow.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "closed after the time-out");
}

//! Requests by HTTP, and tokens: with the whole server behind them, in this process.

use std::cell::OnceCell;

use im_core::{Actor, Limits, UpsertUser, testing::user};
use im_server::{Config, RateLimits, Secret, Server, WantedToken};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    runtime::Runtime,
};

/// A server on the thread that asks it, so that its work is counted as that thread's.
struct Door {
    runtime: Runtime,
    server: Server,
    token: String,
    key: String,
    /// Verb and path of every route.
    routes: Vec<(String, String)>,
}

thread_local! {
    static DOOR: OnceCell<Door> = const { OnceCell::new() };
}

/// Any text as a token.
pub(super) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    with(|door| {
        let identity = door.runtime.block_on(door.server.im().authenticate(&text));
        assert!(identity.is_err() || *text == *door.token, "{text}");
    });
}

/// The first byte chooses the route, the second who asks; up to a newline follows what is put into its path and query,
/// then the body. Whatever is asked, the answer is whole, and no failure of ours.
pub(super) fn rest(bytes: &[u8]) {
    let [route, asker, rest @ ..] = bytes else {
        return;
    };
    let (places, body) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &[][..]),
    };
    with(|door| {
        let (verb, path) = &door.routes[usize::from(*route) % door.routes.len()];
        let target = filled(path, places);
        let credential = match asker % 3 {
            0 => String::new(),
            1 => format!("Authorization: Bearer {}\r\n", door.token),
            _ => format!("Authorization: Bearer {}\r\nIm-User: alice\r\n", door.key),
        };
        let head = format!(
            "{verb} {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {credential}Content-Length: {}\r\n\r\n",
            body.len()
        );
        let answer = door.runtime.block_on(ask(door, head.as_bytes(), body));
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).unwrap_or_default();
        assert!(
            answer.starts_with("HTTP/1.1 ") && status != "500",
            "{head}: {answer}"
        );
    });
}

async fn ask(door: &Door, head: &[u8], body: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(door.server.address())
        .await
        .expect("a connection");
    // The server may answer before it has read all, and end the connection.
    let _ = stream.write_all(head).await;
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    answer
}

/// A path with what the bytes say in its places, in the way of an URL, and the rest of them as its query.
fn filled(path: &str, places: &[u8]) -> String {
    let mut pieces = places.split(|byte| *byte == b'&');
    let mut target = String::new();
    for part in path.split('/').skip(1) {
        target.push('/');
        if part.starts_with('{') {
            let piece = pieces.next().unwrap_or(b"x");
            target.push_str(&escaped(if piece.is_empty() { b"x" } else { piece }, false));
        } else {
            target.push_str(part);
        }
    }
    let query: Vec<_> = pieces.map(|piece| escaped(piece, true)).collect();
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    target
}

fn escaped(bytes: &[u8], in_query: bool) -> String {
    let plain = |byte: u8| {
        byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte) || (in_query && byte == b'=')
    };
    bytes
        .iter()
        .map(|byte| {
            if plain(*byte) {
                char::from(*byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn with(work: impl FnOnce(&Door)) {
    DOOR.with(|door| work(door.get_or_init(Door::open)));
}

impl Door {
    fn open() -> Self {
        // For its start alone: what it stores is in memory.
        let home = tempfile::tempdir().expect("a folder");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.expect("a runtime");
        let config = Config {
            data_dir: home.path().into(),
            database_url: Secret::new("memory:"),
            limits: Limits {
                requests_per_second: None,
                sends_per_second: None,
                deltas_per_second: None,
                ..Limits::default()
            },
            // Passwords are slow on purpose: a few are tried, and then no more.
            rate_limits: RateLimits::default(),
            listen: "127.0.0.1:0".parse().expect("an address"),
            ..Config::default()
        };
        let (server, token, key) = runtime.block_on(async {
            let server = Server::start(&config).await.expect("a server");
            let service = Actor::service(user("back-end"));
            let alice = UpsertUser::new(user("alice"));
            server.im().call(&service, alice).await.expect("a user");
            let issued = server
                .accounts()
                .issue(WantedToken::of(user("alice")))
                .await;
            let key = server.accounts().create_key("fuzz").await.expect("a key");
            (server, issued.expect("a token").access_token, key)
        });
        let mut door = Self {
            runtime,
            server,
            token,
            key,
            routes: Vec::new(),
        };
        let head = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let answer = door.runtime.block_on(ask(&door, head, b""));
        let at = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let document: serde_json::Value =
            serde_json::from_slice(&answer[at + 4..]).expect("a document");
        for (path, item) in document["paths"].as_object().expect("paths") {
            for verb in item.as_object().expect("verbs").keys() {
                door.routes.push((verb.to_uppercase(), path.clone()));
            }
        }
        door
    }
}

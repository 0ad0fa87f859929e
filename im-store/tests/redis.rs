//! The bus, the directory, counts of attempts and leases over Redis: each case has keys of its own on the server at `IM_TEST_REDIS_URL`.

#![allow(clippy::unwrap_used)]

mod way;

use std::{env, sync::Arc, time::Duration};

use bytes::Bytes;
use im_core::{
    NodeId, Store,
    port::{Address, Attempts, Bus, Directory, Ear, Ports, TokioRuntime},
    testing::{attempts::AttemptsTrial, bus::BusTrial, directory::DirectoryTrial},
};
use im_store::{MemoryStore, Redis, RedisError, RedisOptions};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::timeout,
};
use uuid::Uuid;

use self::way::{Order, Way};

/// A part of a server for one case: a prefix of its own.
struct Place {
    url: String,
    prefix: String,
}

impl Place {
    /// `None`, said aloud, when the environment names no server and does not insist on one.
    fn new() -> Option<Self> {
        let Ok(url) = env::var("IM_TEST_REDIS_URL") else {
            let required = env::var("IM_TEST_REQUIRE_SERVERS").as_deref() == Ok("1");
            assert!(!required, "IM_TEST_REDIS_URL is not set");
            eprintln!("SKIPPED: IM_TEST_REDIS_URL is not set");
            return None;
        };
        let prefix = format!("im-{}", Uuid::new_v4().simple());
        Some(Self { url, prefix })
    }

    fn options(&self) -> RedisOptions {
        RedisOptions::new("a store", 1).prefix(&self.prefix)
    }

    async fn open(&self) -> Redis {
        Redis::open(&self.url, self.options()).await.unwrap()
    }

    fn address(&self) -> String {
        let (_, address) = self.url.rsplit_once('@').unwrap_or(("", &self.url));
        address.trim_start_matches("redis://").to_owned()
    }

    /// Deletes every key of this place, as FLUSHALL would with those of all.
    async fn flush(&self) {
        let script = "for _, key in ipairs(redis.call('KEYS', '*' .. ARGV[1] .. '*')) do redis.call('DEL', key) end return 1";
        let mut command = String::from("*4\r\n");
        for part in ["EVAL", script, "0", &self.prefix] {
            command.push_str(&format!("${}\r\n{part}\r\n", part.len()));
        }
        let mut server = TcpStream::connect(self.address()).await.unwrap();
        server.write_all(command.as_bytes()).await.unwrap();
        let mut answer = [0; 4];
        server.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b":1\r\n");
    }
}

async fn bus() -> Option<(BusTrial, ())> {
    interrupted_by(|way| &way.cuts).await
}

async fn interrupted_by(order: fn(&Way) -> &Order) -> Option<(BusTrial, ())> {
    let place = Place::new()?;
    let way = Way::to(place.address()).await;
    let url = format!("redis://{}", way.address);
    let trial = BusTrial {
        ends: [
            Arc::new(Redis::open(&url, place.options()).await.unwrap()) as Arc<dyn Bus>,
            Arc::new(place.open().await),
            Arc::new(place.open().await),
        ],
        interrupt: Box::new(move || Box::pin(order(&way).clone().give())),
        runtime: Arc::new(TokioRuntime),
    };
    Some((trial, ()))
}

async fn directory() -> Option<(DirectoryTrial, ())> {
    let place = Arc::new(Place::new()?);
    let ends = [
        Arc::new(place.open().await) as Arc<dyn Directory>,
        Arc::new(place.open().await),
    ];
    let trial = DirectoryTrial {
        ends,
        forget: Box::new(move || {
            let place = Arc::clone(&place);
            Box::pin(async move { place.flush().await })
        }),
    };
    Some((trial, ()))
}

async fn attempts() -> Option<(AttemptsTrial, ())> {
    let place = Place::new()?;
    let trial = AttemptsTrial {
        ends: [
            Arc::new(place.open().await) as Arc<dyn Attempts>,
            Arc::new(place.open().await),
        ],
        runtime: Arc::new(TokioRuntime),
    };
    Some((trial, ()))
}

async fn leases() -> Option<(Ports, ())> {
    let ports = Ports {
        leases: Arc::new(Place::new()?.open().await),
        ..MemoryStore::new().ports()
    };
    Some((ports, ()))
}

im_core::attempts_suite!(attempts());

im_core::bus_suite!(bus());

im_core::directory_suite!(directory());

im_core::lease_store_suite!(leases());

/// How long a silent connection may go unnoticed, and its successor take. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_over_a_silent_connection_is_told_and_hears_again() {
    if let Some((trial, ())) = interrupted_by(|way| &way.silences).await {
        im_core::testing::bus::who_was_interrupted_is_told_and_hears_again(&trial).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_and_sends_over_silent_connections_is_answered_and_heard_again() {
    let Some(place) = Place::new() else { return };
    let way = Way::to(place.address()).await;
    let url = format!("redis://{}", way.address);
    let here = Redis::open(&url, place.options()).await.unwrap();
    let (there, id) = (place.open().await, node());
    let (ear, mut heard) = Notes::new();
    there.join(id, ear).await.unwrap();
    here.beat(id, LONG).await.unwrap();

    way.silences.give().await;

    // Asked again and again, as engines do: a connection in use is as silent as one that is not.
    let again = async {
        while here.beat(id, LONG).await.is_err() {
            tokio::task::yield_now().await;
        }
        loop {
            here.send(Address::All, Bytes::from_static(b"hello"));
            let waited = timeout(Duration::from_millis(100), heard.recv()).await;
            if waited.is_ok() {
                break;
            }
        }
    };
    assert!(timeout(PATIENCE, again).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_down_with_a_silent_connection_holds_nothing_back() {
    let Some(place) = Place::new() else { return };
    let way = Way::to(place.address()).await;
    let url = format!("redis://{}", way.address);
    let here = Redis::open(&url, place.options()).await.unwrap();
    let there = place.open().await;
    let (ear, mut heard) = Notes::new();
    there.join(node(), ear).await.unwrap();

    way.silences.give().await;
    // More than there is room for on the way: what comes after it waits in the client.
    here.send(Address::All, Bytes::from(vec![0; 32 << 20]));
    let mut next = async |n: usize| {
        let word = Bytes::from(n.to_string());
        loop {
            here.send(Address::All, word.clone());
            let heard = timeout(Duration::from_millis(100), heard.recv()).await;
            match heard {
                Ok(heard) if heard.as_ref() == Some(&word) => return,
                Ok(_) | Err(_) => {}
            }
        }
    };
    assert!(timeout(PATIENCE, next(0)).await.is_ok());

    // One after the other, so that none is pushed out by the next: what is held back goes with the connection's next sign of
    // life, a second later.
    let all = async {
        for n in 1..=200 {
            next(n).await;
        }
    };
    assert!(timeout(PATIENCE, all).await.is_ok());
}

/// An ear that passes on what it hears.
struct Notes(UnboundedSender<Bytes>);

impl Notes {
    fn new() -> (Arc<Self>, UnboundedReceiver<Bytes>) {
        let (sender, heard) = unbounded_channel();
        (Arc::new(Self(sender)), heard)
    }
}

impl Ear for Notes {
    fn hear(&self, bytes: Bytes) {
        let _ = self.0.send(bytes);
    }

    fn missed(&self) {}
}

const LONG: Duration = Duration::from_secs(600);

fn node() -> NodeId {
    NodeId::from_uuid(Uuid::new_v4())
}

#[tokio::test]
async fn where_nodes_of_another_database_live_it_is_refused() {
    let Some(place) = Place::new() else { return };
    let (here, id) = (place.open().await, node());
    here.beat(id, LONG).await.unwrap();
    let other = || {
        Redis::open(
            &place.url,
            RedisOptions::new("another", 1).prefix(&place.prefix),
        )
    };

    let refused = other().await.unwrap_err();

    assert!(
        matches!(refused, RedisError::OtherStore { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains(&place.prefix), "{refused}");
    // Elsewhere, and when they are gone.
    let elsewhere = format!("{}-2", place.prefix);
    let options = RedisOptions::new("another", 1).prefix(elsewhere);
    Redis::open(&place.url, options).await.unwrap();
    Directory::leave(&here, id).await.unwrap();
    let other = other().await.unwrap();
    other.beat(node(), LONG).await.unwrap();
    assert!(here.beat(id, LONG).await.is_err(), "it is the other's now");
}

#[tokio::test]
async fn where_nodes_speak_otherwise_it_is_refused() {
    let Some(place) = Place::new() else { return };
    let here = place.open().await;
    here.beat(node(), LONG).await.unwrap();

    let options = RedisOptions::new("a store", 2).prefix(&place.prefix);
    let refused = Redis::open(&place.url, options).await.unwrap_err();

    assert!(
        matches!(refused, RedisError::OtherProtocol { .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("version 1"), "{refused}");
    place.open().await;
}

#[tokio::test]
async fn what_is_no_redis_is_refused_with_a_sentence_and_without_the_password() {
    let options = || RedisOptions::new("a store", 1);
    let deaf = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let closed = deaf.local_addr().unwrap();
    drop(deaf);
    for (url, part) in [
        ("hush", "://"),
        ("http://hush@localhost", "scheme"),
        ("redis://", "redis://HOST:6379"),
        ("redis://u:hush@localhost:port", "redis://HOST:6379"),
        (&format!("redis://u:hush@{closed}"), "does not answer"),
        (
            &format!("redis-sentinel://u:hush@{closed}"),
            "sentinelServiceName",
        ),
    ] {
        let refused = Redis::open(url, options()).await.unwrap_err();
        let text = format!("{refused} {refused:?}");
        assert!(refused.to_string().contains(part), "{url}: {refused}");
        assert!(!text.contains("hush"), "{text}");
    }
    let refused = Redis::open("redis://localhost", options().prefix("a b")).await;
    assert!(matches!(refused, Err(RedisError::Prefix)));
}

#[tokio::test]
async fn how_far_a_store_has_come_is_remembered_for_each_store() {
    let Some(place) = Place::new() else { return };
    let redis = place.open().await;
    let other = RedisOptions::new("another", 1).prefix(&place.prefix);
    let other = Redis::open(&place.url, other).await.unwrap();

    assert_eq!(redis.remember_reach(0).await.unwrap(), 0);
    assert_eq!(redis.remember_reach(7).await.unwrap(), 0);
    assert_eq!(redis.remember_reach(5).await.unwrap(), 7);
    let again = place.open().await;
    assert_eq!(again.remember_reach(u64::MAX >> 12).await.unwrap(), 7);
    assert_eq!(again.remember_reach(0).await.unwrap(), u64::MAX >> 12);
    assert_eq!(other.remember_reach(0).await.unwrap(), 0);
}

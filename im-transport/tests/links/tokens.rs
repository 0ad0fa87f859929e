//! What becomes of a session when its token ends: with one token, and with a source of them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use async_trait::async_trait;
use im_core::{
    CloseReason, Code, Cursor, DeviceId, Error, Im, Ping, Rejection, Session, Timestamp,
    TrustEveryone, UserId,
    port::{Authenticator, Identity, SignOut, TokioRuntime},
};
use im_store::MemoryStore;
use im_transport::ws::{self, Connector, Options, WebSocketServer, client::TokenSource};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::door::{PATIENCE, user};

/// As [`TrustEveryone`], but a token `ended:bob` is good for opening a session and for nothing else.
struct Ending;

#[async_trait]
impl Authenticator for Ending {
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let ended = token.strip_prefix("ended:");
        let identity = TrustEveryone.authenticate(ended.unwrap_or(token)).await?;
        Ok(Identity {
            expires_at_ms: ended.map(|_| Timestamp(0)),
            ..identity
        })
    }

    async fn sign_out(&self, user: &UserId, what: SignOut<'_>) -> Result<Vec<Uuid>, Rejection> {
        TrustEveryone.sign_out(user, what).await
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        TrustEveryone.unknown(users).await
    }
}

async fn door() -> (String, Im) {
    let im = Im::builder(MemoryStore::new(), Ending).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/ws", listener.local_addr().unwrap());
    tokio::spawn(ws::serve(
        listener,
        WebSocketServer::new(im.clone(), Options::default()),
    ));
    (url, im)
}

/// Gives these tokens, one after the other, the last one for ever; and counts how often it was asked.
fn tokens(these: &'static [&'static str]) -> (TokenSource, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = asked.clone();
    let source = TokenSource::from_fn(move || {
        let token = these[counter.fetch_add(1, Relaxed).min(these.len() - 1)];
        std::future::ready(Ok(token.to_owned()))
    });
    (source, asked)
}

/// A session that has said nothing yet.
async fn session(url: &str, tokens: impl Into<TokenSource>) -> Session {
    let device = DeviceId::new("laptop").unwrap();
    let connector = Connector::new(url, tokens, device).unwrap();
    Session::resume(
        Arc::new(connector),
        Arc::new(TokioRuntime),
        Cursor::default(),
    )
    .await
    .unwrap()
}

async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap()
}

fn sign_out(im: &Im) {
    im.disconnect(&user("bob"), None, CloseReason::Unauthenticated);
}

#[tokio::test]
async fn a_session_whose_token_ended_goes_on_with_another() {
    let (url, im) = door().await;
    let (source, asked) = tokens(&["bob"]);
    let mut bob = session(&url, source).await;
    let alice = im.connect("alice", "phone").await.unwrap();
    let chat = im.direct("alice", "bob").await.unwrap();
    alice.send(&chat, "one").await.unwrap();
    within(bob.next_message()).await.unwrap();

    sign_out(&im);
    let sent = alice.send(&chat, "two").await.unwrap();

    let got = within(bob.next_message()).await.unwrap();
    assert_eq!(got.seq, sent.seq);
    assert_eq!(asked.load(Relaxed), 2);
}

#[tokio::test]
async fn a_call_that_meets_the_end_of_the_token_is_answered_over_the_next_link() {
    let (url, _im) = door().await;
    let (source, asked) = tokens(&["ended:bob", "bob"]);
    let bob = session(&url, source).await;

    let pong = within(bob.call(Ping {})).await;

    assert!(pong.is_ok(), "{pong:?}");
    assert_eq!(asked.load(Relaxed), 2);
}

#[tokio::test]
async fn a_message_that_meets_the_end_of_the_token_is_stored_once() {
    let (url, im) = door().await;
    let (source, _) = tokens(&["ended:bob", "ended:bob", "bob"]);
    let mut alice = im.connect("alice", "phone").await.unwrap();
    let chat = im.direct("alice", "bob").await.unwrap();
    let bob = session(&url, source).await;

    let sent = within(bob.send(&chat, "hello")).await.unwrap();
    let after = within(bob.send(&chat, "again")).await.unwrap();

    assert_eq!(after.seq, sent.seq.next());
    let got = within(alice.next_message()).await.unwrap();
    assert_eq!(got.seq, sent.seq);
}

#[tokio::test]
async fn a_session_with_one_token_ends_with_it() {
    let (url, im) = door().await;
    let mut bob = session(&url, "bob").await;

    sign_out(&im);

    let end = Error::Closed(CloseReason::Unauthenticated);
    assert_eq!(within(bob.next_event()).await.unwrap_err(), end);
    assert_eq!(within(bob.call(Ping {})).await.unwrap_err(), end);
    assert_eq!(
        end.to_string(),
        "the session is closed: the token is no longer valid; sign in again"
    );
}

#[tokio::test]
async fn a_fresh_token_that_is_refused_is_the_last() {
    let (url, im) = door().await;
    let (source, asked) = tokens(&["bob", "not a user", "bob"]);
    let mut bob = session(&url, source).await;

    sign_out(&im);

    match within(bob.next_event()).await {
        Err(Error::Rejected(rejection)) => assert_eq!(rejection.code, Code::Unauthenticated),
        other => panic!("{other:?}"),
    }
    let end = Error::Closed(CloseReason::Unauthenticated);
    assert_eq!(within(bob.call(Ping {})).await.unwrap_err(), end);
    assert_eq!(asked.load(Relaxed), 2);
}

#[tokio::test]
async fn a_source_of_tokens_that_are_good_for_nothing_is_not_asked_for_ever() {
    let (url, _im) = door().await;
    let (source, asked) = tokens(&["ended:bob"]);
    let bob = session(&url, source).await;

    let answer = within(bob.call(Ping {})).await;

    let end = Error::Closed(CloseReason::Unauthenticated);
    assert_eq!(answer.unwrap_err(), end);
    assert_eq!(asked.load(Relaxed), 4);
}

//! A client in a network that breaks WebSockets, and in one that does not.

use std::sync::Arc;

use im_core::{
    Body, CallError, CloseReason, Code, Connector as _, DeviceId, Error, Session,
    port::TokioRuntime,
};
use im_transport::{Client, sse::Fallback, tls::Trust};

use super::{
    door::Door,
    proxy::{Proxy, Upgrades},
};
use crate::{
    door::{user, within},
    papers::Papers,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_upgrades_are_broken_a_session_goes_over_events_and_resumes() {
    for upgrades in [
        Upgrades::Answered(400),
        Upgrades::Answered(403),
        Upgrades::Answered(426),
        Upgrades::Answered(502),
        Upgrades::Cut,
        Upgrades::Stripped,
    ] {
        let door = Door::open().await;
        let proxy = Proxy::before(door.address, upgrades).await;
        let alice = door.im.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        let mut bob = within(Client::connect(&proxy.url(), "bob", "laptop"))
            .await
            .unwrap();
        let sent = alice.send(&chat, "hello").await.unwrap();
        assert_eq!(within(bob.next_message()).await.unwrap().seq, sent.seq);
        let back = within(bob.send(&chat, "hello yourself")).await.unwrap();
        assert!(back.seq > sent.seq);
        assert_eq!(door.events.streams(), 1, "{upgrades:?}");
        assert_eq!(door.websocket.connections(), 0, "{upgrades:?}");

        // It comes back the same way, without another attempt, and gets what it missed.
        door.im
            .disconnect(&user("bob"), None, CloseReason::GoingAway);
        let missed = alice.send(&chat, "while you were away").await.unwrap();
        assert_eq!(within(bob.next_message()).await.unwrap().seq, missed.seq);
        assert_eq!(proxy.attempts(), 1, "{upgrades:?}");
    }
}

/// A session whose network passes WebSockets on at first, and then breaks them: in the middle of it, and from then on.
async fn a_websocket_breaks(proxy: Proxy, door: &Door, trust: Trust) {
    let device = DeviceId::new("laptop").unwrap();
    let connector = Fallback::to(&proxy.url(), "bob", device).unwrap();
    let connector = Arc::new(connector.trust(trust));
    let bob = within(Session::open(connector, Arc::new(TokioRuntime))).await;
    let mut bob = bob.unwrap();
    let alice = door.im.connect("alice", "phone").await.unwrap();
    let chat = door.direct("alice", "bob").await;
    let links = || (door.websocket.connections(), door.events.streams());
    assert_eq!(links(), (1, 0));
    let mut expected = alice.send(&chat, "over a WebSocket").await.unwrap().seq;
    assert_eq!(within(bob.next_message()).await.unwrap().seq, expected);

    proxy.break_off(Upgrades::Cut);
    for n in 0..100 {
        alice.send(&chat, format!("{n}")).await.unwrap();
    }
    // What is said while there is no link goes over the next, once.
    let own = within(bob.send(&chat, "is anybody there?")).await.unwrap();
    for n in 0..100 {
        let heard = within(bob.next_message()).await.unwrap();
        expected = expected.next();
        assert_eq!(heard.seq, expected);
        let Body::Message(message) = heard.body else {
            panic!("{:?}", heard.body);
        };
        assert_eq!(message.content.as_text(), Some(&*n.to_string()));
    }
    assert_eq!(own.seq, expected.next());
    let last = alice.send(&chat, "yes").await.unwrap();
    assert_eq!(last.seq, own.seq.next());
    assert_eq!(within(bob.next_message()).await.unwrap().seq, last.seq);
    assert_eq!(links(), (0, 1));
    assert!(proxy.attempts() > 1, "a WebSocket was tried again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_whose_websockets_break_goes_on_over_events_and_misses_nothing() {
    let door = Door::open().await;
    let proxy = Proxy::before(door.address, Upgrades::Passed).await;

    a_websocket_breaks(proxy, &door, Trust::web()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_tls_by_a_private_authority_a_session_falls_back_too_and_misses_nothing() {
    let (door, papers) = (Door::open().await, Papers::new());
    let proxy = Proxy::over_tls(door.address, Upgrades::Passed, &papers).await;

    a_websocket_breaks(proxy, &door, papers.trust()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fallback_believes_only_whom_it_trusts() {
    let (door, papers) = (Door::open().await, Papers::new());
    for upgrades in [Upgrades::Passed, Upgrades::Stripped] {
        let proxy = Proxy::over_tls(door.address, upgrades, &papers).await;
        let attempt = async |trust| {
            let device = DeviceId::new("laptop").unwrap();
            let connector = Fallback::to(&proxy.url(), "bob", device).unwrap();
            within(connector.trust(trust).connect()).await.map(drop)
        };

        let lost = Err(CallError::Lost);
        assert_eq!(attempt(Trust::web()).await, lost, "{upgrades:?}");
        assert_eq!(attempt(Papers::new().trust()).await, lost, "{upgrades:?}");
        assert_eq!(attempt(papers.trust()).await, Ok(()), "{upgrades:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_a_websocket_gets_through_it_is_used() {
    let door = Door::open().await;

    let bob = within(Client::connect(&door.url(), "bob", "laptop"))
        .await
        .unwrap();

    assert_eq!(bob.user(), &user("bob"));
    assert_eq!(
        (door.websocket.connections(), door.events.streams()),
        (1, 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_refused_over_a_websocket_is_not_refused_twice() {
    let door = Door::open().await;

    let refused = within(Client::connect(&door.url(), "not a user", "laptop")).await;

    match refused.map(drop) {
        Err(Error::Rejected(rejection)) => assert_eq!(rejection.code, Code::Unauthenticated),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_neither_gets_through_it_is_said_what_is_wrong() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = other.local_addr().unwrap();
    // A server of something else.
    tokio::spawn(async move { axum::serve(other, axum::Router::new()).await });

    let url = format!("http://{address}");
    let refused = within(Client::connect(&url, "bob", "laptop")).await;

    match refused.map(drop) {
        Err(Error::Rejected(rejection)) => assert_eq!(rejection.code, Code::NotFound),
        other => panic!("{other:?}"),
    }
}

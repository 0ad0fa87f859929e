//! A client in a network that breaks WebSockets, and in one that does not.

use im_core::{CloseReason, Code, Error};
use im_transport::Client;

use crate::{
    door::{Door, user, within},
    proxy::{Proxy, Upgrades},
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

//! What every connection of our client owes to a session, however it comes about. Each case gets a door of its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use im_core::{
    Availability, CallError, CloseReason, CloseSession, Code, Command, History, Ping, Presence,
    Push, Reply, Session, SubscribePresence, port::TokioRuntime,
};
use im_transport::client::TokenSource;

use crate::{
    door::{end_of, next_entry, say, seq, user, within},
    suite::cases,
    way::Way,
};

cases! { connection_suite in connections:
    async fn a_session_opens_executes_and_is_pushed_to(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let bob = door.connect("bob", "laptop").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        let sent = seq(within(alice.call(say(&chat, "c1", "hello\nyou"))).await.unwrap());

        assert_eq!(alice.opened().user, user("alice"));
        while next_entry(&*bob).await != sent {}
    }

    async fn pipelined_sends_keep_their_order(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        let sends = (0..500).map(|n| alice.call(say(&chat, &format!("c{n}"), "hello")));
        let replies = within(futures_util::future::join_all(sends)).await;

        let seqs: Vec<u64> = replies.into_iter().map(|reply| seq(reply.unwrap())).collect();
        let first = seqs[0];
        assert_eq!(seqs, (first..first + 500).collect::<Vec<_>>());
    }

    async fn long_replies_arrive_whole(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;
        for n in 0..50 {
            within(alice.call(say(&chat, &format!("c{n}"), &"x".repeat(9_000)))).await.unwrap();
        }

        let history = || alice.call(Command::History(History { limit: Some(50), ..History::of(chat) }));
        let replies = within(futures_util::future::join_all((0..8).map(|_| history()))).await;

        for reply in replies {
            let Ok(Reply::History(page)) = reply else { panic!("{reply:?}") };
            assert_eq!(page.items.len(), 50);
        }
    }

    async fn a_refusal_has_its_code(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let elsewhere = door.direct("bob", "carol").await;

        let refused = within(alice.call(say(&elsewhere, "c1", "hello"))).await;

        match refused {
            Err(CallError::Rejected(rejection)) => assert_eq!(rejection.code, Code::NotFound),
            other => panic!("{other:?}"),
        }
        assert!(within(alice.call(Command::Ping(Ping {}))).await.is_ok());
    }

    async fn a_bad_token_is_refused_and_must_sign_in_again(way: Way) {
        let door = way.open().await;

        match door.connect("not a user", "phone").await.map(drop) {
            Err(CallError::Rejected(rejection)) => assert_eq!(rejection.code, Code::Unauthenticated),
            other => panic!("{other:?}"),
        }
    }

    async fn who_says_nothing_is_kept_by_its_heartbeat(way: Way) {
        let door = way.open_with(Duration::from_millis(200)).await;
        let bob = door.connect("bob", "laptop").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        // Several times what a silent peer is given.
        tokio::time::sleep(Duration::from_millis(1_200)).await;

        assert_eq!(door.im.session_count(), 1);
        let sent = seq(within(bob.call(say(&chat, "c1", "still here"))).await.unwrap());
        while next_entry(&*bob).await != sent {}
    }

    async fn a_session_ends_when_its_client_asks(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();

        let reply = within(alice.call(Command::CloseSession(CloseSession {}))).await;

        assert!(matches!(reply, Ok(Reply::CloseSession(_))), "{reply:?}");
        assert_eq!(end_of(&*alice).await, CloseReason::Asked);
        let late = within(alice.call(Command::Ping(Ping {}))).await;
        assert_eq!(late, Err(CallError::Closed(CloseReason::Asked)));
        assert_eq!(alice.next().await, Err(CloseReason::Asked));
    }

    async fn every_end_has_its_reason(way: Way) {
        let door = way.open().await;

        for reason in [CloseReason::Unauthenticated, CloseReason::Displaced, CloseReason::Banned, CloseReason::GoingAway] {
            let link = door.connect("alice", "laptop").await.unwrap();
            door.im.disconnect(&user("alice"), None, reason);
            assert_eq!(end_of(&*link).await, reason);
        }
        let first = door.connect("bob", "phone").await.unwrap();
        let second = door.connect("bob", "phone").await.unwrap();
        assert_eq!(end_of(&*first).await, CloseReason::Displaced);
        door.im.shut_down().await;
        assert_eq!(end_of(&*second).await, CloseReason::GoingAway);
    }

    async fn dropping_the_client_ends_the_session(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        door.direct("alice", "bob").await;
        let bob = door.connect("bob", "laptop").await.unwrap();
        let watch = SubscribePresence { users: vec![user("bob")] };
        within(alice.call(Command::SubscribePresence(watch))).await.unwrap();

        drop(bob);

        loop {
            let push = within(alice.next()).await;
            if let Push::Presence(Presence { availability: Availability::Offline, .. }) = push.unwrap() {
                break;
            }
        }
        assert_eq!(door.im.session_count(), 1);
    }

    async fn a_call_that_is_dropped_harms_no_other(way: Way) {
        let door = way.open().await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        for n in 0..600 {
            let mut call = alice.call(say(&chat, &format!("dropped{n}"), "hello"));
            // Polled once and dropped: sent, but nobody waits. More often than there are places for calls.
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = call.as_mut().poll(&mut cx);
        }

        let sent = within(alice.call(say(&chat, "kept", "hello"))).await.unwrap();
        assert!(seq(sent) > 256);
    }

    async fn a_session_comes_back_with_a_fresh_token(way: Way) {
        let door = way.open().await;
        let asked = Arc::new(AtomicU32::new(0));
        let counter = asked.clone();
        let tokens = TokenSource::from_fn(move || {
            counter.fetch_add(1, Ordering::Relaxed);
            async { Ok("bob".to_owned()) }
        });
        let connector = door.connector(tokens, "laptop");
        let mut bob = Session::open(connector, Arc::new(TokioRuntime)).await.unwrap();
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        for n in 0..3 {
            let sent = seq(within(alice.call(say(&chat, &format!("c{n}"), "hello"))).await.unwrap());
            assert_eq!(within(bob.next_message()).await.unwrap().seq.0, sent);
            door.im.disconnect(&user("bob"), None, CloseReason::GoingAway);
        }
        assert!(asked.load(Ordering::Relaxed) >= 3);
    }

    async fn a_server_that_is_not_there_is_lost(way: Way) {
        let door = way.open().await;
        let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = nowhere.local_addr().unwrap();
        drop(nowhere);

        let result = door.at(address).connect("alice", "phone").await;

        assert_eq!(result.map(drop), Err(CallError::Lost));
    }
}

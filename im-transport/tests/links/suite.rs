//! The list of cases. Each gets a door of its own.

use std::time::Duration;

use im_core::{
    Availability, CallError, CloseReason, CloseSession, Code, Command, Connector as _, Ping,
    Presence, Push, Reply, Session, SubscribePresence,
    port::TokioRuntime,
    wire::{Incoming, RequestId},
};
use im_transport::{Bounds, client::TokenSource};

use crate::{
    door::{Door, HEARTBEAT, Over, end_of, next_entry, say, seq, user},
    raw::{PONG, open},
};

/// Defines cases, and the macro that makes them tests of one kind of link.
macro_rules! cases {
    ($suite:ident in $place:ident:
     $($(#[$doc:meta])* async fn $name:ident($over:ident: Over) $body:block)*) => {
        $($(#[$doc])* pub(crate) async fn $name($over: Over) $body)*

        /// One test for each case.
        #[macro_export]
        macro_rules! $suite {
            ($module:ident, $kind:expr) => {
                mod $module {
                    $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $name() {
                        $crate::$place::$name($kind).await;
                    })*
                }
            };
        }
    };
}

pub(crate) use cases;

cases! { link_suite in suite:
    async fn a_session_opens_executes_and_is_pushed_to(over: Over) {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let bob = door.connect("bob", "laptop").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        let sent = seq(alice.call(say(&chat, "c1", "hello")).await.unwrap());

        assert_eq!(alice.opened().user, user("alice"));
        while next_entry(&*bob).await != sent {}
    }

    async fn pipelined_sends_keep_their_order(over: Over) {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        let sends = (0..500).map(|n| alice.call(say(&chat, &format!("c{n}"), "hello")));
        let replies = futures_util::future::join_all(sends).await;

        let seqs: Vec<u64> = replies.into_iter().map(|reply| seq(reply.unwrap())).collect();
        let first = seqs[0];
        assert_eq!(seqs, (first..first + 500).collect::<Vec<_>>());
    }

    async fn one_write_may_hold_the_opening_and_what_follows_it(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw().await;

        let mut bytes = Vec::new();
        for command in [open(Some("alice"), "phone"), Command::Ping(Ping {})] {
            bytes.extend(link.request_bytes(&command));
        }
        link.write(&bytes).await;

        for _ in 0..2 {
            assert_eq!(link.incoming().await, Incoming::Reply(RequestId::Number(7)));
        }
    }

    async fn a_frame_may_come_byte_by_byte(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw_session("alice", "phone").await;

        for byte in link.request_bytes(&Command::Ping(Ping {})) {
            link.write(&[byte]).await;
            tokio::task::yield_now().await;
        }

        assert_eq!(link.incoming().await, Incoming::Reply(RequestId::Number(7)));
    }

    async fn a_ping_is_answered(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw_session("alice", "phone").await;

        let pings = [link.ping_bytes(), link.ping_bytes()].concat();
        link.write(&pings).await;

        for _ in 0..2 {
            assert_eq!(link.read().await, Some((PONG, Vec::new())));
        }
    }

    async fn a_broken_frame_gets_a_code_and_the_session_lives(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw_session("alice", "phone").await;

        link.data(b"{nonsense").await;
        assert_eq!(link.refusal().await, Code::InvalidFrame);
        link.request(&open(Some("alice"), "phone")).await;
        assert_eq!(link.refusal().await, Code::Conflict);

        link.request(&Command::Ping(Ping {})).await;
        assert_eq!(link.incoming().await, Incoming::Reply(RequestId::Number(7)));
    }

    async fn an_oversized_message_closes_with_1009(over: Over) {
        let door = Door::open(over).await;

        let mut guest = door.raw().await;
        guest.data(&vec![b' '; 8 * 1024 + 1]).await;
        assert_eq!(guest.close_code().await, 1009);

        let mut alice = door.raw_session("alice", "phone").await;
        alice.data(&vec![b' '; 512 * 1024]).await;
        assert_eq!(alice.refusal().await, Code::InvalidFrame);
        alice.data(&vec![b' '; 512 * 1024 + 1]).await;
        assert_eq!(alice.close_code().await, 1009);
    }

    async fn a_session_needs_a_token(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw().await;

        link.request(&Command::Ping(Ping {})).await;
        assert_eq!(link.refusal().await, Code::Unauthenticated);

        link.request(&open(None, "phone")).await;
        assert_eq!(link.refusal().await, Code::Unauthenticated);
        assert_eq!(link.close_code().await, 4200);
    }

    async fn a_bad_token_is_refused_and_must_sign_in_again(over: Over) {
        let door = Door::open(over).await;

        let mut link = door.raw().await;
        link.request(&open(Some("not a user"), "phone")).await;
        assert_eq!(link.refusal().await, Code::Unauthenticated);
        assert_eq!(link.close_code().await, 4200);

        match door.connect("not a user", "phone").await.map(drop) {
            Err(CallError::Rejected(rejection)) => assert_eq!(rejection.code, Code::Unauthenticated),
            other => panic!("{other:?}"),
        }
    }

    async fn who_opens_no_session_is_sent_away(over: Over) {
        let bounds = Bounds { open_timeout: Duration::from_millis(200), ..Bounds::default() };
        let door = Door::open_with(over, bounds, HEARTBEAT).await;

        let mut silent = door.raw().await;
        let mut half = door.raw().await;
        let bytes = half.data_bytes(b"alive");
        half.write(&bytes[..3]).await;

        assert_eq!(silent.close_code().await, 4002);
        assert_eq!(half.close_code().await, 4002);
    }

    async fn who_is_not_heard_of_is_sent_away_and_who_pings_stays(over: Over) {
        let bounds = Bounds { open_timeout: Duration::from_millis(500), ..Bounds::default() };
        let door = Door::open_with(over, bounds, Duration::from_millis(200)).await;
        let mut silent = door.raw_session("alice", "phone").await;
        let bob = door.connect("bob", "laptop").await.unwrap();

        assert_eq!(silent.close_code().await, 4002);
        tokio::time::sleep(Duration::from_millis(1_200)).await;

        bob.call(Command::Ping(Ping {})).await.unwrap();
        assert_eq!(door.im.session_count(), 1);
    }

    async fn half_a_message_is_not_waited_for_for_ever(over: Over) {
        let bounds = Bounds { message_timeout: Duration::from_millis(200), ..Bounds::default() };
        let door = Door::open_with(over, bounds, HEARTBEAT).await;
        let mut link = door.raw_session("alice", "phone").await;

        let bytes = link.data_bytes(b"[1, 2, 3]");
        link.write(&bytes[..9]).await;

        assert_eq!(link.close_code().await, 4001);
    }

    async fn a_flood_of_pings_ends_the_link(over: Over) {
        let door = Door::open(over).await;
        let mut link = door.raw_session("alice", "phone").await;

        let flood = link.ping_bytes().repeat(1_000);
        link.write(&flood).await;

        assert_eq!(link.close_code().await, 4301);
    }

    async fn a_session_ends_when_its_client_asks(over: Over) {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();

        let reply = alice.call(Command::CloseSession(CloseSession {})).await;

        assert!(matches!(reply, Ok(Reply::CloseSession(_))), "{reply:?}");
        assert_eq!(end_of(&*alice).await, CloseReason::Asked);
        let late = alice.call(Command::Ping(Ping {})).await;
        assert_eq!(late, Err(CallError::Closed(CloseReason::Asked)));
        assert_eq!(alice.next().await, Err(CloseReason::Asked));
    }

    async fn every_end_has_its_code(over: Over) {
        let door = Door::open(over).await;

        for (reason, code) in [
            (CloseReason::Unauthenticated, 4200),
            (CloseReason::Displaced, 4300),
            (CloseReason::GoingAway, 4000),
        ] {
            let mut raw = door.raw_session("alice", "phone").await;
            let link = door.connect("alice", "laptop").await.unwrap();
            door.im.disconnect(&user("alice"), None, reason);
            assert_eq!(raw.close_code().await, code);
            assert_eq!(end_of(&*link).await, reason);
        }
        let first = door.connect("bob", "phone").await.unwrap();
        let second = door.connect("bob", "phone").await.unwrap();
        assert_eq!(end_of(&*first).await, CloseReason::Displaced);
        door.im.shut_down().await;
        assert_eq!(end_of(&*second).await, CloseReason::GoingAway);
    }

    async fn dropping_the_client_ends_the_session(over: Over) {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        door.direct("alice", "bob").await;
        let bob = door.connect("bob", "laptop").await.unwrap();
        let watch = SubscribePresence { users: vec![user("bob")] };
        alice.call(Command::SubscribePresence(watch)).await.unwrap();

        drop(bob);

        loop {
            let push = tokio::time::timeout(crate::door::PATIENCE, alice.next()).await.unwrap();
            if let Push::Presence(Presence { availability: Availability::Offline, .. }) = push.unwrap() {
                break;
            }
        }
        assert_eq!(door.im.session_count(), 1);
    }

    async fn a_call_that_is_dropped_harms_no_other(over: Over) {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        for n in 0..600 {
            let mut call = alice.call(say(&chat, &format!("dropped{n}"), "hello"));
            // Polled once and dropped: sent, but nobody waits. More often than there are places for calls.
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = call.as_mut().poll(&mut cx);
        }

        let sent = alice.call(say(&chat, "kept", "hello")).await.unwrap();
        assert!(seq(sent) > 256);
    }

    async fn a_session_comes_back_with_a_fresh_token(over: Over) {
        let door = Door::open(over).await;
        let asked = std::sync::Arc::new(std::sync::atomic::AtomicU32::new(0));
        let counter = asked.clone();
        let tokens = TokenSource::from_fn(move || {
            counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            async { Ok("bob".to_owned()) }
        });
        let connector = door.connector(tokens, "laptop");
        let mut bob = Session::open(std::sync::Arc::new(connector), std::sync::Arc::new(TokioRuntime))
            .await
            .unwrap();
        let alice = door.connect("alice", "phone").await.unwrap();
        let chat = door.direct("alice", "bob").await;

        for n in 0..3 {
            let sent = seq(alice.call(say(&chat, &format!("c{n}"), "hello")).await.unwrap());
            let got = tokio::time::timeout(crate::door::PATIENCE, bob.next_message()).await.unwrap();
            assert_eq!(got.unwrap().seq.0, sent);
            door.im.disconnect(&user("bob"), None, CloseReason::GoingAway);
        }
        assert!(asked.load(std::sync::atomic::Ordering::Relaxed) >= 3);
    }

    async fn a_server_that_is_not_there_is_lost(over: Over) {
        let door = Door::open(over).await;
        let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = nowhere.local_addr().unwrap();
        drop(nowhere);

        let gone = Door { address, ..door };
        let result = gone.connector("alice", "phone").connect().await;

        assert_eq!(result.map(drop), Err(CallError::Lost));
    }
}

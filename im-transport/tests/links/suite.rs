//! What a link owes to a peer, byte by byte. What it owes to a client of ours is in `connections`.

use std::time::Duration;

use im_core::{
    CloseReason, Code, Command, Ping,
    wire::{Incoming, RequestId},
};
use im_transport::Bounds;

use crate::{
    door::{Door, HEARTBEAT, Over, user},
    raw::{PONG, open},
};

/// Defines cases, each of which gets a door of its own, and the macro that makes them tests of one way to it.
macro_rules! cases {
    ($suite:ident in $place:ident:
     $($(#[$doc:meta])* async fn $name:ident($way:ident: $Way:ty) $body:block)*) => {
        $($(#[$doc])* pub(crate) async fn $name($way: $Way) $body)*

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

    async fn every_end_has_its_code(over: Over) {
        let door = Door::open(over).await;

        for (reason, code) in [
            (CloseReason::Unauthenticated, 4200),
            (CloseReason::Displaced, 4300),
            (CloseReason::GoingAway, 4000),
        ] {
            let mut link = door.raw_session("alice", "phone").await;
            door.im.disconnect(&user("alice"), None, reason);
            assert_eq!(link.close_code().await, code);
        }
    }
}

//! Peers that do not read: what waits for them is bounded, and they are told to come back.

use std::time::Duration;

use futures_util::FutureExt as _;
use im_core::{Command, History, Push, wire::Incoming};
use im_transport::Bounds;

use crate::{
    door::{Door, HEARTBEAT, Over, PATIENCE, say},
    raw::{CLOSE, long, long_message},
    suite::cases,
};

/// Reads entries, of which none may be missing, until the device is told that there are more. The seq of the last.
pub(crate) async fn last_before_it_is_told_to_fetch(
    mut next: impl AsyncFnMut() -> Incoming,
) -> u64 {
    let mut last = 0;
    let head = loop {
        match next().await {
            Incoming::Push(Push::Entry(entry)) => {
                assert!(last == 0 || entry.seq.0 == last + 1, "in order, no hole");
                last = entry.seq.0;
            }
            Incoming::Push(Push::HeadMoved(hint)) => break hint.head.0,
            other => panic!("{other:?}"),
        }
    };
    assert!(head > last);
    last
}

cases! { slow_suite in slow:

    async fn a_slow_reader_is_told_to_fetch_and_goes_on_when_it_reads_again(over: Over) {
        let door = Door::open(over).await;
        let chat = door.direct("alice", "bob").await;
        let mut bob = door.raw_session("bob", "laptop").await;
        let alice = door.connect("alice", "phone").await.unwrap();

        // Far more than the socket buffers and the queue hold.
        for n in 0..2_000 {
            alice.call(long(&chat, n)).await.unwrap();
        }

        let last = last_before_it_is_told_to_fetch(async || bob.incoming().await).await;
        let history = History {
            after_seq: Some(im_core::Seq(last)),
            limit: Some(1),
            ..History::of(chat)
        };
        bob.request(&Command::History(history)).await;
        assert!(matches!(bob.incoming().await, Incoming::Reply(_)));
    }

    async fn a_reader_that_has_stopped_is_closed_and_may_resume(over: Over) {
        let bounds = Bounds {
            write_timeout: Duration::from_millis(300),
            close_timeout: Duration::from_millis(200),
            ..Bounds::default()
        };
        let door = Door::open_with(over, bounds, HEARTBEAT).await;
        let chat = door.direct("alice", "bob").await;
        let bob = door.raw_session("bob", "laptop").await;
        let alice = door.connect("alice", "phone").await.unwrap();

        for n in 0..2_000 {
            alice.call(long(&chat, n)).await.unwrap();
        }

        // Nobody reads, so nobody hears the close code: the server must let go by itself.
        tokio::time::timeout(Duration::from_secs(5), async {
            while door.im.session_count() > 1 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await
        .unwrap();
        drop(bob);
    }

    async fn a_door_is_drained_when_the_slowest_has_got_the_last_words(over: Over) {
        let bounds = Bounds {
            // Far away: the end must not come from it.
            close_timeout: Duration::from_secs(600),
            ..Bounds::default()
        };
        let door = Door::open_with(over, bounds, HEARTBEAT).await;
        let chat = door.direct("alice", "bob").await;
        let mut bob = door.raw_session("bob", "laptop").await;
        let _without_session = door.raw().await;
        let alice = door.im.connect("alice", "phone").await.unwrap();
        for n in 0..2_000 {
            alice.call(long_message(&chat, n)).await.unwrap();
        }

        door.im.shut_down().await;
        let mut drained = std::pin::pin!(door.server.drained());

        assert_eq!(door.im.session_count(), 0, "to the engine all is over");
        assert!(drained.as_mut().now_or_never().is_none());
        assert!(door.server.connections() > 0);
        assert_eq!(bob.close_code().await, 4000);
        tokio::time::timeout(PATIENCE, drained).await.unwrap();
    }

    async fn who_asks_and_does_not_read_is_not_read_either(over: Over) {
        let door = Door::open(over).await;
        let chat = door.direct("alice", "bob").await;
        let alice = door.connect("alice", "phone").await.unwrap();
        for n in 0..50 {
            alice.call(long(&chat, n)).await.unwrap();
        }
        let mut greedy = door.raw_session("bob", "laptop").await;

        // Each asks for half a megabyte. Written until nothing more is taken.
        let history = Command::History(History {
            limit: Some(50),
            ..History::of(chat)
        });
        let mut asked = 0;
        while tokio::time::timeout(Duration::from_millis(500), greedy.request(&history))
            .await
            .is_ok()
        {
            asked += 1;
            assert!(asked < 1_000_000, "the server reads without end");
        }

        // The others do not notice.
        alice.call(say(&chat, "after", "hello")).await.unwrap();
        // And whoever reads again gets whole frames, to the end or to a code that says: come back.
        for _ in 0..20 {
            let Some((opcode, payload)) = greedy.read().await else {
                break;
            };
            if opcode == CLOSE {
                assert_eq!(u16::from_be_bytes(payload[..2].try_into().unwrap()), 4001);
                break;
            }
            Incoming::read(door.format(), &payload).unwrap();
        }
    }
}

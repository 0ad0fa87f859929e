//! The stream by hand: what it begins with, what keeps it, what it ends with, and who is refused.

use std::time::Duration;

use im_core::{CloseReason, Code, Push, wire::Incoming};
use im_transport::{
    Bounds,
    ws::{Options, Origins},
};

use super::{
    by_hand::{Event, Stream, ask, post},
    door::{Door, bearer},
};
use crate::door::user;

#[tokio::test]
async fn the_first_event_answers_session_open_and_the_second_names_the_link() {
    let door = Door::open().await;

    let stream = door.stream("alice", "phone").await;

    assert_eq!(stream.opened["id"], "open");
    assert_eq!(stream.opened["result"]["user"], "alice");
    assert_eq!(stream.opened["result"]["heartbeat_ms"], 25_000);
    assert_eq!(stream.link.len(), 32);
    assert_eq!((door.im.session_count(), door.events.streams()), (1, 1));
}

#[tokio::test]
async fn a_page_opens_a_stream_with_a_ticket_in_the_query() {
    let door = Door::open().await;

    let stream = Stream::open(door.address, "device=page&class=web&ticket=alice", "").await;

    assert_eq!(stream.opened["result"]["user"], "alice");
}

#[tokio::test]
async fn what_is_said_comes_as_an_event_and_each_stream_has_all_of_it() {
    let door = Door::open().await;
    let chat = door.direct("alice", "bob").await;
    let mut streams = Vec::new();
    for device in ["phone", "laptop"] {
        streams.push(door.stream("bob", device).await);
    }
    let alice = door.im.connect("alice", "phone").await.unwrap();

    let sent = alice.send(&chat, "two\n\nlines, data: x").await.unwrap();

    for stream in &mut streams {
        match stream.incoming().await {
            Incoming::Push(Push::Entry(entry)) => assert_eq!(entry.seq, sent.seq),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn who_is_nobody_gets_no_stream() {
    let door = Door::open().await;
    for (headers, query, expected) in [
        ("", "device=phone", (401, Code::Unauthenticated)),
        (
            "Authorization: Basic YTpi\r\n",
            "device=phone",
            (401, Code::Unauthenticated),
        ),
        (
            &bearer("not a user"),
            "device=phone",
            (401, Code::Unauthenticated),
        ),
        (&bearer("alice"), "", (400, Code::InvalidRequest)),
        (
            &bearer("alice"),
            "device=a%20b",
            (400, Code::InvalidRequest),
        ),
    ] {
        let line = format!("GET /v1/events?{query}");
        let answer = ask(door.address, &line, headers, "").await;
        assert_eq!(answer.refusal(), expected, "{headers}{query}");
    }
    assert_eq!((door.im.session_count(), door.events.streams()), (0, 0));
}

#[tokio::test]
async fn pages_of_foreign_origins_are_refused() {
    let door = Door::open().await;
    let listed = Options {
        origins: Origins::List(["https://app.example".to_owned()].into()),
        ..Options::default()
    };
    let open_to_one = Door::open_with(listed, Duration::from_secs(25)).await;

    let of = async |door: &Door, origin: &str| {
        let headers = format!("{}Origin: {origin}\r\n", bearer("alice"));
        let link = ask(door.address, "GET /v1/events?device=x%20y", &headers, "").await;
        let posted = post(door.address, "x", &headers, "").await;
        (link.status, posted.status)
    };

    // Let in, and then told what else is wrong.
    let own = format!("http://{}", door.address);
    assert_eq!(of(&door, &own).await, (400, 404));
    assert_eq!(of(&door, "http://evil.example").await, (403, 403));
    assert_eq!(of(&open_to_one, "https://app.example").await, (400, 404));
    assert_eq!(of(&open_to_one, "null").await, (403, 403));
}

#[tokio::test]
async fn beyond_as_many_streams_as_may_be_open_none_is_opened() {
    let options = Options {
        bounds: Bounds {
            max_connections: 1,
            ..Bounds::default()
        },
        ..Options::default()
    };
    let door = Door::open_with(options, Duration::from_secs(25)).await;
    let _stream = door.stream("alice", "phone").await;

    let line = "GET /v1/events?device=laptop";
    let beyond = ask(door.address, line, &bearer("alice"), "").await;

    assert_eq!(beyond.refusal(), (503, Code::Overloaded));
    assert_eq!(door.im.session_count(), 1);
}

#[tokio::test]
async fn a_stream_that_has_nothing_to_say_says_so() {
    let bounds = Bounds {
        missed_heartbeats: 1_000.0,
        ..Bounds::default()
    };
    let options = Options {
        bounds,
        ..Options::default()
    };
    let door = Door::open_with(options, Duration::from_millis(100)).await;

    let mut stream = door.stream("alice", "phone").await;

    for _ in 0..3 {
        assert_eq!(stream.next().await, Some(Event::Comment));
    }
}

#[tokio::test]
async fn who_posts_nothing_is_sent_away_and_told_to_resume() {
    let door = Door::open_with(Options::default(), Duration::from_millis(200)).await;
    let mut stream = door.stream("alice", "phone").await;

    let close = loop {
        match stream.next().await.expect("a reason before the end") {
            Event::Close(close) => break close,
            Event::Comment => {}
            other => panic!("{other:?}"),
        }
    };

    assert_eq!(close["code"], 4002);
    assert_eq!(close["resume"], true);
    assert_eq!(stream.next().await, None);
    assert_eq!(door.im.session_count(), 0);
}

#[tokio::test]
async fn every_end_has_its_code() {
    let door = Door::open().await;
    for (reason, code) in [
        (CloseReason::Unauthenticated, 4200),
        (CloseReason::Displaced, 4300),
        (CloseReason::Banned, 4302),
        (CloseReason::GoingAway, 4000),
    ] {
        let mut stream = door.stream("alice", "phone").await;
        door.im.disconnect(&user("alice"), None, reason);
        assert_eq!(stream.close_code().await, code);
    }
    let mut first = door.stream("bob", "phone").await;
    let mut second = door.stream("bob", "phone").await;
    assert_eq!(first.close_code().await, 4300);

    door.im.shut_down().await;

    assert_eq!(second.close_code().await, 4000);
    let line = "GET /v1/events?device=phone";
    let late = ask(door.address, line, &bearer("bob"), "").await;
    assert_eq!(late.refusal(), (503, Code::Unavailable));
}

#[tokio::test]
async fn who_hangs_up_is_gone() {
    let door = Door::open().await;
    let stream = door.stream("alice", "phone").await;
    let link = stream.link.clone();

    drop(stream);

    crate::door::within(async {
        while door.im.session_count() + door.events.streams() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let late = post(door.address, &link, &bearer("alice"), "{}").await;
    assert_eq!(late.refusal(), (404, Code::NotFound));
}

//! Messages whose content goes by itself.

use super::{Draft, Log, group, said, user};
use crate::{
    Body, Content, ConversationId, Ending, Message, Seq, Stream, Timestamp,
    port::{Alarm, Ports, Range, Span},
};

fn until(at_ms: i64) -> Body {
    Body::Message(Message {
        expires_at_ms: Some(Timestamp(at_ms)),
        ..Message::from("short")
    })
}

fn burns(burn_ms: u64) -> Body {
    Body::Message(Message {
        burn_ms: Some(burn_ms),
        ..Message::from("secret")
    })
}

/// Alarms of one conversation: a store may hold those of others.
async fn due(ports: &Ports, log: &Log, now: i64) -> Vec<(i64, u64)> {
    of(
        log,
        &ports.alarms.due(Timestamp(now), 10_000).await.unwrap(),
    )
}

/// Open messages of one conversation.
async fn still_open(ports: &Ports, log: &Log, until: i64) -> Vec<(i64, u64)> {
    of(
        log,
        &ports.alarms.open(Timestamp(until), 10_000).await.unwrap(),
    )
}

fn of(log: &Log, all: &[Alarm]) -> Vec<(i64, u64)> {
    let own = all
        .iter()
        .filter(|alarm| alarm.conversation == log.conversation);
    own.map(|alarm| (alarm.at_ms.0, alarm.seq.0)).collect()
}

fn span(conversation: ConversationId, after: u64, end: u64) -> Span {
    Span {
        conversation,
        after: Seq(after),
        end: Seq(end),
    }
}

suite! { alarm_store_suite in alarms:
    /// Alarms come in the order of their times, not before, and only those of messages that still have a content.
    async fn alarms_come_in_the_order_of_their_times(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        log.store(ports, [until(3_000), until(1_000), said("stays"), until(2_000)].map(|body| Draft::new("alice", body))).await;
        assert_eq!(due(ports, &log, 999).await, []);
        assert_eq!(due(ports, &log, 2_500).await, [(1_000, 3), (2_000, 5)]);
        assert_eq!(ports.alarms.due(Timestamp(5_000), 1).await.unwrap().len(), 1);
        assert!(ports.alarms.next().await.unwrap().unwrap() <= Timestamp(1_000));
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(3) })]).await;
        log.store(ports, [Draft::new("alice", Body::Expired { targets: vec![Seq(5)] })]).await;
        assert_eq!(due(ports, &log, 5_000).await, [(3_000, 2)]);
    }

    /// A message that goes when it is read waits for the reader, not for its sender, and is lit once.
    async fn a_burning_message_waits_for_the_reader(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let at = log.conversation;
        log.store(ports, [burns(100), burns(200), burns(300)].map(|body| Draft::new("alice", body))).await;
        assert_eq!(due(ports, &log, 1_000_000).await, []);
        let light = |id: &str, after, end, now| {
            let id = user(id);
            async move { ports.alarms.light(&id, span(at, after, end), Timestamp(now)).await.unwrap() }
        };
        assert_eq!(light("alice", 1, 4, 1_000).await, 0);
        assert_eq!(light("bob", 1, 3, 1_000).await, 2);
        assert_eq!(light("bob", 1, 3, 9_000).await, 0);
        assert_eq!(due(ports, &log, 5_000).await, [(1_100, 2), (1_200, 3)]);
    }

    /// Of an end and a reading, what comes first counts.
    async fn the_earlier_of_two_ends_counts(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let both = |at_ms, burn_ms| Body::Message(Message {
            expires_at_ms: Some(Timestamp(at_ms)),
            burn_ms: Some(burn_ms),
            ..Message::from("both")
        });
        log.store(ports, [both(5_000, 100), both(5_000, 60_000)].map(|body| Draft::new("alice", body))).await;
        assert_eq!(due(ports, &log, 5_000).await, [(5_000, 2), (5_000, 3)]);
        ports.alarms.light(&user("bob"), span(log.conversation, 0, 9), Timestamp(1_000)).await.unwrap();
        assert_eq!(due(ports, &log, 5_000).await, [(1_100, 2), (5_000, 3)]);
    }

    /// A message is open until an entry ends it or its content is gone, and comes in the order of the times.
    async fn open_messages_come_in_the_order_of_their_times(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let open = |at_ms| Body::Message(Message {
            stream: Some(Box::new(Stream::Open { until_ms: Timestamp(at_ms) })),
            ..Message::from("I am")
        });
        log.store(ports, [open(3_000), said("plain"), open(1_000), open(2_000)].map(|body| Draft::new("alice", body))).await;
        assert_eq!(still_open(ports, &log, 999).await, []);
        assert_eq!(still_open(ports, &log, 2_500).await, [(1_000, 4), (2_000, 5)]);
        assert_eq!(due(ports, &log, 5_000).await, []);
        assert_eq!(ports.alarms.open(Timestamp(5_000), 1).await.unwrap().len(), 1);

        let end = Body::Edited {
            target: Seq(4),
            content: Some(Content::text("I am done")),
            ending: Some(Ending::Finished),
        };
        log.store(ports, [Draft::new("alice", end)]).await;
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(5) })]).await;

        assert_eq!(still_open(ports, &log, 5_000).await, [(3_000, 2)]);
    }

    /// What ends a message gives it its text, and no edit; a recall takes both texts.
    async fn the_end_of_a_message_is_its_text(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let open = Body::Message(Message {
            stream: Some(Box::new(Stream::Open { until_ms: Timestamp(1_000) })),
            ..Message::from("")
        });
        let end = |text, ending| Body::Edited {
            target: Seq(2),
            content: Some(Content::text(text)),
            ending: Some(ending),
        };
        log.store(ports, [Draft::new("alice", open)]).await;
        log.store(ports, [Draft::new("alice", end("all of it", Ending::Interrupted))]).await;
        log.store(ports, [Draft::new("alice", end("too late", Ending::Finished))]).await;
        let entries = ports.log.read(log.conversation, Range::After(Seq(1)), 9).await.unwrap();
        let ended = Message {
            stream: Some(Box::new(Stream::Interrupted { by: Seq(3) })),
            ..Message::from("all of it")
        };
        assert_eq!(entries[0].body, Body::Message(ended));

        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(2) })]).await;

        let entries = ports.log.read(log.conversation, Range::After(Seq(1)), 9).await.unwrap();
        let gone = |ending| Body::Edited { target: Seq(2), content: None, ending: Some(ending) };
        assert_eq!(entries[0].body, Body::RecalledMessage { by: Seq(5) });
        assert_eq!(entries[1].body, gone(Ending::Interrupted));
        assert_eq!(entries[2].body, gone(Ending::Finished));
    }
}

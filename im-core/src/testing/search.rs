//! Finding messages. Each case asks before and after the store has derived what makes it fast: both find the same.

use super::{Draft, Log, audit, created, group, race, said, user};
use crate::{
    Body, Content, Entry, Needle, Seq,
    port::{Ports, Search},
};

fn ask(log: &Log, needle: Needle) -> Search {
    Search {
        conversation: log.conversation,
        needle,
        after: Seq::ZERO,
        before: log.head.seq.next(),
        hits: 10,
    }
}

/// Looks through a whole part, step by step, and checks what holds of each step.
async fn steps(ports: &Ports, mut search: Search) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let found = ports.search.search(search.clone()).await.unwrap();
        assert!(found.entries.len() <= search.hits);
        let bound = found.rest.map_or(search.after.next(), |rest| rest.before);
        for entry in &found.entries {
            assert!(
                (bound..search.before).contains(&entry.seq),
                "out of its part"
            );
            assert!(entries.last().is_none_or(|last| last.seq > entry.seq));
            entries.push(entry.clone());
        }
        let Some(rest) = found.rest else {
            return entries;
        };
        assert!(rest.before < search.before, "no step");
        assert!(entries.last().is_none_or(|last| last.seq >= rest.before));
        assert!(Log::time_of(rest.before.previous()) <= rest.at_ms);
        search.before = rest.before;
    }
}

/// The seqs that a search finds, which are the same before and after the store has prepared.
async fn found(ports: &Ports, search: Search) -> Vec<u64> {
    let slow = steps(ports, search.clone()).await;
    ports.search.prepare(search.conversation).await.unwrap();
    let fast = steps(ports, search).await;
    assert_eq!(slow, fast);
    slow.iter().map(|entry| entry.seq.0).collect()
}

async fn texts(ports: &Ports, log: &Log, text: &str) -> Vec<u64> {
    found(ports, ask(log, Needle::text(text))).await
}

/// What many people say: 15 characters each from some hundred, so that pairs of them are seldom.
fn chatter(n: u32) -> String {
    let next = |i: u32| (n * 7_919 + i * i * 31 + n * i * 17) % 400;
    let chars = (0..15).map(|i| char::from_u32(0x4e00 + next(i)));
    chars.map(Option::unwrap).collect()
}

async fn talk(ports: &Ports, count: u32) -> Log {
    let mut log = group(ports, &["alice", "bob"]).await;
    for from in (0..count).step_by(100) {
        let drafts = (from..count.min(from + 100)).map(|n| {
            let sender = ["alice", "bob"][n as usize % 2];
            Draft::new(sender, said(&chatter(n)))
        });
        log.store(ports, drafts).await;
    }
    log
}

fn edited(target: u64, text: &str) -> Draft {
    let content = Some(Content::text(text));
    Draft::new(
        "alice",
        Body::Edited {
            target: Seq(target),
            content,
            ending: None,
        },
    )
}

const NONE: [u64; 0] = [];

suite! { search_store_suite in search:
    /// By any part of it, in any script, down to a single character.
    async fn a_message_is_found_by_any_part_of_its_text(ports) {
        let mut log = group(ports, &["alice"]).await;
        let said = ["我们明天去北京吧", "東京でラーメンを食べた", "내일 서울에서 만나요", "See you tomorrow", "100% sure_thing \\ 'quoted'"]
            .map(|text| Draft::new("alice", said(text)));
        log.store(ports, said).await;

        for (text, seqs) in [
            ("北京", &[2][..]), ("京", &[3, 2]), ("我们明天去北京吧", &[2]), ("去北", &[2]),
            ("ラーメン", &[3]), ("た", &[3]), ("서울", &[4]), ("만나", &[4]), ("일 서", &[4]),
            ("you tom", &[5]), ("row", &[5]), ("%", &[6]), ("e_t", &[6]), ("\\", &[6]), ("'q", &[6]),
            ("上海", &[]), ("京北", &[]), ("tomorrows", &[]), ("ey", &[]),
        ] {
            assert_eq!(texts(ports, &log, text).await, seqs, "{text}");
        }
    }

    /// Neither case nor width nor composition matters.
    async fn a_text_is_found_however_it_is_written(ports) {
        let mut log = group(ports, &["alice"]).await;
        let said = ["Ｈｅｌｌｏ ＷＯＲＬＤ", "ｶﾞﾝﾀﾞﾑ", "한국", "cafe\u{301}"].map(|text| Draft::new("alice", said(text)));
        log.store(ports, said).await;

        for (text, seq) in [("hello world", 2), ("LO W", 2), ("ガンダム", 3), ("한국", 4), ("CAFÉ", 5), ("  café ", 5)] {
            assert_eq!(texts(ports, &log, text).await, [seq], "{text}");
        }
    }

    /// What a message said before is not found any more, what it says now is, and what was recalled is not.
    async fn the_present_text_is_searched(ports) {
        let mut log = talk(ports, 300).await;
        let found_first = texts(ports, &log, &chatter(9)[..6]).await;
        assert_eq!(found_first, [11]);

        log.store(ports, [edited(11, "a needle in a haystack")]).await;
        assert_eq!(texts(ports, &log, "needle").await, [11]);
        assert_eq!(texts(ports, &log, &chatter(9)).await, NONE);
        log.store(ports, [edited(11, "nothing"), edited(12, "another needle")]).await;
        assert_eq!(texts(ports, &log, "needle").await, [12]);
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(12) })]).await;

        assert_eq!(texts(ports, &log, "needle").await, NONE);
        assert_eq!(texts(ports, &log, "nothing").await, [11]);
    }

    /// A long log gives the same as looking at each of its entries.
    async fn a_long_log_is_searched_as_a_whole(ports) {
        let log = talk(ports, 700).await;
        let entries = audit(ports, log.conversation).await;

        for n in [0, 5, 126, 127, 128, 333, 699] {
            let text = chatter(n);
            let parts = [1, 2, 3, 5, 15].map(|length| text.chars().skip(2).take(length).collect::<String>());
            for part in parts.iter().filter(|part| !part.is_empty()) {
                let needle = Needle::text(part);
                let holds = |entry: &&Entry| match &entry.body {
                    Body::Message(message) => message.content.as_text().unwrap().contains(part.as_str()),
                    _ => false,
                };
                let expected: Vec<u64> = entries.iter().rev().filter(holds).map(|entry| entry.seq.0).collect();
                assert_eq!(found(ports, ask(&log, needle)).await, expected, "{part}");
            }
        }
    }

    /// Only a part of the log, with the end that was asked for.
    async fn a_part_of_a_log_is_searched(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, (0..300).map(|_| Draft::new("alice", said("all the same")))).await;

        for (after, before) in [(0, 302), (1, 2), (1, 3), (127, 130), (128, 129), (200, 301), (250, 251), (301, 302), (5, 5)] {
            let part = Search { after: Seq(after), before: Seq(before), ..ask(&log, Needle::text("same")) };
            let expected: Vec<u64> = (after.max(1) + 1..before).rev().collect();
            assert_eq!(found(ports, part).await, expected, "{after}..{before}");
        }
    }

    /// By sender and kind, alone and together.
    async fn sender_and_kind_narrow_what_is_found(ports) {
        let mut log = talk(ports, 200).await;
        let thing = Content::Custom { name: "thing".into(), data: serde_json::json!({"text": "hello"}) };
        let carols = [
            Draft::new("carol", Body::MembersAdded { members: vec![user("dave")], since: None }),
            Draft::new("carol", said("hello")),
            Draft::new("carol", Body::says(thing)),
            Draft::new("bob", said("hello")),
        ];
        log.store(ports, carols).await;
        let carol = || Some(user("carol"));
        let any = Needle::default;

        assert_eq!(found(ports, ask(&log, any().of_sender(carol()))).await, [204, 203]);
        assert_eq!(found(ports, ask(&log, any().of_kind(Some("custom".into())))).await, [204]);
        assert_eq!(found(ports, ask(&log, Needle::text("hello"))).await, [205, 203]);
        assert_eq!(found(ports, ask(&log, Needle::text("hello").of_sender(carol()))).await, [203]);
        let texts = any().of_sender(carol()).of_kind(Some("text".into()));
        assert_eq!(found(ports, ask(&log, texts)).await, [203]);
        assert_eq!(found(ports, ask(&log, any().of_sender(Some(user("car"))))).await, NONE);
        assert_eq!(found(ports, ask(&log, any().of_kind(Some("image".into())))).await, NONE);
    }

    /// Other logs are not looked into, and what is not there holds nothing.
    async fn only_the_log_that_was_named_is_searched(ports) {
        let mut here = group(ports, &["alice"]).await;
        let mut there = group(ports, &["alice"]).await;
        here.store(ports, [Draft::new("alice", said("here"))]).await;
        there.store(ports, [Draft::new("alice", said("there"))]).await;

        assert_eq!(texts(ports, &here, "ere").await, [2]);
        assert_eq!(texts(ports, &there, "here").await, [2]);
        assert_eq!(texts(ports, &Log::new(), "here").await, NONE);
    }

    /// However edits and the making of what is derived meet, the present texts are found.
    async fn edits_and_preparations_may_meet(ports) {
        let mut log = talk(ports, 260).await;
        for round in 0..10 {
            let append = log.append([edited(20 + round, "needle"), edited(40 + round, "needle")]);
            let (a, b) = (ports.clone(), ports.clone());
            let at = log.conversation;
            let editing = async move {
                a.log.append(append).await.unwrap();
            };
            let preparing = async move { b.search.prepare(at).await.unwrap() };
            let both: [futures_util::future::BoxFuture<'static, ()>; 2] =
                [Box::pin(preparing), Box::pin(editing)];
            race(ports, both).await;

            let expected: Vec<u64> = (40..=40 + round).rev().chain((20..=20 + round).rev()).collect();
            assert_eq!(texts(ports, &log, "needle").await, expected);
        }
    }

    /// What is no message says nothing.
    async fn changes_are_not_found(ports) {
        let mut log = Log::new();
        log.store(ports, [Draft::new("alice", created(&["alice", "group"]))]).await;
        log.store(ports, [Draft::new("alice", said("x")), edited(2, "y")]).await;

        assert_eq!(texts(ports, &log, "group").await, NONE);
        assert_eq!(texts(ports, &log, "y").await, [2]);
    }
}

//! Pages of large entries.

use im_core::{
    Actor, ClientId, Content, ConversationId, CreateConversation, Cursor, Entry, History, Im,
    Limits, ListConversations, SendMessage, Seq, SyncPull, TrustEveryone, Visibility,
};
use im_store::MemoryStore;

use crate::world::user;

/// Bytes in a page.
const PAGE: usize = 1_000;
/// Bytes of a text, three of which are more than a page.
const TEXT: usize = 350;

fn im() -> Im {
    let limits = Limits {
        page_bytes: PAGE,
        // So that a page takes several reads.
        content_bytes: PAGE,
        ..Limits::default()
    };
    Im::builder(MemoryStore::new(), TrustEveryone)
        .limits(limits)
        .build()
}

fn me() -> Actor {
    Actor::user(user(0))
}

async fn group(im: &Im, n: usize) -> ConversationId {
    let ask = CreateConversation {
        client_id: ClientId::new(format!("group{n}")).unwrap(),
        name: None,
        members: vec![],
        joining: Default::default(),
        history: Visibility::default(),
        preset: None,
    };
    im.call(&me(), ask).await.unwrap().conversation
}

async fn say(im: &Im, to: ConversationId, text: String) {
    let message = SendMessage::new(to, ClientId::random(), Content::text(text));
    im.call(&me(), message).await.unwrap();
}

async fn say_often(im: &Im, to: ConversationId, times: usize) {
    for _ in 0..times {
        say(im, to, "x".repeat(TEXT)).await;
    }
}

/// What the page may not exceed but by its last entry.
fn check_bytes(entries: &[&Entry]) {
    let bytes = |entry: &&Entry| serde_json::to_vec(&entry.body).unwrap().len();
    let all: usize = entries.iter().map(bytes).sum();
    let largest = entries.iter().map(bytes).max().unwrap_or_default();
    assert!(all < PAGE + largest, "{all} bytes");
}

fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.0).collect()
}

#[tokio::test]
async fn history_has_pages_of_so_many_bytes_without_a_hole_or_a_repeat() {
    let im = im();
    let chat = group(&im, 0).await;
    say_often(&im, chat, 20).await;
    let ask = |after: Option<u64>, before: Option<u64>| History {
        after_seq: after.map(Seq),
        before_seq: before.map(Seq),
        limit: Some(200),
        ..History::of(chat)
    };

    let mut forwards = Vec::new();
    loop {
        let last = forwards.last().copied().unwrap_or_default();
        let page = im.call(&me(), ask(Some(last), None)).await.unwrap();
        check_bytes(&page.items.iter().collect::<Vec<_>>());
        assert_eq!(page.head.seq, Seq(21));
        assert!(page.done || (1..=4).contains(&page.items.len()));
        forwards.extend(seqs(&page.items));
        if page.done {
            break;
        }
    }
    let mut backwards = Vec::new();
    loop {
        let first = backwards.last().copied();
        let page = im.call(&me(), ask(None, first)).await.unwrap();
        check_bytes(&page.items.iter().collect::<Vec<_>>());
        assert!(page.done || (1..=4).contains(&page.items.len()));
        backwards.extend(seqs(&page.items).into_iter().rev());
        if page.done {
            break;
        }
    }

    assert_eq!(forwards, (1..=21).collect::<Vec<_>>());
    assert_eq!(backwards, (1..=21).rev().collect::<Vec<_>>());
}

#[tokio::test]
async fn a_page_of_small_entries_holds_as_many_as_were_asked_for() {
    let im = im();
    let chat = group(&im, 0).await;
    for n in 0..9 {
        say(&im, chat, n.to_string()).await;
    }

    let ask = History {
        after_seq: Some(Seq(1)),
        limit: Some(8),
        ..History::of(chat)
    };
    let page = im.call(&me(), ask).await.unwrap();

    assert_eq!((seqs(&page.items), page.done), ((2..=9).collect(), false));
}

#[tokio::test]
async fn an_entry_larger_than_a_page_is_one() {
    let im = im();
    let chat = group(&im, 0).await;
    for _ in 0..2 {
        say(&im, chat, "x".repeat(PAGE)).await;
    }

    let ask = History {
        after_seq: Some(Seq(1)),
        ..History::of(chat)
    };
    let page = im.call(&me(), ask).await.unwrap();

    assert_eq!((seqs(&page.items), page.done), (vec![2], false));
}

#[tokio::test]
async fn catching_up_has_pages_of_so_many_bytes_without_a_hole_or_a_repeat() {
    let im = im();
    let (one, other) = (group(&im, 1).await, group(&im, 2).await);
    let pull = |cursor: Option<Cursor>, limit| SyncPull {
        cursor,
        have: Default::default(),
        limit,
    };
    let here = im.call(&me(), pull(None, Some(0))).await.unwrap();
    assert!(here.done);
    say_often(&im, one, 10).await;
    say_often(&im, other, 10).await;

    let mut cursor = here.cursor;
    let mut got: Vec<Entry> = Vec::new();
    loop {
        let page = im.call(&me(), pull(Some(cursor), Some(200))).await.unwrap();
        let entries: Vec<_> = page.items.iter().flat_map(|item| &item.entries).collect();
        check_bytes(&entries);
        for item in &page.items {
            let last = item.entries.last().map(|entry| entry.seq);
            assert_eq!(item.more, last != Some(Seq(11)), "{last:?}");
        }
        got.extend(entries.into_iter().cloned());
        cursor = page.cursor;
        if page.done {
            break;
        }
        assert!(!page.items.is_empty());
    }

    for id in [one, other] {
        let mut seqs = seqs(&got);
        let mut of = got.iter().map(|entry| entry.conversation == id);
        seqs.retain(|_| of.next().unwrap());
        assert_eq!(seqs, (2..=11).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_new_device_gets_the_latest_that_fit() {
    let im = im();
    let chat = group(&im, 0).await;
    say_often(&im, chat, 20).await;

    let pull = SyncPull {
        cursor: None,
        have: Default::default(),
        limit: None,
    };
    let page = im.call(&me(), pull).await.unwrap();

    assert_eq!(seqs(&page.items[0].entries), [19, 20, 21]);
    assert!(page.done && !page.items[0].more);
}

#[tokio::test]
async fn a_list_of_conversations_with_large_messages_has_pages() {
    let im = im();
    let mut all = Vec::new();
    for n in 0..10 {
        let chat = group(&im, n).await;
        say_often(&im, chat, 1).await;
        all.push(chat);
    }
    all.sort();

    let (mut listed, mut after) = (Vec::new(), None);
    loop {
        let limit = Some(200);
        let page = im
            .call(
                &me(),
                ListConversations {
                    after,
                    limit,
                    which: None,
                },
            )
            .await
            .unwrap();
        let last: Vec<_> = page
            .items
            .iter()
            .map(|view| view.last.as_ref().unwrap())
            .collect();
        check_bytes(&last);
        listed.extend(page.items.iter().map(|view| view.conversation));
        after = page.next_cursor;
        if page.done {
            break;
        }
    }

    assert_eq!(listed, all);
}

//! Long polls: what wakes them, what they tell, how many there may be, and what their user looks like meanwhile.

use std::time::Duration;

use futures_util::FutureExt as _;
use im_core::{
    Actor, AddFavourite, Availability, CloseReason, Code, Content, Cursor, Epoch, GetPresence, Im,
    Rejection, SyncPage, SyncPull, Typing, port::Identity,
};
use im_transport::updates::{Ask, Options, Updates};
use serde_json::Value;

use super::{
    by_hand::ask,
    door::{Door, bearer},
};
use crate::door::{user, within};

async fn bot(im: &Im) -> Identity {
    im.authenticate("bot").await.unwrap()
}

fn after(cursor: &Cursor) -> Ask {
    Ask {
        after: Some(cursor.clone()),
        wait: Some(Duration::from_secs(50)),
        limit: None,
    }
}

/// Where things stand for the bot.
async fn present(door: &Door) -> (Identity, Cursor) {
    let bot = bot(&door.im).await;
    let page = within(door.updates.next(&bot, Ask::default()))
        .await
        .unwrap();
    assert!(page.done && page.items.is_empty(), "{page:?}");
    (bot, page.cursor)
}

/// A poll that was begun and waits.
async fn waiting(
    updates: &Updates,
    bot: &Identity,
    cursor: &Cursor,
) -> tokio::task::JoinHandle<Result<SyncPage, Rejection>> {
    let (updates, bot, ask) = (updates.clone(), bot.clone(), after(cursor));
    let mut poll = Box::pin(async move { updates.next(&bot, ask).await });
    // With a store in memory it is at its place once nothing more happens.
    for _ in 0..100 {
        assert!(poll.as_mut().now_or_never().is_none(), "it has to wait");
        tokio::task::yield_now().await;
    }
    tokio::spawn(poll)
}

fn texts(page: &SyncPage) -> Vec<&str> {
    let entries = page.items.iter().flat_map(|item| &item.entries);
    let messages = entries.filter_map(|entry| entry.body.as_message());
    messages.filter_map(|it| it.content.as_text()).collect()
}

#[tokio::test]
async fn a_poll_is_woken_by_a_message_and_the_next_goes_on_after_it() {
    let door = Door::open().await;
    let chat = door.direct("alice", "bot").await;
    let alice = door.im.connect("alice", "phone").await.unwrap();
    alice.send(&chat, "before").await.unwrap();
    let (bot, cursor) = present(&door).await;

    let poll = waiting(&door.updates, &bot, &cursor).await;
    alice.send(&chat, "one").await.unwrap();
    let first = within(poll).await.unwrap().unwrap();
    alice.send(&chat, "two").await.unwrap();
    let second = within(door.updates.next(&bot, after(&first.cursor)))
        .await
        .unwrap();

    assert_eq!(texts(&first), ["one"]);
    assert_eq!(texts(&second), ["two"]);
    let again = within(door.updates.next(&bot, after(&cursor)))
        .await
        .unwrap();
    assert_eq!(texts(&again), ["one", "two"]);
}

#[tokio::test]
async fn a_poll_is_woken_by_a_conversation_that_begins_and_by_a_row_of_the_users_own() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;

    let poll = waiting(&door.updates, &bot, &cursor).await;
    let chat = door.direct("alice", "bot").await;
    let begun = within(poll).await.unwrap().unwrap();
    let poll = waiting(&door.updates, &bot, &begun.cursor).await;
    let alice = door.im.connect("alice", "phone").await.unwrap();
    let sent = alice.send(&chat, "keep this").await.unwrap();
    let told = within(poll).await.unwrap().unwrap();
    let poll = waiting(&door.updates, &bot, &told.cursor).await;
    let favourite = AddFavourite {
        conversation: chat,
        seq: sent.seq,
    };
    door.im.call(&bot.actor, favourite).await.unwrap();
    let kept = within(poll).await.unwrap().unwrap();

    assert_eq!(begun.items[0].view.conversation, chat);
    assert_eq!(kept.own.len(), 1, "{kept:?}");
    assert!(kept.items.is_empty());
}

#[tokio::test(start_paused = true)]
async fn what_no_sync_tells_does_not_end_a_poll_and_its_time_does() {
    let im = Im::builder(im_store::MemoryStore::new(), im_core::TrustEveryone).build();
    let updates = Updates::new(im.clone(), Options::default());
    let chat = im.direct("alice", "bot").await.unwrap();
    let bot = bot(&im).await;
    let cursor = updates.next(&bot, Ask::default()).await.unwrap().cursor;
    let start = tokio::time::Instant::now();

    let poll = waiting(&updates, &bot, &cursor).await;
    let typing = Typing { conversation: chat };
    im.call(&Actor::user(user("alice")), typing).await.unwrap();
    let page = poll.await.unwrap().unwrap();

    assert!(page.done && page.items.is_empty() && !page.reset);
    assert_eq!(start.elapsed(), Duration::from_secs(50));
    let at_once = Ask {
        wait: Some(Duration::ZERO),
        ..after(&page.cursor)
    };
    assert_eq!(
        updates.next(&bot, at_once).await.unwrap().cursor,
        page.cursor
    );
}

#[tokio::test]
async fn another_history_is_told_at_once() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;
    let elsewhere = Cursor {
        epoch: Epoch(cursor.epoch.0 ^ 1),
        ..cursor
    };

    let page = within(door.updates.next(&bot, after(&elsewhere)))
        .await
        .unwrap();

    assert!(page.reset);
}

#[tokio::test]
async fn it_is_the_same_cursor_as_that_of_a_sync() {
    let door = Door::open().await;
    let chat = door.direct("alice", "bot").await;
    let (bot, cursor) = present(&door).await;
    let alice = door.im.connect("alice", "phone").await.unwrap();
    for text in ["one", "two", "three"] {
        alice.send(&chat, text).await.unwrap();
    }

    let pull = SyncPull {
        cursor: Some(cursor),
        have: Default::default(),
        limit: Some(1),
    };
    let pulled = door.im.call(&bot.actor, pull).await.unwrap();
    let ask = Ask {
        limit: Some(1),
        ..after(&pulled.cursor)
    };
    let polled = within(door.updates.next(&bot, ask)).await.unwrap();

    assert_eq!(texts(&pulled), ["one"]);
    assert_eq!(texts(&polled), ["two"]);
    assert!(!polled.done);
    let rest = within(door.updates.next(&bot, after(&polled.cursor)))
        .await
        .unwrap();
    assert_eq!(texts(&rest), ["three"]);
}

#[tokio::test]
async fn a_user_has_so_many_polls_and_another_user_its_own() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;
    let mut polls = Vec::new();
    for _ in 0..8 {
        polls.push(waiting(&door.updates, &bot, &cursor).await);
    }

    let beyond = door.updates.next(&bot, after(&cursor)).await.unwrap_err();
    let other = door.im.authenticate("other").await.unwrap();
    let others = within(door.updates.next(&other, Ask::default())).await;

    assert_eq!(beyond.code, Code::RateLimited);
    assert!(beyond.retry_after_ms.is_some());
    assert!(others.is_ok());
    polls.remove(0).abort();
    let begun = door.direct("alice", "bot").await;
    for poll in polls {
        let page = within(poll).await.unwrap().unwrap();
        assert_eq!(page.items[0].view.conversation, begun);
    }
    assert!(door.updates.next(&bot, Ask::default()).await.is_ok());
}

#[tokio::test]
async fn a_poll_ends_at_once_when_the_server_goes_away() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;
    let poll = waiting(&door.updates, &bot, &cursor).await;

    door.im.shut_down().await;

    let page = within(poll).await.unwrap().unwrap();
    assert!(page.done && page.items.is_empty());
    assert_eq!(page.cursor, cursor);
    let late = door.updates.next(&bot, after(&cursor)).await.unwrap_err();
    assert_eq!(late.code, Code::Unavailable);
}

#[tokio::test]
async fn a_poll_whose_session_was_ended_goes_on_with_another() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;
    let poll = waiting(&door.updates, &bot, &cursor).await;

    door.im.disconnect(&user("bot"), None, CloseReason::TooSlow);
    let chat = door.direct("alice", "bot").await;
    let page = within(poll).await.unwrap().unwrap();

    assert_eq!(page.items[0].view.conversation, chat);
}

#[tokio::test]
async fn a_poll_of_a_user_who_was_signed_out_is_refused() {
    let door = Door::open().await;
    let (bot, cursor) = present(&door).await;
    let poll = waiting(&door.updates, &bot, &cursor).await;

    door.im
        .disconnect(&user("bot"), None, CloseReason::Unauthenticated);

    let refused = within(poll).await.unwrap().unwrap_err();
    assert_eq!(refused.code, Code::Unauthenticated);
}

#[tokio::test(start_paused = true)]
async fn who_polls_is_online_until_a_while_after_its_last_poll() {
    let im = Im::builder(im_store::MemoryStore::new(), im_core::TrustEveryone).build();
    let updates = Updates::new(im.clone(), Options::default());
    im.direct("alice", "bot").await.unwrap();
    let bot = bot(&im).await;
    let alice = Actor::user(user("alice"));
    let availability = async || {
        let users = vec![user("bot")];
        let presence = im.call(&alice, GetPresence { users }).await.unwrap();
        presence.items[0].availability
    };

    let mut cursor = updates.next(&bot, Ask::default()).await.unwrap().cursor;
    for _ in 0..3 {
        assert_eq!(availability().await, Availability::Online);
        cursor = updates.next(&bot, after(&cursor)).await.unwrap().cursor;
        tokio::time::sleep(Options::default().linger / 2).await;
    }
    assert_eq!(availability().await, Availability::Online);

    tokio::time::sleep(Options::default().linger * 3).await;
    assert_eq!(availability().await, Availability::Offline);
    assert_eq!(im.session_count(), 0);
}

#[tokio::test]
async fn over_http_a_poll_is_a_get_with_a_query() {
    let door = Door::open().await;
    let chat = door.direct("alice", "bot").await;
    let get = async |query: &str| {
        let line = format!("GET /v1/updates?{query}");
        ask(door.address, &line, &bearer("bot"), "").await
    };

    let present = get("").await;
    let cursor = present.json()["next_cursor"].as_str().unwrap().to_owned();
    let query = format!("after={cursor}&wait_s=50");
    let alice = door.im.connect("alice", "phone").await.unwrap();
    let (answer, sent) = tokio::join!(get(&query), alice.send(&chat, Content::text("hello")));

    sent.unwrap();
    let page = answer.json();
    assert_eq!((answer.status, page["done"].as_bool()), (200, Some(true)));
    assert_eq!(
        page["items"][0]["entries"][0]["body"]["content"]["text"],
        "hello"
    );
    assert_ne!(page["next_cursor"], Value::from(cursor));
    for (query, headers) in [("wait_s=51", bearer("bot")), ("after=x", bearer("bot"))] {
        let line = format!("GET /v1/updates?{query}");
        let refused = ask(door.address, &line, &headers, "").await;
        assert_eq!(refused.refusal(), (400, Code::InvalidRequest), "{query}");
    }
    let nobody = ask(door.address, "GET /v1/updates", "", "").await;
    assert_eq!(nobody.refusal(), (401, Code::Unauthenticated));
}

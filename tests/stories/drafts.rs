//! Drafts follow a user to every device, and nobody else sees them.

use std::collections::BTreeMap;

use im_core::{
    Code, Content, ConversationId, Cursor, DeleteDraft, Limits, ListDrafts, OpenDirect, Own,
    OwnKind, OwnRow, Positions, Push, PutDraft, Seq, Session, SyncPage, SyncPull, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, group, next_that, refused};

#[tokio::test]
async fn a_draft_follows_the_user_live_and_after_being_away() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let phone = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let bob = world.connect("bob", "phone").await;
    let chat = direct(&phone, "bob").await;

    let put = call(&phone, draft(chat, "Lunch at")).await;
    let told = next_own(&mut laptop).await;
    assert_eq!(told, put);
    assert_eq!((told.kind, text_of(&told)), (OwnKind::Draft, "Lunch at"));
    assert_eq!(told.key.as_str(), chat.to_string());
    let later = call(&phone, draft(chat, "Lunch at one?")).await;
    assert_eq!(next_own(&mut laptop).await, later);
    assert!(later.version > put.version);

    let cursor = laptop.cursor();
    drop(laptop);
    let away = call(&phone, draft(chat, "Dinner?")).await;
    let mut laptop = world.resume("alice", "laptop", cursor).await;
    assert_eq!(next_own(&mut laptop).await, away);
    let list = call(&laptop, list()).await;
    assert_eq!((list.items, list.done), (vec![away], true));

    let cursor = laptop.cursor();
    drop(laptop);
    let delete = DeleteDraft { conversation: chat };
    call(&phone, delete.clone()).await;
    call(&phone, delete).await;
    let mut laptop = world.resume("alice", "laptop", cursor).await;
    let gone = next_own(&mut laptop).await;
    assert_eq!((gone.key.as_str(), gone.value), (&*chat.to_string(), None));
    assert_eq!(call(&laptop, crate::drafts::list()).await.items, []);
    // Bob heard of none of it.
    assert_eq!(call(&bob, crate::drafts::list()).await.items, []);
    assert_eq!(pull(&bob, None, None).await.own, []);
}

#[tokio::test]
async fn only_who_is_in_a_conversation_keeps_a_draft_there() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mallory = world.connect("mallory", "phone").await;
    let chat = direct(&alice, "bob").await;

    let foreign = refused(&mallory, draft(chat, "psst")).await;
    let absent = ConversationId::direct(&user("x"), &user("y"));
    let absent = refused(&mallory, draft(absent, "psst")).await;

    assert_eq!([foreign, absent], [Code::NotFound; 2]);
    assert_eq!(call(&mallory, list()).await.items, []);
    // Where there is none, there is nothing to forget.
    let delete = DeleteDraft { conversation: chat };
    call(&mallory, delete).await;
    assert_eq!(pull(&mallory, None, None).await.own, []);
}

#[tokio::test]
async fn pages_of_own_rows_are_exact_whatever_changes_in_between() {
    let limits = Limits {
        page: 3,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let phone = world.connect("alice", "phone").await;
    let mut rooms = Vec::new();
    for n in 0..8 {
        let room = group(&phone, &[]).await;
        call(&phone, draft(room, &format!("draft {n}"))).await;
        rooms.push(room);
    }
    let forget = DeleteDraft {
        conversation: rooms[1],
    };
    call(&phone, forget).await;

    // A new device, while the other one goes on writing.
    let first = pull(&phone, None, None).await;
    assert!(!first.done);
    assert_eq!(texts(&first.own), ["draft 0", "draft 2", "draft 3"]);
    call(&phone, draft(rooms[0], "changed")).await;
    let pages = pull_all(&phone, first.cursor.clone()).await;
    let rest: Vec<_> = pages.iter().flat_map(|page| texts(&page.own)).collect();
    assert_eq!(rest, ["draft 4", "draft 5", "draft 6", "draft 7"]);

    // What changed meanwhile comes next, and what was removed.
    let cursor = pages.last().unwrap().cursor.clone();
    let forget = DeleteDraft {
        conversation: rooms[2],
    };
    call(&phone, forget).await;
    let next = pull(&phone, Some(cursor), None).await;
    let seen: BTreeMap<_, _> = next
        .own
        .iter()
        .map(|row| (row.key.to_string(), row.value.is_some()))
        .collect();
    let expected = [(rooms[0].to_string(), true), (rooms[2].to_string(), false)];
    assert_eq!(seen, expected.into_iter().collect());
    assert!(next.done);
    assert_eq!(pull(&phone, Some(next.cursor), None).await.own, []);
    // Who only wants what comes from now on gets nothing of before.
    let now = pull(&phone, None, Some(0)).await;
    assert_eq!((now.own.len(), now.done), (0, true));
    assert_eq!(pull(&phone, Some(now.cursor), None).await.own, []);
}

#[tokio::test]
async fn large_drafts_make_pages_of_few() {
    let limits = Limits {
        page_bytes: 2_500,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let phone = world.connect("alice", "phone").await;
    for _ in 0..5 {
        let room = group(&phone, &[]).await;
        call(&phone, draft(room, &"x".repeat(1_000))).await;
    }

    let first = pull(&phone, None, None).await;
    let listed = call(&phone, list()).await;

    assert_eq!((first.own.len(), first.done), (3, false));
    let pages = pull_all(&phone, first.cursor).await;
    assert_eq!(pages.iter().map(|page| page.own.len()).sum::<usize>(), 2);
    assert_eq!((listed.items.len(), listed.done), (3, false));
    let rest = ListDrafts {
        after: listed.next_cursor,
        limit: None,
    };
    let rest = call(&phone, rest).await;
    assert_eq!((rest.items.len(), rest.done), (2, true));
}

#[tokio::test]
async fn drafts_by_rest() {
    let world = World::server().await;
    let mut laptop = world.by_hand("alice", "laptop").await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let room = alice.send("POST", "/v1/conversations", &json!({})).await;
    let room = room.body["conversation"].as_str().unwrap().to_owned();
    let path = format!("/v1/conversations/{room}/draft");

    let body = json!({"content": {"kind": "text", "text": "so far"}, "reply_to": 1});
    let put = alice.send("PUT", &path, &body).await;
    assert_eq!(
        (put.status, &put.body["key"]),
        (200, &json!(room)),
        "{put:?}"
    );
    assert_eq!(laptop.push_of("own.changed").await, put.body);
    let list = alice.get("/v1/drafts?limit=10").await;
    assert_eq!(list.body, json!({"items": [put.body], "done": true}));
    let gone = alice.request("DELETE", &path, &[], Vec::new()).await;
    assert_eq!(gone.status, 204);
    assert_eq!(laptop.push_of("own.changed").await["value"], json!(null));
    assert_eq!(alice.get("/v1/drafts").await.body["items"], json!([]));
}

fn draft(conversation: ConversationId, text: &str) -> PutDraft {
    PutDraft {
        conversation,
        content: Content::text(text),
        reply_to: Some(Seq(1)),
    }
}

const fn list() -> ListDrafts {
    ListDrafts {
        after: None,
        limit: None,
    }
}

async fn direct(session: &Session, with: &str) -> ConversationId {
    let open = OpenDirect { user: user(with) };
    call(session, open).await.conversation
}

async fn pull(session: &Session, cursor: Option<Cursor>, limit: Option<u32>) -> SyncPage {
    let ask = SyncPull {
        cursor,
        have: Positions::new(),
        limit,
    };
    call(session, ask).await
}

/// All further pages.
async fn pull_all(session: &Session, mut cursor: Cursor) -> Vec<SyncPage> {
    let mut pages = Vec::new();
    loop {
        let page = pull(session, Some(cursor), None).await;
        cursor = page.cursor.clone();
        let done = page.done;
        pages.push(page);
        if done {
            return pages;
        }
    }
}

async fn next_own(session: &mut Session) -> OwnRow {
    next_that(session, "a row of one's own", |push| match push {
        Push::OwnChanged(row) => Some((**row).clone()),
        _ => None,
    })
    .await
}

fn text_of(row: &OwnRow) -> &str {
    match &row.value {
        Some(Own::Draft(draft)) => draft.content.as_text().unwrap(),
        other => panic!("{other:?} is no draft"),
    }
}

fn texts(rows: &[OwnRow]) -> Vec<&str> {
    rows.iter().map(text_of).collect()
}

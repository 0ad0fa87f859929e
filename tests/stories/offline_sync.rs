//! A device that was away gets exactly what it missed, as it is now.

use im_core::{
    Body, Content, ConversationId, EditMessage, Entry, History, Limits, Message, OpenDirect,
    RecallMessage, Seq, Session, testing::user,
};
use sqlx::{AssertSqlSafe, Connection as _, Row as _, SqliteConnection};

use crate::world::{
    Database, World, call, entries_until, key, messages_in, next_entry, send_all, seqs,
};

const SECRETS: [&str; 3] = ["lavender", "marigold", "snapdragon"];

#[tokio::test]
async fn a_device_that_was_away_gets_exactly_the_missing_tail() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let alice = world.connect("alice", "phone").await;
    let mut bob = world.connect("bob", "laptop").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    send_all(&alice, &chat, texts(["one", "lavender", "three", "four"])).await;
    let seen = entries_until(&mut bob, chat, Seq(5)).await;
    assert_eq!(seqs(&seen), [1, 2, 3, 4, 5]);
    let cursor = bob.cursor();
    drop(bob);

    send_all(&alice, &chat, texts(["six", "marigold"])).await;
    edit(&alice, chat, 2, "one, edited").await;
    edit(&alice, chat, 7, "snapdragon").await;
    recall(&alice, chat, 3).await;
    recall(&alice, chat, 7).await;
    edit(&alice, chat, 6, "six, edited").await;
    send_all(&alice, &chat, texts(["the end"])).await;
    let mut bob = world.resume("bob", "laptop", cursor).await;
    let missed = entries_until(&mut bob, chat, Seq(13)).await;

    assert_eq!(seqs(&missed), (6..=13).collect::<Vec<_>>());
    let bodies: Vec<_> = missed.iter().map(|entry| &entry.body).collect();
    assert_eq!(*bodies[0], message("six, edited", Some(12)));
    assert_eq!(*bodies[1], Body::RecalledMessage { by: Seq(11) });
    assert_eq!(*bodies[2], edited(2, Some("one, edited")));
    assert_eq!(*bodies[3], edited(7, None));
    assert_eq!(*bodies[4], Body::Recalled { target: Seq(3) });
    assert_eq!(*bodies[5], Body::Recalled { target: Seq(7) });
    assert_eq!(*bodies[6], edited(6, Some("six, edited")));
    assert_eq!(*bodies[7], message("the end", None));
    assert_holds_no_secret(&missed);

    let whole = history(&bob, chat).await;
    assert_eq!(seqs(&whole), (1..=13).collect::<Vec<_>>());
    let now = ["one, edited", "three", "four", "six, edited", "the end"];
    // What was recalled is gone from where it stood, too.
    assert_eq!(messages_in(&whole), now);
    assert_holds_no_secret(&whole);

    // Resuming once more brings nothing that was there before.
    let cursor = bob.cursor();
    drop(bob);
    let mut bob = world.resume("bob", "laptop", cursor).await;
    send_all(&alice, &chat, texts(["and on"])).await;
    assert_eq!(next_entry(&mut bob).await.seq, Seq(14));
}

#[tokio::test]
async fn recalled_content_is_nowhere_in_the_database() {
    let mut world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    send_all(&alice, &chat, texts(["lavender", "rosemary"])).await;
    edit(&alice, chat, 2, "marigold").await;
    edit(&alice, chat, 2, "snapdragon").await;

    recall(&alice, chat, 2).await;
    world.stop().await;

    let url = world.database().url().to_owned();
    assert!(
        count_of("rosemary", &url).await > 0,
        "the search finds what is there"
    );
    for secret in SECRETS {
        assert_eq!(count_of(secret, &url).await, 0, "{secret}");
    }
}

#[tokio::test]
async fn a_new_device_gets_the_latest_entries_and_a_whole_history_on_request() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let open = OpenDirect { user: user("bob") };
    let chat = call(&alice, open).await.conversation;
    let last = send_all(&alice, &chat, (2..=60).map(|n| format!("message {n}"))).await;

    let mut bob = world.resume("bob", "new", im_core::Cursor::default()).await;
    let first = entries_until(&mut bob, chat, last).await;

    let from = first[0].seq.0;
    assert!(from > 1, "a new device is not given everything");
    assert_eq!(seqs(&first), (from..=60).collect::<Vec<_>>());
    assert_eq!(
        seqs(&history(&bob, chat).await),
        (1..=60).collect::<Vec<_>>()
    );
}

fn texts<const N: usize>(texts: [&str; N]) -> impl Iterator<Item = String> {
    texts.into_iter().map(str::to_owned)
}

fn message(text: &str, edited: Option<u64>) -> Body {
    Body::Message(Message {
        edited: edited.map(Seq),
        ..Message::from(text)
    })
}

fn edited(target: u64, text: Option<&str>) -> Body {
    Body::Edited {
        target: Seq(target),
        content: text.map(Content::text),
        ending: None,
    }
}

async fn edit(session: &Session, chat: ConversationId, target: u64, text: &str) {
    let edit = EditMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(target),
        content: Content::text(text),
    };
    call(session, edit).await;
}

async fn recall(session: &Session, chat: ConversationId, target: u64) {
    let recall = RecallMessage {
        conversation: chat,
        client_id: key(),
        target: Seq(target),
    };
    call(session, recall).await;
}

async fn history(session: &Session, chat: ConversationId) -> Vec<Entry> {
    let ask = History {
        after_seq: Some(Seq::ZERO),
        limit: Some(200),
        ..History::of(chat)
    };
    let page = call(session, ask).await;
    assert!(page.done);
    page.items
}

fn assert_holds_no_secret(entries: &[Entry]) {
    let json = serde_json::to_string(entries).unwrap();
    for secret in SECRETS {
        assert!(!json.contains(secret), "{json}");
    }
}

/// In how many fields of how many tables a text is found.
async fn count_of(text: &str, url: &str) -> i64 {
    let mut connection = SqliteConnection::connect(url).await.unwrap();
    let columns = sqlx::query(
        "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'",
    )
    .fetch_all(&mut connection)
    .await
    .unwrap();
    let mut found = 0;
    for column in columns {
        let (table, column): (String, String) = (column.get(0), column.get(1));
        let sql = format!(
            r#"SELECT count(*) FROM "{table}" WHERE instr(CAST("{column}" AS BLOB), CAST('{text}' AS BLOB)) > 0"#
        );
        let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
            .fetch_one(&mut connection)
            .await
            .unwrap();
        found += count;
    }
    found
}

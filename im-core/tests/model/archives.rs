//! Exports and imports: what comes out of a file is what went into it.

use std::io::Cursor;

use im_core::{
    Actor, Block, Body, ClientId, Code, Content, ConversationId, Ending, Entry, Im, InfoPatch,
    Joining, Membership, Message, Position, Reaction, RecallMessage, Role, SendMessage, Seq,
    SettingsPatch, Store as _, Stream, Timestamp, TrustEveryone,
    archive::{ArchiveError, Counts, export_conversation, export_user, import},
    port::{Advance, MarkCount, Ports, Span},
    state::MarkKind,
    testing::{Draft, Log, audit, group, said, user},
};
use im_store::{MemoryStore, SqlStore};
use serde_json::{Value, json};

const USERS: [&str; 4] = ["alice", "bob", "carol", "dave"];

async fn sqlite() -> Ports {
    SqlStore::open("sqlite::memory:").await.unwrap().ports()
}

fn memory() -> Ports {
    MemoryStore::new().ports()
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

/// A group with everything that a log can hold, and positions and settings of its members.
async fn lived_in(ports: &Ports) -> ConversationId {
    let mut log = group(ports, &["alice", "bob", "carol"]).await;
    let users = |ids: &[&str]| ids.iter().map(|id| user(id)).collect::<Vec<_>>();
    let data =
        json!({"price": 0.1, "odd": 1.0715660391465573, "big": u64::MAX, "text": "a\nb \u{2028}"});
    let custom = Content::Custom {
        name: "app.thing".into(),
        data,
    };
    let changes = InfoPatch {
        announcement: Some("北京".into()),
        joining: Some(Joining::Open),
        ..InfoPatch::default()
    };
    let thumb = Reaction {
        target: Seq(2),
        user: user("bob"),
        emoji: "👍".into(),
        on: true,
    };
    let role = |member: &str, role| Body::RoleChanged {
        member: user(member),
        role,
    };
    let kick = Body::Kicked {
        members: users(&["carol"]),
        reason: Some("too loud".into()),
        banned_until_ms: None,
    };
    log.store(
        ports,
        [
            Draft::new("alice", said("stays")),
            Draft::new("bob", said("is edited twice")),
            Draft::new("alice", said("is edited and taken back")),
            edited(3, "once"),
            edited(4, "edited"),
            edited(3, "twice"),
            Draft::new("alice", Body::Recalled { target: Seq(4) }),
            Draft::new("bob", Body::says(custom)),
            Draft::new(
                "alice",
                Body::InfoChanged {
                    changes: Box::new(changes),
                    was: Box::default(),
                },
            ),
            Draft::new("alice", kick),
            Draft::new(
                "dave",
                Body::Joined {
                    since: None,
                    silent_until_ms: None,
                },
            ),
            Draft::new("alice", role("bob", Role::Admin)),
            Draft::new(
                "alice",
                Body::MembersAdded {
                    members: users(&["carol"]),
                    since: None,
                },
            ),
            Draft::new("dave", Body::Left),
            Draft::new("alice", role("bob", Role::Owner)),
            Draft::new(
                "bob",
                Body::Reacted {
                    changes: vec![thumb],
                },
            ),
        ],
    )
    .await;
    log.store(
        ports,
        (0..250).map(|n| Draft::new("bob", said(&format!("message {n}")))),
    )
    .await;
    store_streams(ports, &mut log).await;
    let position = Position {
        delivered: Seq(100),
        read: Seq(50),
        read_ordinal: 38,
    };
    let advance = |id: &str| Advance {
        conversation: log.conversation,
        user: user(id),
        position,
    };
    ports
        .positions
        .advance(vec![advance("alice"), advance("carol")])
        .await
        .unwrap();
    let changes = SettingsPatch {
        pinned: Some(true),
        muted_until_ms: Some(Timestamp(5_000)),
        remark: Some("the loud ones".into()),
        marked_unread: Some(true),
        cleared: Some(Seq(2)),
        ..SettingsPatch::default()
    };
    ports
        .members
        .change_settings(&user("bob"), log.conversation, changes, Timestamp(0))
        .await
        .unwrap()
        .unwrap();
    let own = [Seq(5), Seq(100), Seq(200)];
    let id = log.conversation;
    assert!(
        ports
            .tallies
            .delete(&user("alice"), id, &own)
            .await
            .unwrap()
    );
    id
}

/// A direct conversation, the first message of which was taken back.
async fn direct(ports: &Ports) -> ConversationId {
    let im = Im::builder(ports.clone(), TrustEveryone).build();
    let (alice, bob) = (Actor::user(user("alice")), Actor::user(user("bob")));
    let id = im.direct("alice", "bob").await.unwrap();
    let said = |text: &str| SendMessage::new(id, ClientId::random(), text);
    im.call(&alice, said("taken back")).await.unwrap();
    im.call(&bob, said("hello")).await.unwrap();
    let recall = RecallMessage {
        conversation: id,
        client_id: ClientId::random(),
        target: Seq(2),
    };
    im.call(&alice, recall).await.unwrap();
    im.shut_down().await;
    let facts = ports.log.load(id).await.unwrap().unwrap().info;
    assert_eq!(facts.spoke, [user("alice"), user("bob")]);
    id
}

/// Messages whose text came piece by piece: finished and edited, interrupted, and still open.
async fn store_streams(ports: &Ports, log: &mut Log) {
    let head = ports.log.load(log.conversation).await.unwrap().unwrap();
    let first = head.head.seq.0 + 1;
    let open = || {
        let until_ms = Timestamp(9_000_000);
        let stream = Some(Box::new(Stream::Open { until_ms }));
        let message = Message {
            stream,
            ..Message::from("")
        };
        Draft::new("alice", Body::Message(message))
    };
    let end = |target: u64, text: &str, ending| {
        let body = Body::Edited {
            target: Seq(target),
            content: Some(Content::text(text)),
            ending: Some(ending),
        };
        Draft::new("alice", body)
    };
    let drafts = [
        open(),
        open(),
        open(),
        end(first, "all of it", Ending::Finished),
        end(first + 1, "a part of", Ending::Interrupted),
        edited(first, "all of it, better"),
    ];
    log.store(ports, drafts).await;
}

async fn exported(ports: &Ports, id: ConversationId) -> (Vec<u8>, Counts) {
    let mut file = Vec::new();
    let counts = export_conversation(ports, id, &mut file, &mut |_| {})
        .await
        .unwrap();
    (file, counts)
}

async fn imported(ports: &Ports, file: &[u8]) -> Result<Counts, ArchiveError> {
    import(ports, &mut Cursor::new(file), &mut |_| {}).await
}

/// Everything that a store says of a conversation.
type All = (
    Vec<Entry>,
    Vec<i64>,
    Vec<(Option<Membership>, Vec<(ConversationId, Seq)>)>,
    Vec<(Seq, Content)>,
    Vec<MarkCount>,
);

async fn all(ports: &Ports, id: ConversationId) -> All {
    let entries = audit(ports, id).await;
    let keys: Vec<_> = entries
        .iter()
        .map(|entry| (entry.sender.clone(), entry.client_id.clone()))
        .collect();
    let mut known = ports.log.find(id, &keys).await.unwrap();
    known.sort_by_key(|known| known.seq);
    let (kind, viewer) = (MarkKind::Reaction, user("bob"));
    let marks = ports.annotations.marks(id, kind, &[Seq(2)], &viewer);
    let mut rows = Vec::new();
    for name in USERS {
        let row = ports.members.membership(&user(name), id).await.unwrap();
        // A version tells devices of this store what changed; another store counts its own.
        let row = row.map(|row| Membership { version: 0, ..row });
        let span = Span {
            conversation: id,
            after: Seq::ZERO,
            end: Seq(1_000),
        };
        let deleted = ports.tallies.deleted(&user(name), &[span]).await.unwrap();
        rows.push((row, deleted));
    }
    (
        entries,
        known.iter().map(|known| known.fingerprint).collect(),
        rows,
        ports.log.earlier(id, Seq(3), 10).await.unwrap(),
        marks.await.unwrap(),
    )
}

#[tokio::test]
async fn a_conversation_comes_out_of_a_file_as_it_went_in() {
    let from = sqlite().await;
    for id in [lived_in(&from).await, direct(&from).await] {
        let (file, written) = exported(&from, id).await;
        for to in [sqlite().await, memory()] {
            let read = imported(&to, &file).await.unwrap();

            assert_eq!(read, written);
            assert_eq!(all(&to, id).await, all(&from, id).await);
            // Neither has a way of its own to say it.
            let again = exported(&to, id).await.0;
            let without_first = |file: &[u8]| {
                let text = String::from_utf8(file.to_vec()).unwrap();
                text.split_once('\n').unwrap().1.to_owned()
            };
            assert_eq!(without_first(&again), without_first(&file));
        }
    }
}

#[tokio::test]
async fn what_was_taken_back_is_not_in_a_file() {
    let from = memory();
    let id = lived_in(&from).await;

    let text = String::from_utf8(exported(&from, id).await.0).unwrap();

    assert!(!text.contains("is edited and taken back") && !text.contains("\"edited\"}"));
    assert!(text.contains("twice"));
}

#[tokio::test]
async fn a_conversation_that_is_there_is_not_imported_over() {
    let from = memory();
    let id = lived_in(&from).await;
    let file = exported(&from, id).await.0;

    let refused = imported(&from, &file).await;

    assert!(matches!(refused, Err(ArchiveError::Exists(at)) if at == id));
}

#[tokio::test]
async fn a_file_that_is_not_whole_stores_nothing() {
    let from = memory();
    let id = lived_in(&from).await;
    let file = exported(&from, id).await.0;
    let lines: Vec<&[u8]> = file.split_inclusive(|byte| *byte == b'\n').collect();
    let count = lines.len();
    let without = |line: usize| {
        let kept = lines.iter().enumerate().filter(|(n, _)| *n != line);
        kept.flat_map(|(_, line)| line.to_vec())
            .collect::<Vec<u8>>()
    };
    let mut swapped = lines.clone();
    swapped.swap(5, 6);
    let to = memory();
    for (what, file) in [
        ("nothing", Vec::new()),
        ("no beginning", without(0)),
        ("no conversation", without(1)),
        ("no first entry", without(2)),
        ("an entry is missing", without(100)),
        ("a member is missing", without(count - 2)),
        ("no end", without(count - 1)),
        ("cut off in a line", file[..file.len() - 1].to_vec()),
        ("cut off anywhere", file[..file.len() / 2].to_vec()),
        ("two lines swapped", swapped.concat()),
        ("more than the end", [&file[..], lines[2]].concat()),
        ("no text", vec![0xff; 100]),
    ] {
        let refused = imported(&to, &file).await;

        assert!(
            matches!(refused, Err(ArchiveError::Malformed { .. })),
            "{what}: {refused:?}"
        );
        assert_eq!(to.log.load(id).await.unwrap(), None, "{what}");
    }
}

#[tokio::test]
async fn a_user_gets_what_it_sees_and_nothing_else() {
    let ports = memory();
    let id = lived_in(&ports).await;
    direct(&ports).await;
    let block = Block {
        user: user("dave"),
        blocked: true,
    };
    ports.contacts.set_block(&user("bob"), block).await.unwrap();
    let im = Im::builder(ports.clone(), TrustEveryone).build();
    let export = async |name: &str| {
        let mut file = Vec::new();
        let counts = export_user(&im, &user(name), &mut file, &mut |_| {})
            .await
            .unwrap();
        let text = String::from_utf8(file).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        (counts, lines, text)
    };

    let (bobs, lines, _) = export("bob").await;
    assert_eq!(
        (bobs.conversations, bobs.entries, bobs.members),
        (2, 273 + 4, 0)
    );
    assert_eq!(lines[0]["scope"]["user"], "bob");
    assert!(
        lines
            .iter()
            .any(|line| line["type"] == "block" && line["block"]["user"] == "dave")
    );
    assert_eq!(lines.last().unwrap()["type"], "end");

    // Dave was a member from entry 12 to 15.
    let (daves, lines, text) = export("dave").await;
    assert_eq!((daves.conversations, daves.entries), (1, 4));
    assert_eq!(lines[1]["view"]["conversation"], json!(id));
    assert!(!text.contains("stays") && !text.contains("message 0") && !text.contains("hello"));

    let (_, _, text) = export("nobody").await;
    assert_eq!(text.lines().count(), 2);
    let refused = imported(&memory(), text.as_bytes()).await;
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("export the conversations")
    );
    let unknown = export_conversation(
        &ports,
        Log::new().conversation,
        &mut Vec::new(),
        &mut |_| {},
    )
    .await;
    assert!(matches!(unknown, Err(ArchiveError::NotFound(_))));
}

#[tokio::test]
async fn a_retry_of_an_imported_message_gets_its_first_answer() {
    let from = memory();
    let im = Im::builder(from.clone(), TrustEveryone).build();
    let alice = Actor::user(user("alice"));
    let chat = im.direct("alice", "bob").await.unwrap();
    let said = |text: &str| SendMessage::new(chat, ClientId::new("one").unwrap(), text);
    let sent = im.call(&alice, said("hello")).await.unwrap();
    let to = memory();

    imported(&to, &exported(&from, chat).await.0).await.unwrap();

    let im = Im::builder(to, TrustEveryone).build();
    assert_eq!(im.call(&alice, said("hello")).await.unwrap(), sent);
    let other = im.call(&alice, said("other")).await;
    assert_eq!(other.unwrap_err().code, Code::Conflict);
}

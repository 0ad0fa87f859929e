//! What a log holds and how it is read. How appends are ordered and refused is in [`append`](super::append).

use super::{Draft, Log, UNUSUAL_IDS, audit, client_id, conversation, created, group, said, user};
use crate::{
    Body, ClientId, Content, Entry, Head, InfoPatch, Joining, Kind, Message, Preset, Role, Seq,
    UserId, Visibility,
    port::{Appended, Ports, Range},
};

fn text_of(entry: &Entry) -> Option<&str> {
    match &entry.body {
        Body::Message(Message { content, .. }) => content.as_text(),
        Body::Edited { content, .. } => content.as_ref().and_then(Content::as_text),
        _ => None,
    }
}

fn edited(target: Seq, text: &str) -> Body {
    Body::Edited {
        target,
        content: Some(Content::text(text)),
        ending: None,
    }
}

async fn seqs(ports: &Ports, log: &Log, range: Range, limit: usize) -> Vec<u64> {
    let page = ports.log.read(log.conversation, range, limit).await;
    page.unwrap().iter().map(|entry| entry.seq.0).collect()
}

const NONE: [u64; 0] = [];

suite! { log_store_suite in log:
    /// The history has one identity.
    async fn the_epoch_stays(ports) {
        let epoch = ports.log.epoch().await.unwrap();
        group(ports, &["alice"]).await;
        assert_eq!(ports.log.epoch().await.unwrap(), epoch);
    }

    /// A history that was restored becomes another one, each time, and keeps what it holds.
    async fn a_renewed_epoch_is_another(ports) {
        let log = group(ports, &["alice"]).await;
        let first = ports.log.epoch().await.unwrap();

        let second = ports.log.renew_epoch().await.unwrap();
        assert_eq!(ports.log.epoch().await.unwrap(), second);
        let third = ports.log.renew_epoch().await.unwrap();

        assert!(first != second && second != third && first != third);
        assert_eq!(ports.log.epoch().await.unwrap(), third);
        assert_eq!(seqs(ports, &log, Range::After(Seq::ZERO), 10).await, [1]);
    }

    /// What does not exist is empty, and no error.
    async fn an_unknown_conversation_holds_nothing(ports) {
        let at = conversation();
        let key = (user("alice"), client_id("1"));
        assert_eq!(ports.log.load(at).await.unwrap(), None);
        assert_eq!(ports.log.read(at, Range::After(Seq::ZERO), 10).await.unwrap(), []);
        assert_eq!(ports.log.read(at, Range::Before(Seq(9)), 10).await.unwrap(), []);
        assert_eq!(ports.log.find(at, &[key]).await.unwrap(), []);
        assert_eq!(ports.log.find(at, &[]).await.unwrap(), []);
    }

    /// The first entry makes the facts.
    async fn a_conversation_begins_with_its_facts(ports) {
        let mut group = Log::new();
        group.store(ports, [Draft::new("alice", created(&["alice", "bob"]))]).await;
        let mut direct = Log::new();
        let members = vec![user("zoe"), user("bob")];
        let body = Body::Created { kind: Kind::Direct, name: None, joining: Joining::Invited, members, history: Visibility::FromJoining, preset: Preset::WorkGroup };
        direct.store(ports, [Draft::new("zoe", body)]).await;

        let snapshot = ports.log.load(group.conversation).await.unwrap().unwrap();
        assert_eq!(snapshot.head, Head { seq: Seq(1), ordinal: 0 });
        assert_eq!(snapshot.last_at_ms, Log::time_of(Seq(1)));
        assert_eq!(snapshot.info.kind, Kind::Group);
        assert_eq!(snapshot.info.name.as_deref(), Some("group"));
        assert_eq!(snapshot.info.owner, Some(user("alice")));
        assert_eq!(snapshot.info.member_count, 2);
        assert_eq!(snapshot.info.created_at_ms, Log::time_of(Seq(1)));
        let info = ports.log.load(direct.conversation).await.unwrap().unwrap().info;
        assert_eq!(info.kind, Kind::Direct);
        assert_eq!(info.pair, [user("bob"), user("zoe")]);
        assert_eq!(info.owner, None);
        assert_eq!(info.member_count, 2);
    }

    /// Facts and head are those after the last entry.
    async fn the_facts_follow_the_log(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let patch = InfoPatch {
            name: Some("new name".into()),
            announcement: Some("read this".into()),
            joining: Some(Joining::Open),
            ..InfoPatch::default()
        };
        log.store(ports, [Draft::new("alice", Body::InfoChanged { changes: Box::new(patch), was: Box::default() })]).await;
        log.store(ports, [Draft::new("carol", Body::Joined { since: None, silent_until_ms: None }), Draft::new("carol", said("hello"))]).await;
        log.store(ports, [Draft::new("alice", Body::RoleChanged { member: user("carol"), role: Role::Owner })]).await;
        let clear = InfoPatch { announcement: Some(String::new()), ..InfoPatch::default() };
        log.store(ports, [Draft::new("carol", Body::InfoChanged { changes: Box::new(clear), was: Box::default() })]).await;
        log.store(ports, [Draft::new("bob", Body::Left)]).await;

        let snapshot = ports.log.load(log.conversation).await.unwrap().unwrap();
        assert_eq!(snapshot.head, Head { seq: Seq(7), ordinal: 1 });
        assert_eq!(snapshot.last_at_ms, Log::time_of(Seq(7)));
        assert_eq!(snapshot.info.name.as_deref(), Some("new name"));
        assert_eq!(snapshot.info.announcement, None);
        assert_eq!(snapshot.info.joining, Joining::Open);
        assert_eq!(snapshot.info.owner, Some(user("carol")));
        assert_eq!(snapshot.info.member_count, 2);
    }

    /// Every kind of body reads back as it was written.
    async fn every_body_reads_back(ports) {
        let mut log = Log::new();
        let data = serde_json::json!({"a": [1, 2.5, null, "x"], "b": {"c": true, "d": -7, "e": ""}});
        let patch = InfoPatch { avatar: Some("key".into()), ..InfoPatch::default() };
        let drafts = [
            Draft::new("alice", created(&["alice", "bob"])),
            Draft::new("alice", said("hello")),
            Draft::new("alice", Body::says(Content::Custom { name: "poll".into(), data })),
            Draft::new("alice", Body::InfoChanged { changes: Box::new(patch), was: Box::default() }),
            Draft::new("alice", Body::MembersAdded { members: vec![user("carol"), user("dave")], since: None }),
            Draft::new("alice", Body::Kicked { members: vec![user("dave")], reason: Some("spam".into()), banned_until_ms: None }),
            Draft::new("alice", Body::Kicked { members: vec![user("carol")], reason: None, banned_until_ms: None }),
            Draft::new("erin", Body::Joined { since: None, silent_until_ms: None }),
            Draft::new("alice", Body::RoleChanged { member: user("erin"), role: Role::Admin }),
            Draft::new("bob", Body::Left),
            Draft::new("alice", Body::Unknown),
        ];
        let written = log.store(ports, drafts).await;

        assert_eq!(audit(ports, log.conversation).await, written);
    }

    /// Size and characters of a content are kept.
    async fn a_content_reads_back_to_the_byte(ports) {
        let mut log = group(ports, &["alice"]).await;
        let large = "😀x".repeat(64 * 1024 / 5);
        let odd = "\0 \u{1} 'quoted' \"twice\" \\ % _ ? $1 \u{feff}\u{202e}\r\n\t ";
        log.store(ports, [Draft::new("alice", said(&large)), Draft::new("alice", said(odd))]).await;

        let entries = audit(ports, log.conversation).await;
        assert_eq!(text_of(&entries[1]), Some(&*large));
        assert_eq!(text_of(&entries[2]), Some(odd));
    }

    /// Pages go forward from a seq and backward from a seq, always in ascending order.
    async fn pages_are_ascending_and_exact(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, (2..=25).map(|n| Draft::new("alice", said(&n.to_string())))).await;
        // Neighbours in the index must not leak in.
        group(ports, &["alice"]).await;

        assert_eq!(seqs(ports, &log, Range::After(Seq::ZERO), 3).await, [1, 2, 3]);
        assert_eq!(seqs(ports, &log, Range::After(Seq(3)), 4).await, [4, 5, 6, 7]);
        assert_eq!(seqs(ports, &log, Range::After(Seq(23)), 10).await, [24, 25]);
        assert_eq!(seqs(ports, &log, Range::After(Seq(25)), 10).await, NONE);
        assert_eq!(seqs(ports, &log, Range::After(Seq(1 << 40)), 10).await, NONE);
        assert_eq!(seqs(ports, &log, Range::Before(Seq(1 << 40)), 3).await, [23, 24, 25]);
        assert_eq!(seqs(ports, &log, Range::Before(Seq(23)), 3).await, [20, 21, 22]);
        assert_eq!(seqs(ports, &log, Range::Before(Seq(3)), 10).await, [1, 2]);
        assert_eq!(seqs(ports, &log, Range::Before(Seq(1)), 10).await, NONE);
        assert_eq!(seqs(ports, &log, Range::Before(Seq::ZERO), 10).await, NONE);
        assert_eq!(seqs(ports, &log, Range::After(Seq::ZERO), 0).await, NONE);
    }

    /// The message shows its last edit; the edits keep what they said.
    async fn an_edit_revises_its_message(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [Draft::new("alice", said("one")), Draft::new("alice", said("other"))]).await;
        log.store(ports, [Draft::new("alice", edited(Seq(2), "two"))]).await;
        log.store(ports, [
            Draft::new("alice", edited(Seq(2), "three")),
            Draft::new("alice", edited(Seq(2), "four")),
        ]).await;

        let entries = audit(ports, log.conversation).await;
        let content = Content::text("four");
        assert_eq!(entries[1].body, Body::Message(Message { edited: Some(Seq(6)), ..Message::new(content) }));
        assert_eq!(entries[1].at_ms, Log::time_of(Seq(2)));
        let texts: Vec<_> = entries.iter().map(text_of).collect();
        assert_eq!(texts, [None, Some("four"), Some("other"), Some("two"), Some("three"), Some("four")]);
    }

    /// A recall takes the content out of the message and out of all its edits, and out of nothing else.
    async fn a_recall_wipes_the_message_and_its_edits(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [Draft::new("alice", said("one")), Draft::new("alice", said("other"))]).await;
        log.store(ports, [Draft::new("alice", edited(Seq(2), "two")), Draft::new("alice", edited(Seq(3), "kept"))]).await;
        log.store(ports, [Draft::new("alice", edited(Seq(2), "three"))]).await;
        log.store(ports, [Draft::new("alice", Body::Recalled { target: Seq(2) })]).await;

        let entries = audit(ports, log.conversation).await;
        assert_eq!(entries[1].body, Body::RecalledMessage { by: Seq(7) });
        assert_eq!(entries[3].body, Body::Edited { target: Seq(2), content: None, ending: None });
        assert_eq!(entries[5].body, Body::Edited { target: Seq(2), content: None, ending: None });
        assert_eq!(text_of(&entries[2]), Some("kept"));
        assert_eq!(text_of(&entries[4]), Some("kept"));
        assert_eq!(log.head.ordinal, 2, "a recalled message keeps its number");
    }

    /// Message, edit and recall may come in one append.
    async fn a_message_can_be_recalled_in_the_append_that_holds_it(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [
            Draft::new("alice", said("one")),
            Draft::new("alice", edited(Seq(2), "two")),
            Draft::new("alice", Body::Recalled { target: Seq(2) }),
        ]).await;

        let entries = audit(ports, log.conversation).await;
        assert_eq!(entries[1].body, Body::RecalledMessage { by: Seq(4) });
        assert_eq!(entries[2].body, Body::Edited { target: Seq(2), content: None, ending: None });
        assert_eq!(entries[3].body, Body::Recalled { target: Seq(2) });
    }

    /// Changes of messages that are not there change nothing.
    async fn a_revision_touches_its_own_conversation_only(ports) {
        let mut log = group(ports, &["alice"]).await;
        let mut other = group(ports, &["alice"]).await;
        log.store(ports, [Draft::new("alice", said("one"))]).await;
        let kept = other.store(ports, [Draft::new("alice", said("other"))]).await;
        log.store(ports, [
            Draft::new("alice", Body::Recalled { target: Seq(2) }),
            Draft::new("alice", edited(Seq(1), "not a message")),
            Draft::new("alice", Body::Recalled { target: Seq(99) }),
        ]).await;

        audit(ports, log.conversation).await;
        assert_eq!(audit(ports, other.conversation).await[1..], kept);
    }

    /// The heads of many conversations are known at once; those that are not there are left out.
    async fn heads_are_read_at_once(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [Draft::under("alice", "1", said("a")), Draft::under("alice", "2", said("b"))]).await;
        let mut asked = vec![log.conversation, conversation(), log.conversation];
        for _ in 0..100 {
            asked.push(group(ports, &["bob"]).await.conversation);
        }

        let mut heads = ports.heads.heads(&asked).await.unwrap();
        heads.sort_unstable();
        heads.dedup();

        assert_eq!(heads.len(), 101);
        assert_eq!(heads.iter().filter(|(_, head)| *head == Seq(1)).count(), 100);
        assert!(heads.contains(&(log.conversation, Seq(3))));
        assert_eq!(ports.heads.heads(&[]).await.unwrap(), []);
    }

    /// Everything that is appended, to whatever log, raises how far the store has come; nothing else does, or lowers it.
    async fn every_append_comes_further(ports) {
        let reached = async || ports.heads.reached().await.unwrap();
        let mut logs = vec![group(ports, &["alice"]).await, group(ports, &["bob"]).await];
        let mut last = reached().await;
        assert!(last > 0);

        for round in 0..3 {
            for log in &mut logs {
                log.store(ports, [Draft::new("alice", said("a"))]).await;
                let now = reached().await;
                assert!(now > last, "{now} after {last}");
                last = now;
            }
            let recalled = Body::Recalled { target: Seq(2 + round * 2) };
            logs[0].store(ports, [Draft::new("alice", recalled)]).await;
            let now = reached().await;
            assert!(now > last, "a recall wipes, and comes further");
            assert_eq!(reached().await, now);
            last = now;
        }
    }

    /// An entry is found by who sent it under which client id, where it was sent.
    async fn entries_are_found_by_client_id(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let mut other = group(ports, &["alice"]).await;
        log.store(ports, [Draft::under("alice", "1", said("a")), Draft::under("bob", "1", said("b"))]).await;
        other.store(ports, [Draft::under("alice", "2", said("c"))]).await;

        let key = |sender, id| (user(sender), client_id(id));
        let keys = [key("bob", "1"), key("alice", "2"), key("carol", "1"), key("alice", "1")];
        let mut found = ports.log.find(log.conversation, &keys).await.unwrap();
        found.sort_by_key(|known| known.seq);
        assert_eq!(found.len(), 2);
        assert_eq!((&found[0].sender, &found[0].client_id, found[0].seq), (&user("alice"), &client_id("1"), Seq(2)));
        assert_eq!((&found[1].sender, &found[1].client_id, found[1].seq), (&user("bob"), &client_id("1"), Seq(3)));
        assert_eq!(found[0].at_ms, Log::time_of(Seq(2)));
        assert_eq!(found[0].fingerprint, i64::MIN + 2);
    }

    /// Many keys are looked up at once, also the same one twice.
    async fn many_client_ids_are_found_at_once(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, (0..300).map(|n| Draft::under("alice", &format!("id-{n}"), said("x")))).await;

        let keys: Vec<(UserId, ClientId)> =
            (0..600).map(|n| (user("alice"), client_id(&format!("id-{}", n % 500)))).collect();
        let mut found = ports.log.find(log.conversation, &keys).await.unwrap();
        found.sort_by_key(|known| known.seq);
        found.dedup();
        assert_eq!(found.len(), 300);
    }

    /// Ids are compared byte by byte: no case folding, no accents, no padding, no wildcards.
    async fn ids_that_look_alike_stay_apart(ports) {
        let mut log = group(ports, UNUSUAL_IDS).await;
        log.store(ports, UNUSUAL_IDS.iter().map(|id| Draft::under(id, "1", said(id)))).await;
        log.store(ports, UNUSUAL_IDS.iter().map(|id| Draft::under("a", &format!("-{}", id.chars().take(63).collect::<String>()), said(id)))).await;
        assert_eq!(log.attempt(ports, [Draft::under("A", "1", said("again"))]).await, Appended::Duplicate);

        let entries = audit(ports, log.conversation).await;
        assert_eq!(entries.len(), 1 + 2 * UNUSUAL_IDS.len());
        for (id, entry) in UNUSUAL_IDS.iter().zip(&entries[1..]) {
            assert_eq!(entry.sender.as_str(), *id);
            let found = ports.log.find(log.conversation, &[(user(id), client_id("1"))]).await.unwrap();
            assert_eq!(found.len(), 1);
            assert_eq!(found[0].seq, entry.seq);
        }
    }
}

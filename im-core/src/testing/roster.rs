//! What each kind of entry does to the rows of members. How the rows are listed is in [`members`](super::members).

use super::{Draft, Log, group, said, user};
use crate::{
    Body, ConversationId, Head, Member, Membership, Position, Role, Seq, Settings, SettingsPatch,
    Timestamp,
    port::{Advance, Ports},
};

fn pin() -> SettingsPatch {
    SettingsPatch {
        pinned: Some(true),
        ..SettingsPatch::default()
    }
}

async fn row(ports: &Ports, id: &str, at: ConversationId) -> Membership {
    ports
        .members
        .membership(&user(id), at)
        .await
        .unwrap()
        .unwrap()
}

async fn version(ports: &Ports, id: &str) -> u64 {
    ports.users.version(&user(id)).await.unwrap()
}

fn member(id: &str, role: Role, since: u64) -> Member {
    Member::new(user(id), role, Seq(since))
}

fn at(seq: u64, ordinal: u64) -> Position {
    Position {
        delivered: Seq(seq),
        read: Seq(seq),
        read_ordinal: ordinal,
    }
}

fn added(ids: &[&str]) -> Body {
    Body::MembersAdded {
        members: ids.iter().map(|id| user(id)).collect(),
        since: None,
    }
}

fn kicked(ids: &[&str]) -> Body {
    Body::Kicked {
        members: ids.iter().map(|id| user(id)).collect(),
        reason: None,
        banned_until_ms: None,
    }
}

suite! { roster_suite in roster:
    /// The first members are in since entry 1, the creator as owner.
    async fn the_first_members_are_in_since_the_first_entry(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        let alice = row(ports, "alice", log.conversation).await;
        assert_eq!(alice.conversation, log.conversation);
        assert_eq!(alice.member, member("alice", Role::Owner, 1));
        assert_eq!(alice.left, None);
        assert_eq!(alice.position, at(0, 0));
        assert_eq!(alice.settings, Settings::default());
        assert_eq!(alice.head, Head { seq: Seq(1), ordinal: 0 });
        assert_eq!(alice.info, ports.log.load(log.conversation).await.unwrap().unwrap().info);
        assert_eq!(row(ports, "bob", log.conversation).await.member, member("bob", Role::Member, 1));
    }

    /// Who comes later has nothing unread of what was before.
    async fn a_new_member_begins_with_nothing_unread(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [Draft::new("alice", said("1")), Draft::new("alice", said("2"))]).await;
        log.store(ports, [
            Draft::new("alice", said("3")),
            Draft::new("alice", added(&["bob", "carol"])),
            Draft::new("alice", said("4")),
            Draft::new("dave", Body::Joined { since: None, silent_until_ms: None }),
        ]).await;

        for id in ["bob", "carol"] {
            let row = row(ports, id, log.conversation).await;
            assert_eq!(row.member, member(id, Role::Member, 5));
            assert_eq!(row.position, at(4, 3));
            assert_eq!(row.head, Head { seq: Seq(7), ordinal: 4 });
        }
        let dave = row(ports, "dave", log.conversation).await;
        assert_eq!(dave.member, member("dave", Role::Member, 7));
        assert_eq!(dave.position, at(6, 4));
        assert_eq!(dave.info.member_count, 4);
    }

    /// Who leaves or is removed keeps a row that says where it ended.
    async fn a_former_member_keeps_its_row(ports) {
        let mut log = group(ports, &["alice", "bob", "carol"]).await;
        log.store(ports, [Draft::new("bob", Body::Left)]).await;
        log.store(ports, [Draft::new("alice", kicked(&["carol"])), Draft::new("alice", said("gone"))]).await;

        let bob = row(ports, "bob", log.conversation).await;
        assert_eq!((bob.left, bob.member.since), (Some(Seq(2)), Seq(1)));
        let carol = row(ports, "carol", log.conversation).await;
        assert_eq!((carol.left, carol.member.since), (Some(Seq(3)), Seq(1)));
        assert_eq!(carol.head.seq, Seq(4));
        assert_eq!(carol.visible_head(), Seq(3));
        assert_eq!(carol.info.member_count, 1);
        let roster = ports.members.roster(log.conversation, None, 10).await.unwrap();
        assert_eq!(roster, [member("alice", Role::Owner, 1)]);
    }

    /// Who comes back is in since the entry that brought it back, with its settings and nothing unread.
    async fn who_comes_back_begins_anew(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        ports.members.change_settings(&user("bob"), log.conversation, pin(), Timestamp(0)).await.unwrap();
        log.store(ports, [Draft::new("alice", Body::RoleChanged { member: user("bob"), role: Role::Admin })]).await;
        log.store(ports, [Draft::new("bob", Body::Left), Draft::new("alice", said("unseen"))]).await;
        let before = row(ports, "bob", log.conversation).await;
        log.store(ports, [Draft::new("alice", added(&["bob"])), Draft::new("alice", said("seen"))]).await;

        let bob = row(ports, "bob", log.conversation).await;
        assert_eq!(bob.member, member("bob", Role::Member, 5));
        assert_eq!(bob.left, None);
        assert_eq!(bob.position, at(4, 1));
        assert!(bob.settings.pinned);
        assert_eq!(bob.head.ordinal - bob.position.read_ordinal, 1);
        assert_eq!(bob.info.member_count, 2);
        assert!(bob.version > before.version);
    }

    /// In and out and in again within one append ends as the last of them says.
    async fn one_append_can_add_and_remove_the_same_user(ports) {
        let mut log = group(ports, &["alice"]).await;
        log.store(ports, [
            Draft::new("alice", added(&["bob", "carol"])),
            Draft::new("alice", kicked(&["bob", "carol"])),
            Draft::new("alice", added(&["bob"])),
        ]).await;

        let bob = row(ports, "bob", log.conversation).await;
        assert_eq!((bob.member.since, bob.left, bob.position), (Seq(4), None, at(3, 0)));
        let carol = row(ports, "carol", log.conversation).await;
        assert_eq!((carol.member.since, carol.left), (Seq(2), Some(Seq(3))));
        assert_eq!(bob.info.member_count, 2);
    }

    /// Roles change; a new owner makes the old one an admin.
    async fn roles_follow_the_log(ports) {
        let mut log = group(ports, &["alice", "bob", "carol"]).await;
        log.store(ports, [Draft::new("alice", Body::RoleChanged { member: user("bob"), role: Role::Admin })]).await;
        assert_eq!(row(ports, "bob", log.conversation).await.member.role, Role::Admin);
        log.store(ports, [Draft::new("alice", Body::RoleChanged { member: user("bob"), role: Role::Owner })]).await;

        assert_eq!(row(ports, "alice", log.conversation).await.member.role, Role::Admin);
        let bob = row(ports, "bob", log.conversation).await;
        assert_eq!(bob.member, member("bob", Role::Owner, 1));
        assert_eq!(bob.info.owner, Some(user("bob")));
        assert_eq!(row(ports, "carol", log.conversation).await.member.role, Role::Member);
    }

    /// A change of a user's row raises the user's version, and the row keeps it.
    async fn a_change_of_a_row_raises_its_version(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let mut last = 0;
        let mut raised = async |step: &str, log: &Log| {
            let bob = row(ports, "bob", log.conversation).await;
            assert!(bob.version > last, "{step} did not raise the version");
            assert_eq!(version(ports, "bob").await, bob.version, "{step}");
            last = bob.version;
        };
        raised("entering", &log).await;
        log.store(ports, [Draft::new("alice", Body::RoleChanged { member: user("bob"), role: Role::Admin })]).await;
        raised("a role", &log).await;
        ports.members.change_settings(&user("bob"), log.conversation, pin(), Timestamp(0)).await.unwrap();
        raised("settings", &log).await;
        let advance = Advance { conversation: log.conversation, user: user("bob"), position: at(2, 0) };
        ports.positions.advance(vec![advance]).await.unwrap();
        raised("a position", &log).await;
        log.store(ports, [Draft::new("bob", Body::Left)]).await;
        raised("leaving", &log).await;
        log.store(ports, [Draft::new("alice", added(&["bob"]))]).await;
        raised("coming back", &log).await;
    }

    /// What changes no row of a user leaves the user's version alone.
    async fn what_changes_no_row_raises_no_version(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        let before = (version(ports, "alice").await, version(ports, "bob").await);
        log.store(ports, [Draft::new("alice", said("hello"))]).await;
        log.store(ports, [Draft::new("alice", added(&["carol"]))]).await;
        log.store(ports, [Draft::new("alice", kicked(&["carol"]))]).await;

        assert_eq!((version(ports, "alice").await, version(ports, "bob").await), before);
    }

    /// Rows of several conversations in one feed have versions that tell which changed last.
    async fn versions_order_the_rows_of_a_user(ports) {
        let first = group(ports, &["alice"]).await;
        let second = group(ports, &["bob", "alice"]).await;
        let old = row(ports, "alice", first.conversation).await.version;
        let new = row(ports, "alice", second.conversation).await.version;
        assert!(0 < old && old < new);
        assert_eq!(version(ports, "alice").await, new);
    }

    /// A group of many is made and emptied in single entries.
    async fn a_large_group_enters_and_leaves_at_once(ports) {
        let ids: Vec<String> = (0..500).map(|n| format!("m{n:03}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let mut log = group(ports, &ids).await;
        assert_eq!(ports.members.roster(log.conversation, None, 1_000).await.unwrap().len(), 500);
        log.store(ports, [Draft::new("m000", kicked(&ids[1..]))]).await;

        assert_eq!(ports.members.roster(log.conversation, None, 1_000).await.unwrap().len(), 1);
        assert_eq!(row(ports, "m499", log.conversation).await.left, Some(Seq(2)));
        assert_eq!(ports.log.load(log.conversation).await.unwrap().unwrap().info.member_count, 1);
    }
}

//! How the rows of members are listed, and settings. What entries do to them is in [`roster`](super::roster).

use std::collections::BTreeSet;

use super::{Draft, Log, UNUSUAL_IDS, conversation, group, race, said, user};
use crate::{
    Body, ConversationId, Head, Seq, Settings, SettingsPatch, Timestamp, UserId, port::Ports,
};

const NOW: Timestamp = Timestamp(1_000);

async fn leave(ports: &Ports, log: &mut Log, id: &str) {
    log.store(ports, [Draft::new(id, Body::Left)]).await;
}

async fn roster(ports: &Ports, at: ConversationId, page: usize) -> Vec<String> {
    let mut users: Vec<UserId> = Vec::new();
    loop {
        let found = ports.members.roster(at, users.last(), page).await.unwrap();
        assert!(found.len() <= page);
        if found.is_empty() {
            return users.iter().map(ToString::to_string).collect();
        }
        users.extend(found.into_iter().map(|member| member.user));
    }
}

suite! { member_store_suite in members:
    /// Nobody is in what does not exist.
    async fn an_unknown_conversation_has_no_members(ports) {
        let at = conversation();
        let alice = user("alice");
        assert_eq!(ports.members.members(at, std::slice::from_ref(&alice)).await.unwrap(), []);
        assert_eq!(ports.members.roster(at, None, 10).await.unwrap(), []);
        assert_eq!(ports.members.membership(&alice, at).await.unwrap(), None);
        assert_eq!(ports.members.memberships(&alice, None, 10).await.unwrap(), []);
        assert_eq!(ports.members.conversations_of(&alice).await.unwrap(), []);
        assert_eq!(ports.members.sharing(&alice, &[user("bob")]).await.unwrap(), []);
        assert_eq!(ports.members.change_settings(&alice, at, SettingsPatch::default(), NOW).await.unwrap(), None);
    }

    /// Of those who are asked for, the present ones.
    async fn members_are_those_who_are_present(ports) {
        let mut log = group(ports, &["alice", "bob", "carol"]).await;
        group(ports, &["dave"]).await;
        leave(ports, &mut log, "bob").await;

        let asked = ["dave", "carol", "bob", "alice", "nobody"].map(user);
        let mut found = ports.members.members(log.conversation, &asked).await.unwrap();
        found.sort_by(|a, b| a.user.cmp(&b.user));
        let found: Vec<_> = found.iter().map(|member| member.user.as_str()).collect();
        assert_eq!(found, ["alice", "carol"]);
        assert_eq!(ports.members.members(log.conversation, &[]).await.unwrap(), []);
    }

    /// Five hundred users are asked for at once.
    async fn many_members_are_found_at_once(ports) {
        let ids: Vec<String> = (0..300).map(|n| format!("m{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let log = group(ports, &ids).await;
        let asked: Vec<UserId> = (0..500).map(|n| user(&format!("m{n}"))).collect();
        assert_eq!(ports.members.members(log.conversation, &asked).await.unwrap().len(), 300);
        assert_eq!(ports.members.sharing(&user("m0"), &asked[1..]).await.unwrap().len(), 299);
    }

    /// Pages of any size list everybody once, in the order of the ids' bytes, without those who left.
    async fn the_roster_pages_in_the_order_of_bytes(ports) {
        let mut ids = UNUSUAL_IDS.to_vec();
        ids.push("left");
        let mut log = group(ports, &ids).await;
        leave(ports, &mut log, "left").await;
        group(ports, &["b", "zzz"]).await;

        let mut expected: Vec<&str> = UNUSUAL_IDS.to_vec();
        expected.sort_unstable();
        for page in [1, 2, 7, 1_000] {
            assert_eq!(roster(ports, log.conversation, page).await, expected);
        }
    }

    /// A page that begins after a user who is no member begins where it would stand.
    async fn the_roster_pages_from_anywhere(ports) {
        let log = group(ports, &["alice", "carol"]).await;
        let page = ports.members.roster(log.conversation, Some(&user("bob")), 10).await.unwrap();
        assert_eq!(page[0].user, user("carol"));
        assert_eq!(page.len(), 1);
    }

    /// Pages of any size list every row of a user once, by id, also those of former memberships, each with its head.
    async fn memberships_page_by_conversation(ports) {
        let mut expected = Vec::new();
        for n in 0..9_u64 {
            let mut log = group(ports, &["alice", "bob"]).await;
            if n % 3 == 0 {
                leave(ports, &mut log, "bob").await;
            }
            log.store(ports, (0..=n).map(|n| Draft::new("alice", said(&n.to_string())))).await;
            expected.push((log.conversation, log.head, (n % 3 == 0).then_some(Seq(2))));
        }
        group(ports, &["alice"]).await;
        expected.sort_by_key(|row| row.0);

        for page in [1, 2, 5, 100] {
            let mut found: Vec<(ConversationId, Head, Option<Seq>)> = Vec::new();
            loop {
                let after = found.last().map(|row| row.0);
                let rows = ports.members.memberships(&user("bob"), after, page).await.unwrap();
                assert!(rows.len() <= page);
                if rows.is_empty() {
                    break;
                }
                for row in rows {
                    assert_eq!(row.member.user, user("bob"));
                    found.push((row.conversation, row.head, row.left));
                }
            }
            assert_eq!(found, expected);
        }
    }

    /// A list and a single row say the same.
    async fn a_row_is_the_same_alone_and_in_a_list(ports) {
        let mut log = group(ports, &["alice", "bob"]).await;
        log.store(ports, [Draft::new("alice", said("1"))]).await;
        let alone = ports.members.membership(&user("bob"), log.conversation).await.unwrap();
        let listed = ports.members.memberships(&user("bob"), None, 10).await.unwrap();
        assert_eq!(listed, [alone.unwrap()]);
    }

    /// Present memberships only.
    async fn conversations_are_those_where_the_user_is_present(ports) {
        let first = group(ports, &["alice", "bob"]).await.conversation;
        let mut second = group(ports, &["alice", "bob"]).await;
        let third = group(ports, &["bob"]).await.conversation;
        leave(ports, &mut second, "bob").await;

        let found: BTreeSet<_> = ports.members.conversations_of(&user("bob")).await.unwrap().into_iter().collect();
        assert_eq!(found, BTreeSet::from([first, third]));
    }

    /// Who is in as many conversations as asked for, or more; what one left does not count.
    async fn memberships_are_counted(ports) {
        for _ in 0..2 {
            group(ports, &["alice", "bob"]).await;
        }
        let mut third = group(ports, &["alice", "bob", "carol"]).await;
        leave(ports, &mut third, "bob").await;
        let asked = ["nobody", "carol", "bob", "alice", "bob"].map(user);

        for (least, expected) in [
            (1, &["alice", "bob", "carol"][..]),
            (2, &["alice", "bob"]),
            (3, &["alice"]),
            (4, &[]),
            (usize::MAX, &[]),
        ] {
            let mut found = ports.membership_count.in_at_least(least, &asked).await.unwrap();
            found.sort();
            assert_eq!(found, expected.iter().map(|id| user(id)).collect::<Vec<_>>(), "{least}");
        }
        assert_eq!(ports.membership_count.in_at_least(1, &[]).await.unwrap(), []);
    }

    /// Five hundred users are counted at once, each with its own number.
    async fn many_users_are_counted_at_once(ports) {
        let ids: Vec<String> = (0..300).map(|n| format!("m{n}")).collect();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        group(ports, &ids).await;
        group(ports, &ids[..100]).await;
        let asked: Vec<UserId> = (0..500).map(|n| user(&format!("m{n}"))).collect();
        assert_eq!(ports.membership_count.in_at_least(1, &asked).await.unwrap().len(), 300);
        assert_eq!(ports.membership_count.in_at_least(2, &asked).await.unwrap().len(), 100);
    }

    /// Sharing is being present in the same conversation now, and nobody shares with strangers.
    async fn users_share_while_both_are_present(ports) {
        let mut log = group(ports, &["alice", "bob", "carol"]).await;
        group(ports, &["alice", "bob"]).await;
        group(ports, &["dave"]).await;
        leave(ports, &mut log, "carol").await;

        let asked = ["bob", "carol", "dave", "nobody"].map(user);
        assert_eq!(ports.members.sharing(&user("alice"), &asked).await.unwrap(), [user("bob")]);
        assert_eq!(ports.members.sharing(&user("carol"), &["alice", "bob"].map(user)).await.unwrap(), []);
        assert_eq!(ports.members.sharing(&user("alice"), &[]).await.unwrap(), []);
    }

    /// Ids that look alike are different members.
    async fn ids_that_look_alike_are_different_members(ports) {
        for id in UNUSUAL_IDS {
            group(ports, &[id]).await;
        }
        for id in UNUSUAL_IDS {
            assert_eq!(ports.members.conversations_of(&user(id)).await.unwrap().len(), 1, "{id:?}");
            assert_eq!(ports.members.memberships(&user(id), None, 100).await.unwrap().len(), 1, "{id:?}");
            let counted = ports.membership_count.in_at_least(1, &[user(id)]).await.unwrap();
            assert_eq!(counted, [user(id)], "{id:?}");
            assert_eq!(ports.membership_count.in_at_least(2, &[user(id)]).await.unwrap(), [], "{id:?}");
        }
    }

    /// Settings are one user's own, and what a change does not name stays.
    async fn settings_are_changed(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        let (at, bob) = (log.conversation, user("bob"));
        let until = Timestamp(i64::MAX);
        let change = async |pinned, muted_until_ms| {
            let changes = SettingsPatch { pinned, muted_until_ms, ..SettingsPatch::default() };
            ports.members.change_settings(&bob, at, changes, NOW).await.unwrap().unwrap()
        };
        let pinned = change(Some(true), None).await;
        assert_eq!(pinned.settings, Settings { pinned: true, muted_until_ms: None, ..Settings::default() });
        assert_eq!(ports.members.membership(&bob, at).await.unwrap().unwrap(), pinned);
        let alice = ports.members.membership(&user("alice"), at).await.unwrap().unwrap();
        assert_eq!(alice.settings, Settings::default());

        let muted = change(None, Some(until)).await;
        assert_eq!(muted.settings, Settings { pinned: true, muted_until_ms: Some(until), ..Settings::default() });
        assert!(muted.version > pinned.version);
        let both = change(Some(false), Some(NOW)).await;
        assert_eq!(both.settings, Settings::default());
        let changes = SettingsPatch { pinned: Some(true), muted_until_ms: None, ..SettingsPatch::default() };
        assert_eq!(ports.members.change_settings(&user("eve"), at, changes, NOW).await.unwrap(), None);
    }

    /// Devices that change different settings at the same moment do not put back each other's.
    async fn settings_that_are_changed_at_once_all_hold(ports) {
        let at = group(ports, &["alice", "bob"]).await.conversation;
        for n in 1..=10 {
            let until = Timestamp(NOW.0 + n);
            let settings = Settings { pinned: n % 2 == 1, muted_until_ms: Some(until), ..Settings::default() };
            let pin = SettingsPatch { pinned: Some(settings.pinned), muted_until_ms: None, ..SettingsPatch::default() };
            let mute = SettingsPatch { pinned: None, muted_until_ms: Some(until), ..SettingsPatch::default() };
            let racers = [pin.clone(), mute.clone(), pin, mute].map(|changes| {
                let ports = ports.clone();
                async move { ports.members.change_settings(&user("bob"), at, changes, NOW).await.unwrap() }
            });
            race(ports, racers).await;

            let row = ports.members.membership(&user("bob"), at).await.unwrap().unwrap();
            assert_eq!(row.settings, settings);
        }
    }
}

//! Rows of users' own.

use super::{UNUSUAL_IDS, group, race, user};
use crate::{
    Block, Content, Draft, Own, OwnKey, OwnKind, OwnRow, RowKey, SettingsPatch, Timestamp,
    port::{OwnWrite, Ports, Written},
};

fn key(text: &str) -> RowKey {
    RowKey::new(text).unwrap()
}

fn at(text: &str) -> OwnKey {
    OwnKey::new(OwnKind::Draft, key(text))
}

fn draft(text: &str) -> Own {
    Own::Draft(Draft {
        content: Content::text(text),
        reply_to: None,
        at_ms: Timestamp(7),
    })
}

fn put(owner: &str, under: &str, text: &str) -> OwnWrite {
    OwnWrite::put(user(owner), key(under), draft(text))
}

async fn stored(ports: &Ports, writes: Vec<OwnWrite>) -> Vec<u64> {
    match ports.own.write(writes).await.unwrap() {
        Written::Stored(versions) => versions,
        Written::Conflict => panic!("nobody was in the way"),
    }
}

async fn conflicts(ports: &Ports, writes: Vec<OwnWrite>) -> bool {
    ports.own.write(writes).await.unwrap() == Written::Conflict
}

async fn read(ports: &Ports, of: &str, keys: &[&str]) -> Vec<OwnRow> {
    let keys: Vec<_> = keys.iter().map(|key| (user(of), at(key))).collect();
    let found = ports.own.read(&keys).await.unwrap();
    let mine = found.into_iter().map(|(owner, row)| {
        assert_eq!(owner, user(of));
        row
    });
    mine.collect()
}

async fn version(ports: &Ports, of: &str) -> u64 {
    ports.users.version(&user(of)).await.unwrap()
}

async fn changed(ports: &Ports, of: &str, after: u64) -> Vec<OwnRow> {
    ports.own.changed(&user(of), after, 1_000).await.unwrap()
}

fn keys(rows: &[OwnRow]) -> Vec<&str> {
    rows.iter().map(|row| row.key.as_str()).collect()
}

suite! { own_store_suite in own:
    /// What was written reads back, and raised the version of its owner alone.
    async fn a_row_reads_back_with_the_version_it_was_raised_to(ports) {
        let write = put("alice", "k", "hello").due(Timestamp(99));

        let versions = stored(ports, vec![write.clone()]).await;

        assert_eq!(versions, [version(ports, "alice").await]);
        let rows = read(ports, "alice", &["k", "other"]).await;
        assert_eq!(rows, [write.row(versions[0])]);
        assert_eq!(read(ports, "bob", &["k"]).await, []);
        assert_eq!(version(ports, "bob").await, 0);
        assert_eq!(read(ports, "alice", &[]).await, []);
    }

    /// Rows of several users are read at once, each with whose it is.
    async fn rows_of_several_users_are_read_at_once(ports) {
        stored(ports, vec![put("alice", "k", "alice's"), put("bob", "k", "bob's"), put("bob", "l", "x")]).await;
        let keys: Vec<_> = (0..100).map(|n| (user(&format!("u{n}")), at("k"))).collect();
        let mut asked = vec![(user("bob"), at("k")), (user("alice"), at("k")), (user("alice"), at("l"))];
        asked.extend(keys);

        let mut found = ports.own.read(&asked).await.unwrap();

        found.sort_by(|a, b| a.0.cmp(&b.0));
        let found: Vec<_> = found.into_iter().map(|(owner, row)| (owner, row.value)).collect();
        assert_eq!(found, [(user("alice"), Some(draft("alice's"))), (user("bob"), Some(draft("bob's")))]);
    }

    /// A later value stands in place of an earlier one, also its time.
    async fn a_later_write_replaces_an_earlier_one(ports) {
        let first = stored(ports, vec![put("alice", "k", "one").due(Timestamp(5))]).await;
        let second = stored(ports, vec![put("alice", "k", "two")]).await;

        assert!(second[0] > first[0]);
        let rows = read(ports, "alice", &["k"]).await;
        assert_eq!(rows, [put("alice", "k", "two").row(second[0])]);
        assert_eq!(ports.own.count(&user("alice"), OwnKind::Draft).await.unwrap(), 1);
        assert_eq!(ports.own.due(Timestamp(1_000), 10).await.unwrap(), []);
    }

    /// A removed row is in no list and in no count, but devices learn of it.
    async fn a_removed_row_is_kept_without_a_value(ports) {
        stored(ports, vec![put("alice", "k", "x").due(Timestamp(5))]).await;

        let versions = stored(ports, vec![OwnWrite::remove(user("alice"), at("k"))]).await;

        let gone = OwnWrite::remove(user("alice"), at("k")).row(versions[0]);
        assert_eq!(read(ports, "alice", &["k"]).await, std::slice::from_ref(&gone));
        assert_eq!(changed(ports, "alice", 0).await, [gone]);
        assert_eq!(ports.own.list(&user("alice"), OwnKind::Draft, None, 10).await.unwrap(), []);
        assert_eq!(ports.own.count(&user("alice"), OwnKind::Draft).await.unwrap(), 0);
        assert_eq!(ports.own.due(Timestamp(1_000), 10).await.unwrap(), []);
        stored(ports, vec![put("alice", "k", "again")]).await;
        assert_eq!(ports.own.count(&user("alice"), OwnKind::Draft).await.unwrap(), 1);
    }

    /// One row that is not as expected undoes the write of all, for all users.
    async fn a_write_is_stored_whole_or_not_at_all(ports) {
        let versions = stored(ports, vec![put("bob", "k", "bob's")]).await;
        let before = (version(ports, "alice").await, version(ports, "bob").await);

        let both = |expected| vec![put("alice", "k", "new"), put("bob", "k", "new").if_still(expected)];
        assert!(conflicts(ports, both(versions[0] + 1)).await);
        assert!(conflicts(ports, both(0)).await);

        assert_eq!((version(ports, "alice").await, version(ports, "bob").await), before);
        assert_eq!(read(ports, "alice", &["k"]).await, []);
        assert_eq!(stored(ports, both(versions[0])).await.len(), 2);
        assert_eq!(read(ports, "alice", &["k"]).await.len(), 1);
    }

    /// "None" is expected as 0; a removed row is not none.
    async fn a_row_that_must_not_be_there_is_expected_as_none(ports) {
        assert!(conflicts(ports, vec![put("alice", "k", "x").if_still(1)]).await);
        stored(ports, vec![put("alice", "k", "x").if_still(0)]).await;
        assert!(conflicts(ports, vec![put("alice", "k", "y").if_still(0)]).await);

        let removed = stored(ports, vec![OwnWrite::remove(user("alice"), at("k"))]).await;

        assert!(conflicts(ports, vec![put("alice", "k", "y").if_still(0)]).await);
        stored(ports, vec![put("alice", "k", "y").if_still(removed[0])]).await;
    }

    /// Every row of one write has a version of its own, in the order of the writes.
    async fn no_two_rows_of_a_user_have_the_same_version(ports) {
        let writes = ["c", "a", "b"].map(|under| put("alice", under, under));

        let versions = stored(ports, writes.to_vec()).await;

        assert!(versions.windows(2).all(|two| two[0] < two[1]), "{versions:?}");
        let rows = changed(ports, "alice", 0).await;
        assert_eq!(keys(&rows), ["c", "a", "b"]);
        assert_eq!(rows.iter().map(|row| row.version).collect::<Vec<_>>(), versions);
        assert_eq!(version(ports, "alice").await, versions[2]);
    }

    /// All rows of a user share one version, whatever they are.
    async fn rows_share_the_version_with_everything_else_of_the_user(ports) {
        let log = group(ports, &["alice", "bob"]).await;
        let before = version(ports, "alice").await;
        assert!(before > 0);

        let own = stored(ports, vec![put("alice", "k", "x")]).await[0];
        let block = Block { user: user("eve"), blocked: true };
        ports.contacts.set_block(&user("alice"), block).await.unwrap();
        let blocked = ports.contacts.blocks(&user("alice")).await.unwrap()[0].version;
        let pin = SettingsPatch { pinned: Some(true), ..SettingsPatch::default() };
        let row = ports.members.change_settings(&user("alice"), log.conversation, pin, Timestamp(0)).await.unwrap().unwrap();

        assert!(before < own && own < blocked && blocked < row.version);
        assert_eq!(version(ports, "alice").await, row.version);
    }

    /// By the bytes of the key, page by page, and only those of the owner.
    async fn rows_are_listed_by_the_bytes_of_the_key(ports) {
        for id in UNUSUAL_IDS {
            stored(ports, vec![put("alice", id, id), put("bob", "b", id)]).await;
        }
        let mut expected: Vec<_> = UNUSUAL_IDS.to_vec();
        expected.sort_unstable();

        let mut found: Vec<OwnRow> = Vec::new();
        loop {
            let after = found.last().map(|row| row.key.clone());
            let page = ports.own.list(&user("alice"), OwnKind::Draft, after.as_ref(), 7).await.unwrap();
            found.extend(page.iter().cloned());
            if page.len() < 7 {
                break;
            }
        }

        assert_eq!(keys(&found), expected);
        for row in &found {
            assert_eq!(row.value, Some(draft(row.key.as_str())));
        }
        assert_eq!(ports.own.count(&user("alice"), OwnKind::Draft).await.unwrap(), expected.len());
    }

    /// In the order of the versions, page by page: a row that changes while pages are read comes again.
    async fn changes_are_read_in_the_order_of_versions(ports) {
        for n in 0..10 {
            stored(ports, vec![put("alice", &format!("k{n}"), "x")]).await;
        }
        let first = ports.own.changed(&user("alice"), 0, 4).await.unwrap();
        assert_eq!(keys(&first), ["k0", "k1", "k2", "k3"]);

        stored(ports, vec![put("alice", "k1", "y"), put("alice", "k7", "y")]).await;

        let rest = changed(ports, "alice", first[3].version).await;
        assert_eq!(keys(&rest), ["k4", "k5", "k6", "k8", "k9", "k1", "k7"]);
        let last = rest.last().unwrap().version;
        assert_eq!(changed(ports, "alice", last).await, []);
    }

    /// Rows of all users whose time has come, the longest due first.
    async fn what_is_due_is_found_until_it_is_written_again(ports) {
        let due = |owner: &str, under: &str, at| put(owner, under, "x").due(Timestamp(at));
        stored(ports, vec![due("alice", "late", 300), due("bob", "first", 100), due("alice", "second", 200), put("bob", "never", "x")]).await;

        let found = async |now, limit| -> Vec<(String, String)> {
            let rows = ports.own.due(Timestamp(now), limit).await.unwrap();
            rows.into_iter().map(|(user, row)| (user.to_string(), row.key.to_string())).collect()
        };
        let pair = |owner: &str, under: &str| (owner.to_owned(), under.to_owned());
        assert_eq!(found(99, 10).await, []);
        assert_eq!(found(200, 10).await, [pair("bob", "first"), pair("alice", "second")]);
        assert_eq!(found(1_000, 1).await, [pair("bob", "first")]);

        stored(ports, vec![OwnWrite::remove(user("bob"), at("first")), put("alice", "second", "y")]).await;
        assert_eq!(found(1_000, 10).await, [pair("alice", "late")]);
    }

    /// Of many who expect the same version of a row one writes it; of those who expect none all do.
    async fn of_many_who_expect_the_same_row_one_writes_it(ports) {
        let begun = stored(ports, vec![put("alice", "k", "x"), put("bob", "k", "x")]).await;
        let racers = (0..8).map(|n| {
            let (ports, expected) = (ports.clone(), (begun[0], begun[1]));
            async move {
                let alice = put("alice", "k", "raced").if_still(expected.0);
                let bob = put("bob", "k", "raced").if_still(expected.1);
                // In either order: they must not wait for each other for ever.
                let writes = if n % 2 == 0 { vec![alice, bob] } else { vec![bob, alice] };
                ports.own.write(writes).await.unwrap() != Written::Conflict
            }
        });
        let won = race(ports, racers).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);

        let racers = (0..8).map(|n| {
            let ports = ports.clone();
            async move { stored(&ports, vec![put("alice", &format!("r{n}"), "x"), put("bob", "k", "x")]).await }
        });
        let mut versions: Vec<_> = race(ports, racers).await.into_iter().map(|versions| versions[0]).collect();
        versions.sort_unstable();
        versions.dedup();
        assert_eq!(versions.len(), 8);
        assert_eq!(version(ports, "alice").await, versions[7]);
    }
}

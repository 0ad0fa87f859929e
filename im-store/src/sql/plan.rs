//! That the statements which run all the time go by index alone, whatever the size of the tables, in each database.

#![allow(clippy::unwrap_used)]

use im_core::{
    Block, Device, DeviceClass, Profile, Store as _, Timestamp,
    port::{Account, Ports, RefreshToken, ServerKey},
    testing::{device as device_id, group, user as user_id},
};
use uuid::Uuid;

use super::{
    SqlStore, account, alarm, annotation, block, connection::Connection, contact, device, door,
    log, member, position, search, stored, tally, token, user,
};

#[allow(
    dead_code,
    reason = "of the databases that the integration tests make, these need less"
)]
#[path = "../../tests/server/mod.rs"]
mod server;

const HOT: [&[&str]; 15] = [
    account::HOT,
    alarm::HOT,
    annotation::HOT,
    block::HOT,
    contact::HOT,
    device::HOT,
    door::HOT,
    log::HOT,
    member::HOT,
    position::HOT,
    search::HOT,
    stored::HOT,
    tally::HOT,
    token::HOT,
    user::HOT,
];

fn hot() -> impl Iterator<Item = &'static str> {
    HOT.into_iter().flatten().copied()
}

/// Statements live as long as the program, also those of tests.
fn leaked(text: String) -> &'static str {
    Box::leak(text.into())
}

#[tokio::test]
async fn sqlite_never_scans_a_table() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    for text in hot() {
        let explain = leaked(format!("EXPLAIN QUERY PLAN {text}"));

        let plan = store.core.query(explain, 2, &[]).await.unwrap();

        let steps: Vec<String> = plan
            .iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect();
        assert!(!steps.is_empty());
        // Sorting the few keys that were asked for is no matter of size.
        let may_sort = text.contains(" IN (");
        for step in &steps {
            let sorts = step.contains("TEMP B-TREE FOR ORDER BY") && !may_sort;
            assert!(!step.starts_with("SCAN") && !sorts, "{text}: {steps:?}");
        }
    }
}

#[tokio::test]
async fn postgres_never_scans_a_table() {
    let Some(fresh) = server::Fresh::create("IM_TEST_POSTGRES_URL").await else {
        return;
    };
    let store = SqlStore::open(&fresh.address).await.unwrap();
    let mut turn = store.core.writing().await.unwrap();
    let connection = turn.connection();
    // What remains of a scan then has no index to go by. A generic plan is that of any values.
    for setting in [
        "SET enable_seqscan = off",
        "SET enable_hashjoin = off",
        "SET enable_mergejoin = off",
        "SET plan_cache_mode = force_generic_plan",
    ] {
        connection.command(setting).await.unwrap();
    }
    let leading = leading_columns(connection).await;
    for (n, text) in hot().enumerate() {
        let statement = store.core.texts.text(text, 2);
        let values = vec!["NULL"; statement.matches('$').count()].join(", ");
        let prepare = leaked(format!("PREPARE hot_{n} AS {statement}"));
        connection.command(prepare).await.unwrap();
        let explain = leaked(format!("EXPLAIN EXECUTE hot_{n}({values})"));

        let plan = connection.query(explain, 1, &[]).await.unwrap();

        let steps: Vec<String> = plan
            .iter()
            .map(|row| row.try_get_by_index(0).unwrap())
            .collect();
        let scans: Vec<_> = steps
            .windows(2)
            .filter(|two| is_by_index(&two[0]))
            .collect();
        assert!(!scans.is_empty(), "{text}: {steps:#?}");
        for scan in scans {
            let leads = leading.iter().any(|(index, column)| {
                let names = scan[0].split_whitespace().any(|word| word == index);
                names && scan[1].contains(&format!("({column} "))
            });
            assert!(
                leads && scan[1].contains("Index Cond:"),
                "{text}: {steps:#?}"
            );
        }
        assert!(
            !steps.iter().any(|step| step.contains("Seq Scan")),
            "{text}: {steps:#?}"
        );
    }
}

fn is_by_index(step: &str) -> bool {
    step.contains("Index Scan") || step.contains("Index Only Scan")
}

/// PostgreSQL's indexes and their first columns. Without a condition on that one the whole of an index is read.
async fn leading_columns(connection: &mut Connection) -> Vec<(String, String)> {
    let select = "SELECT c.relname::text, pg_get_indexdef(i.indexrelid, 1, true) FROM pg_index i \
                  JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relnamespace = 'public'::regnamespace";
    let rows = connection.query(select, 1, &[]).await.unwrap();
    let names = rows.iter().map(|row| {
        let text_at = |place| row.try_get_by_index::<String>(place).unwrap();
        (text_at(0), text_at(1))
    });
    names.collect()
}

#[tokio::test]
async fn mariadb_never_scans_a_table() {
    let Some(fresh) = server::Fresh::create("IM_TEST_MARIADB_URL").await else {
        return;
    };
    let store = SqlStore::open(&fresh.address).await.unwrap();
    // A table that fits into a page would be scanned whatever its indexes are.
    fill(&store.clone().ports()).await;
    for text in hot() {
        let statement = store.core.texts.text(text, 2);
        let statement = statement.replace("LIMIT ?", "LIMIT 10").replace('?', "'1'");
        let explain = leaked(format!("EXPLAIN {statement}"));

        let plan = store.core.query(explain, 1, &[]).await.unwrap();

        assert!(!plan.is_empty());
        for row in &plan {
            let text_of = |column| row.try_get::<Option<String>>("", column).unwrap();
            let (kind, key) = (text_of("type"), text_of("key"));
            let found_nothing =
                text_of("Extra").is_some_and(|extra| extra.contains("after reading const tables"));
            let scans = matches!(kind.as_deref(), Some("ALL" | "index"));
            assert!(
                found_nothing || key.is_some() && !scans,
                "{text}: {kind:?} by {key:?}"
            );
        }
    }
}

/// A hundred rows in every table.
async fn fill(ports: &Ports) {
    let now = Timestamp(0);
    for n in 0..100_u8 {
        let (name, other) = (format!("u{n}"), format!("u{}", n + 1));
        let (id, hash) = (user_id(&name), [n; 32]);
        group(ports, &[&name, &other]).await;
        let profile = Profile::empty(id.clone(), now);
        ports.users.put(profile).await.unwrap();
        let block = Block {
            user: user_id(&other),
            blocked: true,
        };
        ports.contacts.set_block(&id, block).await.unwrap();
        let device = Device {
            user: id.clone(),
            id: device_id("phone"),
            class: DeviceClass::Other,
            created_at_ms: now,
            last_seen_ms: now,
        };
        ports.devices.remember(device).await.unwrap();
        let account = Account {
            user: id.clone(),
            password_hash: String::new(),
            fingerprint: 0,
            created_at_ms: now,
        };
        ports.accounts.create(account).await.unwrap();
        let token = RefreshToken {
            hash,
            family: Uuid::from_u128(n.into()),
            user: id,
            device: device_id("phone"),
            expires_at_ms: Timestamp(1),
        };
        ports.tokens.insert(token, now).await.unwrap();
        let key = ServerKey {
            hash,
            name,
            created_at_ms: now,
        };
        ports.tokens.put_key(key).await.unwrap();
    }
}

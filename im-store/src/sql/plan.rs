//! That the statements which run all the time go by index alone, whatever the size of the tables, in each database.

#![allow(clippy::unwrap_used)]

use im_core::{
    AuditRecord, Authority, Block, Device, DeviceClass, Draft, Identifier, Notice, NoticeTemplate,
    NoticeTexts, Own, Profile, Standing, Store as _, Timestamp,
    port::{
        Account, CodeHash, NoticeToAll, OneTimeCode, OwnWrite, Ports, RealName, RealNameState,
        RefreshToken, ServerKey, StandingWrite,
    },
    testing::{device as device_id, group, user as user_id},
};
use uuid::Uuid;

use super::{
    SqlStore, account, alarm, annotation, audit, block, code, connection::Connection, contact,
    device, door, erasure, lease, log, member, notice, own, position, real_name, search, standing,
    stored, tally, token, user,
};

#[allow(
    dead_code,
    reason = "of the databases that the integration tests make, these need less"
)]
#[path = "../../tests/server/mod.rs"]
mod server;

const HOT: &[&[&str]] = &[
    account::HOT,
    alarm::HOT,
    annotation::HOT,
    audit::HOT,
    block::HOT,
    code::HOT,
    contact::HOT,
    device::HOT,
    door::HOT,
    erasure::HOT,
    lease::HOT,
    log::HOT,
    member::HOT,
    notice::HOT,
    own::HOT,
    position::HOT,
    real_name::HOT,
    search::HOT,
    standing::HOT,
    stored::HOT,
    tally::HOT,
    token::HOT,
    user::HOT,
];

fn hot() -> impl Iterator<Item = &'static str> {
    HOT.iter().flat_map(|hot| hot.iter()).copied()
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
        let draft = Own::Draft(Draft {
            content: "hello".into(),
            reply_to: None,
            at_ms: now,
        });
        let own = OwnWrite::put(id.clone(), (&user_id(&other)).into(), draft);
        // Little is due: what there is is in the future.
        let own = own.due(Timestamp(1 << 40));
        ports.own.write(vec![own]).await.unwrap();
        let texts = NoticeTexts::new();
        let notice = Notice {
            category: "system".to_owned(),
            texts: texts.clone(),
            data: None,
            at_ms: now,
            read: false,
        };
        let to_all = NoticeToAll {
            key: (&id).into(),
            notice,
            until_ms: now,
        };
        ports.notices.tell_all(to_all).await.unwrap();
        let template = NoticeTemplate {
            name: (&id).into(),
            category: "system".to_owned(),
            texts,
        };
        ports.notices.put_template(template).await.unwrap();
        let record = AuditRecord {
            id: (&id).into(),
            at_ms: now,
            actor: id.clone(),
            authority: Authority::User,
            method: "admin.test".to_owned(),
            about: Some(id.clone()),
            params: Some(serde_json::Value::Null),
            outcome: None,
        };
        ports.audit.note(record).await.unwrap();
        let standing = Standing {
            admin: n % 20 == 0,
            ..Standing::default()
        };
        let write = StandingWrite {
            user: id.clone(),
            standing,
            expected: 0,
            keeps_an_admin: false,
        };
        ports.standings.put(write).await.unwrap();
        let holder = Uuid::from_bytes([n; 16]);
        ports.leases.take(&name, holder, now, now).await.unwrap();
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
            password_hash: None,
            fingerprint: 0,
            created_at_ms: now,
        };
        let mail = Identifier::parse(&format!("{name}@example.org")).ok();
        ports.accounts.create(account, mail).await.unwrap();
        let later = Timestamp(1_000_000);
        let code = OneTimeCode {
            id: hash,
            code: CodeHash(hash),
            expires_at_ms: later,
        };
        ports.codes.give(code, now).await.unwrap();
        let real_name = RealName {
            state: RealNameState::Pending,
            evidence: hash,
            at_ms: now,
        };
        let checked = ports.real_names.set_real_name(&id, None, real_name);
        assert!(checked.await.unwrap());
        let erased = user_id(&format!("erased{n}"));
        ports.erasures.begin(&erased, later).await.unwrap();
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

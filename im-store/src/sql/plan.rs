//! That the reads which run all the time page by index alone, whatever the size of the tables.

#![allow(clippy::unwrap_used)]

use super::{SqlStore, account, device, log, member, token, user};

#[tokio::test]
async fn hot_reads_never_scan_a_table() {
    let store = SqlStore::open("sqlite::memory:").await.unwrap();
    let hot = [
        account::HOT,
        device::HOT,
        log::HOT,
        member::HOT,
        token::HOT,
        user::HOT,
    ];
    for text in hot.into_iter().flatten() {
        let explain: &'static str = Box::leak(format!("EXPLAIN QUERY PLAN {text}").into());

        let plan = store.core.query(explain, 2, &[]).await.unwrap();

        let steps: Vec<String> = plan
            .iter()
            .map(|row| row.try_get("", "detail").unwrap())
            .collect();
        assert!(!steps.is_empty());
        for step in &steps {
            let sorts = step.contains("TEMP B-TREE FOR ORDER BY");
            assert!(!step.starts_with("SCAN") && !sorts, "{text}: {steps:?}");
        }
    }
}

//! The audit log.

use super::user;
use crate::{
    AuditRecord, Authority, RowKey, Timestamp,
    port::{AuditQuery, Ports},
};

fn id(n: u64) -> RowKey {
    RowKey::new(format!("{n:03}")).unwrap()
}

fn record(n: u64, actor: &str, about: &str) -> AuditRecord {
    AuditRecord {
        id: id(n),
        at_ms: Timestamp(n.try_into().unwrap()),
        actor: user(actor),
        authority: Authority::User,
        method: "admin.test".to_owned(),
        about: Some(user(about)).filter(|_| !about.is_empty() && about != "-"),
        params: Some(serde_json::json!({ "reason": "because", "n": n })),
        outcome: None,
    }
}

async fn noted(ports: &Ports, records: &[AuditRecord]) {
    for record in records {
        ports.audit.note(record.clone()).await.unwrap();
    }
}

async fn read(ports: &Ports, query: AuditQuery) -> Vec<u64> {
    let records = ports.audit.records(query).await.unwrap();
    let numbers = records.iter().map(|record| record.at_ms.0);
    numbers.map(|n| n.try_into().unwrap()).collect()
}

fn upto(limit: usize) -> AuditQuery {
    AuditQuery {
        limit,
        ..AuditQuery::default()
    }
}

suite! { audit_store_suite in audits:
    /// Pages go on where the page before ended, by whoever and about whomever is asked for.
    async fn the_latest_records_come_first_page_by_page(ports) {
        let all = [
            record(1, "ann", "bob"),
            record(2, "ann", "-"),
            record(3, "ben", "bob"),
            record(4, "ann", "cem"),
        ];
        noted(ports, &all).await;

        assert_eq!(read(ports, upto(3)).await, [4, 3, 2]);
        let next = AuditQuery { before: Some(all[1].id.clone()), ..upto(3) };
        assert_eq!(read(ports, next).await, [1]);
        let by_ann = AuditQuery { actor: Some(user("ann")), before: Some(all[3].id.clone()), ..upto(9) };
        assert_eq!(read(ports, by_ann).await, [2, 1]);
        let about_bob = AuditQuery { about: Some(user("bob")), ..upto(9) };
        assert_eq!(read(ports, about_bob.clone()).await, [3, 1]);
        let both = AuditQuery { actor: Some(user("ben")), ..about_bob };
        assert_eq!(read(ports, both).await, [3]);
    }

    /// What is read is what was noted, and what became of it is said once.
    async fn what_became_of_it_is_written_down_once(ports) {
        let noted_first = record(1, "ann", "bob");
        noted(ports, std::slice::from_ref(&noted_first)).await;
        ports.audit.settle(&noted_first.id, "done").await.unwrap();
        ports.audit.settle(&noted_first.id, "refused").await.unwrap();
        ports.audit.settle(&id(7), "done").await.unwrap();

        let records = ports.audit.records(upto(9)).await.unwrap();
        let settled = AuditRecord { outcome: Some("done".to_owned()), ..noted_first };
        assert_eq!(records, [settled]);
    }

    /// What is old goes, and nothing else.
    async fn what_was_before_a_time_is_forgotten(ports) {
        noted(ports, &[record(1, "ann", "-"), record(2, "ann", "-"), record(3, "ann", "-")]).await;

        ports.audit.forget_before(Timestamp(2)).await.unwrap();

        assert_eq!(read(ports, upto(9)).await, [3, 2]);
    }

    /// The user is gone: what was said about it is gone too, and that something was done stays.
    async fn the_erasure_of_a_user_takes_what_was_asked_about_it(ports) {
        noted(ports, &[record(1, "ann", "bob"), record(2, "bob", "ann")]).await;
        ports.erasures.begin(&user("bob"), Timestamp(5)).await.unwrap();
        while !ports.erasures.step(&user("bob"), 10).await.unwrap() {}

        let records = ports.audit.records(upto(9)).await.unwrap();
        let has_params: Vec<_> = records.iter().map(|record| record.params.is_some()).collect();
        assert_eq!(has_params, [true, false]);
    }
}

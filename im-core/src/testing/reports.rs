//! Reports.

use super::{client_id, conversation, race, user};
use crate::{
    Report, ReportAbout, ReportReason, ReportState, RowKey, Seq, Settlement, Timestamp,
    port::{FiledReport, Ports, ReportQuery},
};

fn id(n: u128) -> RowKey {
    RowKey::new(format!("{n:03}")).unwrap()
}

/// A report with number `n`, by somebody or by the word filter.
fn filed(n: u128, by: Option<&str>, about: ReportAbout) -> FiledReport {
    let report = Report {
        id: id(n),
        at_ms: Timestamp(n.try_into().unwrap()),
        by: by.map(user),
        about,
        reason: ReportReason::Spam,
        note: Some(format!("note {n} 说明")),
        state: ReportState::Open,
        settled: None,
        version: 1,
    };
    FiledReport {
        report,
        client_id: client_id(&format!("c{n}")),
        fingerprint: i64::MIN + i64::try_from(n).unwrap(),
    }
}

fn about(name: &str) -> ReportAbout {
    ReportAbout::User { user: user(name) }
}

async fn file(ports: &Ports, all: &[FiledReport]) {
    for filed in all {
        let answer = ports.reports.file(filed.clone()).await.unwrap();
        assert_eq!(answer, *filed);
    }
}

fn settlement(by: &str) -> Settlement {
    Settlement {
        by: user(by),
        at_ms: Timestamp(7),
        note: Some("because".to_owned()),
    }
}

async fn settle(ports: &Ports, filed: &FiledReport, version: u64, state: ReportState) -> bool {
    let settled = (state, settlement("ann"));
    let settling = ports.reports.settle(&filed.report.id, version, settled);
    settling.await.unwrap()
}

async fn page(ports: &Ports, state: ReportState, after: Option<RowKey>, limit: usize) -> Vec<i64> {
    let query = ReportQuery {
        state,
        after,
        limit,
    };
    let reports = ports.reports.reports(query).await.unwrap();
    reports.iter().map(|report| report.at_ms.0).collect()
}

suite! { report_store_suite in reports:
    /// What is read is what was filed, of users and of the word filter.
    async fn what_was_filed_is_read(ports) {
        let messages = ReportAbout::Messages {
            conversation: conversation(),
            seqs: vec![Seq(3), Seq(5)],
        };
        let all = [filed(1, Some("bob"), about("cem")), filed(2, None, messages)];
        file(ports, &all).await;

        for one in &all {
            let found = ports.reports.report(&one.report.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(&one.report));
        }
        let by_bob = ports.reports.filed(&user("bob"), &all[0].client_id).await.unwrap();
        assert_eq!(by_bob.as_ref(), Some(&all[0]));
        let none = ports.reports.filed(&user("cem"), &all[0].client_id).await.unwrap();
        assert_eq!(none, None);
        assert_eq!(ports.reports.report(&id(9)).await.unwrap(), None);
    }

    /// The first of a reporter under a client id stands, and is the answer to the others.
    async fn the_same_client_id_is_the_same_report_of_its_reporter_alone(ports) {
        for by in [Some("bob"), None] {
            let n = if by.is_some() { 1 } else { 5 };
            let first = filed(n, by, about("cem"));
            file(ports, std::slice::from_ref(&first)).await;
            let again = FiledReport { client_id: first.client_id.clone(), ..filed(n + 1, by, about("dan")) };

            assert_eq!(ports.reports.file(again.clone()).await.unwrap(), first);
            assert_eq!(ports.reports.report(&again.report.id).await.unwrap(), None);
        }
        let other = FiledReport { client_id: client_id("c1"), ..filed(3, Some("eve"), about("cem")) };
        file(ports, &[other]).await;

        assert_eq!(page(ports, ReportState::Open, None, 9).await, [1, 3, 5]);
    }

    /// The oldest come first, page by page, by how far they have come.
    async fn the_oldest_come_first_page_by_page(ports) {
        let all = [1, 2, 3, 4, 5].map(|n| filed(n, Some("bob"), about("cem")));
        // Not in the order in which they are read.
        for n in [3, 0, 4, 1, 2] {
            file(ports, &all[n..=n]).await;
        }
        assert!(settle(ports, &all[1], 1, ReportState::Acted).await);
        assert!(settle(ports, &all[3], 1, ReportState::Dismissed).await);

        assert_eq!(page(ports, ReportState::Open, None, 2).await, [1, 3]);
        assert_eq!(page(ports, ReportState::Open, Some(all[2].report.id.clone()), 2).await, [5]);
        assert_eq!(page(ports, ReportState::Acted, None, 2).await, [2]);
        assert_eq!(page(ports, ReportState::Dismissed, None, 2).await, [4]);
    }

    /// Whoever looked at an older version changes nothing.
    async fn a_version_is_settled_once(ports) {
        let one = filed(1, Some("bob"), about("cem"));
        file(ports, std::slice::from_ref(&one)).await;
        assert!(!settle(ports, &one, 2, ReportState::Acted).await);
        assert!(!settle(ports, &filed(2, None, about("cem")), 1, ReportState::Acted).await);
        assert!(settle(ports, &one, 1, ReportState::Dismissed).await);
        assert!(!settle(ports, &one, 1, ReportState::Acted).await);
        assert!(settle(ports, &one, 2, ReportState::Acted).await);

        let settled = Report {
            state: ReportState::Acted,
            settled: Some(settlement("ann")),
            version: 3,
            ..one.report.clone()
        };
        assert_eq!(ports.reports.report(&one.report.id).await.unwrap(), Some(settled));
    }

    /// Of many who settle the same version at once, one does.
    async fn of_many_who_settle_a_version_one_does(ports) {
        let one = filed(1, Some("bob"), about("cem"));
        file(ports, std::slice::from_ref(&one)).await;
        let racers = (0..8).map(|_| {
            let (ports, one) = (ports.clone(), one.clone());
            async move { settle(&ports, &one, 1, ReportState::Acted).await }
        });

        let won = race(ports, racers).await.into_iter().filter(|won| *won).count();
        assert_eq!(won, 1);
    }

    /// Those of others, and those that are settled, do not count.
    async fn what_a_user_has_open_is_counted(ports) {
        let all = [1, 2, 3].map(|n| filed(n, Some("bob"), about("cem")));
        file(ports, &all).await;
        file(ports, &[filed(4, Some("eve"), about("cem")), filed(5, None, about("cem"))]).await;
        assert!(settle(ports, &all[0], 1, ReportState::Acted).await);

        assert_eq!(ports.reports.count_open(&user("bob"), 9).await.unwrap(), 2);
        assert_eq!(ports.reports.count_open(&user("bob"), 1).await.unwrap(), 1);
        assert_eq!(ports.reports.count_open(&user("cem"), 9).await.unwrap(), 0);
    }

    /// What the user wrote is gone; what others wrote about it stays.
    async fn the_erasure_of_a_user_takes_what_it_wrote(ports) {
        let all = [
            filed(1, Some("bob"), about("cem")),
            filed(2, Some("cem"), about("bob")),
            filed(3, Some("eve"), about("cem")),
        ];
        file(ports, &all).await;
        let settled = (ReportState::Acted, settlement("bob"));
        assert!(ports.reports.settle(&all[2].report.id, 1, settled).await.unwrap());
        ports.erasures.begin(&user("bob"), Timestamp(5)).await.unwrap();
        while !ports.erasures.step(&user("bob"), 10).await.unwrap() {}

        let gone = ports.reports.report(&all[0].report.id).await.unwrap();
        let without = Report { note: None, ..all[0].report.clone() };
        assert_eq!(gone, Some(without));
        let about_it = ports.reports.report(&all[1].report.id).await.unwrap();
        assert_eq!(about_it.as_ref(), Some(&all[1].report));
        let settled_by_it = ports.reports.report(&all[2].report.id).await.unwrap().unwrap();
        assert_eq!(settled_by_it.note, all[2].report.note);
        assert_eq!(settled_by_it.settled.unwrap().note, None);
        let again = ports.reports.filed(&user("bob"), &all[0].client_id).await.unwrap();
        assert_eq!(again.unwrap().fingerprint, 0);
    }
}

//! Reports and the queue in which they are looked at, in virtual time.

use std::time::Duration;

use im_core::{
    Actor, Body, Call, Code, Content, EditMessage, FileReport, GetReport, LeaveGroup, Limits,
    ListNotices, ListReports, Own, RecallMessage, Rejection, Report, ReportAbout, ReportItem,
    ReportOutcome, ReportReason, ReportState, Seq, SettleReport,
    testing::{client_id, user},
};

use crate::hooks::{House, message};

fn as_user<C: Call>(house: &House, name: &str, call: C) -> Result<C::Reply, Rejection> {
    let actor = Actor::user(user(name));
    house.runtime.block_on(house.im.call(&actor, call))
}

fn as_reviewer<C: Call>(house: &House, call: C) -> Result<C::Reply, Rejection> {
    let actor = Actor::service(user("root"));
    house.runtime.block_on(house.im.call(&actor, call))
}

fn report(id: &str, about: ReportAbout) -> FileReport {
    FileReport {
        client_id: client_id(id),
        about,
        reason: ReportReason::Harassment,
        note: Some("look at that".to_owned()),
    }
}

pub(crate) fn messages(house: &House, seqs: &[u64]) -> ReportAbout {
    ReportAbout::Messages {
        conversation: house.chat,
        seqs: seqs.iter().map(|seq| Seq(*seq)).collect(),
    }
}

pub(crate) fn about(name: &str) -> ReportAbout {
    ReportAbout::User { user: user(name) }
}

pub(crate) fn open(house: &House) -> Vec<ReportItem> {
    as_reviewer(house, ListReports::default()).unwrap().items
}

pub(crate) fn settle(
    house: &House,
    report: &Report,
    outcome: ReportOutcome,
) -> Result<Report, Rejection> {
    let ask = SettleReport {
        report: report.id.clone(),
        outcome,
        note: Some("seen".to_owned()),
        version: report.version,
    };
    as_reviewer(house, ask)
}

pub(crate) fn code<T: std::fmt::Debug>(answer: Result<T, Rejection>) -> Code {
    answer.unwrap_err().code
}

pub(crate) fn edit(house: &House, id: &str, target: u64, text: &str) -> EditMessage {
    EditMessage {
        conversation: house.chat,
        client_id: client_id(id),
        target: Seq(target),
        content: Content::text(text),
    }
}

#[test]
fn a_report_is_filed_once_whoever_asks_how_often() {
    let house = House::new(|im, _| im);
    house.send("m", "insult").unwrap();
    let ask = report("r", messages(&house, &[2]));

    let first = as_user(&house, "bob", ask.clone()).unwrap();
    let recall = RecallMessage {
        conversation: house.chat,
        client_id: client_id("x"),
        target: Seq(2),
    };
    house.call(recall).unwrap();
    let again = as_user(&house, "bob", ask.clone()).unwrap();
    let other = FileReport {
        reason: ReportReason::Spam,
        ..ask
    };

    assert_eq!(first, again, "also when the message is gone by now");
    assert_eq!(code(as_user(&house, "bob", other)), Code::Conflict);
    assert_eq!(open(&house).len(), 1);
}

#[test]
fn one_reports_what_one_sees_and_others_who_exist() {
    let house = House::new(|im, _| im);
    house.send("m", "insult").unwrap();
    for (who, about, refused) in [
        ("eve", messages(&house, &[2]), Code::NotFound),
        ("bob", messages(&house, &[2, 3]), Code::NotFound),
        ("bob", messages(&house, &[1]), Code::NotFound),
        ("bob", messages(&house, &[]), Code::InvalidRequest),
        ("bob", about("bob"), Code::InvalidRequest),
    ] {
        let ask = report("r", about);
        assert_eq!(code(as_user(&house, who, ask.clone())), refused, "{ask:?}");
    }
    let words = FileReport {
        reason: ReportReason::Words,
        ..report("r", about("alice"))
    };
    assert_eq!(code(as_user(&house, "bob", words)), Code::InvalidRequest);
    let long = FileReport {
        note: Some("x".repeat(1_001)),
        ..report("r", about("alice"))
    };
    assert_eq!(code(as_user(&house, "bob", long)), Code::TooLarge);

    assert!(open(&house).is_empty());
}

#[test]
fn a_user_has_so_many_reports_open_and_more_once_some_are_settled() {
    let house = House::new(|im, _| {
        im.limits(Limits {
            reports_per_user: 2,
            report_messages: 1,
            ..Limits::default()
        })
    });
    for id in ["a", "b"] {
        as_user(&house, "bob", report(id, about("alice"))).unwrap();
    }

    let third = report("c", about("alice"));
    assert_eq!(code(as_user(&house, "bob", third.clone())), Code::TooMany);
    as_user(&house, "alice", report("c", about("bob"))).unwrap();
    let first = open(&house).remove(0).report;
    settle(&house, &first, ReportOutcome::Dismissed).unwrap();
    as_user(&house, "bob", third).unwrap();
    let many = report("d", messages(&house, &[1, 2]));
    assert_eq!(code(as_user(&house, "alice", many)), Code::TooMany);
}

#[test]
fn who_reviews_sees_the_messages_as_they_are_now_and_what_they_said_before() {
    let house = House::new(|im, _| im);
    house.send("a", "first insult").unwrap();
    house.send("b", "second insult").unwrap();
    house.call(edit(&house, "e", 3, "worse")).unwrap();
    house.runtime.advance(Duration::from_millis(5));
    as_user(&house, "bob", report("r", messages(&house, &[3, 2, 3]))).unwrap();
    house.runtime.advance(Duration::from_millis(5));
    house.call(edit(&house, "f", 2, "flowers")).unwrap();

    let item = open(&house).remove(0);
    let details = as_reviewer(
        &house,
        GetReport {
            report: item.report.id.clone(),
        },
    )
    .unwrap();

    let texts = |item: &ReportItem| -> Vec<String> {
        let bodies = item.messages.iter().map(|entry| entry.body.as_message());
        let contents = bodies.map(|message| message.unwrap().content.as_text().unwrap());
        contents.map(str::to_owned).collect()
    };
    assert_eq!(texts(&item), ["flowers", "worse"]);
    assert_eq!(item.edited_since, [Seq(2)], "the other edit was before");
    assert_eq!(details.item, item);
    let earlier = details.earlier.iter().map(|one| {
        let said = one.items.iter().map(|it| it.content.as_text().unwrap());
        (one.seq.0, said.collect::<Vec<_>>())
    });
    let earlier: Vec<_> = earlier.collect();
    assert_eq!(
        earlier,
        [(2, vec!["first insult"]), (3, vec!["second insult"])]
    );
}

#[test]
fn what_is_recalled_is_gone_from_the_queue_too() {
    let house = House::new(|im, _| im);
    house.send("a", "insult").unwrap();
    house.call(edit(&house, "e", 2, "worse")).unwrap();
    as_user(&house, "bob", report("r", messages(&house, &[2]))).unwrap();

    let recall = RecallMessage {
        conversation: house.chat,
        client_id: client_id("x"),
        target: Seq(2),
    };
    house.call(recall).unwrap();

    let item = open(&house).remove(0);
    assert!(matches!(
        item.messages[0].body,
        Body::RecalledMessage { .. }
    ));
    let details = as_reviewer(
        &house,
        GetReport {
            report: item.report.id.clone(),
        },
    )
    .unwrap();
    assert!(details.earlier.is_empty());
    assert!(!format!("{details:?}").contains("insult"));
}

#[test]
fn reports_are_settled_once_for_each_version_and_the_reporter_is_told_once() {
    let house = House::new(|im, _| im);
    as_user(&house, "bob", report("r", about("alice"))).unwrap();
    let before = open(&house).remove(0).report;

    let settled = settle(&house, &before, ReportOutcome::Dismissed).unwrap();
    assert_eq!(
        (settled.state, settled.version),
        (ReportState::Dismissed, 2)
    );
    assert_eq!(settled.settled.as_ref().unwrap().by, user("root"));
    assert_eq!(
        code(settle(&house, &before, ReportOutcome::Acted)),
        Code::Conflict
    );
    let other = settle(&house, &settled, ReportOutcome::Acted).unwrap();
    assert_eq!((other.state, other.version), (ReportState::Acted, 3));

    assert!(open(&house).is_empty());
    let acted = ListReports {
        state: Some(ReportState::Acted),
        ..ListReports::default()
    };
    assert_eq!(as_reviewer(&house, acted).unwrap().items[0].report, other);
    let list = ListNotices {
        after: None,
        limit: None,
        unread: false,
    };
    let notices = as_user(&house, "bob", list.clone()).unwrap();
    let Some(Own::Notice(notice)) = &notices.items[0].value else {
        panic!("no notice: {notices:?}");
    };
    assert_eq!(
        (notices.items.len(), notice.category.as_str()),
        (1, "report")
    );
    assert_eq!(
        notice.data,
        Some(serde_json::json!({ "report": before.id.as_str() }))
    );
    assert!(as_user(&house, "alice", list).unwrap().items.is_empty());
}

#[test]
fn pages_of_reports_go_on_where_the_page_before_ended() {
    let house = House::new(|im, _| {
        im.limits(Limits {
            // One message is enough for a page.
            page_bytes: 1,
            ..Limits::default()
        })
    });
    house.send("m", "insult").unwrap();
    for (id, about) in [
        ("a", about("alice")),
        ("b", messages(&house, &[2])),
        ("c", about("alice")),
        ("d", messages(&house, &[2])),
    ] {
        as_user(&house, "bob", report(id, about)).unwrap();
        house.runtime.advance(Duration::from_millis(1));
    }

    let (mut sizes, mut after) = (Vec::new(), None);
    loop {
        let ask = ListReports {
            after,
            limit: Some(3),
            ..ListReports::default()
        };
        let page = as_reviewer(&house, ask).unwrap();
        sizes.push(page.items.len());
        after = page.next_cursor;
        assert_eq!(page.done, after.is_none());
        if page.done {
            break;
        }
    }

    assert_eq!(sizes, [2, 2]);
}

#[test]
fn users_review_nothing() {
    let house = House::new(|im, _| im);
    as_user(&house, "bob", report("r", about("alice"))).unwrap();
    let one = open(&house).remove(0).report;
    let settle = SettleReport {
        report: one.id.clone(),
        outcome: ReportOutcome::Dismissed,
        note: None,
        version: 1,
    };

    assert_eq!(
        code(as_user(&house, "alice", ListReports::default())),
        Code::Forbidden
    );
    assert_eq!(
        code(as_user(
            &house,
            "alice",
            GetReport {
                report: one.id.clone()
            }
        )),
        Code::Forbidden
    );
    assert_eq!(code(as_user(&house, "alice", settle)), Code::Forbidden);
    assert_eq!(open(&house)[0].report, one);
}

#[test]
fn a_former_member_reports_what_it_saw_and_nothing_later() {
    let house = House::new(|im, _| im);
    let create = im_core::CreateConversation::group(client_id("g"), [user("bob")]);
    let group = house.call(create).unwrap().conversation;
    let said = house.call(message(group, "a", "insult")).unwrap().seq;
    let leave = LeaveGroup {
        conversation: group,
        client_id: client_id("l"),
    };
    as_user(&house, "bob", leave).unwrap();
    let later = house.call(message(group, "b", "secret")).unwrap().seq;

    let of = |seq| ReportAbout::Messages {
        conversation: group,
        seqs: vec![seq],
    };
    as_user(&house, "bob", report("r", of(said))).unwrap();
    assert_eq!(
        code(as_user(&house, "bob", report("s", of(later)))),
        Code::NotFound
    );
}

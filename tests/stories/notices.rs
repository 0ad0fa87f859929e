//! Notices: said by the host to one, to many, to everybody; kept by each user as it likes.

use std::collections::BTreeMap;

use im_core::{
    Actor, ClientId, Code, DeleteNotice, Im, Limits, ListNotices, ListTemplates, Notice,
    NoticePage, NoticeTemplate, NoticeText, Own, OwnRow, Push, PutTemplate, ReadAllNotices,
    ReadNotices, Rejection, RowKey, SendNotice, SentNotice, Session, testing::user,
};
use serde_json::json;

use crate::world::{Database, Rest, World, call, key, next_that, within};

#[tokio::test]
async fn a_notice_reaches_those_whom_it_is_for_live_and_after_being_away() {
    tell(Database::sqlite()).await;
}

pub(crate) async fn tell(database: Database) {
    let world = World::engine_on(database, Limits::default()).await;
    let mut phone = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;
    let carol = world.connect("carol", "phone").await;

    let first = send(world.im(), to(&["alice", "bob", "alice"], "one"))
        .await
        .unwrap();
    let told = next_notice(&mut phone).await;
    assert_eq!((&told.key, text_of(&told)), (&first.notice, "one"));
    assert!(told.version > 0);
    let cursor = phone.cursor();
    drop(phone);
    send(world.im(), to(&["alice"], "two")).await.unwrap();
    let mut phone = world.resume("alice", "phone", cursor).await;
    // What was pushed since the cursor is told again; then comes the new one.
    while text_of(&next_notice(&mut phone).await) != "two" {}

    let page = call(&phone, list(false)).await;
    assert_eq!(
        (texts(&page), page.unread, page.done),
        (vec!["two", "one"], Some(2), true)
    );
    assert_eq!(texts(&call(&bob, list(false)).await), ["one"]);
    assert_eq!(texts(&call(&carol, list(false)).await), [""; 0]);
    // What is shown to everybody is put in where it belongs, for whoever asks.
    let all = send(world.im(), to_everyone("three")).await.unwrap();
    assert_eq!(text_of(&next_notice(&mut phone).await), "three");
    send(world.im(), to(&["alice"], "four")).await.unwrap();
    assert_eq!(
        texts(&call(&phone, list(false)).await),
        ["four", "three", "two", "one"]
    );
    let page = call(&carol, list(false)).await;
    assert_eq!((texts(&page), page.items[0].version), (vec!["three"], 0));

    let read = ReadNotices {
        notices: vec![
            all.notice.clone(),
            first.notice.clone(),
            RowKey::new("none").unwrap(),
        ],
    };
    call(&phone, read.clone()).await;
    call(&phone, read).await;
    let page = call(&phone, list(true)).await;
    assert_eq!((texts(&page), page.unread), (vec!["four", "two"], Some(2)));
    assert_eq!(
        texts(&call(&carol, list(true)).await),
        ["three"],
        "read by alice alone"
    );
    let delete = DeleteNotice { notice: all.notice };
    call(&carol, delete.clone()).await;
    call(&carol, delete.clone()).await;
    call(&phone, delete).await;
    assert_eq!(texts(&call(&carol, list(false)).await), [""; 0]);
    assert_eq!(texts(&call(&bob, list(false)).await), ["three", "one"]);
    call(&phone, ReadAllNotices {}).await;
    let page = call(&phone, list(false)).await;
    assert_eq!(
        (texts(&page), page.unread),
        (vec!["four", "two", "one"], Some(0))
    );
}

#[tokio::test]
async fn pages_hold_both_kinds_of_notices_in_order() {
    let limits = Limits {
        // So that the store is asked for one row at a time.
        page_bytes: 1,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let mut expected = Vec::new();
    for n in 0..6 {
        let text = format!("n{n}");
        let ask = if n % 3 == 0 {
            to(&["alice"], &text)
        } else {
            to_everyone(&text)
        };
        let sent = send(world.im(), ask).await.unwrap();
        expected.push((sent.notice, text));
    }
    expected.sort();

    let mut found = Vec::new();
    let mut ask = list(false);
    loop {
        let page = call(&alice, ask.clone()).await;
        assert_eq!(page.unread.is_some(), ask.after.is_none());
        found.extend(
            page.items
                .iter()
                .map(|row| (row.key.clone(), text_of(row).to_owned())),
        );
        if page.done {
            break;
        }
        ask.after = page.next_cursor;
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_notice_is_sent_once_whatever_the_number_of_retries() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    for ask in [to(&["alice"], "hello"), to_everyone("hello")] {
        let first = send(world.im(), ask.clone()).await.unwrap();
        assert_eq!(send(world.im(), ask.clone()).await, Ok(first));
        let other = SendNotice {
            category: Some("other".into()),
            ..ask
        };
        assert_eq!(
            send(world.im(), other).await.unwrap_err().code,
            Code::Conflict
        );
    }
    assert_eq!(call(&alice, list(false)).await.items.len(), 2);
}

#[tokio::test]
async fn a_template_is_filled_in_each_language() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let text = |title: &str, text: &str| NoticeText {
        title: Some(title.into()),
        text: text.into(),
    };
    let template = NoticeTemplate {
        name: RowKey::new("level").unwrap(),
        category: "level".into(),
        texts: [
            (
                "en".to_owned(),
                text("Level {n}", "{who} has reached level {n}"),
            ),
            ("zh".to_owned(), text("{n} 级", "{who}已升到 {n} 级")),
        ]
        .into(),
    };
    let put = PutTemplate {
        template: template.clone(),
    };
    world.im().call(&host(), put).await.unwrap();
    let by_template = |values: &[(&str, &str)]| SendNotice {
        texts: BTreeMap::new(),
        template: Some(template.name.clone()),
        values: values
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect(),
        ..to(&["alice"], "")
    };

    let lacking = send(world.im(), by_template(&[("n", "7")])).await;
    assert_eq!(lacking.unwrap_err().code, Code::InvalidRequest);
    send(world.im(), by_template(&[("n", "7"), ("who", "小明")]))
        .await
        .unwrap();

    let page = call(&alice, list(false)).await;
    let notice = notice_in(&page.items[0]);
    assert_eq!(notice.category, "level");
    assert_eq!(
        notice.texts["en"],
        text("Level 7", "小明 has reached level 7")
    );
    assert_eq!(notice.texts["zh"], text("7 级", "小明已升到 7 级"));
    let templates = ListTemplates {
        after: None,
        limit: None,
    };
    let templates = world.im().call(&host(), templates).await.unwrap();
    assert_eq!((templates.items, templates.done), (vec![template], true));
}

#[tokio::test]
async fn old_notices_go_by_themselves() {
    let limits = Limits {
        notices_per_user: 2,
        notices_to_all: 1,
        ..Limits::default()
    };
    let world = World::engine_on(Database::sqlite(), limits).await;
    let alice = world.connect("alice", "phone").await;
    let expired = |ask: SendNotice| SendNotice {
        expires_in_ms: Some(0),
        ..ask
    };
    send(world.im(), expired(to(&["alice"], "over")))
        .await
        .unwrap();
    send(world.im(), expired(to_everyone("over")))
        .await
        .unwrap();
    let page = call(&alice, list(false)).await;
    assert_eq!((texts(&page), page.unread), (vec![], Some(0)));

    // The oldest makes room; to everybody there is none until one is over.
    for text in ["one", "two", "three"] {
        send(world.im(), to(&["alice"], text)).await.unwrap();
    }
    assert_eq!(texts(&call(&alice, list(false)).await), ["three", "two"]);
    send(world.im(), to_everyone("for all")).await.unwrap();
    let more = send(world.im(), to_everyone("too many")).await;
    assert_eq!(more.unwrap_err().code, Code::TooMany);
}

#[tokio::test]
async fn notices_by_rest() {
    let world = World::server().await;
    let mut phone = world.by_hand("alice", "phone").await;
    let alice = Rest::new(world.address(), Some(world.token("alice", "curl").await));
    let notice = SendNotice {
        category: Some("news".into()),
        ..to(&["alice"], "hello")
    };
    let sent = send(world.im(), notice).await.unwrap();

    assert_eq!(
        phone.push_of("own.changed").await["key"],
        json!(sent.notice)
    );
    let page = alice.get("/v1/notices?unread=true&limit=10").await.body;
    assert_eq!(
        (&page["unread"], &page["items"][0]["value"]["category"]),
        (&json!(1), &json!("news"))
    );
    let read = json!({"notices": [sent.notice]});
    assert_eq!(
        alice.send("POST", "/v1/notices/read", &read).await.status,
        204
    );
    assert_eq!(phone.push_of("own.changed").await["value"]["read"], true);
    assert_eq!(
        alice
            .send("POST", "/v1/notices/read-all", &json!({}))
            .await
            .status,
        204
    );
    let path = format!("/v1/notices/{}", sent.notice);
    assert_eq!(alice.send("DELETE", &path, &json!({})).await.status, 204);
    assert_eq!(alice.get("/v1/notices").await.body["items"], json!([]));
    // What is the host's is not the users'.
    let texts = json!({"en": {"text": "x"}});
    for (verb, path, body) in [
        (
            "POST",
            "/v1/notices",
            json!({"everyone": true, "texts": texts}),
        ),
        ("GET", "/v1/notice-templates", json!({})),
        (
            "PUT",
            "/v1/notice-templates/t",
            json!({"category": "c", "texts": texts}),
        ),
        ("DELETE", "/v1/notice-templates/t", json!({})),
    ] {
        let answer = alice.send(verb, path, &body).await;
        assert_eq!(
            (answer.status, answer.code()),
            (403, "forbidden"),
            "{verb} {path}"
        );
    }
}

#[tokio::test]
async fn what_the_host_asks_is_checked_too() {
    let world = World::engine().await;
    let good = || to(&["alice"], "hello");
    let text = |text: &str| NoticeText {
        title: None,
        text: text.into(),
    };
    let name = |name: &str| RowKey::new(name).ok();
    for (what, ask, code) in [
        ("nobody", to(&[], "x"), Code::InvalidRequest),
        (
            "somebody and everybody",
            SendNotice {
                everyone: true,
                ..good()
            },
            Code::InvalidRequest,
        ),
        (
            "nothing",
            SendNotice {
                texts: BTreeMap::new(),
                ..good()
            },
            Code::InvalidRequest,
        ),
        (
            "too long",
            to(&["alice"], &"x".repeat(2_001)),
            Code::TooLarge,
        ),
        (
            "a huge data",
            SendNotice {
                data: Some(json!("x".repeat(9_000))),
                ..good()
            },
            Code::TooLarge,
        ),
        (
            "no such template",
            SendNotice {
                template: name("none"),
                texts: BTreeMap::new(),
                ..good()
            },
            Code::NotFound,
        ),
        (
            "texts and a template",
            SendNotice {
                template: name("none"),
                ..good()
            },
            Code::InvalidRequest,
        ),
        (
            "a language that is none",
            SendNotice {
                texts: [("e n".to_owned(), text("x"))].into(),
                ..good()
            },
            Code::InvalidRequest,
        ),
    ] {
        assert_eq!(
            send(world.im(), ask).await.map_err(|it| it.code),
            Err(code),
            "{what}"
        );
    }
    let crowd: Vec<_> = (0..501).map(|n| format!("u{n}")).collect();
    let crowd: Vec<_> = crowd.iter().map(String::as_str).collect();
    assert_eq!(
        send(world.im(), to(&crowd, "x"))
            .await
            .map_err(|it| it.code),
        Err(Code::TooMany)
    );
    let alice = Actor::user(user("alice"));
    let refused = world.im().call(&alice, good()).await;
    assert_eq!(refused.map_err(|it| it.code), Err(Code::Forbidden));
}

fn host() -> Actor {
    Actor::service(user("host"))
}

async fn send(im: &Im, ask: SendNotice) -> Result<SentNotice, Rejection> {
    within("an answer", im.call(&host(), ask)).await
}

fn said(client_id: ClientId, text: &str) -> SendNotice {
    let text = NoticeText {
        title: None,
        text: text.into(),
    };
    SendNotice {
        client_id,
        users: Vec::new(),
        everyone: false,
        category: None,
        texts: [("en".to_owned(), text)].into(),
        template: None,
        values: BTreeMap::new(),
        data: None,
        expires_in_ms: None,
    }
}

fn to(names: &[&str], text: &str) -> SendNotice {
    SendNotice {
        users: names.iter().map(|name| user(name)).collect(),
        ..said(key(), text)
    }
}

fn to_everyone(text: &str) -> SendNotice {
    SendNotice {
        everyone: true,
        ..said(key(), text)
    }
}

const fn list(unread: bool) -> ListNotices {
    ListNotices {
        after: None,
        limit: None,
        unread,
    }
}

fn notice_in(row: &OwnRow) -> &Notice {
    match &row.value {
        Some(Own::Notice(notice)) => notice,
        other => panic!("{other:?} is no notice"),
    }
}

fn text_of(row: &OwnRow) -> &str {
    &notice_in(row).texts["en"].text
}

fn texts(page: &NoticePage) -> Vec<&str> {
    page.items.iter().map(text_of).collect()
}

async fn next_notice(session: &mut Session) -> OwnRow {
    next_that(session, "a notice", |push| match push {
        Push::OwnChanged(row) if row.value.is_some() => Some((**row).clone()),
        _ => None,
    })
    .await
}

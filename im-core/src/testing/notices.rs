//! Notices to everybody, and templates.

use super::UNUSUAL_IDS;
use crate::{Notice, NoticeTemplate, NoticeText, RowKey, Timestamp, port::NoticeToAll};

fn key(text: &str) -> RowKey {
    RowKey::new(text).unwrap()
}

fn notice(text: &str) -> Notice {
    let text = NoticeText {
        title: None,
        text: text.to_owned(),
    };
    Notice {
        category: "system".to_owned(),
        texts: [("en".to_owned(), text)].into(),
        data: Some(serde_json::json!({"n": [1, 2]})),
        at_ms: Timestamp(5),
        read: false,
    }
}

fn to_all(under: &str, text: &str, until: i64) -> NoticeToAll {
    NoticeToAll {
        key: key(under),
        notice: notice(text),
        until_ms: Timestamp(until),
    }
}

fn template(name: &str, text: &str) -> NoticeTemplate {
    NoticeTemplate {
        name: key(name),
        category: "news".to_owned(),
        texts: notice(text).texts,
    }
}

suite! { notice_store_suite in notices:
    /// In the order of their keys, page by page; the first under a key stays.
    async fn notices_to_everybody_are_read_by_pages(ports) {
        for under in ["b", "c", "a"] {
            ports.notices.tell_all(to_all(under, under, 100)).await.unwrap();
        }
        ports.notices.tell_all(to_all("b", "again", 200)).await.unwrap();

        let first = ports.notices.to_all(None, 2).await.unwrap();
        assert_eq!(first, [to_all("a", "a", 100), to_all("b", "b", 100)]);
        let rest = ports.notices.to_all(Some(&first[1].key), 2).await.unwrap();
        assert_eq!(rest, [to_all("c", "c", 100)]);
    }

    /// What is shown no longer goes, and nothing else.
    async fn what_is_shown_no_longer_is_forgotten(ports) {
        for (under, until) in [("a", 100), ("b", 101), ("c", 99)] {
            ports.notices.tell_all(to_all(under, under, until)).await.unwrap();
        }

        ports.notices.forget_old(Timestamp(100)).await.unwrap();

        assert_eq!(ports.notices.to_all(None, 10).await.unwrap(), [to_all("b", "b", 101)]);
    }

    /// A template is made, replaced, found by its name alone, and deleted once.
    async fn a_template_is_kept_under_its_name(ports) {
        ports.notices.put_template(template("welcome", "hello")).await.unwrap();
        ports.notices.put_template(template("welcome", "hello {who}")).await.unwrap();

        let found = ports.notices.template(&key("welcome")).await.unwrap();
        assert_eq!(found, Some(template("welcome", "hello {who}")));
        assert_eq!(ports.notices.template(&key("Welcome")).await.unwrap(), None);
        assert!(ports.notices.delete_template(&key("welcome")).await.unwrap());
        assert!(!ports.notices.delete_template(&key("welcome")).await.unwrap());
        assert_eq!(ports.notices.template(&key("welcome")).await.unwrap(), None);
    }

    /// By the bytes of the name, page by page.
    async fn templates_are_listed_by_the_bytes_of_the_name(ports) {
        for id in UNUSUAL_IDS {
            ports.notices.put_template(template(id, id)).await.unwrap();
        }
        let mut expected: Vec<_> = UNUSUAL_IDS.to_vec();
        expected.sort_unstable();

        let mut found: Vec<NoticeTemplate> = Vec::new();
        loop {
            let after = found.last().map(|template| template.name.clone());
            let page = ports.notices.templates(after.as_ref(), 7).await.unwrap();
            found.extend(page.iter().cloned());
            if page.len() < 7 {
                break;
            }
        }

        let names: Vec<_> = found.iter().map(|template| template.name.as_str()).collect();
        assert_eq!(names, expected);
    }
}

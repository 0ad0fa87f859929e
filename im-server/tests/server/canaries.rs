//! Canaries: what must be told to nobody but whom it is for goes in by every door, and is then looked for in the log at
//! its most talkative, in the answers to those whom it is not for, in metrics, in addresses, and in the files.

use std::{
    fs::{self, File},
    path::Path,
    process::Stdio,
    sync::Arc,
};

use im_core::{DeviceClass, DeviceId, OpenDirect, SearchMessages, Session, port::TokioRuntime};
use im_transport::ws::Connector;
use serde_json::json;

use crate::{
    binary::{Served, im_server, run},
    house::{Answer, Ask, text},
};

/// In everything that is nobody's business: what people say, what they are called, what they prove it with.
const CANARY: &str = "canary";

/// A phone number and its beginning, which no other number has.
const PHONE: &str = "+491709876543";

/// What was heard of a server from outside.
#[derive(Default)]
struct Heard {
    /// Answers to those who may not know, and answers that refuse.
    answers: Vec<(String, String)>,
    /// Addresses that were given out.
    urls: Vec<String>,
}

impl Heard {
    fn refusal(&mut self, what: &str, answer: &Answer) {
        assert!(answer.status >= 400, "{what}: {answer:?}");
        let headers = format!("{:?}", answer.headers);
        let body = String::from_utf8_lossy(&answer.body).into_owned();
        self.answers.push((what.to_owned(), headers + &body));
    }
}

/// Everything that one user says and proves, by REST.
async fn by_rest(served: &Served, heard: &mut Heard) -> Vec<String> {
    let ask = |line: &str| Ask::new(served.address, line);
    let credentials = json!({"user": "alice", "password": "canary-password", "device": "phone"});
    let session = ask("POST /v1/sessions").json(credentials).await.json();
    let token = text(&session["access_token"]);
    let own = |line: &str| ask(line).token(&token);
    let group = own("POST /v1/conversations")
        .json(json!({"name": "canary-name"}))
        .await
        .json();
    let at = format!("/v1/conversations/{}", text(&group["conversation"]));
    let said = |words: &str| json!({"content": {"kind": "text", "text": words}});
    let custom =
        json!({"content": {"kind": "custom", "name": "x", "data": {"canary-key": "canary-data"}}});
    let poll = json!({"content": {"kind": "poll", "question": "canary-question", "options": ["canary-a", "canary-b"]}});
    for (line, body) in [
        (format!("POST {at}/messages"), said("canary-message")),
        (format!("POST {at}/messages"), custom),
        (format!("POST {at}/messages"), poll),
        (format!("PATCH {at}/messages/2"), said("canary-edit")),
        (
            format!("PATCH {at}"),
            json!({"announcement": "canary-announcement"}),
        ),
        (
            format!("PATCH {at}/settings"),
            json!({"remark": "canary-remark"}),
        ),
        (format!("PUT {at}/draft"), said("canary-draft")),
        (
            "PATCH /v1/users/me".into(),
            json!({"nickname": "canary-nickname", "bio": "canary-bio"}),
        ),
        (
            "PUT /v1/contacts/requests/bob".into(),
            json!({"greeting": "canary-greeting"}),
        ),
        (
            "POST /v1/reports".into(),
            json!({"about": {"kind": "user", "user": "bob"}, "reason": "spam", "note": "canary-note"}),
        ),
    ] {
        let done = own(&line).json(body).await;
        assert!(done.status < 300, "{line}: {done:?}");
    }
    own("GET /v1/search?text=canary-query").send().await;
    let ticket = own("POST /v1/tickets").send().await.json();
    heard.urls.push(text(&ticket["url"]));
    let refresh = json!({"refresh_token": session["refresh_token"]});
    let next = ask("POST /v1/sessions/refresh")
        .json(refresh.clone())
        .await
        .json();
    ask("POST /v1/sessions/refresh").json(refresh).await;
    vec![
        token.clone(),
        text(&session["refresh_token"]),
        text(&next["access_token"]),
        text(&next["refresh_token"]),
        text(&ticket["ticket"]),
    ]
}

/// Everything that can be wrong about what is secret: it is refused, and not repeated.
async fn wrongly(served: &Served, heard: &mut Heard) {
    let ask = |line: &str| Ask::new(served.address, line);
    let bodies = [
        (
            "POST /v1/sessions",
            json!({"user": "alice", "password": "canary-wrong"}),
        ),
        (
            "POST /v1/sessions",
            json!({"user": "alice", "password": {"canary-shape": 1}}),
        ),
        (
            "POST /v1/sessions",
            json!({"user": "alice", "passwort": "canary-field"}),
        ),
        (
            "POST /v1/sessions",
            json!({"identifier": PHONE, "password": "canary-wrong"}),
        ),
        (
            "POST /v1/sessions/code",
            json!({"identifier": PHONE, "code": "canary-code"}),
        ),
        (
            "POST /v1/sessions/refresh",
            json!({"refresh_token": "imr_canary"}),
        ),
        (
            "POST /v1/accounts",
            json!({"user": "new", "password": "canary!"}),
        ),
        (
            "POST /v1/accounts/password",
            json!({"identifier": PHONE, "code": "canary-code", "password": "canary-new"}),
        ),
        (
            "POST /v1/codes",
            json!({"purpose": "sign_in", "identifier": PHONE}),
        ),
        (
            "POST /v1/codes",
            json!({"purpose": "sign_in", "identifier": "canary@@example.org"}),
        ),
    ];
    for (line, body) in bodies {
        let refused = ask(line).json(body.clone()).await;
        heard.refusal(&format!("{line} {body}"), &refused);
    }
    for line in [
        "GET /v1/users/me",
        "GET /v1/users/me?token=canary-query",
        "DELETE /v1/sessions/current",
    ] {
        for token in [
            "canary-token",
            "imk_canary",
            "imt_canary",
            "eyJ.canary.canary",
        ] {
            heard.refusal(line, &ask(line).token(token).send().await);
        }
    }
    let half = r#"{"user": "alice", "password": "canary-half"#;
    let refused = ask("POST /v1/sessions")
        .header("content-type", "application/json")
        .body(half)
        .await;
    heard.refusal("half a body", &refused);
}

/// Over a link, also with what is no token.
async fn by_link(served: &Served, token: &str) {
    let url = format!("ws://{}/v1/ws", served.address);
    let device = DeviceId::new("laptop").unwrap();
    let connector = Connector::new(&url, token, device.clone()).unwrap();
    let connector = Arc::new(connector.class(DeviceClass::Desktop));
    let session = Session::open(connector, Arc::new(TokioRuntime))
        .await
        .unwrap();
    let bob = im_core::UserId::new("bob").unwrap();
    let chat = session
        .call(OpenDirect { user: bob })
        .await
        .unwrap()
        .conversation;
    session.send(&chat, "canary-over-a-link").await.unwrap();
    let search: SearchMessages = serde_json::from_value(json!({"text": "canary-over"})).unwrap();
    session.call(search).await.unwrap();
    let forged = Connector::new(&url, "canary-link-token", device).unwrap();
    assert!(
        Session::open(Arc::new(forged), Arc::new(TokioRuntime))
            .await
            .is_err()
    );
}

/// Texts in the files of a server, whatever they are.
fn files_hold(folder: &Path, secret: &str) -> Vec<String> {
    let mut holders = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = fs::read(&path).unwrap_or_default();
        if bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
        {
            holders.push(path.display().to_string());
        }
    }
    holders
}

#[tokio::test(flavor = "multi_thread")]
async fn no_canary_is_in_the_log_in_a_refusal_in_metrics_or_in_an_address() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    for (user, password) in [("alice", "canary-password\n"), ("bob", "correct horse\n")] {
        let added = run(
            im_server(&data).args(["user", "add", user, "--password-stdin"]),
            password,
        );
        assert!(added.status.success(), "{added:?}");
    }
    let key = run(im_server(&data).args(["key", "create", "shop"]), "");
    let key = String::from_utf8(key.stdout).unwrap();
    let key = key
        .split_whitespace()
        .find(|word| word.starts_with("imk_"))
        .unwrap()
        .to_owned();
    // Into a file: a pipe that nobody reads would stop who writes so much.
    let log = home.path().join("log");
    let mut command = im_server(&data);
    command
        .args(["--log-format", "json", "--log", "trace"])
        .stderr(Stdio::from(File::create(&log).unwrap()));
    let served = Served::start_by(&mut command);
    let mut heard = Heard::default();

    let mut secrets = by_rest(&served, &mut heard).await;
    wrongly(&served, &mut heard).await;
    by_link(&served, &secrets[2]).await;
    let issue = Ask::new(served.address, "POST /v1/users/bob/tokens").token(&key);
    let issued = issue.json(json!({})).await.json();
    secrets.push(text(&issued["access_token"]));
    let metrics = Ask::new(served.address, "GET /metrics")
        .token(&key)
        .send()
        .await;
    let metrics = String::from_utf8_lossy(&metrics.body).into_owned();
    assert!(served.stop().0);

    secrets.extend([key, fs::read_to_string(data.join("token.secret")).unwrap()]);
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("\"answered\""), "{log}");
    let private = [CANARY, PHONE, "9876543"].map(str::to_owned);
    for canary in private.iter().chain(&secrets) {
        let line = log.lines().find(|line| line.contains(canary.as_str()));
        assert_eq!(line, None, "{canary} is in the log");
        assert!(
            !metrics.contains(canary.as_str()),
            "{canary} is in the metrics"
        );
        for url in &heard.urls {
            assert!(!url.contains(canary.as_str()), "{canary} is in {url}");
        }
        for (what, answer) in &heard.answers {
            assert!(
                !answer.contains(canary.as_str()),
                "{canary} is in the answer to {what}: {answer}"
            );
        }
    }
    // What proves who somebody is lies nowhere as it is; only the server's own key does, in its file.
    secrets.pop();
    secrets.extend(["canary-password", "canary-code", "canary-wrong"].map(str::to_owned));
    for secret in &secrets {
        assert_eq!(files_hold(&data, secret), Vec::<String>::new(), "{secret}");
    }
}

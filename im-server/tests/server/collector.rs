//! A collector of traces that keeps what it is sent, and a server that sends it some and writes its log to files.

use std::{
    convert::Infallible,
    fs,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    binary::{Served, im_server, run},
    house::{Ask, text},
};

/// What was sent, one after the other.
type Sent = Arc<Mutex<Vec<u8>>>;

async fn collector() -> (SocketAddr, Sent) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = Sent::default();
    let keeping = sent.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let keeping = keeping.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let keeping = keeping.clone();
                async move {
                    assert_eq!(request.uri().path(), "/v1/traces");
                    assert_eq!(request.headers()["content-type"], "application/x-protobuf");
                    let body = request.into_body().collect().await.unwrap().to_bytes();
                    keeping.lock().unwrap().extend_from_slice(&body);
                    Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, sent)
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_are_traced_down_to_the_store_and_logged_to_files_without_what_was_said() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let (collector, sent) = collector().await;
    run(
        im_server(&data).args(["user", "add", "alice", "--password-stdin"]),
        "canary-password\n",
    );
    let file = home.path().join("im.log");
    let endpoint = format!("http://{collector}");
    let variables = [
        ("IM_TRACES_ENDPOINT", endpoint.as_str()),
        ("IM_TRACES_ONE_IN", "1"),
        ("IM_LOG_FILE_PATH", file.to_str().unwrap()),
    ];
    let served = Served::start_with(&data, &variables);
    let ask = |line: &str| Ask::new(served.address, line);

    let body = json!({"user": "alice", "password": "canary-password"});
    let session = ask("POST /v1/sessions").json(body).await.json();
    let token = text(&session["access_token"]);
    let name = json!({"name": "canary-name"});
    let group = ask("POST /v1/conversations").token(&token).json(name).await;
    let group = text(&group.json()["conversation"]);
    let content = json!({"content": {"kind": "text", "text": "canary-message"}});
    let said = ask(&format!("POST /v1/conversations/{group}/messages"))
        .token(&token)
        .header("x-request-id", "request-17")
        .json(content)
        .await;
    assert_eq!(said.status, 201);
    assert!(served.stop().0);

    let sent = sent.lock().unwrap().clone();
    let traced = String::from_utf8_lossy(&sent);
    for span in [
        "request",
        "command",
        "lane.turn",
        "store.append",
        "store.commit",
        "message.send",
        "/v1/conversations/{id}/messages",
        "request-17",
        group.as_str(),
    ] {
        assert!(traced.contains(span), "{span} is not traced");
    }
    let log = fs::read_to_string(&file).unwrap();
    for line in log.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(line["level"].is_string(), "{line}");
    }
    assert!(
        log.contains("request-17") && log.contains("stopped"),
        "{log}"
    );
    for secret in ["canary", token.as_str(), "alice"] {
        assert!(!traced.contains(secret), "{secret} is traced");
    }
    assert!(!log.contains("canary") && !log.contains(token.as_str()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_says_to_a_health_check_that_it_is_ready() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    let served = Served::start_with(&data, &[]);
    let address = served.address.to_string();
    let ready = || run(im_server(&data).args(["ready", "--listen", &address]), "");

    let while_it_runs = ready();
    assert!(served.stop().0);
    let afterwards = ready();

    assert!(while_it_runs.status.success(), "{while_it_runs:?}");
    assert!(!afterwards.status.success());
    let error = String::from_utf8_lossy(&afterwards.stderr).into_owned();
    assert!(error.contains("does not answer"), "{error}");
}

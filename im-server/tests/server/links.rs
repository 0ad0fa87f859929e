//! Ways in beside plain HTTP: TCP links, and TLS for all of them.

use std::{fs, path::Path, process, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use im_core::{CallError, CloseReason, Command, Connection, DeviceId, Error};
use im_server::{Config, Server, StartError, TlsFiles};
use im_transport::{Client, Connector, sse, tls::Trust};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::{
    binary::{im_server, run},
    house::House,
};

const PATIENCE: Duration = Duration::from_secs(10);

/// Makes a certificate for this machine, with its key, in a folder.
fn papers(home: &Path) -> TlsFiles {
    let files = TlsFiles {
        certificate: home.join("certificate.pem"),
        key: home.join("key.pem"),
    };
    let names = vec!["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    fs::write(&files.certificate, cert.pem()).unwrap();
    fs::write(&files.key, signing_key.serialize_pem()).unwrap();
    files
}

fn with_tcp(config: &mut Config) {
    config.tcp_listen = Some("127.0.0.1:0".parse().unwrap());
}

fn with_tls(config: &mut Config) {
    with_tcp(config);
    config.tls = Some(papers(&config.data_dir));
}

/// A session, or why one attempt at it failed.
async fn session(url: &str, token: &str, trust: &Trust) -> Result<Box<dyn Connection>, CallError> {
    let device = DeviceId::new("laptop").unwrap();
    let connector = Connector::new(url, token, device).unwrap();
    im_core::Connector::connect(&connector.trust(trust.clone())).await
}

/// Status of `GET /healthz` over TLS.
async fn health(house: &House, files: &TlsFiles) -> u16 {
    let mut roots = RootCertStore::empty();
    let pem = fs::read(&files.certificate).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let tcp = TcpStream::connect(house.server.address()).await.unwrap();
    let connector = TlsConnector::from(Arc::new(config));
    let tls = connector.connect(name, tcp).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(tls)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/healthz").header("host", "127.0.0.1");
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    sender.send_request(request).await.unwrap().status().into()
}

async fn token(house: &House, user: &str) -> String {
    let account = im_server::NewAccount::with_password(
        user.try_into().unwrap(),
        im_server::Password::new(crate::house::PASSWORD),
    );
    let accounts = house.server.accounts();
    accounts.register(account, None).await.unwrap();
    let wanted = im_server::WantedToken::of(user.try_into().unwrap());
    accounts.issue(wanted).await.unwrap().access_token
}

#[tokio::test]
async fn a_tcp_link_is_a_session_like_all_others_and_hears_that_the_server_stops() {
    let house = House::open_with(with_tcp).await;
    let url = house.server.tcp_url().unwrap();
    let alice = Client::connect(&url, token(&house, "alice").await, "phone");
    let alice = alice.await.unwrap();
    let web_socket = house.server.url().replacen("http", "ws", 1) + "/v1/ws";
    let mut bob = Client::connect(&web_socket, token(&house, "bob").await, "phone")
        .await
        .unwrap();
    let chat = house.server.im().direct("alice", "bob").await.unwrap();

    let sent = alice.send(&chat, "hello").await.unwrap();

    let got = tokio::time::timeout(PATIENCE, bob.next_message()).await;
    assert_eq!(got.unwrap().unwrap().seq, sent.seq);
    let device = DeviceId::new("by-hand").unwrap();
    let connector = Connector::new(&url, token(&house, "carol").await, device).unwrap();
    let carol = im_core::Connector::connect(&connector).await.unwrap();
    house.server.shut_down().await;
    let end = async {
        loop {
            if let Err(reason) = carol.next().await {
                return reason;
            }
        }
    };
    let end = tokio::time::timeout(PATIENCE, end).await.unwrap();
    assert_eq!(end, CloseReason::GoingAway);
}

#[tokio::test]
async fn capabilities_name_the_tcp_link_where_there_is_one() {
    let kinds_and_last = async |house: House| {
        let answer = house.ask("GET /v1/capabilities").send().await.json();
        let transports = answer["transports"].as_array().unwrap().clone();
        let kinds = transports.iter().map(|it| it["kind"].as_str().unwrap());
        let kinds = kinds.collect::<Vec<_>>().join(" ");
        (kinds, transports.last().unwrap()["url"].clone())
    };
    let here = House::open_with(with_tcp).await;
    let port = here.server.tcp_url().unwrap();
    let port = port.rsplit_once(':').unwrap().1.to_owned();
    let public = House::open_with(|config| {
        with_tcp(config);
        config.public_url = Some("https://im.example.org".parse().unwrap());
        config.public_tcp_url = Some("tcps://im.example.org:5223".parse().unwrap());
    });

    let (kinds, url) = kinds_and_last(here).await;
    assert_eq!(kinds, "websocket sse long_poll tcp");
    assert_eq!(url, format!("tcp://:{port}"));
    let (_, url) = kinds_and_last(public.await).await;
    assert_eq!(url, "tcps://im.example.org:5223");
    let (kinds, _) = kinds_and_last(House::open().await).await;
    assert_eq!(kinds, "websocket sse long_poll");
}

#[tokio::test]
async fn a_link_over_tcp_needs_a_token_of_this_server() {
    let house = House::open_with(with_tcp).await;
    let url = house.server.tcp_url().unwrap();

    let refused = Client::connect(&url, "no token", "phone").await.map(drop);

    assert!(matches!(refused, Err(Error::Rejected(_))), "{refused:?}");
}

#[tokio::test]
async fn over_tls_rest_and_both_links_are_there_and_nothing_without_it() {
    let house = House::open_with(with_tls).await;
    let files = TlsFiles {
        certificate: house.home().join("certificate.pem"),
        key: house.home().join("key.pem"),
    };
    let trust = Trust::file(&files.certificate).unwrap();
    let token = token(&house, "alice").await;
    let web_socket = house.server.url().replacen("https", "wss", 1) + "/v1/ws";
    let tcp = house.server.tcp_url().unwrap();
    assert!(web_socket.starts_with("wss://") && tcp.starts_with("tcps://"));

    assert_eq!(health(&house, &files).await, 200);
    for url in [&web_socket, &tcp] {
        session(url, &token, &trust).await.unwrap();
    }
    let events = house.server.url() + "/v1/events";
    let laptop = || DeviceId::new("laptop").unwrap();
    let connector = sse::Connector::new(&events, &*token, laptop()).unwrap();
    let connector = connector.trust(trust.clone());
    let alice = im_core::Connector::connect(&connector).await.unwrap();
    let ping = Command::Ping(im_core::Ping {});
    alice.call(ping).await.unwrap();
    let fallback = sse::Fallback::to(&house.server.url(), &*token, laptop()).unwrap();
    let fallback = im_core::Connector::connect(&fallback.trust(trust.clone())).await;
    assert!(fallback.is_ok());

    let plain = [
        web_socket.replacen("wss", "ws", 1),
        tcp.replacen("tcps", "tcp", 1),
    ];
    for url in plain {
        assert!(session(&url, &token, &trust).await.is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_certificate_is_replaced_while_a_session_lives() {
    let house = House::open_with(with_tls).await;
    let before = || Trust::file(house.home().join("certificate.pem")).unwrap();
    let (trust, suspicious) = (before(), before());
    let token = token(&house, "alice").await;
    let url = house.server.tcp_url().unwrap();
    let alice = session(&url, &token, &trust).await.unwrap();

    let files = papers(house.home());
    house.server.reload().await;

    let ping = Command::Ping(im_core::Ping {});
    alice.call(ping).await.unwrap();
    assert_eq!(health(&house, &files).await, 200);
    let after = Trust::file(&files.certificate).unwrap();
    assert!(session(&url, &token, &after).await.is_ok());
    let refused = session(&url, &token, &suspicious).await.map(drop);
    assert_eq!(refused, Err(CallError::Lost));
}

#[tokio::test]
async fn a_certificate_that_cannot_be_used_stops_the_start() {
    let home = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    let files = papers(home.path());
    let config = |files| Config {
        data_dir: home.path().into(),
        database_url: im_server::Secret::new("memory:"),
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: Some(files),
        ..Config::default()
    };

    let mismatch = TlsFiles {
        key: papers(other.path()).key,
        ..files
    };
    let refused = Server::start(&config(mismatch)).await.err().unwrap();

    let StartError::Tls(error) = &refused else {
        panic!("{refused:?}");
    };
    assert!(error.to_string().contains("put a pair there"), "{error}");
}

#[tokio::test]
async fn connections_of_all_kinds_are_bounded_together() {
    let house = House::open_with(|config| {
        with_tcp(config);
        config.max_connections = 2;
    })
    .await;
    let url = house.server.tcp_url().unwrap();
    let trust = Trust::web();
    let open = async |user| session(&url, &token(&house, user).await, &trust).await;
    let alice = open("alice").await.unwrap();
    let _bob = open("bob").await.unwrap();

    let late = open("carol").await.map(drop);

    assert_eq!(late, Err(CallError::Lost));
    let ping = Command::Ping(im_core::Ping {});
    alice.call(ping).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_health_check_speaks_tls_where_the_server_does() {
    let house = House::open_with(with_tls).await;
    let address = house.server.address().to_string();
    let certificate = house.home().join("certificate.pem");
    let key = house.home().join("key.pem");
    let ready =
        |command: &mut process::Command| run(command.args(["ready", "--listen", &address]), "");

    let mut over_tls = im_server(house.home());
    over_tls.env("IM_TLS_CERTIFICATE", certificate);
    let over_tls = ready(over_tls.env("IM_TLS_KEY", key));
    let without = ready(&mut im_server(house.home()));

    assert!(over_tls.status.success(), "{over_tls:?}");
    assert!(!without.status.success(), "{without:?}");
}

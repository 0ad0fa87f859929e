//! TLS: whom a client believes, what a server shows, and what becomes of those who are there when that changes.

use std::{error::Error as _, fs, time::Duration};

use im_core::{CallError, Command, Connector as _, Ping};
use im_transport::{
    Bounds,
    tls::{Certificate, TlsError, Trust},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    door::{Door, HEARTBEAT, Over, PATIENCE},
    papers::Papers,
};

const BOTH: [Over; 2] = [Over::MESSAGE_PACK_AND_TLS, Over::TCP_AND_TLS];

#[tokio::test]
async fn a_client_believes_only_whom_it_trusts() {
    for over in BOTH {
        let door = Door::open(over).await;
        let foreign = Papers::new();

        for trust in [Trust::web(), foreign.trust()] {
            let connector = door.connector("alice", "phone").trust(trust);
            let outcome = connector.connect().await;
            assert_eq!(outcome.map(drop), Err(CallError::Lost));
        }

        assert!(door.connect("alice", "phone").await.is_ok());
    }
}

#[tokio::test]
async fn who_begins_no_handshake_or_another_one_is_not_waited_for() {
    let bounds = Bounds {
        open_timeout: Duration::from_millis(200),
        ..Bounds::default()
    };
    for over in BOTH {
        let door = Door::open_with(over, bounds.clone(), HEARTBEAT).await;

        for beginning in [&b""[..], b"\x16\x03", b"GET / HTTP/1.1\r\n\r\n"] {
            let mut tcp = TcpStream::connect(door.address).await.unwrap();
            tcp.write_all(beginning).await.unwrap();
            let mut rest = Vec::new();
            let end = tokio::time::timeout(PATIENCE, tcp.read_to_end(&mut rest)).await;
            // An alert or a reset, but an end.
            let _ = end.expect("the server hangs up");
        }
    }
}

/// Accepts one connection, and hands back what the client says about the server.
async fn shakes(certificate: &Certificate, papers: &Papers) -> bool {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = async {
        let (tcp, _) = listener.accept().await.unwrap();
        certificate.accept(tcp).await.is_ok()
    };
    let client = async {
        let tcp = TcpStream::connect(address).await.unwrap();
        papers.shake(tcp).await.is_ok()
    };
    tokio::join!(server, client).1
}

#[tokio::test]
async fn a_certificate_that_changed_is_shown_and_a_broken_one_is_not() {
    let papers = Papers::new();
    let certificate = papers.certificate();
    assert!(shakes(&certificate, &papers).await);

    papers.renew();
    assert!(!shakes(&certificate, &papers).await, "not seen yet");
    certificate.reload().await;
    assert!(shakes(&certificate, &papers).await);

    let good = fs::read(papers.certificate_file()).unwrap();
    fs::write(papers.certificate_file(), "nonsense").unwrap();
    certificate.look().await;
    fs::write(papers.certificate_file(), good).unwrap();
    assert!(shakes(&certificate, &papers).await, "the one from before");
}

#[tokio::test]
async fn files_are_read_again_when_they_changed_whatever_their_order() {
    let papers = Papers::new();
    let certificate = papers.certificate();
    let others = Papers::new();
    let copy = |from: std::path::PathBuf, to: std::path::PathBuf| {
        let mut bytes = fs::read(from).unwrap();
        // Another size, so that the change shows also where clocks are coarse.
        bytes.extend(b"\n\n\n");
        fs::write(to, bytes).unwrap();
    };

    copy(others.authority_file(), papers.authority_file());
    copy(others.certificate_file(), papers.certificate_file());
    certificate.look().await;
    assert!(!shakes(&certificate, &papers).await, "half a pair");
    copy(others.key_file(), papers.key_file());
    certificate.look().await;

    assert!(shakes(&certificate, &papers).await);
}

#[tokio::test]
async fn who_is_there_stays_when_the_certificate_changes() {
    for over in BOTH {
        let door = Door::open(over).await;
        let alice = door.connect("alice", "phone").await.unwrap();
        let before = door.papers.trust();

        door.papers.renew();
        door.certificate.as_ref().unwrap().reload().await;

        alice.call(Command::Ping(Ping {})).await.unwrap();
        assert!(door.connect("bob", "phone").await.is_ok());
        let suspicious = door.connector("carol", "phone").trust(before);
        assert!(suspicious.connect().await.is_err());
    }
}

#[test]
fn what_cannot_be_used_is_refused_with_a_sentence_that_says_what_to_do() {
    let papers = Papers::new();
    let (certificate, key) = (papers.certificate_file(), papers.key_file());
    let refused = || {
        let error = Certificate::open(&certificate, &key).expect_err("it is broken");
        let sentence = error.to_string();
        (error, sentence)
    };
    let (chain, good) = (fs::read(&certificate).unwrap(), fs::read(&key).unwrap());

    fs::write(&key, fs::read(Papers::new().key_file()).unwrap()).unwrap();
    let (error, sentence) = refused();
    assert!(matches!(error, TlsError::Mismatch { .. }));
    assert!(sentence.contains("put a pair there"), "{sentence}");
    for empty in [&b""[..], &chain] {
        fs::write(&key, empty).unwrap();
        assert!(refused().1.contains("key.pem has no private key"));
    }
    fs::write(&key, &good[..good.len() / 2]).unwrap();
    assert!(refused().1.contains("key.pem is not in PEM"));
    fs::remove_file(&key).unwrap();
    let (error, sentence) = refused();
    assert!(sentence.contains("key.pem cannot be read"), "{sentence}");
    assert!(error.source().is_some());
    for empty in [&b""[..], &good] {
        fs::write(&certificate, empty).unwrap();
        assert!(refused().1.contains("certificate.pem has no certificate"));
    }
    let nonsense = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    fs::write(&certificate, nonsense).unwrap();
    fs::write(&key, &good).unwrap();
    assert!(matches!(refused().0, TlsError::Unusable { .. }));
    assert!(Trust::file(&certificate).is_err());
}

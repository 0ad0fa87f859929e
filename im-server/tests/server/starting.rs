//! What stops a start says what to do about it.

use std::{fs, path::Path, process::Command};

use crate::binary::{im_server, run};

/// What a server says that does not start.
fn refused(command: &mut Command) -> String {
    let output = run(command.args(["--listen", "127.0.0.1:0"]), "");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{said}");
    said
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let data = home.path().join("data");
    assert!(run(im_server(&data).arg("migrate"), "").status.success());
    let url = format!("sqlite://{}/im.db", data.display());
    let database = sqlx::SqlitePool::connect(&url).await.unwrap();
    let step = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_future', 0)";
    sqlx::query(step).execute(&database).await.unwrap();
    database.close().await;

    let said = refused(&mut im_server(&data));

    for part in ["database_url", "m9999_future", "a newer build wrote it"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

/// Writes a new certificate and its key.
fn papers(folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    let names = vec!["localhost".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(folder.join("certificate.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), made.signing_key.serialize_pem()).unwrap();
}

#[test]
fn a_certificate_that_does_not_match_its_key_is_refused_with_a_sentence() {
    let home = tempfile::tempdir().unwrap();
    let [ours, theirs] = ["ours", "theirs"].map(|name| home.path().join(name));
    papers(&ours);
    papers(&theirs);
    let mut command = im_server(&home.path().join("data"));
    command
        .env("IM_TLS_CERTIFICATE", ours.join("certificate.pem"))
        .env("IM_TLS_KEY", theirs.join("key.pem"));

    let said = refused(&mut command);

    for part in ["tls", "theirs/key.pem", "put a pair there"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

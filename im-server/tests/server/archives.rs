//! Export and import, as an operator runs them.

use std::{fs, path::Path, process::Output};

use im_core::{Actor, ClientId, Im, SendMessage, Store as _, TrustEveryone, UserId};
use im_store::SqlStore;

use crate::binary::{im_server, run};

async fn im(data: &Path) -> Im {
    let address = format!("sqlite://{}", data.join("im.db").display());
    let store = SqlStore::open(&address).await.unwrap();
    Im::builder(store.ports(), TrustEveryone).build()
}

fn ran(data: &Path, arguments: &[&str]) -> Output {
    run(im_server(data).args(arguments), "")
}

fn actor(id: &str) -> Actor {
    Actor::user(UserId::new(id).unwrap())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_moves_from_one_server_to_another() {
    let home = tempfile::tempdir().unwrap();
    let (here, there) = (home.path().join("here"), home.path().join("there"));
    fs::create_dir(&here).unwrap();
    let from = im(&here).await;
    let chat = from.direct("alice", "bob").await.unwrap();
    let message = SendMessage::new(chat, ClientId::random(), "北京 is far");
    let sent = from.call(&actor("alice"), message).await.unwrap();
    let id = chat.to_string();

    let exported = ran(
        &here,
        &["export", "--conversation", &id, "--out", "chat.jsonl"],
    );
    let again = ran(
        &here,
        &["export", "--conversation", &id, "--out", "chat.jsonl"],
    );
    let for_bob = ran(&here, &["export", "--user", "bob", "--out", "bob.jsonl"]);
    let imported = ran(&there, &["import", "chat.jsonl"]);
    let twice = ran(&there, &["import", "chat.jsonl"]);
    let of_bob = ran(&there, &["import", "bob.jsonl"]);
    let of_nothing = ran(&here, &["export", "--out", "nothing.jsonl"]);

    assert!(exported.status.success(), "{}", said(&exported));
    assert!(said(&exported).contains("1 conversations, 2 entries, 2 members"));
    assert!(said(&again).contains("there is such a file already"));
    assert!(for_bob.status.success(), "{}", said(&for_bob));
    assert!(
        fs::read_to_string(home.path().join("bob.jsonl"))
            .unwrap()
            .contains("北京 is far")
    );
    assert!(imported.status.success(), "{}", said(&imported));
    assert!(
        said(&twice).contains("is in this store already"),
        "{}",
        said(&twice)
    );
    assert!(
        said(&of_bob).contains("this is what a user sees"),
        "{}",
        said(&of_bob)
    );
    assert!(!of_nothing.status.success());
    let to = im(&there).await;
    let find = im_core::SearchMessages {
        text: Some("北京".into()),
        ..im_core::SearchMessages::default()
    };
    let found = to.call(&actor("bob"), find).await.unwrap();
    assert_eq!(found.items[0].seq, sent.seq);
    assert_eq!(found.items[0].at_ms, sent.at_ms);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(home.path().join("chat.jsonl"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

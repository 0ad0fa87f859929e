//! The server, and the tokens of those who have one.

use std::{fs::OpenOptions, io, net::SocketAddr, process::Command};

use serde_json::{Value, json};
use tempfile::TempDir;
use tests::{
    http,
    process::{Server, im_server},
    socket::Socket,
};

use crate::attacks::Target;

/// Messages in the group that everybody may read, and how long each is: a page of them is as large as a page gets.
const LIBRARY: (usize, usize) = (64, 48 * 1024);

/// What all attacks are made on: each on a process of its own, on the same files.
pub(crate) struct Stage {
    folder: TempDir,
    pub(crate) alice: String,
    pub(crate) bob: String,
    /// Tokens of those who sign in and are hostile.
    known: Vec<String>,
    /// A group of theirs with much in it.
    library: String,
}

impl Stage {
    /// Makes users, so many of them hostile, and a group with something to read.
    pub(crate) async fn set_up(known: usize) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("im-hostile-").tempdir()?;
        let mut stage = Self {
            folder,
            alice: String::new(),
            bob: String::new(),
            known: Vec::new(),
            library: String::new(),
        };
        let key = stage.create_key()?;
        let server = stage.start()?;
        stage.alice = token(&server, &key, "alice")?;
        stage.bob = token(&server, &key, "bob")?;
        let names: Vec<_> = (0..known).map(|number| format!("eve-{number}")).collect();
        for name in &names {
            stage.known.push(token(&server, &key, name)?);
        }
        // Not of the honest, who would hear all that is said there.
        let librarian = token(&server, &key, "librarian")?;
        let mut librarian = Socket::connect(server.address, &librarian).await?;
        librarian
            .call("session.open", &json!({"device": "setup"}))
            .await?;
        let create = json!({"client_id": "library", "name": "library", "members": names[..names.len().min(400)]});
        let view = librarian.call("conversation.create", &create).await?;
        stage.library = text(&view["conversation"]);
        for number in 0..LIBRARY.0 {
            let content = json!({"kind": "custom", "name": "page", "data": "x".repeat(LIBRARY.1)});
            let send = json!({"conversation": stage.library, "client_id": format!("page-{number}"), "content": content});
            librarian.call("message.send", &send).await?;
        }
        Ok(stage)
    }

    /// A fresh process.
    pub(crate) fn start(&self) -> io::Result<Server> {
        let log = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.path().join("server.log"))?;
        let mut command = Command::new(im_server());
        command
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(["--listen", "127.0.0.1:0", "--log", "warn"])
            // Who is slowed down makes the server hold less: the worst is without.
            .env("IM_LIMITS_SENDS_PER_SECOND", "0")
            .env("IM_LIMITS_REQUESTS_PER_SECOND", "0")
            .stderr(log);
        Server::start(&mut command)
    }

    /// What a hostile peer knows.
    pub(crate) fn target(&self, address: SocketAddr, number: usize) -> Target {
        let token = &self.known[number % self.known.len()];
        Target {
            address,
            library: self.library.clone(),
            token: token.clone(),
        }
    }

    fn create_key(&self) -> io::Result<String> {
        let output = Command::new(im_server())
            .arg("--data-dir")
            .arg(self.folder.path().join("data"))
            .args(["key", "create", "hostile"])
            .output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let key = printed
            .split_whitespace()
            .find(|word| word.starts_with("imk_"));
        key.map(str::to_owned)
            .ok_or_else(|| io::Error::other(format!("no key: {output:?}")))
    }
}

fn token(server: &Server, key: &str, user: &str) -> io::Result<String> {
    let address = server.address;
    http::call(address, key, &format!("PUT /v1/users/{user}"), &json!({}))?;
    let request = format!("POST /v1/users/{user}/tokens");
    let issued = http::call(address, key, &request, &json!({"ttl_ms": 86_400_000}))?;
    Ok(text(&issued["access_token"]))
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

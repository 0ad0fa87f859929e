//! The server as it is delivered, with its rate limits off, and the tokens of its users.

use std::{
    io,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::json;
use tests::{
    http,
    process::{Server, im_server},
};

/// A running server with users who have tokens.
pub(crate) struct Stage {
    pub(crate) server: Server,
    pub(crate) tokens: Vec<String>,
}

impl Stage {
    /// Starts a server on a folder of its own, with so many users.
    pub(crate) fn start(folder: &Path, users: usize) -> io::Result<Self> {
        let output = command(folder).args(["key", "create", "load"]).output()?;
        let printed = String::from_utf8_lossy(&output.stdout);
        let key = printed
            .split_whitespace()
            .find(|word| word.starts_with("imk_"));
        let key = key.ok_or_else(|| io::Error::other(format!("no server key: {printed}")))?;
        let server = Server::start(&mut command(folder))?;
        let mut tokens = Vec::new();
        for user in 0..users {
            http::call(
                server.address,
                key,
                &format!("PUT /v1/users/u{user}"),
                &json!({}),
            )?;
            let ask = json!({"device": "d", "ttl_ms": 86_400_000});
            let issued = http::call(
                server.address,
                key,
                &format!("POST /v1/users/u{user}/tokens"),
                &ask,
            )?;
            tokens.push(
                issued["access_token"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
            );
        }
        Ok(Self { server, tokens })
    }
}

/// What starts the server.
pub(crate) fn command(folder: &Path) -> Command {
    let mut command = Command::new(im_server());
    command.arg("--data-dir").arg(folder);
    command.args(["--listen", "127.0.0.1:0", "--log", "error"]);
    command
        .env("IM_LIMITS_SENDS_PER_SECOND", "0")
        .env("IM_LIMITS_REQUESTS_PER_SECOND", "0")
        // So that a repeat is told at once, instead of at most once in two seconds.
        .env("IM_LIMITS_TYPING_MS", "1")
        .stderr(Stdio::inherit());
    command
}

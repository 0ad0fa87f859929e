//! What is done in one step.

use fred::{
    clients::Client,
    error::{Error, ErrorKind},
    interfaces::{ClientLike as _, LuaInterface as _},
    types::Value,
};

/// A script that the server keeps under its hash.
pub(super) struct Script {
    text: &'static str,
    hash: String,
}

/// Every script.
pub(super) struct Scripts {
    pub(super) admit: Script,
    pub(super) announce: Script,
    pub(super) beat: Script,
    pub(super) find: Script,
    pub(super) forget: Script,
    pub(super) judge: Script,
    pub(super) lease: Script,
    pub(super) reach: Script,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self {
            admit: Script::new(include_str!("scripts/admit.lua")),
            announce: Script::new(include_str!("scripts/announce.lua")),
            beat: Script::new(include_str!("scripts/beat.lua")),
            find: Script::new(include_str!("scripts/find.lua")),
            forget: Script::new(include_str!("scripts/forget.lua")),
            judge: Script::new(include_str!("scripts/judge.lua")),
            lease: Script::new(include_str!("scripts/lease.lua")),
            reach: Script::new(include_str!("scripts/reach.lua")),
        }
    }
}

impl Script {
    fn new(text: &'static str) -> Self {
        Self {
            text,
            hash: fred::util::sha1_hash(text),
        }
    }

    /// Runs it. Who is not connected does not wait for it.
    pub(super) async fn run(
        &self,
        client: &Client,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<Value, Error> {
        if !client.is_connected() {
            return Err(Error::new(ErrorKind::IO, "not connected"));
        }
        let hash = self.hash.clone();
        let outcome = client.evalsha(hash, keys.clone(), arguments.clone()).await;
        match outcome {
            // It was restarted, or its scripts were flushed.
            Err(error) if error.details().starts_with("NOSCRIPT") => {
                client.eval(self.text, keys, arguments).await
            }
            outcome => outcome,
        }
    }
}

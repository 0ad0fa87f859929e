//! Where codes arrive instead of at people.

use std::{error::Error, sync::Arc};

use async_trait::async_trait;
use im_core::Identifier;
use im_server::{CodeSender, Config, Extensions, Purpose, RateLimits, Secret};
use serde_json::json;
use tokio::sync::{Mutex, mpsc};

use crate::house::House;

/// A code that was sent.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) to: String,
    pub(crate) code: String,
    pub(crate) purpose: Purpose,
}

struct Sender(mpsc::UnboundedSender<Letter>);

#[async_trait]
impl CodeSender for Sender {
    async fn send(
        &self,
        to: &Identifier,
        code: &Secret,
        purpose: Purpose,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let letter = Letter {
            to: to.as_str().to_owned(),
            code: code.expose().to_owned(),
            purpose,
        };
        Ok(self.0.send(letter)?)
    }
}

/// A server that sends codes, and the box where they arrive.
pub(crate) struct PostOffice {
    pub(crate) house: House,
    letters: Mutex<mpsc::UnboundedReceiver<Letter>>,
}

impl PostOffice {
    /// Counts no attempts.
    pub(crate) async fn open() -> Self {
        Self::open_with(|config| {
            config.rate_limits = RateLimits {
                sign_ins_per_address: 0,
                sign_ins_per_user: 0,
                codes_per_address: 0,
                codes_per_target: 0,
                failures_before_lock: 0,
            };
        })
        .await
    }

    pub(crate) async fn open_with(change: impl FnOnce(&mut Config)) -> Self {
        let (sender, letters) = mpsc::unbounded_channel();
        let extensions = Extensions {
            code_sender: Some(Arc::new(Sender(sender))),
            ..Extensions::default()
        };
        Self {
            house: House::open_extended(extensions, change).await,
            letters: Mutex::new(letters),
        }
    }

    /// The next code.
    pub(crate) async fn letter(&self) -> Letter {
        self.letters.lock().await.recv().await.unwrap()
    }

    /// Asks for a code and takes it out of the box.
    pub(crate) async fn code(
        &self,
        purpose: &str,
        identifier: &str,
        token: Option<&str>,
    ) -> String {
        let mut ask = self.house.ask("POST /v1/codes");
        if let Some(token) = token {
            ask = ask.token(token);
        }
        let body = json!({"purpose": purpose, "identifier": identifier});
        let answer = ask.json(body).await;
        assert_eq!(answer.status, 202, "{answer:?}");
        let letter = self.letter().await;
        assert_eq!(letter.purpose.as_str(), purpose);
        letter.code
    }
}

//! Checking real names: who looks at a document, and what is kept of it. The state is on the account; the document is
//! passed on and forgotten.

use std::{error::Error, fmt, sync::Arc};

use async_trait::async_trait;
use im_core::{
    Code, Rejection, Timestamp, UserId,
    port::{RealName, RealNameState},
};
use ring::hmac;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;

/// Characters of a name or a number at most.
const MAX_CHARS: usize = 200;

/// A document that somebody shows. Debug hides it.
#[derive(Deserialize, ToSchema)]
pub struct Document {
    /// The name on it.
    pub name: String,
    /// Its number.
    pub number: String,
}

impl Document {
    /// Refuses what is no document.
    ///
    /// # Errors
    /// `InvalidRequest` for an empty or overlong field.
    pub(crate) fn check(&self) -> Result<(), Rejection> {
        for (what, text) in [("name", &self.name), ("number", &self.number)] {
            if text.trim().is_empty() || text.chars().count() > MAX_CHARS {
                let detail = format!("{what}: must have 1 to {MAX_CHARS} characters");
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Document([redacted])")
    }
}

/// Looks at documents.
///
/// # Contract
/// - `Pending` means that somebody decides later: by `PUT /v1/users/{user}/real-name`, or by
///   [`Accounts::decide_real_name`](crate::Accounts::decide_real_name).
/// - Neither name nor number is logged or kept by the server; what the verifier keeps is its own.
#[async_trait]
pub trait IdentityVerifier: Send + Sync + 'static {
    /// Looks at a document of a user.
    ///
    /// # Errors
    /// When it cannot be checked now; the user is told to try again.
    async fn verify(
        &self,
        user: &UserId,
        document: &Document,
    ) -> Result<RealNameState, Box<dyn Error + Send + Sync>>;
}

/// An example for trying out: believes documents whose number begins with `TEST-`, puts off those with `WAIT-`, and
/// rejects all others. A server in production refuses to start with it.
#[derive(Clone, Copy, Debug, Default)]
pub struct TestVerifier;

#[async_trait]
impl IdentityVerifier for TestVerifier {
    async fn verify(
        &self,
        _: &UserId,
        document: &Document,
    ) -> Result<RealNameState, Box<dyn Error + Send + Sync>> {
        Ok(match document.number.get(..5) {
            Some("TEST-") => RealNameState::Verified,
            Some("WAIT-") => RealNameState::Pending,
            Some(_) | None => RealNameState::Rejected,
        })
    }
}

/// How far the check of a real name is.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct RealNameView {
    /// `none`, `pending`, `rejected` or `verified`.
    state: RealNameWord,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    at_ms: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RealNameWord {
    #[default]
    None,
    Pending,
    Rejected,
    Verified,
}

impl From<RealName> for RealNameView {
    fn from(check: RealName) -> Self {
        let state = match check.state {
            RealNameState::Pending => RealNameWord::Pending,
            RealNameState::Rejected => RealNameWord::Rejected,
            RealNameState::Verified => RealNameWord::Verified,
        };
        Self {
            state,
            at_ms: Some(check.at_ms),
        }
    }
}

/// Who looks at documents, and the key of what is kept of them.
pub(crate) struct RealNames {
    key: hmac::Key,
    verifier: Option<Arc<dyn IdentityVerifier>>,
}

impl RealNames {
    pub(crate) fn new(secret: &Secret, verifier: Option<Arc<dyn IdentityVerifier>>) -> Self {
        Self {
            key: secret.key_for(b"im-server: documents of real names"),
            verifier,
        }
    }

    /// Who looks at documents.
    ///
    /// # Errors
    /// `Forbidden` where nobody does.
    pub(crate) fn verifier(&self) -> Result<&dyn IdentityVerifier, Rejection> {
        self.verifier.as_deref().ok_or_else(|| {
            let detail = "this server checks no real names";
            Rejection::new(Code::Forbidden, detail)
        })
    }

    /// What is kept of a document: the same for the same one, whatever its spaces and case, and nothing without the key.
    pub(crate) fn evidence(&self, document: &Document) -> [u8; 32] {
        let plain = |text: &str| text.split_whitespace().collect::<String>().to_lowercase();
        let text = format!("{}\n{}", plain(&document.number), plain(&document.name));
        let mut evidence = [0; 32];
        evidence.copy_from_slice(hmac::sign(&self.key, text.as_bytes()).as_ref());
        evidence
    }
}

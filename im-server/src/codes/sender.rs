//! Who brings codes to people.

use std::{error::Error, fmt};

use async_trait::async_trait;
use im_core::Identifier;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::secret::Secret;

/// What a code is for. A code for one thing is worth nothing for another.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Making an account.
    Register,
    /// Getting a new password.
    ResetPassword,
    /// Signing in.
    SignIn,
    /// Giving one's account an address.
    Verify,
}

impl Purpose {
    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Register => "register",
            Self::ResetPassword => "reset_password",
            Self::SignIn => "sign_in",
            Self::Verify => "verify",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Brings codes to e-mail addresses and phone numbers.
///
/// # Contract
/// - Called beside the request, so it may take its time; nobody is told whether it worked.
/// - The code is in nothing that is kept or logged.
#[async_trait]
pub trait CodeSender: Send + Sync + 'static {
    /// Sends a code.
    ///
    /// # Errors
    /// When it cannot be sent. The log says so, without the address.
    async fn send(
        &self,
        to: &Identifier,
        code: &Secret,
        purpose: Purpose,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}

/// Writes codes to the log: for development alone. A server in production refuses to start with it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LogSender;

#[async_trait]
impl CodeSender for LogSender {
    async fn send(
        &self,
        to: &Identifier,
        code: &Secret,
        purpose: Purpose,
    ) -> Result<(), Box<dyn Error + Send + Sync>> {
        let (to, code) = (to.as_str(), code.expose());
        tracing::warn!(to, code, %purpose, "development: this code was not sent");
        Ok(())
    }
}

//! Who is there: the host's own answer.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Actor, Code, DeviceId, Rejection, Timestamp, UserId};

/// Whom a token stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Identity {
    /// The user and its authority.
    pub actor: Actor,
    /// When sessions that were opened with the token must end, by the wall clock of the runtime; `None` for never. What
    /// they ask is refused from that moment on, and they are closed within a second.
    pub expires_at_ms: Option<Timestamp>,
    /// The sign-in that the token came from, so that [`Im::sign_out`](crate::Im::sign_out) finds its sessions; `None`
    /// where the host knows none.
    pub sign_in: Option<Uuid>,
}

/// Decides whom a token stands for, and who exists.
///
/// # Contract
/// - `authenticate` refuses with [`Code::Unauthenticated`] and one sentence for every kind of bad token.
/// - Once `signed_out` has answered, `authenticate` refuses every token that the user, or that device of it, was given
///   before. It may be told so more than once.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Whom the token stands for.
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection>;

    /// The user was signed out everywhere, or on one device: for the engine to say. What is stored of its sign-ins is revoked
    /// already, and the engine ends the sessions itself.
    async fn signed_out(&self, user: &UserId, device: Option<&DeviceId>) -> Result<(), Rejection>;

    /// Those of `users` that do not exist, so that nobody can be added or written to who is not there.
    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection>;
}

/// The token is the user id, everybody exists, everybody is believed. For programs that have no network door, and for
/// tests.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustEveryone;

#[async_trait]
impl Authenticator for TrustEveryone {
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let user = UserId::new(token)
            .map_err(|error| Rejection::new(Code::Unauthenticated, error.to_string()))?;
        Ok(Identity {
            actor: Actor::user(user),
            expires_at_ms: None,
            sign_in: None,
        })
    }

    /// There is nothing to end: a user id is good for ever.
    async fn signed_out(&self, _: &UserId, _: Option<&DeviceId>) -> Result<(), Rejection> {
        Ok(())
    }

    async fn unknown(&self, _: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        Ok(Vec::new())
    }
}

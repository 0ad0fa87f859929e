//! Who is there: the host's own answer.

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Actor, Code, DeviceId, Rejection, Timestamp, UserId};

/// How many log-outs an engine has seen.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct LogOutCount(pub(crate) u64);

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
    /// When the token was found good: a session that it opens is not let in when its user or device was logged out since.
    /// [`Im::authenticate`](crate::Im::authenticate) sets it, for a session that is opened within a minute: later it may be
    /// refused. `None` where the host vouches for the user at the moment at which the session is opened.
    pub checked_at: Option<LogOutCount>,
}

/// What of a user is signed out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SignOut<'a> {
    /// All of it.
    Everywhere,
    /// One device, and the sign-ins by which it has sessions, whatever devices those were of.
    Device(&'a DeviceId, &'a [Uuid]),
}

/// Decides whom a token stands for, and who exists.
///
/// # Contract
/// - `authenticate` refuses with [`Code::Unauthenticated`] and one sentence for every kind of bad token.
/// - Once `sign_out` has answered, `authenticate` refuses every token that what was signed out was given before. Asked again,
///   it has nothing more to do.
#[async_trait]
pub trait Authenticator: Send + Sync + 'static {
    /// Whom the token stands for.
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection>;

    /// Ends what a user has signed in with, and names the [sign-ins](Identity::sign_in) that ended by it. For the engine to call, when a user has it forget a device, and when an admin keeps a user out or signs it out;
    /// the engine ends the sessions itself.
    async fn sign_out(&self, user: &UserId, what: SignOut<'_>) -> Result<Vec<Uuid>, Rejection>;

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
            checked_at: None,
        })
    }

    /// There is nothing to end: a user id is good for ever.
    async fn sign_out(&self, _: &UserId, _: SignOut<'_>) -> Result<Vec<Uuid>, Rejection> {
        Ok(Vec::new())
    }

    async fn unknown(&self, _: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        Ok(Vec::new())
    }
}

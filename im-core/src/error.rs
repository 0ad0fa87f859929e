//! Failures, classified by who can do something about them, and the one list of stable codes.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal, $retry:ident;)*) => {
        /// The stable name of a failure. This list is the only place where one is assigned.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        #[non_exhaustive]
        pub enum Code { $($(#[$doc])* $variant),* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The text on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// Whether the same request may succeed later without a change.
            #[must_use]
            pub const fn is_retryable(self) -> bool {
                match self { $(Self::$variant => codes!(@ $retry)),* }
            }

            fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)* _ => None }
            }
        }
    };
    (@ retry) => { true };
    (@ fixed) => { false };
}

codes! {
    /// The request is not what its method takes: a wrong type, a missing field, text outside its bounds.
    InvalidRequest = "invalid_request", fixed;
    /// The bytes are not a frame: not JSON, not MessagePack, not UTF-8.
    InvalidFrame = "invalid_frame", fixed;
    /// No method of this name.
    UnknownMethod = "unknown_method", fixed;
    /// The session is not open, or the token is missing, forged, expired or revoked.
    Unauthenticated = "unauthenticated", fixed;
    /// The actor may see the thing but not do this to it.
    Forbidden = "forbidden", fixed;
    /// Not there, or not the actor's: the two look the same.
    NotFound = "not_found", fixed;
    /// The client id was used for something else, or the name is taken.
    Conflict = "conflict", fixed;
    /// Text that comes before this one in an open message is missing. Send that first.
    Gap = "gap", fixed;
    /// The content kind is not one that this server takes.
    UnsupportedContent = "unsupported_content", fixed;
    /// A text holds what this server does not let pass. Change it.
    ContentRejected = "content_rejected", fixed;
    /// A frame, a text or a content exceeds its limit.
    TooLarge = "too_large", fixed;
    /// More members, conversations, ids or items than the limit.
    TooMany = "too_many", fixed;
    /// The other side blocked the actor, or the actor the other side.
    Blocked = "blocked", fixed;
    /// The other side takes direct messages from its contacts alone.
    ContactsOnly = "contacts_only", fixed;
    /// The user was removed from the conversation and cannot come back yet.
    Banned = "banned", fixed;
    /// Another device has the place: of this class one has a session at a time, or too many have one.
    DeviceLimit = "device_limit", fixed;
    /// An admin banned the account.
    AccountBanned = "account_banned", fixed;
    /// The account was switched off.
    AccountDisabled = "account_disabled", fixed;
    /// An admin froze the account: it reads, and changes nothing.
    Frozen = "frozen", fixed;
    /// The actor was silenced, here or everywhere, or everybody is here.
    Muted = "muted", fixed;
    /// The conversation ended; it can only be read.
    Dismissed = "dismissed", fixed;
    /// The time in which this was allowed is over.
    Expired = "expired", fixed;
    /// The message was recalled already; nothing more can happen to it.
    Recalled = "recalled", fixed;
    /// The owner must hand over ownership first.
    OwnerMustTransfer = "owner_must_transfer", fixed;
    /// Too many requests; see `retry_after_ms`.
    RateLimited = "rate_limited", retry;
    /// A backend does not answer, or refuses to store. Nothing was stored, or a retry with the same client id finds it.
    Unavailable = "unavailable", retry;
    /// The server is overloaded and did not begin the work.
    Overloaded = "overloaded", retry;
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    /// An unknown code degrades to `invalid_request`: a newer server may refuse for reasons that we do not know.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Ok(Self::parse(&text).unwrap_or(Self::InvalidRequest))
    }
}

/// The actor asked for what it may not have. Safe to show.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize, thiserror::Error)]
#[error("{code}: {detail}")]
pub struct Rejection {
    /// The stable name of the reason.
    pub code: Code,
    /// A sentence that says what to do.
    pub detail: Cow<'static, str>,
    /// When to try again, in milliseconds, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

impl Rejection {
    /// A refusal with its sentence.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            detail: detail.into(),
            retry_after_ms: None,
        }
    }

    /// The answer for what is not there and for what is not the actor's.
    #[must_use]
    pub fn not_found(what: &str) -> Self {
        Self::new(
            Code::NotFound,
            format!("no such {what}, or it is not yours; check the id"),
        )
    }

    /// Says when to come back.
    #[must_use]
    pub fn retry_after(mut self, span: Duration) -> Self {
        self.retry_after_ms = Some(u64::try_from(span.as_millis()).unwrap_or(u64::MAX));
        self
    }
}

/// A backend failed. Never shown to a user: it becomes [`Code::Unavailable`], and its causes go to the log.
#[derive(Debug, thiserror::Error)]
#[error("{during} failed")]
pub struct StoreError {
    /// What was being done, in a few words.
    pub during: &'static str,
    /// The backend's own error.
    #[source]
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

impl StoreError {
    /// Wraps a backend's error.
    pub fn new(
        during: &'static str,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self {
            during,
            source: source.into(),
        }
    }
}

impl From<StoreError> for Rejection {
    /// Logs the failure, here and nowhere else, and hides it.
    fn from(error: StoreError) -> Self {
        let mut causes = String::new();
        let mut cause: Option<&dyn std::error::Error> = Some(&*error.source);
        while let Some(error) = cause {
            causes.push_str(": ");
            causes.push_str(&error.to_string());
            cause = error.source();
        }
        tracing::error!("{error}{causes}");
        Self::new(
            Code::Unavailable,
            "the store does not answer; try again with the same client id",
        )
        .retry_after(Duration::from_secs(1))
    }
}

/// The API was called in a way that cannot work.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// A text is no id.
    #[error(transparent)]
    Id(#[from] crate::id::InvalidId),
}

/// What a call through [`Im`](crate::Im) or a [`Session`](crate::Session) can fail with.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The engine refused.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The caller's own mistake.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The session is over: closed by the caller, displaced, or refused when it tried to come back.
    #[error("the session is closed: {0}")]
    Closed(CloseReason),
}

impl From<crate::id::InvalidId> for Error {
    fn from(error: crate::id::InvalidId) -> Self {
        Self::Misuse(error.into())
    }
}

impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

/// Why the server ends a session. Transports map it to their own close codes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CloseReason {
    /// The client asked for it.
    Asked,
    /// The device did not read; come back and resume.
    TooSlow,
    /// The server shuts down; come back and resume.
    GoingAway,
    /// Nothing was heard from the device; come back and resume.
    IdleTimeout,
    /// Another session took its place: of the same device, or of another of its class where only one may have one.
    Displaced,
    /// The token ended or was revoked; sign in again.
    Unauthenticated,
    /// An admin keeps the user out; do not come back by yourself.
    Banned,
    /// The peer broke the protocol.
    ProtocolError,
    /// A frame was larger than the limit.
    TooLarge,
}

impl CloseReason {
    /// Whether the device should come back by itself and resume.
    #[must_use]
    pub const fn may_resume(self) -> bool {
        match self {
            Self::TooSlow | Self::GoingAway | Self::IdleTimeout => true,
            Self::Asked
            | Self::Displaced
            | Self::Unauthenticated
            | Self::Banned
            | Self::ProtocolError
            | Self::TooLarge => false,
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Asked => "the client asked for it",
            Self::TooSlow => "the device reads too slowly; resume",
            Self::GoingAway => "the server is going away; reconnect and resume",
            Self::IdleTimeout => "nothing was heard from the device; reconnect and resume",
            Self::Displaced => "another session took its place",
            Self::Unauthenticated => "the token is no longer valid; sign in again",
            Self::Banned => "an admin keeps this user out",
            Self::ProtocolError => "the peer broke the protocol",
            Self::TooLarge => "a frame was larger than the limit",
        })
    }
}

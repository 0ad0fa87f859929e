//! Why a Redis cannot be used.

use fred::error::{Error, ErrorKind};
use im_core::StoreError;

/// Why a Redis cannot be used. No text of it holds a password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisError {
    /// No address of a Redis.
    #[error(
        "this is no address of a Redis ({0}): write redis://HOST:6379, rediss:// for TLS, \
         redis-sentinel://HOST:26379?sentinelServiceName=NAME or redis-cluster://HOST:6379, with USER:PASSWORD@ before \
         HOST where there is one"
    )]
    Url(String),
    /// A prefix that cannot be part of keys.
    #[error("a prefix has 1 to 64 letters, digits, and `-`, `_`, `.` or `:`")]
    Prefix,
    /// Nobody answers, or not as a Redis does.
    #[error(
        "the Redis at {server} does not answer ({reason}): check the address, and that it runs"
    )]
    Unreachable {
        /// Host and port.
        server: String,
        /// What the client said.
        reason: String,
    },
    /// It wants another password.
    #[error("the Redis at {server} does not take this user name and password ({reason})")]
    Refused {
        /// Host and port.
        server: String,
        /// What it said.
        reason: String,
    },
    /// Nodes of another database live there.
    #[error(
        "under the prefix `{prefix}` of the Redis at {server} nodes run that have another database: give these a prefix of \
         their own, or the same database; or, after `im-server new-epoch`, stop those first"
    )]
    OtherStore {
        /// Host and port.
        server: String,
        /// Which prefix.
        prefix: String,
    },
    /// Nodes of another version live there.
    #[error(
        "under the prefix `{prefix}` of the Redis at {server} nodes run that speak version {theirs} among each other, and this \
         one speaks {ours}: stop them all before the first of this version starts"
    )]
    OtherProtocol {
        /// Host and port.
        server: String,
        /// Which prefix.
        prefix: String,
        /// What those speak that run.
        theirs: String,
        /// What this one speaks.
        ours: u32,
    },
    /// Something else.
    #[error("the Redis at {server} failed: {reason}")]
    Failed {
        /// Host and port.
        server: String,
        /// What it, or the client, said.
        reason: String,
    },
}

impl RedisError {
    /// Why a first connection failed.
    pub(super) fn of_connecting(server: &str, error: &Error) -> Self {
        let (server, reason) = (server.to_owned(), error.to_string());
        if *error.kind() == ErrorKind::Auth {
            return Self::Refused { server, reason };
        }
        Self::Unreachable { server, reason }
    }

    pub(super) fn of_asking(server: &str, error: &Error) -> Self {
        Self::Failed {
            server: server.to_owned(),
            reason: error.to_string(),
        }
    }

    pub(super) fn during(self, what: &'static str) -> StoreError {
        StoreError::new(what, self)
    }
}

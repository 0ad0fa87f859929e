//! Server keys: credentials of back ends that bring their own users.

use std::sync::PoisonError;

use im_core::{Code, DeviceId, Rejection, port::ServerKey};

use super::Accounts;
use crate::{
    opaque::{self, Kind},
    tokens::unauthenticated,
};

impl Accounts {
    /// A new server key of this name; a former one ends. The key is not kept: show it, once.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad name.
    pub async fn create_key(&self, name: &str) -> Result<String, Rejection> {
        // A key's name has the form of an id; there is no type of its own, as nothing else refers to it.
        let name = DeviceId::new(name).map_err(|_| {
            Rejection::new(
                Code::InvalidRequest,
                "the name of a key must have 1 to 64 printable characters without spaces",
            )
        })?;
        let key = Kind::ServerKey.generate();
        let stored = ServerKey {
            hash: opaque::sha256(key.as_bytes()),
            name: name.as_str().to_owned(),
            created_at_ms: self.now(),
        };
        self.ports.tokens.put_key(stored).await?;
        Ok(key)
    }

    /// Whether a key was good when it was last presented. Costs no query.
    pub(crate) fn was_good(&self, key: &str) -> bool {
        let hash = Kind::ServerKey.hash(key);
        let good = self.good_keys.lock();
        hash.is_some_and(|hash| good.unwrap_or_else(PoisonError::into_inner).contains(&hash))
    }

    /// The back end that has this key.
    pub(crate) async fn server_key(&self, key: &str) -> Result<ServerKey, Rejection> {
        let hash = Kind::ServerKey.hash(key).ok_or_else(unauthenticated)?;
        let found = self.ports.tokens.key(hash).await?;
        let mut good = self
            .good_keys
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if found.is_some() {
            good.insert(hash);
        } else {
            good.remove(&hash);
        }
        found.ok_or_else(unauthenticated)
    }
}

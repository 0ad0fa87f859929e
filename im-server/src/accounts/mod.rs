//! Accounts of this server: register, sign in, stay signed in, sign out. Hosts that bring their own users do without.
//!
//! A sign-in is a *family*: one refresh token at a time, replaced with every use. A used one that comes back means that
//! somebody has a copy, and ends the family; unless its successor is new and unused, and may be what got lost on the way.

mod erase;
#[cfg(test)]
mod guessing;
mod keys;
mod own;
mod password;
mod real_name;
mod register;
mod sessions;
mod single_sign_on;
mod successor;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use im_core::{Code, DeviceId, Identifier, Im, Rejection, Timestamp, UserId, port::Ports};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub(crate) use self::password::{MAX_CHARS, MIN_CHARS};
pub use self::{
    own::OwnAccount,
    password::Password,
    register::NewAccount,
    sessions::{Attempt, Name, WantedToken},
};
use crate::{
    authenticator, codes::Codes, lock_out::LockOut, real_name::RealNames, secret::Secret,
    tokens::AccessTokens,
};
use password::Passwords;
use successor::Successors;

/// A device that is signed in.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct SignedIn {
    /// Who.
    #[schema(value_type = String)]
    pub user: UserId,
    /// On which device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// For the `Authorization: Bearer` header, and for `session.open`.
    pub access_token: String,
    /// When the access token ends.
    pub access_expires_at_ms: Timestamp,
    /// Gets the next pair. Works once, apart from a retry within 30 seconds. Keep it safe.
    pub refresh_token: String,
    /// When the refresh token ends.
    pub refresh_expires_at_ms: Timestamp,
}

/// An access token for a user of the host application.
#[derive(Deserialize, Serialize, ToSchema)]
pub struct IssuedToken {
    /// Who.
    #[schema(value_type = String)]
    pub user: UserId,
    /// On which device.
    #[schema(value_type = String)]
    pub device: DeviceId,
    /// For the `Authorization: Bearer` header, and for `session.open`.
    pub access_token: String,
    /// When it ends.
    pub access_expires_at_ms: Timestamp,
}

/// Registers users and keeps them signed in.
pub struct Accounts {
    codes: Codes,
    im: Im,
    /// Hashes of server keys that were good when they were last presented: no more than there are keys.
    good_keys: Mutex<HashSet<[u8; 32]>>,
    lock_out: Arc<LockOut>,
    passwords: Passwords,
    ports: Ports,
    real_names: RealNames,
    successors: Successors,
    tokens: Arc<AccessTokens>,
}

/// What accounts are made of.
pub(crate) struct Parts {
    pub(crate) codes: Codes,
    pub(crate) im: Im,
    pub(crate) lock_out: Arc<LockOut>,
    pub(crate) ports: Ports,
    pub(crate) real_names: RealNames,
    pub(crate) tokens: Arc<AccessTokens>,
}

impl Accounts {
    pub(crate) fn new(parts: Parts, secret: &Secret) -> Self {
        Self {
            codes: parts.codes,
            im: parts.im,
            good_keys: Mutex::default(),
            lock_out: parts.lock_out,
            passwords: Passwords::new(),
            ports: parts.ports,
            real_names: parts.real_names,
            successors: Successors::new(secret),
            tokens: parts.tokens,
        }
    }

    /// Refuses users that do not exist.
    pub(crate) async fn check_exists(&self, user: &UserId) -> Result<(), Rejection> {
        let unknown = authenticator::unknown(&self.ports, std::slice::from_ref(user)).await?;
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(Rejection::not_found("user"))
        }
    }

    async fn has_profile(&self, user: &UserId) -> Result<bool, Rejection> {
        let profiles = self
            .ports
            .users
            .profiles(std::slice::from_ref(user))
            .await?;
        Ok(!profiles.is_empty())
    }

    fn now(&self) -> Timestamp {
        self.ports.runtime.now()
    }
}

fn random_device() -> DeviceId {
    DeviceId::new(Uuid::new_v4().to_string()).expect("a UUID is an id")
}

/// Reads an e-mail address or a phone number.
///
/// # Errors
/// `InvalidRequest` for anything else.
pub(crate) fn parse_identifier(text: &str) -> Result<Identifier, Rejection> {
    Identifier::parse(text)
        .map_err(|error| Rejection::new(Code::InvalidRequest, format!("identifier: {error}")))
}

//! Accounts of this server: register, sign in, stay signed in, sign out. Hosts that bring their own users do without.
//!
//! A sign-in is a *family*: one refresh token at a time, replaced with every use. A used one that comes back means that
//! somebody has a copy, and ends the family; unless its successor is new and unused, and may be what got lost on the way.

mod password;
mod successor;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use im_core::{
    Actor, CloseReason, Code, DeviceId, Im, Rejection, Timestamp, UpsertUser, UserId,
    port::{Account, Created, Ports, Redeemed, RefreshToken, ServerKey},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::password::Password;
pub(crate) use self::password::{MAX_CHARS, MIN_CHARS};
use crate::{
    authenticator,
    opaque::{self, Kind},
    secret::Secret,
    tokens::{ACCESS_TTL, AccessTokens, Claims, MAX_TTL, unauthenticated},
};
use password::Passwords;
use successor::Successors;

/// How long a device stays signed in without being used.
const REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Names that have a meaning in a path.
const RESERVED: [&str; 1] = ["me"];

/// Who wants to be a user here.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewAccount {
    /// The name to sign in with: 1 to 64 printable characters without spaces.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub user: UserId,
    /// 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    pub password: Password,
    /// Shown name.
    #[serde(default)]
    pub nickname: Option<String>,
}

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
    im: Im,
    /// Hashes of server keys that were good when they were last presented: no more than there are keys.
    good_keys: Mutex<HashSet<[u8; 32]>>,
    passwords: Passwords,
    ports: Ports,
    successors: Successors,
    tokens: Arc<AccessTokens>,
}

impl Accounts {
    pub(crate) fn new(im: Im, ports: Ports, tokens: Arc<AccessTokens>, secret: &Secret) -> Self {
        Self {
            im,
            good_keys: Mutex::default(),
            passwords: Passwords::new(),
            ports,
            successors: Successors::new(secret),
            tokens,
        }
    }

    /// Makes an account and its profile. A retry with the same key and password finds the account that it made.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad password, `Conflict` for a name that is taken, by an account or by a user that a back
    /// end brought.
    pub async fn register(&self, new: NewAccount, key: Option<&str>) -> Result<(), Rejection> {
        new.password.check_new()?;
        if RESERVED.contains(&new.user.as_str()) {
            return Err(taken());
        }
        let fingerprint = fingerprint(&new, key);
        let known = self.ports.accounts.account(&new.user).await?;
        // Without an account, a profile belongs to a user of the host's: nobody may become that user by registering.
        if known.is_none() && self.has_profile(&new.user).await? {
            return Err(taken());
        }
        let account = Account {
            user: new.user.clone(),
            password_hash: self.passwords.hash(new.password.clone()).await?,
            fingerprint,
            created_at_ms: self.now(),
        };
        let created = match known {
            Some(account) => Created::Taken(account),
            None => self.ports.accounts.create(account).await?,
        };
        if let Created::Taken(account) = created {
            let is_retry = account.fingerprint == fingerprint;
            if !is_retry
                || !self
                    .passwords
                    .verify(new.password, Some(account.password_hash))
                    .await?
            {
                return Err(taken());
            }
            if self.has_profile(&new.user).await? {
                return Ok(());
            }
        }
        let profile = UpsertUser {
            nickname: new.nickname,
            ..UpsertUser::new(new.user.clone())
        };
        self.im.call(&Actor::service(new.user), profile).await?;
        Ok(())
    }

    /// Signs a device in.
    ///
    /// # Errors
    /// `Unauthenticated`, with the same words and after the same time whether the password is wrong or nobody has this
    /// name.
    pub async fn sign_in(
        &self,
        user: UserId,
        password: Password,
        device: Option<DeviceId>,
    ) -> Result<SignedIn, Rejection> {
        let account = self.ports.accounts.account(&user).await?;
        let stored = account.map(|account| account.password_hash);
        if !self.passwords.verify(password, stored).await? {
            return Err(Rejection::new(
                Code::Unauthenticated,
                "the user name or the password is wrong",
            ));
        }
        let refresh_token = Kind::Refresh.generate();
        let now = self.now();
        let token = RefreshToken {
            hash: opaque::sha256(refresh_token.as_bytes()),
            family: Uuid::new_v4(),
            user,
            device: device.unwrap_or_else(random_device),
            expires_at_ms: now.plus(REFRESH_TTL),
        };
        self.ports.tokens.insert(token.clone(), now).await?;
        Ok(self.signed_in(token, refresh_token))
    }

    /// Replaces a refresh token, and gives a new access token. A retry within half a minute gets the same refresh token,
    /// until that one is used.
    ///
    /// # Errors
    /// `Unauthenticated` when it is unknown, too old or revoked; and when it was used before and this is no such retry,
    /// which also ends the sign-in that it came from.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignedIn, Rejection> {
        let hash = Kind::Refresh
            .hash(refresh_token)
            .ok_or_else(unauthenticated)?;
        let next = self.successors.of(refresh_token);
        let now = self.now();
        let expires_at_ms = now.plus(REFRESH_TTL);
        let next_hash = opaque::sha256(next.as_bytes());
        match self
            .ports
            .tokens
            .redeem(hash, next_hash, expires_at_ms, now)
            .await?
        {
            Redeemed::Rotated(token) => {
                let token = RefreshToken {
                    hash: next_hash,
                    expires_at_ms,
                    ..token
                };
                Ok(self.signed_in(token, next))
            }
            Redeemed::Repeated(token) => Ok(self.signed_in(token, next)),
            Redeemed::Reused(token) => {
                tracing::warn!(user = %token.user, device = %token.device, "a used refresh token came back: its sign-in is revoked");
                self.tokens.revoke_family(token.family, now);
                self.end_sessions(&token.user, token.family, &token.device);
                Err(unauthenticated())
            }
            Redeemed::Unknown => Err(unauthenticated()),
        }
    }

    /// Ends the sign-in that an access token came from, with all sessions that it opened, and those of its device.
    pub(crate) async fn sign_out(&self, claims: &Claims) -> Result<(), Rejection> {
        let now = self.now();
        self.ports.tokens.revoke_family(claims.sid, now).await?;
        self.tokens.revoke_family(claims.sid, now);
        self.end_sessions(&claims.sub, claims.sid, &claims.device);
        Ok(())
    }

    /// Ends all sign-ins and sessions of a user.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub async fn sign_out_everywhere(&self, user: &UserId) -> Result<(), Rejection> {
        let now = self.now();
        let families = self.ports.tokens.revoke_user(user, now).await?;
        for family in families {
            self.tokens.revoke_family(family, now);
        }
        self.tokens.revoke_user(user, now);
        self.im.disconnect(user, None, CloseReason::Unauthenticated);
        Ok(())
    }

    /// An access token for any user that exists, on the word of a back end or of the operator.
    ///
    /// # Errors
    /// `NotFound` when there is no such user, `InvalidRequest` for a `ttl` of more than a day.
    pub async fn issue(
        &self,
        user: UserId,
        device: Option<DeviceId>,
        ttl: Option<Duration>,
    ) -> Result<IssuedToken, Rejection> {
        let ttl = ttl.unwrap_or(ACCESS_TTL);
        if ttl.is_zero() || ttl > MAX_TTL {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "an access token lasts at least a millisecond and at most a day",
            ));
        }
        self.check_exists(&user).await?;
        let device = device.unwrap_or_else(random_device);
        let lifetime = (self.now(), ttl);
        let (access_token, access_expires_at_ms) =
            self.tokens
                .issue(user.clone(), device.clone(), Uuid::new_v4(), lifetime);
        Ok(IssuedToken {
            user,
            device,
            access_token,
            access_expires_at_ms,
        })
    }

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

    /// Refuses users that do not exist.
    pub(crate) async fn check_exists(&self, user: &UserId) -> Result<(), Rejection> {
        let unknown = authenticator::unknown(&self.ports, std::slice::from_ref(user)).await?;
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(Rejection::not_found("user"))
        }
    }

    /// A session may have another device than its token, and a device may have sessions of an earlier token.
    fn end_sessions(&self, user: &UserId, family: Uuid, device: &DeviceId) {
        self.im.sign_out(user, family);
        let reason = CloseReason::Unauthenticated;
        self.im.disconnect(user, Some(device), reason);
    }

    async fn has_profile(&self, user: &UserId) -> Result<bool, Rejection> {
        let profiles = self
            .ports
            .users
            .profiles(std::slice::from_ref(user))
            .await?;
        Ok(!profiles.is_empty())
    }

    fn signed_in(&self, token: RefreshToken, refresh_token: String) -> SignedIn {
        let lifetime = (self.now(), ACCESS_TTL);
        let (access_token, access_expires_at_ms) = self.tokens.issue(
            token.user.clone(),
            token.device.clone(),
            token.family,
            lifetime,
        );
        SignedIn {
            user: token.user,
            device: token.device,
            access_token,
            access_expires_at_ms,
            refresh_token,
            refresh_expires_at_ms: token.expires_at_ms,
        }
    }

    fn now(&self) -> Timestamp {
        self.ports.runtime.now()
    }
}

fn taken() -> Rejection {
    Rejection::new(Code::Conflict, "this user name is taken; choose another")
}

fn random_device() -> DeviceId {
    DeviceId::new(Uuid::new_v4().to_string()).expect("a UUID is an id")
}

/// Tells a retry from somebody else who wants the same name. Knows the key and the name, never the password.
fn fingerprint(new: &NewAccount, key: Option<&str>) -> i64 {
    let key = key.map_or_else(opaque::random_text, str::to_owned);
    let hash = opaque::sha256(format!("register\n{}\n{key}", new.user).as_bytes());
    i64::from_be_bytes(hash[..8].try_into().expect("8 bytes of 32"))
}

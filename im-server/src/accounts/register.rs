//! Registering.

use im_core::{
    Actor, Code, Identifier, Rejection, UpsertUser, UserId,
    port::{Account, Created},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Accounts, Password};
use crate::{codes::Purpose, opaque, secret::Secret};

/// Names that have a meaning in a path.
const RESERVED: [&str; 1] = ["me"];

/// Who wants to be a user here: with a password, with an address and the code that was sent to it, or with both.
#[derive(Clone, Debug, Deserialize, ToSchema)]
pub struct NewAccount {
    /// The name to sign in with: 1 to 64 printable characters without spaces.
    #[schema(value_type = String, min_length = 1, max_length = 64)]
    pub user: UserId,
    /// 8 to 128 characters. Without one the account signs in by code.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password, min_length = 8, max_length = 128)]
    pub password: Option<Password>,
    /// Shown name.
    #[serde(default)]
    pub nickname: Option<String>,
    /// An e-mail address or a phone number to be found by.
    #[serde(default)]
    pub identifier: Option<String>,
    /// The code that was sent there for `register`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub code: Option<Secret>,
}

impl NewAccount {
    /// An account with a password and nothing else.
    #[must_use]
    pub const fn with_password(user: UserId, password: Password) -> Self {
        Self {
            user,
            password: Some(password),
            nickname: None,
            identifier: None,
            code: None,
        }
    }

    /// The address with its code, after checking that there is enough to sign in with.
    fn proof(&self) -> Result<Option<(Identifier, &Secret)>, Rejection> {
        if let Some(password) = &self.password {
            password.check_new()?;
        }
        let incomplete = |detail| Err(Rejection::new(Code::InvalidRequest, detail));
        match (&self.identifier, &self.code) {
            (Some(text), Some(code)) => Ok(Some((super::parse_identifier(text)?, code))),
            (Some(_), None) => incomplete("code: name the code that was sent to the identifier"),
            (None, Some(_)) => incomplete("identifier: name where the code was sent to"),
            (None, None) if self.password.is_none() => {
                incomplete("password: an account needs one, or an identifier with a code")
            }
            (None, None) => Ok(None),
        }
    }
}

impl Accounts {
    /// Makes an account and its profile. A retry with the same key and password finds the account that it made.
    ///
    /// # Errors
    /// `InvalidRequest` for a bad password or address, `Unauthenticated` for a bad code, `Conflict` for a name that is
    /// taken, by an account or by a user that a back end brought, and for an address of another account.
    pub async fn register(&self, new: NewAccount, key: Option<&str>) -> Result<(), Rejection> {
        let proof = new.proof()?;
        if RESERVED.contains(&new.user.as_str()) {
            return Err(taken());
        }
        let fingerprint = fingerprint(&new, key);
        if let Some(account) = self.ports.accounts.account(&new.user).await? {
            return self.register_again(new, account, fingerprint).await;
        }
        // Without an account, a profile belongs to a user of the host's: nobody may become that user by registering.
        if self.has_profile(&new.user).await? {
            return Err(taken());
        }
        if let Some((identifier, code)) = &proof {
            let codes = &self.codes;
            codes
                .redeem(Purpose::Register, identifier, None, code)
                .await?;
        }
        let identifier = proof.map(|(identifier, _)| identifier);
        let password_hash = match &new.password {
            Some(password) => Some(self.passwords.hash(password.clone()).await?),
            None => None,
        };
        let account = Account {
            user: new.user.clone(),
            password_hash,
            fingerprint,
            created_at_ms: self.now(),
        };
        match self.ports.accounts.create(account, identifier).await? {
            Created::Stored => self.make_profile(new.user, new.nickname).await,
            Created::Taken(account) => self.register_again(new, account, fingerprint).await,
            Created::IdentifierTaken => Err(Rejection::new(
                Code::Conflict,
                "this address belongs to another account; sign in with a code for it",
            )),
            Created::Erased => Err(taken()),
        }
    }

    /// A retry of the request that made the account is answered as that was; what it left undone is done.
    async fn register_again(
        &self,
        new: NewAccount,
        account: Account,
        fingerprint: i64,
    ) -> Result<(), Rejection> {
        let is_retry = account.fingerprint == fingerprint
            && match (new.password, account.password_hash) {
                (Some(password), stored @ Some(_)) => {
                    self.passwords.verify(password, stored).await?
                }
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
        if !is_retry {
            return Err(taken());
        }
        if self.has_profile(&new.user).await? {
            return Ok(());
        }
        self.make_profile(new.user, new.nickname).await
    }

    /// Makes the profile of a new account.
    pub(super) async fn make_profile(
        &self,
        user: UserId,
        nickname: Option<String>,
    ) -> Result<(), Rejection> {
        let profile = UpsertUser {
            nickname,
            ..UpsertUser::new(user.clone())
        };
        self.im.call(&Actor::service(user), profile).await?;
        Ok(())
    }
}

pub(super) fn taken() -> Rejection {
    Rejection::new(Code::Conflict, "this user name is taken; choose another")
}

/// Tells a retry from somebody else who wants the same name. Knows the key and the name, never the password.
fn fingerprint(new: &NewAccount, key: Option<&str>) -> i64 {
    let key = key.map_or_else(opaque::random_text, str::to_owned);
    let hash = opaque::sha256(format!("register\n{}\n{key}", new.user).as_bytes());
    i64::from_be_bytes(hash[..8].try_into().expect("8 bytes of 32"))
}

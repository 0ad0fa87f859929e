//! What users do with their own accounts: look at them, change and reset passwords, be found by an address.

use std::net::IpAddr;

use im_core::{
    Code, Identifier, IdentifierKind, Rejection, UserId,
    port::{Account, Attached},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Accounts, Password};
use crate::{
    codes::{self, Purpose},
    real_name::RealNameView,
    secret::Secret,
    tokens::Claims,
};

/// One's own account. Nobody else is shown it.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnAccount {
    /// Whose.
    #[schema(value_type = String)]
    user: UserId,
    /// Whether it signs in with a password.
    has_password: bool,
    /// Its verified e-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    /// Its verified phone number.
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<String>,
    /// How many identity providers it signs in by.
    single_sign_ons: usize,
    /// How far the check of its real name is.
    real_name: RealNameView,
}

impl Accounts {
    /// A user's own account.
    ///
    /// # Errors
    /// `NotFound` for a user without an account, whom a back end signs in.
    pub async fn own(&self, user: &UserId) -> Result<OwnAccount, Rejection> {
        let account = self.account_of(user).await?;
        let identifiers = self.ports.accounts.identifiers(user).await?;
        let text_of = |kind| {
            let mut all = identifiers.iter();
            let found = all.find(|identifier| identifier.kind() == kind);
            found.map(|identifier| identifier.as_str().to_owned())
        };
        let subjects = identifiers.iter();
        let subjects = subjects.filter(|it| it.kind() == IdentifierKind::Subject);
        Ok(OwnAccount {
            user: account.user,
            has_password: account.password_hash.is_some(),
            email: text_of(IdentifierKind::Email),
            phone: text_of(IdentifierKind::Phone),
            single_sign_ons: subjects.count(),
            real_name: self.real_name(user).await?,
        })
    }

    /// Changes a password. The sign-in of `claims` goes on, all others end.
    ///
    /// # Errors
    /// `Forbidden`, with the same words and after the same time whether the former password is wrong, there is none, or
    /// too many attempts have failed.
    pub(crate) async fn change_password(
        &self,
        claims: &Claims,
        (former, new): (Password, Password),
        address: IpAddr,
    ) -> Result<(), Rejection> {
        new.check_new()?;
        let account = self.account_of(&claims.sub).await?;
        let stored = account.password_hash;
        let from = (claims.sub.as_str(), address);
        if !self.is_password(from, former, stored.clone()).await? {
            return Err(wrong_password());
        }
        let hash = self.passwords.hash(new).await?;
        let accounts = &self.ports.accounts;
        let replacing = accounts.set_password(&claims.sub, stored.as_deref(), hash);
        if !replacing.await? {
            return Err(Rejection::new(
                Code::Conflict,
                "the password was changed at the same moment; sign in with the new one",
            ));
        }
        self.sign_out_others(&claims.sub, claims.sid).await
    }

    /// Gives whoever got a code a new password, and ends all sign-ins.
    ///
    /// # Errors
    /// `Unauthenticated` with the same words for every code that is not good, whether or not there is an account.
    pub async fn reset_password(
        &self,
        identifier: &Identifier,
        code: &Secret,
        new: Password,
    ) -> Result<(), Rejection> {
        new.check_new()?;
        let purpose = Purpose::ResetPassword;
        let user = self.redeem_code(purpose, identifier, code).await?;
        self.check_change(&user).await?;
        let hash = self.passwords.hash(new).await?;
        if !self.ports.accounts.set_password(&user, None, hash).await? {
            return Err(codes::wrong());
        }
        self.lock_out.forget(user.as_str()).await?;
        self.sign_out_everywhere(&user).await
    }

    /// Gives an account an address to be found by, which a code has proved. An account with a password needs that too, or
    /// a token that got lost for a minute would be an account that is lost for ever.
    ///
    /// # Errors
    /// `Forbidden` for a wrong password, `Unauthenticated` for a bad code, `Conflict` for an address of another account.
    pub(crate) async fn attach(
        &self,
        claims: &Claims,
        password: Option<Password>,
        proof: (&Identifier, &Secret),
        address: IpAddr,
    ) -> Result<OwnAccount, Rejection> {
        self.check_own(&claims.sub, password, address).await?;
        let (identifier, code) = proof;
        let user = Some(&claims.sub);
        let codes = &self.codes;
        codes
            .redeem(Purpose::Verify, identifier, user, code)
            .await?;
        let accounts = &self.ports.accounts;
        let attaching = accounts.attach(&claims.sub, identifier.clone(), self.now());
        match attaching.await? {
            Attached::Stored => self.own(&claims.sub).await,
            Attached::Taken => Err(Rejection::new(
                Code::Conflict,
                "this address belongs to another account; use another, or sign in to that one",
            )),
            Attached::NoAccount => Err(no_account()),
        }
    }

    /// Sends a code, or only seems to: whether somebody has the address is not to be seen.
    pub(crate) async fn give_code(
        &self,
        purpose: Purpose,
        identifier: Identifier,
        user: Option<&UserId>,
    ) -> Result<(), Rejection> {
        let owner = self.ports.accounts.owner(&identifier).await?;
        let is_wanted = match purpose {
            Purpose::Register => owner.is_none(),
            Purpose::ResetPassword | Purpose::SignIn => owner.is_some(),
            Purpose::Verify => true,
        };
        self.codes.give(purpose, identifier, user, is_wanted).await
    }

    /// Whose account a code opens.
    pub(super) async fn redeem_code(
        &self,
        purpose: Purpose,
        identifier: &Identifier,
        code: &Secret,
    ) -> Result<UserId, Rejection> {
        self.codes.redeem(purpose, identifier, None, code).await?;
        let owner = self.ports.accounts.owner(identifier).await?;
        owner.ok_or_else(codes::wrong)
    }

    /// Refuses who has a token of an account and not its password. Accounts without one pass.
    pub(crate) async fn check_own(
        &self,
        user: &UserId,
        password: Option<Password>,
        address: IpAddr,
    ) -> Result<(), Rejection> {
        let account = self.ports.accounts.account(user).await?;
        let Some(stored) = account.and_then(|account| account.password_hash) else {
            return Ok(());
        };
        let Some(password) = password else {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "password: this needs the password of the account",
            ));
        };
        let from = (user.as_str(), address);
        if self.is_password(from, password, Some(stored)).await? {
            Ok(())
        } else {
            Err(wrong_password())
        }
    }

    async fn account_of(&self, user: &UserId) -> Result<Account, Rejection> {
        let account = self.ports.accounts.account(user).await?;
        account.ok_or_else(no_account)
    }
}

fn wrong_password() -> Rejection {
    Rejection::new(
        Code::Forbidden,
        "the password is wrong; reset it with a code if it is lost",
    )
}

pub(super) fn no_account() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "this user has no account here: the application that brought it signs it in",
    )
}

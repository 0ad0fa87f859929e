//! Accounts of whoever an identity provider knows: linked by issuer and subject.

use im_core::{
    Code, Identifier, Rejection, UserId,
    port::{Account, Attached, Created},
};

use super::{Accounts, SignedIn, own::no_account};
use crate::{
    oidc::{Identified, Purpose},
    opaque,
    tokens::{Claims, unauthenticated},
};

/// Characters of a random user id, beside its beginning: 120 bits.
const ID_CHARS: usize = 20;

impl Accounts {
    /// Signs in whoever came back from an identity provider; makes an account when that is allowed, or has the one that it
    /// went from found by this identity too.
    ///
    /// # Errors
    /// `Forbidden` for somebody who has no account here and gets none, `Conflict` for an identity of another account.
    pub(crate) async fn sign_in_by_subject(
        &self,
        identified: Identified,
    ) -> Result<SignedIn, Rejection> {
        let identifier = Identifier::subject(&identified.issuer, &identified.subject);
        let device = match identified.purpose {
            Purpose::SignIn(device) => device,
            Purpose::Link(claims) => {
                self.check_links(&claims).await?;
                self.link(&claims.sub, identifier).await?;
                return self.begin(claims.sub, Some(claims.device)).await;
            }
        };
        let owner = self.ports.accounts.owner(&identifier).await?;
        let user = match owner {
            Some(user) => user,
            None if identified.may_create => self.join(identifier, identified.name).await?,
            None => {
                let detail =
                    "nobody here is linked to this identity; ask the operator for an account";
                return Err(Rejection::new(Code::Forbidden, detail));
            }
        };
        self.begin(user, device).await
    }

    /// What held when somebody went to the provider must hold when it comes back.
    async fn check_links(&self, claims: &Claims) -> Result<(), Rejection> {
        if self.tokens.is_revoked(claims) {
            return Err(unauthenticated());
        }
        self.im.check_change(&claims.actor()).await
    }

    async fn link(&self, user: &UserId, identifier: Identifier) -> Result<(), Rejection> {
        let attaching = self.ports.accounts.attach(user, identifier, self.now());
        match attaching.await? {
            Attached::Stored => Ok(()),
            Attached::Taken => Err(Rejection::new(
                Code::Conflict,
                "this identity belongs to another account; sign in to that one",
            )),
            Attached::NoAccount => Err(no_account()),
        }
    }

    /// Makes an account. Its id says nothing of the person: names at a provider belong to others here.
    async fn join(
        &self,
        identifier: Identifier,
        name: Option<String>,
    ) -> Result<UserId, Rejection> {
        let text = opaque::random_text();
        let user = UserId::new(format!("u-{}", &text[..ID_CHARS])).expect("base64url is an id");
        let account = Account {
            user: user.clone(),
            password_hash: None,
            fingerprint: 0,
            created_at_ms: self.now(),
        };
        let accounts = &self.ports.accounts;
        match accounts.create(account, Some(identifier.clone())).await? {
            Created::Stored => {}
            // The same person, from two windows.
            Created::IdentifierTaken => {
                let owner = accounts.owner(&identifier).await?;
                return owner.ok_or_else(super::register::taken);
            }
            Created::Taken(_) | Created::Erased => return Err(super::register::taken()),
        }
        let most = self.im.limits().name_chars;
        let is_shown = |name: &String| {
            name.chars().count() <= most
                && !name.trim().is_empty()
                && !name.chars().any(char::is_control)
        };
        self.make_profile(user.clone(), name.filter(is_shown))
            .await?;
        Ok(user)
    }
}

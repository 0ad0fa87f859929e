//! Signing in, staying signed in, signing out.

use std::{net::IpAddr, time::Duration};

use im_core::{
    CloseReason, Code, DeviceId, Identifier, Rejection, Scopes, Timestamp, UserId,
    port::{Extent, REVOCATIONS_LAST, Redeemed, RefreshToken, Revoked},
};
use uuid::Uuid;

use super::{Accounts, IssuedToken, Password, SignedIn, random_device};
use crate::{
    codes::Purpose,
    opaque::{self, Kind},
    secret::Secret,
    tokens::{ACCESS_TTL, Claims, Holder, MAX_TTL, unauthenticated},
};

/// How long a device stays signed in without being used.
const REFRESH_TTL: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// What somebody says to be.
#[derive(Clone, Debug)]
pub enum Name {
    /// Found by an e-mail address or a phone number.
    Identifier(Identifier),
    /// This user.
    User(UserId),
}

/// Somebody who wants to sign in with a password.
#[derive(Debug)]
pub struct Attempt {
    /// Who.
    pub name: Name,
    /// With what.
    pub password: Password,
    /// On which device; a new one when absent.
    pub device: Option<DeviceId>,
    /// From where.
    pub address: IpAddr,
}

/// An access token that a back end or the operator wants for a user.
#[derive(Clone, Debug)]
pub struct WantedToken {
    /// Whose.
    pub user: UserId,
    /// On which device; a new one when absent.
    pub device: Option<DeviceId>,
    /// For how long; 15 minutes when absent, at most a day.
    pub ttl: Option<Duration>,
    /// What it is good for; [`Scopes::USER`] when absent.
    pub scopes: Option<Scopes>,
}

impl WantedToken {
    /// One that says nothing else.
    #[must_use]
    pub const fn of(user: UserId) -> Self {
        Self {
            user,
            device: None,
            ttl: None,
            scopes: None,
        }
    }
}

impl Name {
    /// The text that attempts are counted by.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Identifier(identifier) => identifier.as_str(),
            Self::User(user) => user.as_str(),
        }
    }
}

impl Accounts {
    /// Signs a device in.
    ///
    /// # Errors
    /// `Unauthenticated`, with the same words and after the same time whether the password is wrong, nobody has this
    /// name, or too many attempts have failed. `AccountBanned` or `AccountDisabled` for whoever is kept out, once the
    /// password is right: nobody else learns that.
    pub async fn sign_in(&self, attempt: Attempt) -> Result<SignedIn, Rejection> {
        let user = match &attempt.name {
            Name::User(user) => Some(user.clone()),
            Name::Identifier(identifier) => self.ports.accounts.owner(identifier).await?,
        };
        // Where nobody is found one looks all the same, so that the time does not tell.
        let nobody = UserId::new("-").expect("a hyphen is an id");
        let looked_up = user.as_ref().unwrap_or(&nobody);
        let account = self.ports.accounts.account(looked_up).await?;
        let account = account.filter(|account| Some(&account.user) == user.as_ref());
        let counted = user.as_ref().map_or(attempt.name.as_str(), UserId::as_str);
        let stored = account.as_ref().and_then(|it| it.password_hash.clone());
        let from = (counted, attempt.address);
        let is_right = self.is_password(from, attempt.password, stored).await?;
        match account {
            Some(account) if is_right => self.begin(account.user, attempt.device).await,
            Some(_) | None => Err(Rejection::new(
                Code::Unauthenticated,
                "the user name or the password is wrong",
            )),
        }
    }

    /// Signs in a device of whoever got a code.
    ///
    /// # Errors
    /// `Unauthenticated` with the same words for every code that is not good, whether or not there is an account.
    pub async fn sign_in_by_code(
        &self,
        identifier: &Identifier,
        code: &Secret,
        device: Option<DeviceId>,
    ) -> Result<SignedIn, Rejection> {
        let user = self.redeem_code(Purpose::SignIn, identifier, code).await?;
        self.begin(user, device).await
    }

    /// Whether a password is right, of somebody who is not locked out. Takes the same time whatever the answer is.
    pub(super) async fn is_password(
        &self,
        from: (&str, IpAddr),
        password: Password,
        stored: Option<String>,
    ) -> Result<bool, Rejection> {
        let matches = self.passwords.verify(password, stored).await?;
        Ok(self.lock_out.judge(from, matches).await?)
    }

    /// Refuses who is kept out, by what the store says. Whoever has not proved who it is gets no further than to that.
    async fn check_in(&self, user: &UserId) -> Result<(), Rejection> {
        let stands = self.ports.standings.standing(user).await?;
        let now = self.now();
        stands.map_or(Ok(()), |stands| stands.standing.check_in(now))
    }

    /// Refuses whose account is to stay as it is, by what the store says.
    pub(super) async fn check_change(&self, user: &UserId) -> Result<(), Rejection> {
        let stands = self.ports.standings.standing(user).await?;
        let now = self.now();
        stands.map_or(Ok(()), |stands| stands.standing.check_change(now))
    }

    /// A sign-in of a user who has proved who it is.
    pub(super) async fn begin(
        &self,
        user: UserId,
        device: Option<DeviceId>,
    ) -> Result<SignedIn, Rejection> {
        self.check_in(&user).await?;
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
                self.check_in(&token.user).await?;
                let token = RefreshToken {
                    hash: next_hash,
                    expires_at_ms,
                    ..token
                };
                Ok(self.signed_in(token, next))
            }
            Redeemed::Repeated(token) => {
                self.check_in(&token.user).await?;
                Ok(self.signed_in(token, next))
            }
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
        let families = self
            .ports
            .tokens
            .revoke_user(user, &Extent::All, now)
            .await?;
        for family in families {
            self.tokens.revoke_family(family, now);
        }
        self.tokens.revoke_user(user, now);
        self.im.disconnect(user, None, CloseReason::Unauthenticated);
        Ok(())
    }

    /// Hears of what other servers on this database have revoked: `since` is when they were last asked. Users who were
    /// signed out everywhere, and devices that were forgotten, are sent away here too; sessions of one sign-in last as long as their token.
    ///
    /// # Errors
    /// `Unavailable` when the store does not answer.
    pub(crate) async fn hear_of_revocations(&self, since: Timestamp) -> Result<(), Rejection> {
        // What was revoked within a day of that moment came after this one.
        let moment = since.plus(REVOCATIONS_LAST);
        let revoked = self.ports.tokens.revocations(moment).await?;
        for news in self.tokens.restore(revoked) {
            match news {
                Revoked::Device(user, device) => {
                    let reason = CloseReason::Unauthenticated;
                    self.im.disconnect(&user, Some(&device), reason);
                }
                Revoked::Family(_) => {}
                Revoked::User(user) => {
                    let barred = [Code::AccountBanned, Code::AccountDisabled];
                    let reason = match self.check_in(&user).await {
                        Err(rejection) if barred.contains(&rejection.code) => CloseReason::Banned,
                        Ok(()) | Err(_) => CloseReason::Unauthenticated,
                    };
                    self.im.disconnect(&user, None, reason);
                }
            }
        }
        Ok(())
    }

    /// Ends all sign-ins of a user but one. Tokens that a back end issued go on: they came from no sign-in.
    pub(super) async fn sign_out_others(
        &self,
        user: &UserId,
        spared: Uuid,
    ) -> Result<(), Rejection> {
        let now = self.now();
        let tokens = &self.ports.tokens;
        let extent = Extent::AllBut(spared);
        for family in tokens.revoke_user(user, &extent, now).await? {
            self.tokens.revoke_family(family, now);
            self.im.sign_out(user, family);
        }
        Ok(())
    }

    /// An access token for any user that exists, on the word of a back end or of the operator.
    ///
    /// # Errors
    /// `NotFound` when there is no such user, `InvalidRequest` for a `ttl` of more than a day, `AccountBanned` or
    /// `AccountDisabled` for a user who is kept out.
    pub async fn issue(&self, wanted: WantedToken) -> Result<IssuedToken, Rejection> {
        let WantedToken { user, device, .. } = wanted;
        let ttl = wanted.ttl.unwrap_or(ACCESS_TTL);
        if ttl.is_zero() || ttl > MAX_TTL {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "an access token lasts at least a millisecond and at most a day",
            ));
        }
        self.check_exists(&user).await?;
        self.check_in(&user).await?;
        let device = device.unwrap_or_else(random_device);
        let lifetime = (self.now(), ttl);
        let holder = Holder {
            user: user.clone(),
            device: device.clone(),
            family: Uuid::new_v4(),
            scopes: wanted.scopes.unwrap_or(Scopes::USER),
        };
        let (access_token, access_expires_at_ms) = self.tokens.issue(holder, lifetime);
        Ok(IssuedToken {
            user,
            device,
            access_token,
            access_expires_at_ms,
        })
    }

    /// A session may have another device than its token, and a device may have sessions of an earlier token.
    fn end_sessions(&self, user: &UserId, family: Uuid, device: &DeviceId) {
        self.im.sign_out(user, family);
        let reason = CloseReason::Unauthenticated;
        self.im.disconnect(user, Some(device), reason);
    }

    fn signed_in(&self, token: RefreshToken, refresh_token: String) -> SignedIn {
        let lifetime = (self.now(), ACCESS_TTL);
        let holder = Holder {
            user: token.user.clone(),
            device: token.device.clone(),
            family: token.family,
            scopes: Scopes::ALL,
        };
        let (access_token, access_expires_at_ms) = self.tokens.issue(holder, lifetime);
        SignedIn {
            user: token.user,
            device: token.device,
            access_token,
            access_expires_at_ms,
            refresh_token,
            refresh_expires_at_ms: token.expires_at_ms,
        }
    }
}

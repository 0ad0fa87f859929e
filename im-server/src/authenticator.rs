//! Whom a token stands for on a link, and who exists: the engine's port, answered from tokens, tickets and the store.
//!
//! Server keys are not taken here: a back end that wants a session issues itself an access token.

use std::{collections::HashSet, sync::Arc};

use async_trait::async_trait;
use im_core::{
    Rejection, UserId,
    port::{Authenticator, Extent, Identity, Ports, SignOut},
};
use uuid::Uuid;

use crate::{
    opaque::Kind,
    tickets::Tickets,
    tokens::{AccessTokens, unauthenticated},
};

/// Takes access tokens and tickets.
pub(crate) struct TokenAuthenticator {
    pub(crate) ports: Ports,
    pub(crate) tickets: Arc<Tickets>,
    pub(crate) tokens: Arc<AccessTokens>,
}

#[async_trait]
impl Authenticator for TokenAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let now = self.ports.runtime.now();
        if !Kind::Ticket.is_claimed_by(token) {
            return self
                .tokens
                .check(token, now)
                .map(|claims| claims.identity());
        }
        let claims = self.tickets.redeem(token, now)?;
        // A log-out between giving and using a ticket ends it too.
        if self.tokens.is_revoked(&claims) {
            return Err(unauthenticated());
        }
        Ok(claims.identity())
    }

    async fn sign_out(&self, user: &UserId, what: SignOut<'_>) -> Result<Vec<Uuid>, Rejection> {
        let now = self.ports.runtime.now();
        let tokens = &self.ports.tokens;
        let (extent, used) = match what {
            SignOut::Everywhere => (Extent::All, &[][..]),
            SignOut::Device(device, used) => (Extent::Device(device.clone()), used),
        };
        let mut families = tokens.revoke_user(user, &extent, now).await?;
        for family in used {
            tokens.revoke_family(*family, now).await?;
            families.push(*family);
        }
        for family in &families {
            self.tokens.revoke_family(*family, now);
        }
        match what {
            SignOut::Everywhere => self.tokens.revoke_user(user, now),
            SignOut::Device(device, _) => {
                self.tokens.revoke_device(user.clone(), device.clone(), now)
            }
        };
        Ok(families)
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        unknown(&self.ports, users).await
    }
}

/// Those who have neither a profile nor an account.
pub(crate) async fn unknown(ports: &Ports, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
    let profiles = ports.users.profiles(users).await?;
    let known: HashSet<_> = profiles.into_iter().map(|profile| profile.user).collect();
    let mut unknown = Vec::new();
    for user in users.iter().filter(|user| !known.contains(*user)) {
        // Rare: registering makes a profile, so this is somebody who does not exist or whose registration broke off.
        if ports.accounts.account(user).await?.is_none() {
            unknown.push(user.clone());
        }
    }
    Ok(unknown)
}

//! Who is asking: a user with an access token, or a back end with a server key that may name the user it acts for.
//!
//! What the caller may do is decided by the engine.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, Method, request::Parts},
};
use im_core::{Actor, Code, Scope, UserId, port::Identity};
use im_transport::ws::bearer;

use super::problem::Problem;
use crate::{
    app::App,
    config::ClientAddress,
    opaque::Kind,
    tokens::{Claims, unauthenticated},
};

/// The header by which a back end names the user it acts for.
const ACTING_FOR: &str = "im-user";

/// A caller who proved who it is.
pub(super) enum Credential {
    /// A back end; acts for a user when it names one.
    Service(Option<UserId>),
    /// A user.
    User(Claims),
}

impl Credential {
    /// Refuses users.
    ///
    /// # Errors
    /// `Forbidden`.
    pub(super) fn require_service(&self) -> Result<(), Problem> {
        match self {
            Self::Service(_) => Ok(()),
            Self::User(_) => Err(Problem::new(
                Code::Forbidden,
                "only a back end with a server key may do this",
            )),
        }
    }

    /// Who acts, about a user: a back end that acts for nobody acts in that user's name.
    pub(super) fn actor_about(&self, user: &UserId) -> Actor {
        match self {
            Self::Service(acting_for) => {
                Actor::service(acting_for.as_ref().unwrap_or(user).clone())
            }
            Self::User(claims) => claims.actor(),
        }
    }
}

impl FromRequestParts<Arc<App>> for Credential {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let token = bearer(&parts.headers)
            .ok_or_else(unauthenticated)?
            .to_owned();
        let token = token.as_str();
        if !Kind::ServerKey.is_claimed_by(token) {
            let claims = app.tokens.check(token, app.now())?;
            app.im.check_in(&claims.actor()).await?;
            return Ok(Self::User(claims));
        }
        check_key(parts, app, token).await?;
        let Some(name) = parts.headers.get(ACTING_FOR) else {
            return Ok(Self::Service(None));
        };
        let name = std::str::from_utf8(name.as_bytes()).unwrap_or_default();
        let user = UserId::new(name).map_err(|error| {
            Problem::new(Code::InvalidRequest, format!("header Im-User: {error}"))
        })?;
        app.accounts.check_exists(&user).await?;
        Ok(Self::Service(Some(user)))
    }
}

/// Every key costs a query: an address that presents bad ones has to wait. A key that was good goes on past that, so that
/// nobody locks a back end out behind the same address.
async fn check_key(parts: &mut Parts, app: &Arc<App>, key: &str) -> Result<(), Problem> {
    let Address(address) = Address::from_request_parts(parts, app).await?;
    if !app.accounts.was_good(key) {
        app.throttle.check_key(address).await?;
    }
    match app.accounts.server_key(key).await {
        Ok(_) => Ok(()),
        Err(rejection) => {
            if rejection.code == Code::Unauthenticated {
                app.throttle.count_failed_key(address).await;
            }
            Err(rejection.into())
        }
    }
}

/// A user with an access token of its own, which is good for writing: what concerns an account is done by nobody in its
/// name, and seen by nobody who was given a token for reading.
pub(super) struct Own(pub(super) Claims);

impl FromRequestParts<Arc<App>> for Own {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        match <Credential as FromRequestParts<_>>::from_request_parts(parts, app).await? {
            Credential::User(claims) => {
                claims.actor().require(Scope::Write)?;
                if parts.method != Method::GET {
                    app.im.check_change(&claims.actor()).await?;
                }
                Ok(Self(claims))
            }
            Credential::Service(_) => Err(Problem::new(
                Code::Forbidden,
                "only a user with its own access token may do this",
            )),
        }
    }
}

/// A user with an access token, or somebody without any.
pub(super) struct Perhaps(pub(super) Option<Claims>);

impl FromRequestParts<Arc<App>> for Perhaps {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        if bearer(&parts.headers).is_none() {
            return Ok(Self(None));
        }
        let Own(claims) = <Own as FromRequestParts<_>>::from_request_parts(parts, app).await?;
        Ok(Self(Some(claims)))
    }
}

/// A caller that acts as a user.
pub(super) struct Caller(pub(super) Actor);

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        Self::try_from(<Credential as FromRequestParts<_>>::from_request_parts(parts, app).await?)
    }
}

impl TryFrom<Credential> for Caller {
    type Error = Problem;

    fn try_from(credential: Credential) -> Result<Self, Problem> {
        match credential {
            Credential::User(claims) => Ok(Self(claims.actor())),
            Credential::Service(Some(user)) => Ok(Self(Actor::service(user))),
            Credential::Service(None) => Err(Problem::new(
                Code::InvalidRequest,
                "name the user that you act for in the header Im-User",
            )),
        }
    }
}

/// As whom a session is opened.
pub(super) struct Opener(pub(super) Identity);

impl FromRequestParts<Arc<App>> for Opener {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let credential =
            <Credential as FromRequestParts<_>>::from_request_parts(parts, app).await?;
        if let (Credential::User(_), Some(token)) = (&credential, bearer(&parts.headers)) {
            // Once more by the engine, which then notices a log-out in between.
            return Ok(Self(app.im.authenticate(token).await?));
        }
        let Caller(actor) = Caller::try_from(credential)?;
        Ok(Self(Identity {
            actor,
            expires_at_ms: None,
            sign_in: None,
            checked_at: None,
        }))
    }
}

/// The address that a connection came from. The server puts it beside every request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// The address that attempts are counted by.
pub(super) struct Address(pub(super) IpAddr);

impl FromRequestParts<Arc<App>> for Address {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let forwarded = match app.client_address {
            ClientAddress::Peer => None,
            ClientAddress::XForwardedFor => last_forwarded(&parts.headers),
        };
        let peer = parts.extensions.get::<Peer>().map(|peer| peer.0);
        forwarded.or(peer).map(Self).ok_or_else(Problem::internal)
    }
}

/// The last entry is the one that our own proxy wrote.
fn last_forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?;
    last.to_str().ok()?.rsplit(',').next()?.trim().parse().ok()
}

//! Single sign-on by OpenID Connect: the authorization code flow with PKCE. Who the identity provider says somebody is;
//! which account that is, `accounts` knows.

mod http;
mod id_token;
mod pending;
mod provider;

use std::collections::BTreeMap;

use im_core::{Code, Rejection, port::Ports};
use ring::digest;

pub(crate) use self::pending::{FLOW_TTL, Purpose};
use self::{
    http::HttpClient,
    pending::{Flow, Pending},
    provider::Provider,
};
use crate::{
    config::{ConfigError, OidcProvider, PublicUrl},
    jwt_ring, opaque,
};

/// The identity providers of this server, and who is on the way to them.
pub(crate) struct SingleSignOn {
    providers: BTreeMap<String, Provider>,
    pending: Pending,
    ports: Ports,
}

/// Where to send somebody.
pub(crate) struct Started {
    /// The provider's page.
    pub(crate) location: String,
    /// What the browser must bring back, so that nobody is signed in by a link of somebody else.
    pub(crate) binding: String,
}

/// Who an identity provider says that somebody is.
#[derive(Debug)]
pub(crate) struct Identified {
    pub(crate) issuer: String,
    pub(crate) subject: String,
    /// Shown name.
    pub(crate) name: Option<String>,
    /// What it went there for.
    pub(crate) purpose: Purpose,
    /// Whether somebody new gets an account.
    pub(crate) may_create: bool,
}

/// What the provider sends somebody back with.
pub(crate) struct Returned<'a> {
    pub(crate) state: &'a str,
    /// None when the provider refused.
    pub(crate) code: Option<&'a str>,
    pub(crate) binding: Option<&'a str>,
}

impl SingleSignOn {
    pub(crate) fn new(
        providers: &[OidcProvider],
        public_url: Option<&PublicUrl>,
        ports: Ports,
    ) -> Result<Self, ConfigError> {
        jwt_ring::install();
        let mut known = BTreeMap::new();
        for settings in providers {
            let Some(public_url) = public_url else {
                let reason = "identity providers send people back to it: set it";
                return Err(ConfigError::new("public_url", reason));
            };
            let name = settings.name.clone();
            let redirect_uri = format!("{public_url}/v1/oidc/{name}/callback");
            let provider = Provider::new(settings.clone(), redirect_uri, HttpClient::new());
            if known.insert(name, provider).is_some() {
                let place = format!("oidc.{}.name", settings.name);
                return Err(ConfigError::new(place, "two providers have this name"));
            }
        }
        Ok(Self {
            providers: known,
            pending: Pending::default(),
            ports,
        })
    }

    /// The names of the providers.
    pub(crate) fn names(&self) -> Vec<String> {
        self.providers.keys().cloned().collect()
    }

    /// Sends somebody there.
    ///
    /// # Errors
    /// `NotFound` for an unknown provider, `Unavailable` for one that does not answer, `Overloaded` when too many are on
    /// the way.
    pub(crate) async fn start(&self, name: &str, purpose: Purpose) -> Result<Started, Rejection> {
        let provider = self.provider(name)?;
        let (state, binding) = (opaque::random_text(), opaque::random_text());
        let flow = Flow {
            provider: name.to_owned(),
            nonce: opaque::random_text(),
            verifier: opaque::random_text(),
            binding: opaque::sha256(binding.as_bytes()),
            purpose,
        };
        let challenge = digest::digest(&digest::SHA256, flow.verifier.as_bytes());
        let now = self.ports.runtime.monotonic();
        let location = provider
            .location(&state, &flow.nonce, challenge.as_ref(), now)
            .await?;
        self.pending.add(&state, flow, now)?;
        Ok(Started { location, binding })
    }

    /// Finds out who came back.
    ///
    /// # Errors
    /// `Unauthenticated` when nobody was sent there from this browser, when it is too late, and when what the provider
    /// says cannot be believed; `Forbidden` when it refused.
    pub(crate) async fn finish(
        &self,
        name: &str,
        returned: Returned<'_>,
    ) -> Result<Identified, Rejection> {
        let provider = self.provider(name)?;
        let now = self.ports.runtime.monotonic();
        let flow = self.pending.take(returned.state, now).ok_or_else(unknown)?;
        let binding = returned.binding.map(|text| opaque::sha256(text.as_bytes()));
        if flow.provider != name || binding != Some(flow.binding) {
            return Err(unknown());
        }
        let Some(code) = returned.code else {
            let detail = "the identity provider did not let you in; ask whoever runs it";
            return Err(Rejection::new(Code::Forbidden, detail));
        };
        let token = provider.redeem(code, &flow.verifier, now).await?;
        let wall = self.ports.runtime.now();
        let claims = provider.identify(&token, &flow.nonce, now, wall).await?;
        Ok(Identified {
            issuer: provider.issuer().to_owned(),
            subject: claims.sub,
            name: claims.name,
            purpose: flow.purpose,
            may_create: provider.may_create(),
        })
    }

    fn provider(&self, name: &str) -> Result<&Provider, Rejection> {
        let found = self.providers.get(name);
        found.ok_or_else(|| Rejection::not_found("identity provider"))
    }
}

/// The one answer to whoever comes back and was not sent.
fn unknown() -> Rejection {
    Rejection::new(
        Code::Unauthenticated,
        "this sign-in was not begun in this browser, is too old or was finished; begin again",
    )
}

//! One identity provider: what it publishes of itself, and the two ways to it, by browser and by ourselves.

use std::{sync::Arc, time::Duration};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use form_urlencoded::{Serializer, byte_serialize};
use im_core::{Code, Rejection, Timestamp};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::{
    http::{Failed, HttpClient},
    id_token::{self, Claims, Doubt, Expected, Jwk},
};
use crate::config::{OidcProvider, is_safe};

/// How long what a provider publishes is believed.
const FRESH: Duration = Duration::from_secs(60 * 60);

/// How soon it is read again for a key that is not known. Providers change keys now and then; forgers name what they like.
const AGAIN: Duration = Duration::from_secs(60);

/// What a provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    #[serde(default)]
    token_endpoint_auth_methods_supported: Vec<String>,
}

#[derive(Deserialize)]
struct Keys {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
}

struct Known {
    metadata: Metadata,
    keys: Vec<Jwk>,
    since: Duration,
}

/// An identity provider.
pub(super) struct Provider {
    settings: OidcProvider,
    redirect_uri: String,
    http: HttpClient,
    known: Mutex<Option<Arc<Known>>>,
}

impl Provider {
    pub(super) fn new(settings: OidcProvider, redirect_uri: String, http: HttpClient) -> Self {
        Self {
            settings,
            redirect_uri,
            http,
            known: Mutex::new(None),
        }
    }

    pub(super) fn issuer(&self) -> &str {
        &self.settings.issuer
    }

    pub(super) const fn may_create(&self) -> bool {
        self.settings.create_accounts
    }

    /// The page where somebody signs in.
    pub(super) async fn location(
        &self,
        state: &str,
        nonce: &str,
        challenge: &[u8],
        now: Duration,
    ) -> Result<String, Rejection> {
        let known = self.known(now, FRESH).await?;
        let query = Serializer::new(String::new())
            .append_pair("response_type", "code")
            .append_pair("scope", "openid profile")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", state)
            .append_pair("nonce", nonce)
            .append_pair("code_challenge", &URL_SAFE_NO_PAD.encode(challenge))
            .append_pair("code_challenge_method", "S256")
            .finish();
        let endpoint = &known.metadata.authorization_endpoint;
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(format!("{endpoint}{joint}{query}"))
    }

    /// The ID token for a code.
    pub(super) async fn redeem(
        &self,
        code: &str,
        verifier: &str,
        now: Duration,
    ) -> Result<String, Rejection> {
        let known = self.known(now, FRESH).await?;
        let (form, authorization) = self.question(code, verifier, &known.metadata);
        let endpoint = &known.metadata.token_endpoint;
        let asking = self.http.post::<Tokens>(endpoint, form, authorization);
        match asking.await {
            Ok(tokens) => Ok(tokens.id_token),
            // A code that is wrong, old or used (RFC 6749, 5.2).
            Err(Failed::Status(400)) => Err(super::unknown()),
            Err(failed) => Err(self.unavailable(&failed)),
        }
    }

    /// What is sent for a token, and by what this server proves itself (RFC 6749, 2.3.1).
    fn question(
        &self,
        code: &str,
        verifier: &str,
        metadata: &Metadata,
    ) -> (String, Option<String>) {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code_verifier", verifier);
        let client_id = &self.settings.client_id;
        let Some(secret) = &self.settings.client_secret else {
            form.append_pair("client_id", client_id);
            return (form.finish(), None);
        };
        if !metadata.takes_basic() {
            form.append_pair("client_id", client_id)
                .append_pair("client_secret", secret.expose());
            return (form.finish(), None);
        }
        let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", part(client_id), part(secret.expose()));
        (
            form.finish(),
            Some(format!("Basic {}", STANDARD.encode(pair))),
        )
    }

    /// Who an ID token is about.
    pub(super) async fn identify(
        &self,
        token: &str,
        nonce: &str,
        now: Duration,
        wall: Timestamp,
    ) -> Result<Claims, Rejection> {
        let expected = Expected {
            issuer: &self.settings.issuer,
            client_id: &self.settings.client_id,
            nonce,
            now: wall,
        };
        let known = self.known(now, FRESH).await?;
        let mut read = id_token::read(token, &known.keys, &expected);
        if matches!(read, Err(Doubt::UnknownKey)) {
            let known = self.known(now, AGAIN).await?;
            read = id_token::read(token, &known.keys, &expected);
        }
        read.map_err(|doubt| {
            let provider = &self.settings.name;
            tracing::warn!(%provider, %doubt, "an identity provider is not believed");
            let detail = "what the identity provider says cannot be believed; begin again";
            Rejection::new(Code::Unauthenticated, detail)
        })
    }

    /// What the provider publishes, read again when it is older than `most`. Whoever comes meanwhile waits.
    async fn known(&self, now: Duration, most: Duration) -> Result<Arc<Known>, Rejection> {
        let mut known = self.known.lock().await;
        if let Some(known) = &*known
            && now.saturating_sub(known.since) < most
        {
            return Ok(Arc::clone(known));
        }
        let read = Arc::new(self.read(now).await?);
        *known = Some(Arc::clone(&read));
        Ok(read)
    }

    async fn read(&self, now: Duration) -> Result<Known, Rejection> {
        let issuer = &self.settings.issuer;
        let address = format!(
            "{}/.well-known/openid-configuration",
            issuer.trim_end_matches('/')
        );
        let failed = |failed: Failed| self.unavailable(&failed);
        let metadata: Metadata = self.http.get(&address).await.map_err(failed)?;
        let endpoints = [
            &metadata.authorization_endpoint,
            &metadata.token_endpoint,
            &metadata.jwks_uri,
        ];
        if metadata.issuer != *issuer || !endpoints.iter().all(|url| is_safe(url)) {
            let provider = &self.settings.name;
            tracing::error!(%provider, "the provider says to be another issuer, or has addresses without TLS");
            return Err(unavailable());
        }
        let keys: Keys = self.http.get(&metadata.jwks_uri).await.map_err(failed)?;
        let keys = keys.keys.into_iter();
        Ok(Known {
            metadata,
            // Keys of kinds that are not known here are nothing that we could use.
            keys: keys
                .filter_map(|key| serde_json::from_value(key).ok())
                .collect(),
            since: now,
        })
    }

    fn unavailable(&self, failed: &Failed) -> Rejection {
        let provider = &self.settings.name;
        let cause = std::error::Error::source(failed).map(ToString::to_string);
        tracing::error!(%provider, %failed, cause, "an identity provider cannot be asked");
        unavailable()
    }
}

impl Metadata {
    /// Basic is what a provider takes that says nothing.
    fn takes_basic(&self) -> bool {
        let methods = &self.token_endpoint_auth_methods_supported;
        methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic")
    }
}

fn unavailable() -> Rejection {
    Rejection::new(
        Code::Unavailable,
        "the identity provider does not answer; try again later",
    )
    .retry_after(Duration::from_secs(10))
}

//! ID tokens: what an identity provider says and signs (OpenID Connect Core 1.0, 3.1.3.7).

use im_core::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;

/// Longer than any that browsers carry; keeps the work for a forged one small.
const MAX_BYTES: usize = 16 * 1024;

/// Seconds by which two clocks may differ.
const LEEWAY: i64 = 60;

/// Bytes of a subject at most (OpenID Connect Core 1.0, 2).
const MAX_SUBJECT: usize = 255;

/// A key of a provider (RFC 7517). What is of another kind has none of the fields.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Jwk {
    kty: String,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    n: String,
    #[serde(default)]
    e: String,
    #[serde(default)]
    x: String,
    #[serde(default)]
    y: String,
}

/// What a token says.
#[derive(Debug, Deserialize)]
pub(super) struct Claims {
    pub(super) sub: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    iat: Option<i64>,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    azp: Option<String>,
    aud: Audience,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What a token must say.
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now: Timestamp,
}

/// Why a token is not believed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub(super) enum Doubt {
    #[error("it is not signed in a way that is known here")]
    Form,
    #[error("no key of the provider signed it")]
    UnknownKey,
    #[error("its signature, issuer or audience is wrong")]
    Forged,
    #[error("it is not for now")]
    Time,
    #[error("it is not the answer to this question")]
    Nonce,
    #[error("it says nobody")]
    Subject,
}

/// Reads a token, when all of it can be believed.
pub(super) fn read(token: &str, keys: &[Jwk], expected: &Expected<'_>) -> Result<Claims, Doubt> {
    if token.len() > MAX_BYTES {
        return Err(Doubt::Form);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| Doubt::Form)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(Doubt::Form);
    }
    let mut validation = Validation::new(header.alg);
    validation.set_audience(&[expected.client_id]);
    validation.set_issuer(&[expected.issuer]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    // Checked against our own clock instead.
    validation.validate_exp = false;
    let named = header.kid.as_deref();
    let usable = keys
        .iter()
        .filter(|key| named.is_none() || key.kid.as_deref() == named);
    let usable: Vec<_> = usable
        .filter_map(|key| key.for_algorithm(header.alg))
        .collect();
    if usable.is_empty() {
        return Err(Doubt::UnknownKey);
    }
    let mut read = usable
        .iter()
        .filter_map(|key| jsonwebtoken::decode::<Claims>(token, key, &validation).ok());
    let claims = read.next().ok_or(Doubt::Forged)?.claims;
    claims.check(expected)?;
    Ok(claims)
}

impl Jwk {
    fn for_algorithm(&self, algorithm: Algorithm) -> Option<DecodingKey> {
        if self
            .purpose
            .as_deref()
            .is_some_and(|purpose| purpose != "sig")
        {
            return None;
        }
        match (algorithm, self.kty.as_str()) {
            (Algorithm::RS256, "RSA") => DecodingKey::from_rsa_components(&self.n, &self.e).ok(),
            (Algorithm::ES256, "EC") if self.crv.as_deref() == Some("P-256") => {
                DecodingKey::from_ec_components(&self.x, &self.y).ok()
            }
            _ => None,
        }
    }
}

impl Claims {
    fn check(&self, expected: &Expected<'_>) -> Result<(), Doubt> {
        let now = expected.now.0 / 1000;
        let is_early = |at: Option<i64>| at.is_some_and(|at| at > now.saturating_add(LEEWAY));
        if self.exp.saturating_add(LEEWAY) <= now || is_early(self.nbf) || is_early(self.iat) {
            return Err(Doubt::Time);
        }
        if self.nonce.as_deref() != Some(expected.nonce) {
            return Err(Doubt::Nonce);
        }
        let is_for_us_alone = match &self.aud {
            Audience::One(client) => client == expected.client_id,
            Audience::Several(all) => all.iter().all(|client| client == expected.client_id),
        };
        let is_our_party = match self.azp.as_deref() {
            Some(party) => party == expected.client_id,
            None => is_for_us_alone,
        };
        if !is_our_party {
            return Err(Doubt::Forged);
        }
        if self.sub.is_empty() || self.sub.len() > MAX_SUBJECT {
            return Err(Doubt::Subject);
        }
        Ok(())
    }
}

//! Access tokens: JWTs that are checked without a query. Refresh tokens are of `accounts`.

use std::time::Duration;

use im_core::{
    Actor, Code, DeviceId, Rejection, Scopes, Timestamp, UserId,
    port::{Identity, REVOCATIONS_LAST, Revocation, Revoked},
};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{jwt_ring, revocations::Revocations, secret::Secret};

/// How long an access token lasts. Short, because other servers on the same database learn late that one was revoked.
pub(crate) const ACCESS_TTL: Duration = Duration::from_secs(15 * 60);

/// The longest that an operator or a back end can make one last: so long a revoked one has to be remembered.
pub(crate) const MAX_TTL: Duration = REVOCATIONS_LAST;

const ISSUER: &str = "im-server";

/// Longer than any token of ours; keeps the work for a forged one small.
const MAX_TOKEN_BYTES: usize = 4096;

/// What an access token says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub(crate) struct Claims {
    /// Who.
    pub(crate) sub: UserId,
    /// On which device.
    pub(crate) device: DeviceId,
    /// The sign-in that it came from: the family of its refresh tokens.
    pub(crate) sid: Uuid,
    /// What it is good for.
    pub(crate) scope: Scopes,
    /// Until when, in seconds.
    pub(crate) exp: i64,
    /// Since when, in seconds.
    pub(crate) iat: i64,
    /// The same in milliseconds: a token of the very second in which its user signs out everywhere must end too.
    pub(crate) iat_ms: Timestamp,
    /// By whom.
    pub(crate) iss: String,
}

impl Claims {
    /// When the token ends.
    pub(crate) fn expires_at(&self) -> Timestamp {
        Timestamp(self.exp.saturating_mul(1000))
    }

    /// Who acts with the token.
    pub(crate) fn actor(&self) -> Actor {
        Actor::user(self.sub.clone()).with_scopes(self.scope)
    }

    /// Whom the token stands for.
    pub(crate) fn identity(&self) -> Identity {
        Identity {
            actor: self.actor(),
            expires_at_ms: Some(self.expires_at()),
            sign_in: Some(self.sid),
            checked_at: None,
        }
    }
}

/// Whom a token is for, and what it is good for.
pub(crate) struct Holder {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) family: Uuid,
    pub(crate) scopes: Scopes,
}

/// Signs and checks access tokens.
pub(crate) struct AccessTokens {
    signing: EncodingKey,
    checking: DecodingKey,
    validation: Validation,
    revocations: Revocations,
}

impl AccessTokens {
    /// Signs with `secret`, which `signing_key` found strong.
    pub(crate) fn new(secret: &Secret) -> Self {
        jwt_ring::install();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        // Checked against our own clock instead, which tests can turn.
        validation.validate_exp = false;
        Self {
            signing: EncodingKey::from_secret(secret.expose().as_bytes()),
            checking: DecodingKey::from_secret(secret.expose().as_bytes()),
            validation,
            revocations: Revocations::default(),
        }
    }

    /// A token for a device, and when it ends.
    pub(crate) fn issue(
        &self,
        holder: Holder,
        lifetime: (Timestamp, Duration),
    ) -> (String, Timestamp) {
        let (now, ttl) = lifetime;
        let claims = Claims {
            sub: holder.user,
            device: holder.device,
            sid: holder.family,
            scope: holder.scopes,
            exp: now.plus(ttl).0 / 1000,
            iat: now.0 / 1000,
            iat_ms: now,
            iss: ISSUER.to_owned(),
        };
        let token = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.signing)
            .expect("claims are JSON, and HS256 signs anything");
        (token, claims.expires_at())
    }

    /// What a token says, when it is ours, still good, and not revoked.
    ///
    /// # Errors
    /// [`Code::Unauthenticated`] with one sentence for whatever is wrong.
    pub(crate) fn check(&self, token: &str, now: Timestamp) -> Result<Claims, Rejection> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(unauthenticated());
        }
        let claims = jsonwebtoken::decode::<Claims>(token, &self.checking, &self.validation)
            .map_err(|_| unauthenticated())?
            .claims;
        if claims.expires_at() <= now || self.is_revoked(&claims) {
            return Err(unauthenticated());
        }
        Ok(claims)
    }

    /// Whether a token was revoked since it was checked.
    pub(crate) fn is_revoked(&self, claims: &Claims) -> bool {
        self.revocations.contains(claims)
    }

    /// Takes over what was revoked before this server started, or by another. Returns what is news.
    pub(crate) fn restore(&self, revocations: Vec<Revocation>) -> Vec<Revoked> {
        let mut news = Vec::new();
        for Revocation { of, at_ms } in revocations {
            let is_new = match &of {
                Revoked::Device(user, device) => {
                    self.revoke_device(user.clone(), device.clone(), at_ms)
                }
                Revoked::Family(family) => self.revoke_family(*family, at_ms),
                Revoked::User(user) => self.revoke_user(user, at_ms),
            };
            news.extend(is_new.then_some(of));
        }
        news
    }

    /// Ends all access tokens of a sign-in. Whether that is news.
    pub(crate) fn revoke_family(&self, family: Uuid, now: Timestamp) -> bool {
        self.revocations.add_family(family, now, now.plus(MAX_TTL))
    }

    /// Ends all access tokens that a user was issued for a device up to this moment. Whether that is news.
    pub(crate) fn revoke_device(&self, user: UserId, device: DeviceId, now: Timestamp) -> bool {
        let until = now.plus(MAX_TTL);
        self.revocations.add_device((user, device), now, until)
    }

    /// Ends all access tokens that a user was issued before this second. Whether that is news.
    pub(crate) fn revoke_user(&self, user: &UserId, now: Timestamp) -> bool {
        self.revocations
            .add_user(user.clone(), now, now.plus(MAX_TTL))
    }
}

/// The one answer to every kind of bad credential.
pub(crate) fn unauthenticated() -> Rejection {
    Rejection::new(
        Code::Unauthenticated,
        "the token is missing, malformed, expired or revoked; sign in again",
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};

    use super::*;
    use crate::opaque;

    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn tokens() -> AccessTokens {
        AccessTokens::new(&Secret::new(opaque::random_text()))
    }

    fn holder(family: u128) -> Holder {
        Holder {
            user: UserId::new("alice").unwrap(),
            device: DeviceId::new("d").unwrap(),
            family: Uuid::from_u128(family),
            scopes: Scopes::USER,
        }
    }

    fn issue(tokens: &AccessTokens) -> String {
        tokens.issue(holder(1), (NOW, ACCESS_TTL)).0
    }

    #[test]
    fn a_token_says_who_and_until_when() {
        let tokens = tokens();
        let claims = tokens.check(&issue(&tokens), NOW).unwrap();

        assert_eq!(claims.sub.as_str(), "alice");
        assert_eq!(claims.sid, Uuid::from_u128(1));
        assert_eq!(claims.scope, Scopes::USER);
        assert_eq!(claims.expires_at(), NOW.plus(ACCESS_TTL));
    }

    #[test]
    fn forged_expired_foreign_and_unsigned_tokens_get_the_same_answer() {
        let tokens = tokens();
        let good = issue(&tokens);
        let (signed, signature) = good.rsplit_once('.').unwrap();
        let (header, claims) = signed.split_once('.').unwrap();
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT"}"#);
        let hs512 = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS512","typ":"JWT"}"#);
        let foreign = issue(&self::tokens());
        let altered = claims.replace('J', "K");
        let bad = [
            String::new(),
            "x".repeat(100_000),
            format!("{header}.{altered}.{signature}"),
            format!("{none}.{claims}."),
            format!("{hs512}.{claims}.{signature}"),
            format!("{signed}."),
            foreign,
        ];

        for token in bad {
            assert_eq!(
                tokens.check(&token, NOW),
                Err(unauthenticated()),
                "{token:.90}"
            );
        }
        assert_eq!(
            tokens.check(&good, NOW.plus(ACCESS_TTL)),
            Err(unauthenticated())
        );
    }

    #[test]
    fn a_revoked_family_ends_at_once_and_others_stay() {
        let tokens = tokens();
        let token = issue(&tokens);

        tokens.revoke_family(Uuid::from_u128(2), NOW);
        assert!(tokens.check(&token, NOW).is_ok());
        tokens.revoke_family(Uuid::from_u128(1), NOW);
        assert_eq!(tokens.check(&token, NOW), Err(unauthenticated()));
    }

    #[test]
    fn revoking_a_device_ends_what_it_was_issued_before_and_nothing_else() {
        let tokens = tokens();
        let issue = |user: &str, device: &str, at: Timestamp| {
            let holder = Holder {
                user: UserId::new(user).unwrap(),
                device: DeviceId::new(device).unwrap(),
                ..holder(3)
            };
            tokens.issue(holder, (at, ACCESS_TTL)).0
        };
        let later = Timestamp(NOW.0 + 1);
        let old = issue("alice", "phone", NOW);
        let others = [
            issue("alice", "phone", later),
            issue("alice", "tablet", NOW),
            issue("bob", "phone", NOW),
        ];

        let (user, device) = (
            UserId::new("alice").unwrap(),
            DeviceId::new("phone").unwrap(),
        );
        tokens.revoke_device(user, device, NOW);

        assert_eq!(tokens.check(&old, later), Err(unauthenticated()));
        for token in others {
            assert!(tokens.check(&token, later).is_ok());
        }
    }

    #[test]
    fn revoking_a_user_ends_what_was_issued_before_and_not_what_comes_after() {
        let tokens = tokens();
        let old = issue(&tokens);
        let later = Timestamp(NOW.0 + 2_500);
        let issue_at = |at: Timestamp| {
            let lifetime = (at, ACCESS_TTL);
            tokens.issue(holder(3), lifetime).0
        };
        let same_second = issue_at(Timestamp(later.0 - 1));

        tokens.revoke_user(&UserId::new("alice").unwrap(), later);

        assert_eq!(tokens.check(&old, later), Err(unauthenticated()));
        assert_eq!(tokens.check(&same_second, later), Err(unauthenticated()));
        assert!(
            tokens
                .check(&issue_at(Timestamp(later.0 + 1)), later)
                .is_ok()
        );
    }
}

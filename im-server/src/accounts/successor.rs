//! Which refresh token follows which: a function of the former one and the server's secret. So a client whose answer was
//! lost gets the same one again, nobody else can tell it, and only its hash is stored.

use ring::hmac;

use crate::{opaque::Kind, secret::Secret};

/// What the secret is used for here: signing access tokens takes it as it is.
const PURPOSE: &[u8] = b"im-server: successors of refresh tokens";

/// Derives refresh tokens.
pub(super) struct Successors(hmac::Key);

impl Successors {
    /// Derives with `secret`, which all servers on one database share.
    pub(super) fn new(secret: &Secret) -> Self {
        Self(secret.key_for(PURPOSE))
    }

    /// The token after `token`.
    pub(super) fn of(&self, token: &str) -> String {
        Kind::Refresh.text_of(hmac::sign(&self.0, token.as_bytes()).as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::opaque;

    #[test]
    fn a_successor_follows_from_its_predecessor_and_the_secret_alone() {
        let (secret, other) = (opaque::random_text(), opaque::random_text());
        let of = |secret: &str, token: &str| Successors::new(&Secret::new(secret)).of(token);
        let first = Kind::Refresh.generate();

        let second = of(&secret, &first);

        assert_eq!(second, of(&secret, &first));
        assert_ne!(second, of(&other, &first));
        assert_ne!(second, of(&secret, &second));
        assert!(Kind::Refresh.hash(&second).is_some(), "it can be used");
    }
}

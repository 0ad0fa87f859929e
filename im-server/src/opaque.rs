//! Opaque credentials: random texts that mean nothing by themselves. Only their hash is kept.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    digest,
    rand::{SecureRandom as _, SystemRandom},
};

/// What kind of credential a text is; told by its first characters, so that a leak scanner finds it too.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Kind {
    /// Gets new access tokens.
    Refresh,
    /// Lets a back end in.
    ServerKey,
    /// Opens one session.
    Ticket,
}

/// Characters of 32 bytes in base64url.
const BODY_CHARS: usize = 43;

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Refresh => "imr_",
            Self::ServerKey => "imk_",
            Self::Ticket => "imt_",
        }
    }

    /// A fresh credential of this kind: 32 random bytes behind the prefix.
    pub(crate) fn generate(self) -> String {
        format!("{}{}", self.prefix(), random_text())
    }

    /// The credential of this kind that these 32 bytes are, which nobody else may know.
    pub(crate) fn text_of(self, bytes: &[u8]) -> String {
        format!("{}{}", self.prefix(), URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Whether a text claims to be of this kind.
    pub(crate) fn is_claimed_by(self, text: &str) -> bool {
        text.starts_with(self.prefix())
    }

    /// The hash to look a credential up by; `None` when it cannot be one, which saves the look-up.
    pub(crate) fn hash(self, text: &str) -> Option<[u8; 32]> {
        let body = text.strip_prefix(self.prefix())?;
        let decodes = body.len() == BODY_CHARS && URL_SAFE_NO_PAD.decode(body).is_ok();
        decodes.then(|| sha256(text.as_bytes()))
    }
}

/// 32 bytes of the system's randomness, as text.
///
/// # Panics
/// When the system has no randomness: nothing safe can be done without.
pub(crate) fn random_text() -> String {
    let mut bytes = [0; 32];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system has randomness");
    URL_SAFE_NO_PAD.encode(bytes)
}

/// SHA-256. Enough for texts with 256 random bits, which nobody can guess; passwords need Argon2.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_hashes_only_as_its_own_kind() {
        let key = Kind::ServerKey.generate();

        assert!(Kind::ServerKey.hash(&key).is_some());
        assert_eq!(Kind::ServerKey.hash(&key), Kind::ServerKey.hash(&key));
        assert_eq!(Kind::Refresh.hash(&key), None);
        for bad in ["imk_", "imk_short", &format!("{key}x"), &key[4..]] {
            assert_eq!(Kind::ServerKey.hash(bad), None, "{bad}");
        }
    }
}

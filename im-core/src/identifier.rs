//! What an account is found by beside its user id: an e-mail address, a phone number, a subject of an identity provider.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::digest;

/// Bytes of an e-mail address at most (RFC 5321, 4.5.3.1.3).
const EMAIL_BYTES: usize = 254;

/// Bytes before the `@` at most (RFC 5321, 4.5.3.1.1).
const LOCAL_BYTES: usize = 64;

/// Digits of a phone number (ITU-T E.164); the shortest in use have 7.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// What kind of identifier a text is.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum IdentifierKind {
    /// An e-mail address.
    Email,
    /// A phone number in the form of E.164.
    Phone,
    /// A subject at an identity provider. An account can have several.
    Subject,
}

/// An e-mail address, a phone number, or a subject of an identity provider, in the one form in which it is compared.
/// Debug hides it: it is about a person.
#[derive(Clone, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Identifier {
    kind: IdentifierKind,
    text: String,
}

/// A text is neither an e-mail address nor a phone number.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("must be an e-mail address, or a phone number such as +4915112345678")]
pub struct InvalidIdentifier;

impl Identifier {
    /// Reads what a person typed: an e-mail address, which is put into lower case, or a phone number with its country
    /// code, from which spaces, hyphens and parentheses are taken out.
    ///
    /// # Errors
    /// [`InvalidIdentifier`] for anything else.
    pub fn parse(text: &str) -> Result<Self, InvalidIdentifier> {
        let text = text.trim();
        if text.len() > EMAIL_BYTES {
            return Err(InvalidIdentifier);
        }
        if let Some(number) = text.strip_prefix('+') {
            let is_filler = |c: char| " -()".contains(c);
            let digits: String = number.chars().filter(|c| !is_filler(*c)).collect();
            let is_number = digits.bytes().all(|b| b.is_ascii_digit())
                && !digits.starts_with('0')
                && PHONE_DIGITS.contains(&digits.len());
            let text = format!("+{digits}");
            let kind = IdentifierKind::Phone;
            return is_number
                .then_some(Self { kind, text })
                .ok_or(InvalidIdentifier);
        }
        is_email(text)
            .then(|| Self {
                kind: IdentifierKind::Email,
                text: text.to_ascii_lowercase(),
            })
            .ok_or(InvalidIdentifier)
    }

    /// A subject at an identity provider: kept as a hash, because nobody has to read it.
    #[must_use]
    pub fn subject(issuer: &str, subject: &str) -> Self {
        // The length keeps two pairs apart whose texts together are the same.
        let pair = format!("{}\n{issuer}{subject}", issuer.len());
        let hash = digest::digest(&digest::SHA256, pair.as_bytes());
        Self {
            kind: IdentifierKind::Subject,
            text: URL_SAFE_NO_PAD.encode(hash),
        }
    }

    /// What a store kept of an identifier.
    #[must_use]
    pub const fn stored(kind: IdentifierKind, text: String) -> Self {
        Self { kind, text }
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> IdentifierKind {
        self.kind
    }

    /// The text that is compared.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl IdentifierKind {
    /// Whether an account has at most one of this kind.
    #[must_use]
    pub const fn is_single(self) -> bool {
        match self {
            Self::Email | Self::Phone => true,
            Self::Subject => false,
        }
    }
}

impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}([redacted])", self.kind)
    }
}

/// ASCII only: letters of other scripts that look like Latin ones would make two addresses look the same.
fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let is_local = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~.".contains(&b);
    let is_label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    (1..=LOCAL_BYTES).contains(&local.len())
        && local.bytes().all(is_local)
        && !local.starts_with('.')
        && !local.ends_with('.')
        && !local.contains("..")
        && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_has_one_form() {
        for (typed, kind, text) in [
            (
                " Alice@Example.ORG ",
                IdentifierKind::Email,
                "alice@example.org",
            ),
            ("a+b@localhost", IdentifierKind::Email, "a+b@localhost"),
            (
                "+49 (151) 123-45678",
                IdentifierKind::Phone,
                "+4915112345678",
            ),
        ] {
            let read = Identifier::parse(typed);
            assert_eq!(
                read,
                Ok(Identifier::stored(kind, text.to_owned())),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_nobody_can_be_reached_by_is_refused() {
        for bad in [
            "",
            "alice",
            "@example.org",
            "alice@",
            "a b@example.org",
            "alice@exam_ple.org",
            ".a@example.org",
            "a@-example.org",
            "ａ@example.org",
            "15112345678",
            "+0151123456",
            "+123456",
            "+1234567890123456",
            "+49x1234567",
            &format!("{}@example.org", "a".repeat(65)),
        ] {
            assert_eq!(Identifier::parse(bad), Err(InvalidIdentifier), "{bad}");
        }
    }

    #[test]
    fn subjects_of_two_providers_are_two_identifiers() {
        let of = Identifier::subject;
        assert_eq!(of("https://a", "1"), of("https://a", "1"));
        assert_ne!(of("https://a", "1"), of("https://b", "1"));
        assert_ne!(of("https://a", "bc"), of("https://ab", "c"));
    }

    #[test]
    fn an_identifier_is_not_printed() {
        let email = Identifier::parse("alice@example.org");
        assert_eq!(format!("{email:?}"), "Ok(Email([redacted]))");
    }
}

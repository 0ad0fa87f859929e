//! Scopes: what a credential is good for, of what its user may do.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// One thing that a credential can be good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// See what its user may see.
    Read,
    /// Say and change what its user may say and change.
    Write,
    /// Administer, where its user is an admin.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// The name in a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 4,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of scopes. As text: their names with spaces between, as in RFC 6749, section 3.3.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Scopes(u8);

impl Scopes {
    /// Good for everything.
    pub const ALL: Self = Self(7);
    /// Good for what users do: all but administering.
    pub const USER: Self = Self(3);

    /// Whether a scope is among them.
    #[must_use]
    pub const fn contains(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    /// These scopes alone.
    #[must_use]
    pub fn of(scopes: &[Scope]) -> Self {
        Self(scopes.iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scopes({self})")
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut space = "";
        for scope in Scope::ALL {
            if self.contains(scope) {
                write!(f, "{space}{scope}")?;
                space = " ";
            }
        }
        Ok(())
    }
}

/// A text names something that is no scope, or nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("scopes are `read`, `write` and `admin`, with spaces between")]
pub struct InvalidScopes;

impl FromStr for Scopes {
    type Err = InvalidScopes;

    fn from_str(text: &str) -> Result<Self, InvalidScopes> {
        let mut bits = 0;
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            let scope = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
            bits |= scope.ok_or(InvalidScopes)?.bit();
        }
        if bits == 0 {
            return Err(InvalidScopes);
        }
        Ok(Self(bits))
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scopes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_read_as_they_are_written() {
        for text in [
            "read",
            "write",
            "read write",
            "read admin",
            "read write admin",
        ] {
            let scopes: Scopes = text.parse().unwrap();
            assert_eq!(scopes.to_string(), text);
        }
        assert_eq!("write  read write".parse(), Ok(Scopes::USER));
        assert!(Scopes::USER.contains(Scope::Read) && !Scopes::USER.contains(Scope::Admin));
    }

    #[test]
    fn what_is_no_scope_is_refused() {
        for text in ["", " ", "user", "read,write", "READ"] {
            assert_eq!(text.parse::<Scopes>(), Err(InvalidScopes), "{text:?}");
        }
    }
}

//! One-time codes, as keyed hashes.

use std::{fmt, hint::black_box, time::Duration};

use async_trait::async_trait;

use crate::{StoreError, Timestamp};

/// How long a code can be used.
pub const CODES_LAST: Duration = Duration::from_secs(5 * 60);

/// Wrong tries after which a code is worth nothing.
pub const CODE_TRIES: u32 = 5;

/// Keyed hash of a code. Debug hides it: who has the key could try all codes.
#[derive(Clone, Copy)]
pub struct CodeHash(pub [u8; 32]);

impl CodeHash {
    /// Whether two hashes are the same. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, other: &Self) -> bool {
        let pairs = self.0.iter().zip(&other.0);
        black_box(pairs.fold(0, |differs, (a, b)| black_box(differs | (a ^ b)))) == 0
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A code that was given.
#[derive(Clone, Debug)]
pub struct OneTimeCode {
    /// Keyed hash of what it is for and to whom it was sent: there is one code for each.
    pub id: [u8; 32],
    /// Keyed hash of the code.
    pub code: CodeHash,
    /// Until when.
    pub expires_at_ms: Timestamp,
}

/// Codes that were given and not yet used.
///
/// # Contract
/// - A code is used once, whatever the number of nodes that try at the same moment, until it expires, and not after
///   [`CODE_TRIES`] wrong tries.
/// - Hashes are compared by [`CodeHash::matches`].
/// - Codes that have expired are forgotten when others are given.
#[async_trait]
pub trait CodeStore: Send + Sync + 'static {
    /// Stores a code; a former one with the same id ends.
    async fn give(&self, code: OneTimeCode, now: Timestamp) -> Result<(), StoreError>;

    /// Tries a code: `true` uses it up, `false` counts.
    async fn attempt(
        &self,
        id: [u8; 32],
        code: CodeHash,
        now: Timestamp,
    ) -> Result<bool, StoreError>;
}

//! Passwords: their form, and Argon2id behind a gate, so that a storm of sign-ins takes neither all memory nor all
//! cores from those who chat.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{
        PasswordHasher as _, PasswordVerifier as _,
        phc::{Output, ParamsString, PasswordHash, Salt},
    },
};
use im_core::{Code, Rejection};
use serde::{Deserialize, Deserializer};
use tokio::sync::Semaphore;

use crate::opaque;

/// Characters of a password at least. NIST SP 800-63B.
pub(crate) const MIN_CHARS: usize = 8;

/// Characters of a password at most: bounds the work of hashing.
pub(crate) const MAX_CHARS: usize = 128;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const PARAMS: Params = Params::DEFAULT;

/// Requests that wait for the gate at most. At 30 ms each and one at a time, the last waits for two seconds.
const MAX_WAITING: usize = 64;

/// A password as somebody typed it.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Checks the form that a new password must have.
    ///
    /// # Errors
    /// [`Code::InvalidRequest`] unless it has 8 to 128 characters.
    pub(crate) fn check_new(&self) -> Result<(), Rejection> {
        match self.0.chars().count() {
            MIN_CHARS..=MAX_CHARS => Ok(()),
            _ => Err(Rejection::new(
                Code::InvalidRequest,
                format!("password: must have {MIN_CHARS} to {MAX_CHARS} characters"),
            )),
        }
    }

    fn is_too_long(&self) -> bool {
        self.0.len() > MAX_CHARS * 4
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl<'de> Deserialize<'de> for Password {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

/// Hashes and checks passwords, a few at a time.
pub(crate) struct Passwords {
    gate: Arc<Semaphore>,
    waiting: AtomicUsize,
    decoy: String,
    /// How often one was hashed or checked: what an attempt costs, for tests that time would make unsure.
    #[cfg(test)]
    runs: AtomicUsize,
}

impl Passwords {
    /// A gate for half of the cores.
    pub(crate) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            gate: Arc::new(Semaphore::new((cores / 2).max(1))),
            waiting: AtomicUsize::new(0),
            decoy: decoy(),
            #[cfg(test)]
            runs: AtomicUsize::new(0),
        }
    }

    /// Argon2id in PHC format, with a random salt.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many wait.
    pub(crate) async fn hash(&self, password: Password) -> Result<String, Rejection> {
        self.run(move || hash(&password.0)).await
    }

    /// Whether a password is the one behind `stored`. Without one the same work is done for nothing, so that the time
    /// does not tell whether there is an account.
    ///
    /// # Errors
    /// [`Code::Overloaded`] when too many wait.
    pub(crate) async fn verify(
        &self,
        password: Password,
        stored: Option<String>,
    ) -> Result<bool, Rejection> {
        if password.is_too_long() {
            return Ok(false);
        }
        let exists = stored.is_some();
        let stored = stored.unwrap_or_else(|| self.decoy.clone());
        let matches = self
            .run(move || {
                argon2()
                    .verify_password(password.0.as_bytes(), stored.as_str())
                    .is_ok()
            })
            .await?;
        Ok(matches && exists)
    }

    /// How often one was hashed or checked so far.
    #[cfg(test)]
    pub(crate) fn runs(&self) -> usize {
        self.runs.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Rejection> {
        let permit = {
            let _place = Place::take(&self.waiting)?;
            let gate = Arc::clone(&self.gate);
            gate.acquire_owned().await.expect("nobody closes the gate")
        };
        #[cfg(test)]
        self.runs.fetch_add(1, Ordering::Relaxed);
        // The work keeps the permit even when the request goes away, or hanging up would open the gate.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        Ok(task.await.expect("hashing neither panics nor is cancelled"))
    }
}

/// A place in the queue before the gate.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(waiting: &'a AtomicUsize) -> Result<Self, Rejection> {
        let place = Self(waiting);
        if waiting.fetch_add(1, Ordering::Relaxed) >= MAX_WAITING {
            return Err(Rejection::new(
                Code::Overloaded,
                "too many are signing in at the moment; try again in a few seconds",
            )
            .retry_after(Duration::from_secs(2)));
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, PARAMS)
}

fn hash(password: &str) -> String {
    argon2()
        .hash_password(password.as_bytes())
        .expect("the parameters are valid and the system has randomness")
        .to_string()
}

/// What stands where a stored password would, and is none's. Nothing is hashed for it: a start needs no 19 MiB.
fn decoy() -> String {
    let output = opaque::sha256(opaque::random_text().as_bytes());
    let decoy = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&PARAMS).expect("the parameters are valid"),
        salt: Some(Salt::generate()),
        hash: Some(Output::new(&output).expect("it is as long as a hash")),
    };
    decoy.to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn a_password_is_found_again_and_another_is_not() {
        let passwords = Passwords::new();
        let stored = passwords
            .hash(Password::new("correct horse"))
            .await
            .unwrap();

        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        let verify = |text: &str, stored| passwords.verify(Password::new(text), stored);
        assert!(verify("correct horse", Some(stored.clone())).await.unwrap());
        assert!(!verify("incorrect horse", Some(stored)).await.unwrap());
        assert!(!verify("correct horse", None).await.unwrap());
    }

    #[test]
    fn a_decoy_takes_the_same_work_as_a_stored_password() {
        let stored = PasswordHash::new(&hash("correct horse")).unwrap();
        let decoy = PasswordHash::new(&decoy()).unwrap();

        assert_eq!(decoy.algorithm, stored.algorithm);
        assert_eq!(decoy.version, stored.version);
        assert_eq!(decoy.params, stored.params);
        let lengths = |of: &PasswordHash| {
            (
                of.salt.map(|salt| salt.len()),
                of.hash.map(|hash| hash.len()),
            )
        };
        assert_eq!(lengths(&decoy), lengths(&stored));
        assert_ne!(decoy.salt, stored.salt);
    }

    #[tokio::test]
    async fn a_storm_is_refused_beyond_the_queue() {
        let passwords = Passwords::new();
        passwords.waiting.store(MAX_WAITING, Ordering::Relaxed);

        let refused = passwords
            .hash(Password::new("correct horse"))
            .await
            .unwrap_err();

        assert_eq!(refused.code, Code::Overloaded);
        assert_eq!(passwords.waiting.load(Ordering::Relaxed), MAX_WAITING);
    }

    #[test]
    fn the_form_of_a_new_password_is_checked_in_characters() {
        assert!(Password::new("1234567").check_new().is_err());
        assert!(Password::new("密码密码密码密码").check_new().is_ok());
        assert!(Password::new("x".repeat(128)).check_new().is_ok());
        assert!(Password::new("x".repeat(129)).check_new().is_err());
    }
}

//! One-time codes: six digits that are sent to an address and prove that somebody reads there.
//!
//! What is stored is a keyed hash of the code under a keyed hash of where it went and what it is for. How often codes are
//! sent and tried is bounded by `throttle` and by the store.

mod sender;

use std::sync::Arc;

use im_core::{
    Code, Identifier, Rejection, UserId,
    port::{CODES_LAST, CodeHash, OneTimeCode, Ports},
};
use ring::{
    hmac,
    rand::{SecureRandom as _, SystemRandom},
};

pub(crate) use self::sender::LogSender;
pub use self::sender::{CodeSender, Purpose};
use crate::secret::Secret;

/// One more than the largest code.
const CODES: u32 = 1_000_000;

/// Gives codes and takes them back.
pub(crate) struct Codes {
    key: hmac::Key,
    ports: Ports,
    sender: Option<Arc<dyn CodeSender>>,
}

impl Codes {
    pub(crate) fn new(secret: &Secret, ports: Ports, sender: Option<Arc<dyn CodeSender>>) -> Self {
        Self {
            key: secret.key_for(b"im-server: one-time codes"),
            ports,
            sender,
        }
    }

    /// Gives a code. Unless it is wanted it is not sent, and everything else is the same, also the time.
    pub(crate) async fn give(
        &self,
        purpose: Purpose,
        identifier: Identifier,
        user: Option<&UserId>,
        is_wanted: bool,
    ) -> Result<(), Rejection> {
        let Some(sender) = self.sender.clone() else {
            return Err(Rejection::new(
                Code::Forbidden,
                "this server sends no codes; sign in with a password",
            ));
        };
        let code = random_code();
        let id = self.id(purpose, &identifier, user);
        let now = self.ports.runtime.now();
        let given = OneTimeCode {
            id,
            code: self.hash(&id, code.expose()),
            expires_at_ms: now.plus(CODES_LAST),
        };
        self.ports.codes.give(given, now).await?;
        if is_wanted {
            self.ports.runtime.spawn(Box::pin(async move {
                if let Err(error) = sender.send(&identifier, &code, purpose).await {
                    tracing::error!(%error, %purpose, "a code could not be sent");
                }
            }));
        }
        Ok(())
    }

    /// Uses a code up.
    ///
    /// # Errors
    /// `Unauthenticated` with one sentence for whatever is wrong.
    pub(crate) async fn redeem(
        &self,
        purpose: Purpose,
        identifier: &Identifier,
        user: Option<&UserId>,
        code: &Secret,
    ) -> Result<(), Rejection> {
        let id = self.id(purpose, identifier, user);
        let hash = self.hash(&id, code.expose().trim());
        let now = self.ports.runtime.now();
        if self.ports.codes.attempt(id, hash, now).await? {
            Ok(())
        } else {
            Err(wrong())
        }
    }

    fn id(&self, purpose: Purpose, to: &Identifier, user: Option<&UserId>) -> [u8; 32] {
        let user = user.map_or("", UserId::as_str);
        // None of them holds a line end.
        let text = format!("id\n{purpose}\n{}\n{user}", to.as_str());
        self.sign(text.as_bytes())
    }

    fn hash(&self, id: &[u8; 32], code: &str) -> CodeHash {
        CodeHash(self.sign(&[b"code\n", &id[..], code.as_bytes()].concat()))
    }

    fn sign(&self, text: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.key, text).as_ref());
        hash
    }
}

/// The one answer to every code that is not good.
pub(crate) fn wrong() -> Rejection {
    Rejection::new(
        Code::Unauthenticated,
        "the code is wrong, too old or used; ask for a new one",
    )
}

/// Six digits, each code as likely as every other.
fn random_code() -> Secret {
    let random = SystemRandom::new();
    // Numbers beyond the last whole round of codes would make the first ones likelier.
    let end = u32::MAX - u32::MAX % CODES;
    loop {
        let mut bytes = [0; 4];
        random.fill(&mut bytes).expect("the system has randomness");
        let number = u32::from_be_bytes(bytes);
        if number < end {
            return Secret::new(format!("{:06}", number % CODES));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_six_digits_and_another_every_time() {
        let codes: std::collections::HashSet<String> = (0..100)
            .map(|_| random_code().expose().to_owned())
            .collect();

        assert!(codes.len() > 90);
        for code in codes {
            assert!(
                code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit()),
                "{code}"
            );
        }
    }
}

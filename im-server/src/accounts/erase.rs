//! Erasing accounts.

use im_core::{Rejection, UserId};

use super::Accounts;

impl Accounts {
    /// Erases a user, of this server or of a back end: account, profile, devices, tokens, and what it said. Who was
    /// erased before is erased again, which finds what came since.
    ///
    /// # Errors
    /// `NotFound` when there is no such user, `Unavailable` when the store does not answer: then it is gone on with at
    /// the next start, or within the hour.
    pub async fn erase(&self, user: &UserId) -> Result<(), Rejection> {
        if self.ports.erasures.erasure(user).await?.is_none() {
            self.check_exists(user).await?;
        }
        // First of all the mark: whatever breaks off after it is gone on with.
        self.ports.erasures.begin(user, self.now()).await?;
        self.sign_out_everywhere(user).await?;
        self.im.erase(user).await
    }
}

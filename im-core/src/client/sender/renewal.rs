//! Saying again, on a new link, what the program said on the last one: whom it watches, and whether somebody is there.

use super::{Sender, lock};
use crate::{
    Call as _, Code, Command, CountUnread, Error, Presence, Reply, SetPresence, SubscribePresence,
    UnreadTotals, UnsubscribePresence, UserId,
};

/// Users in one request: what servers take unless they are told otherwise.
const AT_ONCE: usize = 500;

impl Sender {
    /// Says on the present link whether somebody is there, until the far end knows what the program said last.
    ///
    /// # Cancel safety
    /// What is not done is done the next time.
    pub(in crate::client) async fn attend_again(&self) -> Result<(), Error> {
        loop {
            let link = self.link().await?;
            let Some(availability) = lock(&self.shared.attention).news(&link) else {
                return Ok(());
            };
            let say = SetPresence { availability }.into_command();
            match self.execute(say).await {
                Ok((_, link)) => lock(&self.shared.attention).known(&link, availability),
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                    self.pause_after(&rejection).await;
                }
                // It never will.
                Err(Error::Rejected(_)) => {
                    lock(&self.shared.attention).known(&link, availability);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Watches on the present link whom the program wants to watch, until that is done.
    ///
    /// # Cancel safety
    /// What is not done is done the next time; what was found out is told by [`Sender::presence_news`].
    pub(in crate::client) async fn watch_again(&self) -> Result<(), Error> {
        let mut limit = AT_ONCE;
        loop {
            let link = self.link().await?;
            let users = lock(&self.shared.watches).lapsed(&link, limit);
            if users.is_empty() {
                return Ok(());
            }
            let watch = SubscribePresence {
                users: users.clone(),
            };
            match self.execute(watch.into_command()).await {
                Ok((Reply::SubscribePresence(presences), link)) => {
                    lock(&self.shared.watches).renewed(&link, &presences.items);
                    self.leave_alone(users).await?;
                }
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                    self.pause_after(&rejection).await;
                }
                Err(Error::Rejected(rejection))
                    if rejection.code == Code::TooMany && users.len() > 1 =>
                {
                    limit = users.len() / 2;
                }
                // It never will.
                Ok(_) | Err(Error::Rejected(_)) => lock(&self.shared.watches).given_up(&users),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whom the program stopped watching while this asked for the opposite.
    async fn leave_alone(&self, users: Vec<UserId>) -> Result<(), Error> {
        let users = lock(&self.shared.watches).unwanted(&users);
        if !users.is_empty() {
            let unwatch = Command::UnsubscribePresence(UnsubscribePresence { users });
            self.execute(unwatch).await?;
        }
        Ok(())
    }

    /// What changed while there was no link.
    pub(in crate::client) fn presence_news(&self) -> Vec<Presence> {
        lock(&self.shared.watches).take_news()
    }

    /// The server told of a change.
    pub(in crate::client) fn presence_told(&self, presence: &Presence) {
        lock(&self.shared.watches).told(presence);
    }

    /// Asks on a new link to be told what is unread, where the program did. What it does not know of that.
    ///
    /// # Cancel safety
    /// It is asked again the next time.
    pub(in crate::client) async fn count_unread_again(
        &self,
    ) -> Result<Option<UnreadTotals>, Error> {
        if !lock(&self.shared.watches).wants_unread() {
            return Ok(None);
        }
        let before = lock(&self.shared.watches).known_unread();
        let totals = self
            .call_until_answered(CountUnread { watch: true })
            .await?;
        Ok((before != Some(totals)).then_some(totals))
    }

    /// The server says what is unread.
    pub(in crate::client) fn unread_told(&self, totals: UnreadTotals) {
        lock(&self.shared.watches).unread_told(totals);
    }
}

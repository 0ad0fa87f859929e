//! What a decision needs to know beside the conversation's state, and the refusals that follow from it alone.

use crate::{Code, Entry, Limits, Rejection, Seq, Timestamp, UserId};

/// How many users a refusal names.
const NAMED: usize = 10;

/// What a decision needs to know beside the conversation's state.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The entries that the request changes or attaches something to, as the log has them now.
    pub targets: Vec<Entry>,
    /// Users whom the request would bring in, and who are banned here.
    pub banned: Vec<UserId>,
    /// Users in the request who asked to be let in.
    pub requested: Vec<UserId>,
    /// Until when somebody who comes back was silenced, when that is not over.
    pub silent_until: Option<Timestamp>,
    /// Who says something before this request and is not taken in yet: those of the same batch, where that matters.
    pub earlier: Vec<UserId>,
    /// Whether one of the two in a direct conversation has blocked the other.
    pub blocked: bool,
    /// Of the two in a direct conversation, those to whom only their contacts may write.
    pub contacts_only: Vec<UserId>,
    /// Whether the two in a direct conversation are contacts. Looked up only where it matters.
    pub is_contact: bool,
    /// Users in the request who do not exist.
    pub unknown: Vec<UserId>,
    /// Users whom the request would bring in, and who are in [`Limits::conversations_per_user`] conversations already.
    pub full: Vec<UserId>,
}

impl Facts {
    /// One of the entries that the request is about.
    pub(super) fn target(&self, seq: Seq) -> Option<&Entry> {
        self.targets.iter().find(|target| target.seq == seq)
    }

    /// Refuses to bring in who is banned.
    pub(super) fn check_banned(&self, entering: &[UserId]) -> Result<(), Rejection> {
        match self.banned.iter().find(|user| entering.contains(user)) {
            Some(user) => Err(Rejection::new(
                Code::Banned,
                format!("{user} was removed from here and cannot come back; lift the ban first"),
            )),
            None => Ok(()),
        }
    }

    /// Refuses a request that names users who do not exist.
    pub(super) fn check_known(&self) -> Result<(), Rejection> {
        match self.unknown.first() {
            Some(user) => Err(Rejection::new(
                Code::NotFound,
                format!("there is no user {user}; check the id"),
            )),
            None => Ok(()),
        }
    }

    /// Refuses to write to somebody who hears from its contacts alone.
    pub(super) fn check_contact(&self, actor: &UserId) -> Result<(), Rejection> {
        let is_closed = self.contacts_only.iter().any(|user| user != actor);
        if is_closed && !self.is_contact {
            return Err(Rejection::new(
                Code::ContactsOnly,
                "this user takes messages from contacts alone; ask to become one (contact.request)",
            ));
        }
        Ok(())
    }

    /// Refuses to bring in who is in as many conversations as one can be.
    pub(super) fn check_places(
        &self,
        actor: &UserId,
        entering: &[UserId],
        limits: &Limits,
    ) -> Result<(), Rejection> {
        let full: Vec<&str> = self
            .full
            .iter()
            .filter(|user| entering.contains(user))
            .map(UserId::as_str)
            .collect();
        if full.is_empty() {
            return Ok(());
        }
        let most = limits.conversations_per_user;
        let detail = if full.contains(&actor.as_str()) {
            format!("you are in {most} conversations, as many as one user can be; leave one first")
        } else {
            let named: Vec<_> = full.iter().take(NAMED).copied().collect();
            let named = named.join(", ");
            let others = match full.len().saturating_sub(NAMED) {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            format!(
                "already in {most} conversations, as many as one user can be: {named}{others}; \
                 try without them, or when they have left one"
            )
        };
        Err(Rejection::new(Code::TooMany, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(ids: impl IntoIterator<Item = String>) -> Vec<UserId> {
        ids.into_iter().map(|id| UserId::new(id).unwrap()).collect()
    }

    #[test]
    fn a_refusal_names_who_is_full_but_not_hundreds() {
        let everybody = users((0..300).map(|n| format!("u{n}")));
        let actor = UserId::new("alice").unwrap();
        let facts = Facts {
            full: everybody.clone(),
            ..Facts::default()
        };

        let refused = |entering: &[UserId]| {
            let checked = facts.check_places(&actor, entering, &Limits::default());
            checked.unwrap_err().detail.into_owned()
        };

        assert!(refused(&everybody[3..5]).contains(": u3, u4; try without"));
        assert!(refused(&everybody).contains("u8, u9 and 290 more; try without"));
        let outside = users(["bob".to_owned()]);
        let checked = facts.check_places(&actor, &outside, &Limits::default());
        assert_eq!(checked, Ok(()), "who does not enter does not matter");
    }
}

//! What admins of the whole service do to a conversation, of which they need not be members. That they are admins is known.

use super::{Decided, Decision, forbidden, standing_message};
use crate::{
    Body, Seq,
    state::{ConversationState, Facts},
};

impl ConversationState {
    pub(super) fn dismiss_for_admin(&self) -> Decided {
        if !self.info().kind.has_roster() {
            return Err(forbidden(
                "a direct conversation does not end; restrict who misuses it",
            ));
        }
        if self.info().dismissed {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Dismissed))
    }

    /// Also where the conversation ended: what was said there can be read still.
    pub(super) fn recall_for_admin(&self, target: Seq, facts: &Facts) -> Decided {
        standing_message(facts.target(target))?;
        Ok(Decision::Append(Body::Recalled { target }))
    }
}

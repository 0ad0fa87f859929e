//! Checks of real names, as accounts have them.

use im_core::{
    Code, Rejection, UserId,
    port::{RealName, RealNameState},
};

use super::Accounts;
use crate::real_name::{Document, RealNameView};

impl Accounts {
    /// Has a document checked, and says how far that is.
    ///
    /// # Errors
    /// `Conflict` for a user who is verified or being looked at, `Forbidden` where names are not checked, `Unavailable`
    /// when whoever checks does not answer.
    pub async fn show_document(
        &self,
        user: &UserId,
        document: Document,
    ) -> Result<RealNameView, Rejection> {
        document.check()?;
        let verifier = self.real_names.verifier()?;
        let stands = self.ports.real_names.real_name(user).await?;
        let from = stands.map(|check| check.state);
        let is_free = matches!(from, None | Some(RealNameState::Rejected));
        let pending = RealName {
            state: RealNameState::Pending,
            evidence: self.real_names.evidence(&document),
            at_ms: self.now(),
        };
        let real_names = &self.ports.real_names;
        if !is_free || !real_names.set_real_name(user, from, pending).await? {
            return Err(Rejection::new(
                Code::Conflict,
                "the real name is verified, or is being looked at; there is nothing to do",
            ));
        }
        let verdict = verifier.verify(user, &document).await;
        let failed = verdict.as_ref().err().map(ToString::to_string);
        let state = verdict.unwrap_or(RealNameState::Rejected);
        self.decide_real_name(user, state).await?;
        if let Some(error) = failed {
            tracing::error!(error, "a real name could not be checked");
            return Err(Rejection::new(
                Code::Unavailable,
                "the check does not answer; try again later",
            ));
        }
        self.real_name(user).await
    }

    /// What became of a document that somebody looked at. Nothing to do while it is still pending.
    ///
    /// # Errors
    /// `Conflict` when none is pending.
    pub async fn decide_real_name(
        &self,
        user: &UserId,
        state: RealNameState,
    ) -> Result<(), Rejection> {
        let stands = self.ports.real_names.real_name(user).await?;
        let pending = stands.filter(|check| check.state == RealNameState::Pending);
        let none = || Rejection::new(Code::Conflict, "no real name of this user is pending");
        let check = RealName {
            state,
            at_ms: self.now(),
            ..pending.ok_or_else(none)?
        };
        let from = Some(RealNameState::Pending);
        let changing = self.ports.real_names.set_real_name(user, from, check);
        if changing.await? { Ok(()) } else { Err(none()) }
    }

    /// How far the check of a user's real name is.
    pub(crate) async fn real_name(&self, user: &UserId) -> Result<RealNameView, Rejection> {
        let stands = self.ports.real_names.real_name(user).await?;
        Ok(stands.map_or_else(RealNameView::default, RealNameView::from))
    }
}

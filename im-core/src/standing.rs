//! What admins decided about a user, and whether it is one of them.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, UserId};

/// What is taken from a user.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum RestrictionKind {
    /// It may not come in.
    Banned,
    /// It was switched off, as a ban of which no reason is given.
    Disabled,
    /// It reads, and changes nothing.
    Frozen,
    /// It reads, and says nothing that others would hear.
    Muted,
}

impl RestrictionKind {
    /// Whether it keeps its user out altogether.
    #[must_use]
    pub const fn bars(self) -> bool {
        matches!(self, Self::Banned | Self::Disabled)
    }
}

/// One thing that is taken from a user, until a moment at which it ends by itself.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Restriction {
    /// What.
    pub kind: RestrictionKind,
    /// Since when.
    pub since_ms: Timestamp,
    /// Until when; [`Timestamp::FOREVER`] for ever.
    pub until_ms: Timestamp,
    /// Why; shown to the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What admins decided about a user. Nothing, of nearly everybody.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Standing {
    /// Whether it is an admin. An admin has no restrictions: it is demoted first.
    #[serde(default)]
    pub admin: bool,
    /// At most one of each kind.
    #[serde(default)]
    pub restrictions: Vec<Restriction>,
}

impl Standing {
    /// Whether it is that of everybody.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        !self.admin && self.restrictions.is_empty()
    }

    /// The same without what has ended.
    #[must_use]
    pub fn at(mut self, now: Timestamp) -> Self {
        self.restrictions.retain(|one| now < one.until_ms);
        self
    }

    /// Puts a restriction in the place of another of its kind.
    pub fn restrict(&mut self, restriction: Restriction) {
        self.lift(restriction.kind);
        self.restrictions.push(restriction);
        self.restrictions.sort_by_key(|one| one.kind);
    }

    /// Takes a restriction away. `false` when there is none.
    pub fn lift(&mut self, kind: RestrictionKind) -> bool {
        let before = self.restrictions.len();
        self.restrictions.retain(|one| one.kind != kind);
        self.restrictions.len() < before
    }
}

/// The standing of one user.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct UserStanding {
    /// Whose.
    #[cfg_attr(feature = "openapi", schema(value_type = String))]
    pub user: UserId,
    /// What was decided.
    #[serde(flatten)]
    pub standing: Standing,
}

//! The kinds of rows, with the numbers under which stores keep them.

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $sync:ident;)*) => {
        /// What kind of row.
        #[derive(
            Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
        )]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum OwnKind {
            $($(#[$doc])* $variant,)*
            /// A kind of a newer peer.
            #[serde(other)]
            Unknown,
        }

        impl OwnKind {
            /// The number under which stores keep rows of this kind. A number is never given to another kind.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* Self::Unknown => 0 }
            }

            /// The kind that has this number.
            #[must_use]
            pub const fn from_code(code: u8) -> Self {
                match code { $($code => Self::$variant,)* _ => Self::Unknown }
            }

            /// Whether devices are told of such rows by pushes and when they catch up. What there can be very many of is
            /// asked for page by page instead.
            #[must_use]
            pub const fn is_synced(self) -> bool {
                match self { $(Self::$variant => kinds!(@ $sync),)* Self::Unknown => false }
            }
        }
    };
    (@ synced) => { true };
    (@ asked_for) => { false };
}

// 10 is for messages that a user deleted for itself.
kinds! {
    /// The user's contacts, by user.
    Contact = 1, synced;
    /// What the user was about to say, by conversation.
    Draft = 2, synced;
    /// Messages that the user wants to find again, by conversation and seq.
    Favourite = 3, synced;
    /// Whom the user follows, by user.
    Follow = 4, synced;
    /// Who follows the user, by user.
    Follower = 5, asked_for;
    /// What the host says to the user, the latest first.
    Notice = 6, synced;
    /// What the user wants the server to do and not to do: one row, under the user's own id.
    Preferences = 7, synced;
    /// Requests to be contacts that wait for an answer, by user.
    Request = 8, synced;
    /// Notices that were sent in the user's name, by client id.
    NoticeSent = 11, asked_for;
    /// A message that is to be sent later, by client id.
    Scheduled = 9, synced;
}

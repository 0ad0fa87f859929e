//! The rules: pure, synchronous, deterministic and total.
//!
//! Nothing here awaits, looks at a clock, draws a random number or panics on input. Ids, time and facts come in as
//! arguments.

mod ask;
mod contact;
mod content;
mod conversation;
mod decide;
mod delivery;
mod facts;
mod notice;
mod numbering;
mod outbox;
mod pace;
mod presence;
mod rate;
mod roster;
mod settings;
mod spread;
mod standing;
mod stream;
#[cfg(test)]
mod tests;
mod trace;
mod typing;

pub use ask::{Ask, Enter, Expire, Forward, Interrupt, Marks};
pub use contact::{ContactAsk, ContactChange, ContactFacts, Pair, Side, Whose};
pub(crate) use content::{check_content, check_emoji, check_profile, check_text};
pub use conversation::{ConversationState, Lookup};
pub use decide::Decision;
pub(crate) use decide::{check_vote, ended, open};
pub use delivery::DeliveryState;
pub use facts::Facts;
pub(crate) use notice::{check_notice, filled};
pub use numbering::{Arrival, Numbering, Run};
pub use outbox::Outbox;
pub use presence::PresenceState;
pub use rate::RateState;
pub use roster::{FactChange, RosterChange, roster_changes};
pub(crate) use settings::{adjustable, adjusted, changed, holding};
pub(crate) use spread::time_away;
pub use stream::StreamState;
pub use trace::{MarkKind, Trace, traces};
pub use typing::TypingState;

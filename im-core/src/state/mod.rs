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
mod outbox;
mod presence;
mod rate;
mod roster;
mod spread;
#[cfg(test)]
mod tests;
mod typing;

pub use ask::Ask;
pub use contact::{ContactAsk, ContactChange, ContactFacts, Pair, Side, Whose};
pub(crate) use content::{check_content, check_profile};
pub use conversation::{ConversationState, Lookup};
pub use decide::Decision;
pub use delivery::DeliveryState;
pub use facts::Facts;
pub use outbox::Outbox;
pub use presence::PresenceState;
pub use rate::RateState;
pub use roster::{RosterChange, roster_changes};
pub(crate) use spread::time_away;
pub use typing::TypingState;

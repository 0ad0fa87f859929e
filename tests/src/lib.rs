//! What the crash harness and the load generator share: a WebSocket client that knows nothing of our crates, and
//! servers as processes of their own.

pub mod frames;
pub mod http;
pub mod process;
pub mod random;
pub mod socket;

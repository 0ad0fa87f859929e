//! Frames: JSON-RPC 2.0 in JSON, and the same shapes in MessagePack.
//!
//! A frame is read twice: once for its envelope (method, id), once for its parameters with the type that the method
//! names. Both readings skip what they do not know.

mod excerpt;
mod format;
mod frame;

pub use format::{Format, WireError};
pub use frame::{
    Incoming, Request, RequestId, read_request, write_push, write_reply, write_request,
};

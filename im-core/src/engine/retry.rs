//! How a retry is told from another request under the same client id.

use super::slot::{Answer, Stored, Waiting};
use crate::{
    ClientId, Code, ConversationId, Rejection, UserId, port::Known, state::Ask, wire::Format,
};

/// The client id of the entry that begins a direct conversation, which nobody chose.
pub(super) fn first_client_id(id: ConversationId) -> ClientId {
    ClientId::new(id.to_string()).expect("a UUID is a valid id")
}

/// By what the log recognises a request; `None` for what needs no recognising.
pub(super) fn key(one: &Waiting) -> Option<(UserId, ClientId)> {
    one.ask
        .client_id()
        .map(|client_id| (one.actor.user.clone(), client_id.clone()))
}

/// Whether the log knows this request.
pub(super) fn is_of(known: &Known, one: &Waiting) -> bool {
    known.sender == one.actor.user && Some(&known.client_id) == one.ask.client_id()
}

/// What a retry is told: the first answer, when it asks the same.
pub(super) fn retried(first: &Known, one: &Waiting) -> Answer {
    if first.fingerprint == one.fingerprint {
        return Ok(Stored {
            seq: first.seq,
            at_ms: first.at_ms,
        });
    }
    let detail =
        "this client id was used for another request in this conversation; choose a new one";
    Err(Rejection::new(Code::Conflict, detail))
}

/// Hash of what is asked, by which a retry is told from another request under the same client id.
pub(super) fn fingerprint(ask: &Ask) -> i64 {
    measured_fingerprint(ask).0
}

/// The fingerprint, and how many bytes what is asked has.
pub(super) fn measured_fingerprint(ask: &Ask) -> (i64, usize) {
    let mut bytes = Vec::with_capacity(256);
    if let Ask::Direct(_) = ask {
        return (0, 0);
    }
    Format::MessagePack.write(ask, &mut bytes);
    (hash(&bytes), bytes.len())
}

/// The same number for the same bytes, for ever.
pub(super) fn hash(bytes: &[u8]) -> i64 {
    let digest = ring::digest::digest(&ring::digest::SHA256, bytes);
    let first = digest.as_ref().first_chunk().copied().unwrap_or_default();
    i64::from_be_bytes(first)
}

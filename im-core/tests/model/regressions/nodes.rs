//! Several engines on one store.

use im_core::{ClientId, SendMessage};

use crate::world::conversation;

pub(super) fn message(at: usize, text: &str) -> SendMessage {
    SendMessage {
        conversation: conversation(at),
        client_id: ClientId::random(),
        content: text.into(),
    }
}

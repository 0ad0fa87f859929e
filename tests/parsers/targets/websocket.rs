//! The frames of a WebSocket.

use im_transport::ws::codec::{Decoder, Limits, MAX_CONTROL_PAYLOAD, Message, Role};

const LONGEST: u32 = 4 * 1024;

/// The first byte says which side we are and in which pieces the others come. In whatever pieces they come, they are the
/// same messages, and no more is kept than may be.
pub(super) fn websocket(bytes: &[u8]) {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let role = match choice & 1 {
        0 => Role::Server,
        _ => Role::Client,
    };
    let step = usize::from(choice >> 1).max(1);
    let whole = decode(role, bytes, bytes.len().max(1));
    let pieces = decode(role, bytes, step);
    assert_eq!(whole, pieces, "in pieces of {step}");
}

fn decode(role: Role, bytes: &[u8], step: usize) -> Vec<String> {
    let mut decoder = Decoder::new(Limits::for_messages(LONGEST), role);
    let mut found = Vec::new();
    for piece in bytes.chunks(step) {
        let mut piece = piece.to_vec();
        let mut messages = decoder.feed(&mut piece);
        loop {
            match messages.next_message() {
                Ok(Some(message)) => found.push(told(&message)),
                Ok(None) => break,
                Err(error) => {
                    found.push(error.to_string());
                    break;
                }
            }
        }
        let most = LONGEST as usize + MAX_CONTROL_PAYLOAD;
        assert!(decoder.buffered() <= most && decoder.capacity() <= most);
    }
    found
}

fn told(message: &Message<'_>) -> String {
    format!("{message:?}")
}

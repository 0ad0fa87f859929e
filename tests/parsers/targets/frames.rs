//! Requests and answers, in both encodings.

use im_core::{
    METHODS,
    wire::{Format, Incoming, RequestId, read_request, write_request},
};

pub(super) fn json(bytes: &[u8]) {
    frame(Format::Json, bytes);
}

pub(super) fn msgpack(bytes: &[u8]) {
    frame(Format::MessagePack, bytes);
}

/// What a server reads it reads again, the same, from what a client writes.
fn frame(format: Format, bytes: &[u8]) {
    let request = read_request(format, bytes);
    if let Ok(command) = request.command {
        let id = request.id.unwrap_or(RequestId::Number(1));
        let mut written = Vec::new();
        write_request(format, &id, &command, &mut written);
        let again = read_request(format, &written);
        assert_eq!(again.id.as_ref(), Some(&id));
        assert_eq!(again.command.as_ref(), Ok(&command));
    }
    // And what a client reads.
    if Incoming::read(format, bytes).is_ok() {
        for method in METHODS {
            let _ = Incoming::reply(format, method, bytes);
        }
    }
}

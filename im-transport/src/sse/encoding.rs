//! Frames as events of a `text/event-stream` (HTML, 9.2.5).

use im_core::{
    CloseReason, Push,
    port::Encoding,
    wire::{self, Format},
};

use crate::close;

/// How the engine encodes pushes for these links: one event each. WebSockets have slots 0 and 1, TCP has 3.
pub(super) static EVENTS: Encoding = Encoding {
    slot: 2,
    write: append_pushes,
};

/// What is sent when there is nothing to say: proxies cut what is silent.
pub(super) const COMMENT: &[u8] = b":\n\n";

/// When a browser comes back by itself, in milliseconds: as late as the first pauses of our clients.
const RETRY: &[u8] = b"retry: 1000\n";

fn append_pushes(pushes: &[Push], out: &mut Vec<u8>) {
    for push in pushes {
        append(out, |out| wire::write_push(Format::Json, push, out));
    }
}

/// Appends one frame, as an event without a name. JSON as it is written here has no line breaks.
pub(super) fn append(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"data: ");
    write(out);
    out.extend_from_slice(b"\n\n");
}

/// What a stream begins with: when to come back, the answer to `session.open`, and the link to post to.
pub(super) fn beginning(link: &str, answer: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = RETRY.to_vec();
    append(&mut out, answer);
    append_named(&mut out, "link", &serde_json::json!({ "link": link }));
    out
}

/// What a stream ends with.
pub(super) fn ending(reason: CloseReason) -> Vec<u8> {
    let mut out = Vec::new();
    let closed = serde_json::json!({
        "code": close::code_of(reason),
        "reason": reason.to_string(),
        "resume": reason.may_resume(),
    });
    append_named(&mut out, "close", &closed);
    out
}

fn append_named(out: &mut Vec<u8>, name: &str, data: &serde_json::Value) {
    out.extend_from_slice(format!("event: {name}\ndata: {data}\n\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use im_core::{
        SessionClosing,
        port::{Broadcast, Urgency},
    };

    use super::*;

    #[test]
    fn a_batch_is_one_event_for_each_push() {
        let push = |retry_after_ms| {
            Push::SessionClosing(SessionClosing {
                reason: CloseReason::GoingAway,
                retry_after_ms,
            })
        };
        let broadcast = Broadcast::new(Urgency::Control, vec![push(1), push(2)]);

        let bytes = broadcast.bytes(&EVENTS);

        let text = std::str::from_utf8(&bytes).unwrap();
        let events: Vec<_> = text.split_terminator("\n\n").collect();
        assert_eq!(events.len(), 2);
        for (event, n) in events.into_iter().zip(1..) {
            let frame = event.strip_prefix("data: ").unwrap();
            let read = wire::Incoming::read(Format::Json, frame.as_bytes()).unwrap();
            assert_eq!(read, wire::Incoming::Push(push(n)));
        }
    }

    #[test]
    fn an_end_says_whether_to_come_back() {
        let text = String::from_utf8(ending(CloseReason::TooSlow)).unwrap();

        assert!(text.starts_with("event: close\ndata: {"), "{text}");
        assert!(text.contains("\"code\":4001"), "{text}");
        assert!(text.contains("\"resume\":true"), "{text}");
    }
}

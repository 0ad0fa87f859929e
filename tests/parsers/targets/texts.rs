//! Short texts with a form: cursors, ids, addresses, what is looked for.

use std::str::FromStr as _;

use im_core::{
    ClientId, ConversationId, Cursor, DeviceId, Entry, Identifier, Needle, RowKey, Scopes, Seq,
    Timestamp, UserId, normalized,
    testing::{conversation, said, user},
    wire::{Format, read_request},
};
use serde_json::json;

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// What is read as a cursor is written as one that is read the same.
pub(super) fn cursor(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(cursor) = Cursor::from_str(&text) {
        assert_eq!(Cursor::from_str(&cursor.to_string()), Ok(cursor));
    }
    // Those of pages of search results.
    let params = json!({"text": "x", "cursor": text});
    let frame = json!({"jsonrpc": "2.0", "id": 1, "method": "message.search", "params": params});
    let _ = read_request(Format::Json, frame.to_string().as_bytes());
}

/// A text is in its own normal form once it is in it, and what says it is found by it.
pub(super) fn search(bytes: &[u8]) {
    let text = text(bytes);
    let once = normalized(&text).into_owned();
    assert_eq!(normalized(&once), once, "{text:?}");
    let needle = Needle::text(&text);
    let entry = Entry {
        conversation: conversation(),
        seq: Seq(1),
        sender: user("alice"),
        client_id: ClientId::random(),
        at_ms: Timestamp(0),
        ordinal: 1,
        body: said(&text),
    };
    assert!(needle.is_empty() || needle.matches(&entry), "{text:?}");
}

/// An id that is one is one again when it is written.
pub(super) fn texts(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(id) = UserId::from_str(&text) {
        assert_eq!(UserId::from_str(id.as_str()), Ok(id));
    }
    if let Ok(id) = ConversationId::from_str(&text) {
        assert_eq!(ConversationId::from_str(&id.to_string()), Ok(id));
    }
    if let Ok(identifier) = Identifier::parse(&text) {
        assert_eq!(Identifier::parse(identifier.as_str()), Ok(identifier));
    }
    if let Ok(scopes) = Scopes::from_str(&text) {
        assert_eq!(Scopes::from_str(&scopes.to_string()), Ok(scopes));
    }
    let _ = (
        DeviceId::from_str(&text),
        ClientId::from_str(&text),
        RowKey::from_str(&text),
    );
}

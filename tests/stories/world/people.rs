//! What people do on their devices, and what they are told.

use im_core::{
    Body, Call, ClientId, Code, ConversationId, CreateConversation, Entry, Error, Joining, Message,
    Push, Seq, Session, Visibility, testing::user,
};

use super::within;

/// What a session was told until something happened.
pub(crate) type Told = Vec<Push>;

/// A fresh idempotency key.
pub(crate) fn key() -> ClientId {
    ClientId::random()
}

/// Executes a command that must succeed.
pub(crate) async fn call<C: Call>(session: &Session, command: C) -> C::Reply {
    within(C::METHOD, session.call(command)).await.unwrap()
}

/// Executes a command that must be refused, and tells with which code.
pub(crate) async fn refused<C: Call>(session: &Session, command: C) -> Code {
    match within(C::METHOD, session.call(command)).await {
        Ok(_) => panic!("{} was not refused", C::METHOD),
        Err(Error::Rejected(rejection)) => rejection.code,
        Err(other) => panic!("{}: {other}", C::METHOD),
    }
}

/// Begins a group that is entered by invitation.
pub(crate) async fn group(owner: &Session, members: &[&str]) -> ConversationId {
    let create = CreateConversation {
        client_id: key(),
        name: Some("the group".into()),
        members: members.iter().map(|name| user(name)).collect(),
        joining: Joining::Invited,
        history: Visibility::default(),
        preset: None,
    };
    call(owner, create).await.conversation
}

/// Says several things, one after the other; returns the last seq.
pub(crate) async fn send_all(
    session: &Session,
    to: &ConversationId,
    texts: impl IntoIterator<Item = String>,
) -> Seq {
    let mut last = Seq::ZERO;
    for text in texts {
        last = within("a send", session.send(to, text)).await.unwrap().seq;
    }
    last
}

/// The next event that `wanted` makes something of; others are passed over.
pub(crate) async fn next_that<T>(
    session: &mut Session,
    what: &str,
    mut wanted: impl FnMut(&Push) -> Option<T>,
) -> T {
    let search = async {
        loop {
            let push = session.next_event().await.unwrap();
            if let Some(found) = wanted(&push) {
                return found;
            }
        }
    };
    within(what, search).await
}

/// The next entry of any conversation.
pub(crate) async fn next_entry(session: &mut Session) -> Entry {
    next_that(session, "an entry", |push| match push {
        Push::Entry(entry) => Some(entry.clone()),
        _ => None,
    })
    .await
}

/// All entries of a conversation as they arrive, up to and including this seq.
pub(crate) async fn entries_until(
    session: &mut Session,
    conversation: ConversationId,
    last: Seq,
) -> Vec<Entry> {
    let mut entries = Vec::new();
    next_that(session, &format!("entry {last}"), |push| {
        if let Push::Entry(entry) = push
            && entry.conversation == conversation
        {
            entries.push(entry.clone());
            return (entry.seq >= last).then_some(());
        }
        None
    })
    .await;
    entries
}

/// The seqs of entries.
pub(crate) fn seqs(entries: &[Entry]) -> Vec<u64> {
    entries.iter().map(|entry| entry.seq.0).collect()
}

/// The texts of the messages among entries.
pub(crate) fn messages_in(entries: &[Entry]) -> Vec<&str> {
    entries.iter().filter_map(text_of).collect()
}

fn text_of(entry: &Entry) -> Option<&str> {
    match &entry.body {
        Body::Message(Message { content, .. }) => content.as_text(),
        _ => None,
    }
}

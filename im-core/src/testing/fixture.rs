//! Short ways to say what a case is about: ids, entries, a group that stands, a race.

use std::{collections::BTreeSet, future::Future};

use futures_util::future::join_all;
use tokio::sync::oneshot;
use uuid::Uuid;

use crate::{
    Body, ClientId, Content, ConversationId, DeviceId, Entry, Head, Joining, Kind, Preset, Seq,
    Timestamp, UserId, Visibility,
    port::{Append, Appended, NewEntry, Ports, Range},
};

/// Ids that databases confuse: case, accents, quotes, wildcards, width, ends that look like padding, four-byte characters.
pub const UNUSUAL_IDS: &[&str] = &[
    "a",
    "A",
    "ä",
    "a\u{301}",
    "á",
    "ａ",
    "a\u{338}",
    "a_",
    "a%",
    "%",
    "_",
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\0",
    "a;--",
    "$1",
    "?",
    "ß",
    "ss",
    "ı",
    "i",
    "I",
    "İ",
    "0",
    "00",
    "0x61",
    "NULL",
    "😀",
    "😁",
    "👩💻",
    "小明",
    "\u{10fffd}",
    "\u{fffd}a",
    "界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界界",
    "😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀😀",
];

/// A user id.
#[must_use]
pub fn user(id: &str) -> UserId {
    UserId::new(id).unwrap()
}

/// A device id.
#[must_use]
pub fn device(id: &str) -> DeviceId {
    DeviceId::new(id).unwrap()
}

/// A client id.
#[must_use]
pub fn client_id(id: &str) -> ClientId {
    ClientId::new(id).unwrap()
}

/// A conversation that nobody else uses.
#[must_use]
pub fn conversation() -> ConversationId {
    ConversationId::from_uuid(Uuid::now_v7())
}

/// "Created", of a group that is entered by invitation.
#[must_use]
pub fn created(members: &[&str]) -> Body {
    Body::Created {
        kind: Kind::Group,
        name: Some("group".into()),
        joining: Joining::Invited,
        members: members.iter().map(|id| user(id)).collect(),
        history: Visibility::FromJoining,
        preset: Preset::WorkGroup,
    }
}

/// A text message.
#[must_use]
pub fn said(text: &str) -> Body {
    Body::says(Content::text(text))
}

/// An entry that has no place in a log yet.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Who does it.
    pub sender: UserId,
    /// Under which client id.
    pub client_id: ClientId,
    /// What.
    pub body: Body,
}

impl Draft {
    /// Under a client id of its own.
    #[must_use]
    pub fn new(sender: &str, body: Body) -> Self {
        Self {
            sender: user(sender),
            client_id: ClientId::random(),
            body,
        }
    }

    /// Under this client id.
    #[must_use]
    pub fn under(sender: &str, id: &str, body: Body) -> Self {
        Self {
            sender: user(sender),
            client_id: client_id(id),
            body,
        }
    }
}

/// A writer's view of one conversation: gives entries their seq, ordinal and time.
#[derive(Clone, Copy, Debug)]
pub struct Log {
    /// Which conversation.
    pub conversation: ConversationId,
    /// Where the writer believes that it ends.
    pub head: Head,
}

impl Default for Log {
    fn default() -> Self {
        Self::new()
    }
}

impl Log {
    /// Of a conversation that has not begun.
    #[must_use]
    pub fn new() -> Self {
        Self {
            conversation: conversation(),
            head: Head::default(),
        }
    }

    /// When the entry at `seq` is accepted.
    #[must_use]
    pub fn time_of(seq: Seq) -> Timestamp {
        Timestamp(1_700_000_000_000 + i64::try_from(seq.0).unwrap())
    }

    /// The next entry.
    pub fn entry(&mut self, draft: Draft) -> NewEntry {
        self.head.seq = self.head.seq.next();
        self.head.ordinal += u64::from(draft.body.is_countable());
        NewEntry {
            entry: Entry {
                conversation: self.conversation,
                seq: self.head.seq,
                sender: draft.sender,
                client_id: draft.client_id,
                at_ms: Self::time_of(self.head.seq),
                ordinal: self.head.ordinal,
                body: draft.body,
            },
            fingerprint: i64::MIN + i64::try_from(self.head.seq.0).unwrap(),
        }
    }

    /// The next entries as one append. The writer's head moves as if it will be stored.
    pub fn append(&mut self, drafts: impl IntoIterator<Item = Draft>) -> Append {
        Append {
            conversation: self.conversation,
            after: self.head.seq,
            entries: drafts.into_iter().map(|draft| self.entry(draft)).collect(),
        }
    }

    /// Appends and expects that it is stored; returns the entries.
    pub async fn store(
        &mut self,
        ports: &Ports,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Vec<Entry> {
        let append = self.append(drafts);
        let entries = append.entries.iter().map(|new| new.entry.clone()).collect();
        assert_eq!(ports.log.append(append).await.unwrap(), Appended::Stored);
        entries
    }

    /// What a writer tries that believes in the present head; the head does not move.
    pub async fn attempt(
        &self,
        ports: &Ports,
        drafts: impl IntoIterator<Item = Draft>,
    ) -> Appended {
        let mut log = *self;
        let append = log.append(drafts);
        ports.log.append(append).await.unwrap()
    }
}

/// A group that stands, created by the first of `members`.
pub async fn group(ports: &Ports, members: &[&str]) -> Log {
    let mut log = Log::new();
    log.store(ports, [Draft::new(members[0], created(members))])
        .await;
    log
}

/// The optimistic loop that every writer runs: load, append, and once more after a conflict. Returns the entry's seq.
pub async fn append_until_stored(ports: &Ports, at: ConversationId, draft: Draft) -> Seq {
    loop {
        let head = ports.log.load(at).await.unwrap().unwrap().head;
        let mut log = Log {
            conversation: at,
            head,
        };
        let append = log.append([draft.clone()]);
        match ports.log.append(append).await.unwrap() {
            Appended::Stored => return log.head.seq,
            Appended::Conflict => {}
            Appended::Duplicate => {
                let key = (draft.sender.clone(), draft.client_id.clone());
                return ports.log.find(at, &[key]).await.unwrap()[0].seq;
            }
        }
    }
}

/// Reads a whole log by pages and checks what always holds: no hole, no repeat, right ordinals, the head that `load` says.
pub async fn audit(ports: &Ports, at: ConversationId) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(Seq::ZERO, |entry| entry.seq);
        let page = ports.log.read(at, Range::After(after), 100).await.unwrap();
        if page.is_empty() {
            break;
        }
        entries.extend(page);
    }
    let mut head = Head::default();
    let mut keys = BTreeSet::new();
    for entry in &entries {
        head.seq = head.seq.next();
        head.ordinal += u64::from(entry.body.is_countable());
        assert_eq!(entry.seq, head.seq, "a hole or a repeat");
        assert_eq!(entry.ordinal, head.ordinal, "a wrong ordinal");
        assert!(
            keys.insert((&entry.sender, &entry.client_id)),
            "a client id came twice"
        );
    }
    let said = ports.log.load(at).await.unwrap();
    assert_eq!(said.map_or(Head::default(), |snapshot| snapshot.head), head);
    entries
}

/// Runs futures as tasks of the store's runtime, all at once, and waits for them.
pub async fn race<T: Send + 'static>(
    ports: &Ports,
    racers: impl IntoIterator<Item = impl Future<Output = T> + Send + 'static>,
) -> Vec<T> {
    let ends = racers.into_iter().map(|racer| {
        let (sender, receiver) = oneshot::channel();
        ports.runtime.spawn(Box::pin(async move {
            let _ = sender.send(racer.await);
        }));
        async { receiver.await.expect("a racer panicked") }
    });
    join_all(ends.collect::<Vec<_>>()).await
}

//! What nodes write to each other, and how it is written.
//!
//! A header of 26 bytes, then the letter in MessagePack: the version of this form, the run that the number counts, who
//! writes, the number, big endian. So that a letter to several is encoded once.

use bytes::{Buf, Bytes};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Block, CloseReason, ConversationId, ConversationView, Deleted, DeviceId, Entry, JoinRequest,
    NODE_PROTOCOL, NodeId, OwnRow, Push, Receipt, SaidNow, Seq, SessionId, TextGrew, TypingChanged,
    UserId, Whereabouts,
    engine::{log_outs::Affected, rates::Spent},
    state::Run,
    wire::{Format, WireError},
};

/// The version of what is written here.
const VERSION: u8 = NODE_PROTOCOL.to_le_bytes()[0];
const HEADER: usize = 26;

/// Something that a node tells others.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::engine) enum Letter {
    /// More of what an open message says.
    TextGrew(Box<TextGrew>),
    /// These entries of one conversation were stored, in order.
    Stored(Vec<Entry>),
    /// Somebody is writing.
    Typing(TypingChanged),
    /// Something was said that is not stored.
    SaidNow(Box<SaidNow>),
    /// A member came further, and lets others know.
    Receipt(Receipt),
    /// Somebody asks to be let in.
    JoinRequested(JoinRequest),
    /// Something of a user's own, for its devices.
    Own(UserId, Own),
    /// A row that everybody has.
    ForEveryone(Box<OwnRow>),
    /// What is known of this may be old.
    Changed(Changed),
    /// Sessions of a user end, also those that are just being opened.
    LoggedOut(UserId, Affected, CloseReason),
    /// These sessions of a user end: others took their places.
    Displaced(UserId, Vec<SessionId>),
    /// Where a user is by now.
    Whereabouts(UserId, Whereabouts),
    /// Users have used so much of their allowances at the writer's.
    Spent(Spent),
    /// The writer has something to store in this conversation, and others were faster each time.
    HoldBack(ConversationId),
    /// So many letters did the writer write to all, and to the reader alone.
    Count(u64, u64),
}

/// Something of a user's own.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::engine) enum Own {
    Block(Block),
    Conversation(Box<ConversationView>),
    Deleted(Deleted),
    Receipt(Receipt),
    Row(Box<OwnRow>),
}

/// What is kept at hand by every node, and was changed by one.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::engine) enum Changed {
    /// Whom a user blocked: one more, or one less.
    Block(UserId, Block),
    /// Whether two users are contacts.
    Contact(UserId, UserId),
    /// A device was forgotten.
    Device(UserId, DeviceId),
    /// What a user prefers.
    Preferences(UserId),
    /// The settings of the system.
    Settings,
    /// How users stand.
    Standings,
}

impl Own {
    /// `None` for what is not for a user's own devices.
    pub(in crate::engine) fn of(push: &Push) -> Option<Self> {
        Some(match push {
            Push::BlockChanged(block) => Self::Block(block.clone()),
            Push::ConversationChanged(view) => Self::Conversation(view.clone()),
            Push::Deleted(deleted) => Self::Deleted(deleted.clone()),
            Push::OwnChanged(row) => Self::Row(row.clone()),
            Push::Receipt(receipt) => Self::Receipt(receipt.clone()),
            Push::Entry(_)
            | Push::HeadMoved(_)
            | Push::JoinRequested(_)
            | Push::Presence(_)
            | Push::SaidNow(_)
            | Push::SessionClosing(_)
            | Push::SyncNeeded(_)
            | Push::TextGrew(_)
            | Push::Typing(_)
            | Push::UnreadChanged(_) => return None,
        })
    }

    pub(super) fn into_push(self) -> Push {
        match self {
            Self::Block(block) => Push::BlockChanged(block),
            Self::Conversation(view) => Push::ConversationChanged(view),
            Self::Deleted(deleted) => Push::Deleted(deleted),
            Self::Receipt(receipt) => Push::Receipt(receipt),
            Self::Row(row) => Push::OwnChanged(row),
        }
    }
}

impl Letter {
    /// As it stands after a header.
    pub(super) fn body(&self) -> Bytes {
        let mut bytes = Vec::with_capacity(256);
        Format::MessagePack.write(self, &mut bytes);
        bytes.into()
    }
}

/// A letter as it goes over the bus.
pub(super) struct Envelope {
    pub(super) from: NodeId,
    pub(super) run: Run,
    pub(super) number: u64,
    body: Bytes,
}

impl Envelope {
    pub(super) const fn new(from: NodeId, run: Run, number: u64, body: Bytes) -> Self {
        Self {
            from,
            run,
            number,
            body,
        }
    }

    pub(super) fn into_bytes(self) -> Bytes {
        let mut bytes = Vec::with_capacity(HEADER + self.body.len());
        let run = match self.run {
            Run::ToAll => 0,
            Run::ToMe => 1,
        };
        bytes.extend([VERSION, run]);
        bytes.extend(self.from.as_uuid().as_bytes());
        bytes.extend(self.number.to_be_bytes());
        bytes.extend(&self.body);
        bytes.into()
    }

    /// `None` for what no node of this version wrote.
    pub(super) fn read(mut bytes: Bytes) -> Option<Self> {
        if bytes.len() < HEADER || bytes.get_u8() != VERSION {
            return None;
        }
        let run = match bytes.get_u8() {
            0 => Run::ToAll,
            1 => Run::ToMe,
            _ => return None,
        };
        Some(Self {
            run,
            from: NodeId::from_uuid(Uuid::from_u128(bytes.get_u128())),
            number: bytes.get_u64(),
            body: bytes,
        })
    }

    pub(super) fn letter(&self) -> Result<Letter, WireError> {
        Format::MessagePack.read(&self.body)
    }
}

/// Where a conversation's letters go.
#[derive(Clone, Debug)]
pub(in crate::engine) enum To {
    /// To all nodes.
    All,
    /// To one.
    Node(NodeId),
    /// To those on which one of these has sessions.
    Users(Vec<UserId>),
    /// To those on which a member has sessions, and these too. The members are those since an entry.
    Members(ConversationId, Seq, Vec<UserId>),
    /// How many there were so far, to all.
    Count,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    fn receipt() -> Letter {
        let receipt = Receipt {
            conversation: ConversationId::from_uuid(Uuid::from_u128(7)),
            user: UserId::new("alice").unwrap(),
            position: Position {
                delivered: Seq(3),
                read: Seq(2),
                read_ordinal: 1,
            },
        };
        Letter::Receipt(receipt)
    }

    #[test]
    fn an_envelope_is_read_as_it_was_written() {
        let node = NodeId::from_uuid(Uuid::from_u128(1));

        let bytes = Envelope::new(node, Run::ToMe, 9, receipt().body()).into_bytes();
        let read = Envelope::read(bytes).unwrap();

        assert_eq!((read.from, read.run, read.number), (node, Run::ToMe, 9));
        assert_eq!(
            format!("{:?}", read.letter().unwrap()),
            format!("{:?}", receipt())
        );
    }

    #[test]
    fn what_is_no_envelope_is_none() {
        let node = NodeId::from_uuid(Uuid::from_u128(1));
        let good = Envelope::new(node, Run::ToAll, 9, receipt().body()).into_bytes();
        let other = |place: usize, byte: u8| {
            let mut bytes = good.to_vec();
            bytes[place] = byte;
            Bytes::from(bytes)
        };

        assert!(Envelope::read(good.slice(..HEADER - 1)).is_none());
        assert!(Envelope::read(other(0, VERSION + 1)).is_none());
        assert!(Envelope::read(other(1, 2)).is_none());
        assert!(
            Envelope::read(good.slice(..HEADER + 1))
                .unwrap()
                .letter()
                .is_err()
        );
    }
}

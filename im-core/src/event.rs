//! What is pushed to sessions: facts that happened, and hints to come and get them.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{
    Block, Body, CloseReason, ConversationId, ConversationView, Entry, JoinRequest, OwnRow,
    Presence, Receipt, SaidNow, Seq, TextGrew, UnreadTotals, UserId,
};

/// Somebody is writing. Ends by itself.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct TypingChanged {
    /// Where.
    pub conversation: ConversationId,
    /// Who.
    pub user: UserId,
    /// For how long, unless it is repeated; milliseconds.
    pub expires_in_ms: u64,
}

/// There is something new that was not pushed: come and get it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct HeadMoved {
    /// Where.
    pub conversation: ConversationId,
    /// Up to which seq.
    pub head: Seq,
}

/// The user deleted messages for itself, on another device.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Deleted {
    /// Where.
    pub conversation: ConversationId,
    /// Which entries, ascending.
    pub seqs: Vec<Seq>,
}

/// The server is about to end the session.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct SessionClosing {
    /// Why.
    pub reason: CloseReason,
    /// When to come back at the earliest, in milliseconds from now; 0 at once. A server that goes away gives each of its
    /// sessions another time, so that their devices do not all come back in the same moment.
    pub retry_after_ms: u64,
}

/// Something may have been missed that is in no log: sync, on the same link.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
pub struct SyncNeeded {}

/// Something that a session is told without having asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every push is an entry, and a box would be an allocation for each"
)]
pub enum Push {
    /// A block of the user's own changed, on another device.
    BlockChanged(Block),
    /// How the user keeps a conversation changed on another device. A [`Session`](crate::Session) that was away is told
    /// this for each conversation with something new.
    ConversationChanged(Box<ConversationView>),
    /// The user deleted messages for itself, on another device.
    Deleted(Deleted),
    /// An entry was stored.
    Entry(Entry),
    /// There is something that was not pushed.
    HeadMoved(HeadMoved),
    /// Somebody asks to be let in where the user may admit.
    JoinRequested(JoinRequest),
    /// A row of the user's own changed, on another device or by what somebody else did. A
    /// [`Session`](crate::Session) that was away is told this for each row that changed since.
    OwnChanged(Box<OwnRow>),
    /// Somebody whom this session watches came or went.
    Presence(Presence),
    /// A member came further.
    Receipt(Receipt),
    /// Something was said that is not stored.
    SaidNow(Box<SaidNow>),
    /// The session is about to end.
    SessionClosing(SessionClosing),
    /// Something may have been missed. A [`Session`](crate::Session) syncs by itself and does not hand it out.
    SyncNeeded(SyncNeeded),
    /// Text was added to an open message.
    TextGrew(Box<TextGrew>),
    /// Somebody is writing.
    Typing(TypingChanged),
    /// What is unread in all conversations of the user is this by now.
    UnreadChanged(UnreadTotals),
}

impl Push {
    /// Every method name of a push.
    pub const METHODS: &'static [&'static str] = &[
        "contact.changed",
        "conversation.changed",
        "entry.appended",
        "group.requested",
        "head.moved",
        "message.deleted",
        "message.delta",
        "message.now",
        "message.stored",
        "own.changed",
        "presence.changed",
        "receipt.changed",
        "session.closing",
        "sync.needed",
        "typing.changed",
        "unread.changed",
    ];

    /// The method name on the wire.
    #[must_use]
    pub const fn method(&self) -> &'static str {
        match self {
            Self::BlockChanged(_) => "contact.changed",
            Self::ConversationChanged(_) => "conversation.changed",
            Self::Deleted(_) => "message.deleted",
            Self::Entry(Entry {
                body: Body::Message(_),
                ..
            }) => "message.stored",
            Self::Entry(_) => "entry.appended",
            Self::HeadMoved(_) => "head.moved",
            Self::JoinRequested(_) => "group.requested",
            Self::OwnChanged(_) => "own.changed",
            Self::Presence(_) => "presence.changed",
            Self::Receipt(_) => "receipt.changed",
            Self::SaidNow(_) => "message.now",
            Self::SessionClosing(_) => "session.closing",
            Self::SyncNeeded(_) => "sync.needed",
            Self::TextGrew(_) => "message.delta",
            Self::Typing(_) => "typing.changed",
            Self::UnreadChanged(_) => "unread.changed",
        }
    }

    /// Reads the parameters of `method`; `None` when there is no such push: a newer server's, to be ignored.
    pub fn decode<'de, D: Deserializer<'de>>(
        method: &str,
        params: D,
    ) -> Option<Result<Self, D::Error>> {
        Some(match method {
            "contact.changed" => Block::deserialize(params).map(Self::BlockChanged),
            "conversation.changed" => Box::deserialize(params).map(Self::ConversationChanged),
            "message.stored" | "entry.appended" => Entry::deserialize(params).map(Self::Entry),
            "head.moved" => HeadMoved::deserialize(params).map(Self::HeadMoved),
            "group.requested" => JoinRequest::deserialize(params).map(Self::JoinRequested),
            "message.deleted" => Deleted::deserialize(params).map(Self::Deleted),
            "message.delta" => Box::deserialize(params).map(Self::TextGrew),
            "message.now" => Box::deserialize(params).map(Self::SaidNow),
            "own.changed" => Box::deserialize(params).map(Self::OwnChanged),
            "presence.changed" => Presence::deserialize(params).map(Self::Presence),
            "receipt.changed" => Receipt::deserialize(params).map(Self::Receipt),
            "session.closing" => SessionClosing::deserialize(params).map(Self::SessionClosing),
            "sync.needed" => SyncNeeded::deserialize(params).map(Self::SyncNeeded),
            "typing.changed" => TypingChanged::deserialize(params).map(Self::Typing),
            "unread.changed" => UnreadTotals::deserialize(params).map(Self::UnreadChanged),
            _ => return None,
        })
    }
}

impl Serialize for Push {
    /// The parameters alone; the method is the frame's.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::BlockChanged(params) => params.serialize(serializer),
            Self::ConversationChanged(params) => params.serialize(serializer),
            Self::Deleted(params) => params.serialize(serializer),
            Self::Entry(params) => params.serialize(serializer),
            Self::HeadMoved(params) => params.serialize(serializer),
            Self::JoinRequested(params) => params.serialize(serializer),
            Self::OwnChanged(params) => params.serialize(serializer),
            Self::Presence(params) => params.serialize(serializer),
            Self::Receipt(params) => params.serialize(serializer),
            Self::SaidNow(params) => params.serialize(serializer),
            Self::SessionClosing(params) => params.serialize(serializer),
            Self::SyncNeeded(params) => params.serialize(serializer),
            Self::TextGrew(params) => params.serialize(serializer),
            Self::Typing(params) => params.serialize(serializer),
            Self::UnreadChanged(params) => params.serialize(serializer),
        }
    }
}

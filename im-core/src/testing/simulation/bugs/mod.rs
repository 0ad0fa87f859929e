//! Bugs that can be switched on, one at a time, to see that the checker finds them. They live in a store that lies, in links
//! that garble, and in programs that forget; the engine has none of them.

mod link;
mod log;
mod nodes;
mod rows;

pub(super) use nodes::Fate;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;

use super::{super::Chance, cluster::Way, device::How};
use crate::{
    ClientId, Command, Content, ConversationId, Cursor, Push, Reply, Seq,
    port::{Ports, Runtime},
};

/// Something that is wrong in a simulated world.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Bug {
    /// The store forgets that it stored a read position.
    AdvanceForgotten,
    /// The store writes a position down for another user.
    AdvanceOfAnother,
    /// The store stores an append twice, under another client id.
    AppendDoubled,
    /// The store says that an append is stored, and it is not.
    AppendDropped,
    /// The store says that an append is stored, and stores it later, if nothing came between.
    AppendLater,
    /// The store says "stored" where another writer was faster.
    ConflictStored,
    /// No node is told how much it should have heard of another.
    CountsUntold,
    /// A program begins again further than it was.
    CursorAhead,
    /// A program begins again, and does not know where it was.
    CursorForgotten,
    /// The directory forgets at once where a user is, and says that it stands.
    DirectoryForgets,
    /// The store does not notice that a client id came before.
    DuplicateStored,
    /// Who reads an edited message gets what it said first.
    EditIgnored,
    /// An edit is pushed with the text that the one before had.
    EditPushedStale,
    /// The store has another identity now and then.
    EpochLost,
    /// The store finds a client id one place further.
    FoundElsewhere,
    /// The store says of no log how far it has come.
    HeadsUnread,
    /// Who left counts as a member where its own list is read.
    LeftForgotten,
    /// What comes under the number of a letter between nodes is the one before it.
    LetterRepeated,
    /// A letter comes to another node than the one it is for, and no number lacks there.
    LetterStrays,
    /// A letter between nodes is lost, and no number with it.
    LetterUnnumbered,
    /// A member's list lacks a conversation.
    MembershipHidden,
    /// A device asks again under a new client id.
    NewIdOnRetry,
    /// The directory finds nobody anywhere.
    NodeNotFound,
    /// The cursor of a page is ahead of the page.
    PageAhead,
    /// A page of what was missed lacks an entry.
    PageSkipsRow,
    /// A page of what was missed has two entries in the wrong order.
    PageSwapsRows,
    /// A position that is read has gone back.
    PositionBack,
    /// A program does not take in an entry.
    ProgramMissesEntry,
    /// An entry is pushed twice.
    PushDoubled,
    /// An entry is not pushed.
    PushLost,
    /// An entry is pushed to somebody else's link as well.
    PushToAnother,
    /// An entry is pushed after the one behind it.
    PushesSwapped,
    /// The end of a page of the log is not read.
    ReadCutsShort,
    /// The count that a read position stands for is one too high.
    ReadOrdinalOff,
    /// A page of the log has an entry twice.
    ReadRepeatsRow,
    /// A page of the log lacks an entry.
    ReadSkipsRow,
    /// A page of the log has two entries in the wrong order.
    ReadSwapsRows,
    /// The content of a message that was taken back is still read.
    RecallIgnored,
    /// What was taken back is pushed once more.
    RecalledPushedAgain,
    /// A receipt is followed by an older one.
    ReceiptPushedAgain,
    /// Who was removed counts as a member where the sender of a message is looked up.
    RemovedMemberKept,
    /// A node that could not do something answers as if it had.
    ReplyInvented,
    /// A sender gets the answer of another.
    ReplyOfAnother,
    /// Newcomers see all that was before.
    SinceForgotten,
    /// Too much of what is unread counts as gone.
    TallyOff,
    /// The store puts the text of the message before in place of a message's own.
    TextMixedUp,
    /// One too many is unread.
    UnreadOff,
}

impl Bug {
    /// All of them.
    pub const ALL: [Self; 47] = [
        Self::AdvanceForgotten,
        Self::AdvanceOfAnother,
        Self::AppendDoubled,
        Self::AppendDropped,
        Self::AppendLater,
        Self::ConflictStored,
        Self::CountsUntold,
        Self::CursorAhead,
        Self::CursorForgotten,
        Self::DirectoryForgets,
        Self::DuplicateStored,
        Self::EditIgnored,
        Self::EditPushedStale,
        Self::EpochLost,
        Self::FoundElsewhere,
        Self::HeadsUnread,
        Self::LeftForgotten,
        Self::LetterRepeated,
        Self::LetterStrays,
        Self::LetterUnnumbered,
        Self::MembershipHidden,
        Self::NewIdOnRetry,
        Self::NodeNotFound,
        Self::PageAhead,
        Self::PageSkipsRow,
        Self::PageSwapsRows,
        Self::PositionBack,
        Self::ProgramMissesEntry,
        Self::PushDoubled,
        Self::PushLost,
        Self::PushToAnother,
        Self::PushesSwapped,
        Self::ReadCutsShort,
        Self::ReadOrdinalOff,
        Self::ReadRepeatsRow,
        Self::ReadSkipsRow,
        Self::ReadSwapsRows,
        Self::RecallIgnored,
        Self::RecalledPushedAgain,
        Self::ReceiptPushedAgain,
        Self::RemovedMemberKept,
        Self::ReplyInvented,
        Self::ReplyOfAnother,
        Self::SinceForgotten,
        Self::TallyOff,
        Self::TextMixedUp,
        Self::UnreadOff,
    ];
}

/// How often a bug shows where it can: one time in so many.
const SHOWS: usize = 4;

/// The bug of a world, if it has one, and what it needs to remember.
#[derive(Clone, Default)]
pub(super) struct Bugs {
    bug: Option<Bug>,
    memory: Arc<Mutex<Memory>>,
}

#[derive(Default)]
struct Memory {
    chance: Chance,
    /// What messages said first.
    texts: BTreeMap<(ConversationId, Seq), Content>,
    last_text: Option<Content>,
    last_edit: Option<Content>,
    /// A push that was held back, and for which link.
    held: Option<(usize, Push)>,
    /// Pushes that can be sent once more.
    pushed: Vec<(usize, Push)>,
    last_reply: Option<Reply>,
    /// The last letter on each way between nodes.
    letters: BTreeMap<Way, Bytes>,
    /// How many letters were lost on each way without a number.
    unnumbered: BTreeMap<Way, u64>,
    ids: u64,
}

impl Bugs {
    pub(super) fn new(bug: Option<Bug>, chance: Chance) -> Self {
        let memory = Memory {
            chance,
            ..Memory::default()
        };
        Self {
            bug,
            memory: Arc::new(Mutex::new(memory)),
        }
    }

    fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Whether the world has this bug, and it shows this time.
    pub(super) fn strikes(&self, bug: Bug) -> bool {
        self.is(bug) && self.lock().chance.one_in(SHOWS)
    }

    /// The ports of a store with the bug.
    pub(super) fn store(&self, ports: Ports, runtime: Arc<dyn Runtime>) -> Ports {
        if self.bug.is_none() {
            return ports;
        }
        Ports {
            heads: nodes::wrong_heads(&ports.heads, self),
            log: log::wrong(&ports.log, self, runtime),
            members: rows::wrong_members(&ports.members, self),
            positions: rows::wrong_positions(&ports.positions, self),
            tallies: rows::wrong_tallies(&ports.tallies, self),
            ..ports
        }
    }

    /// A program reads what it wrote down.
    pub(super) fn restart(&self, cursor: &mut Cursor) {
        if self.strikes(Bug::CursorForgotten) {
            *cursor = Cursor::default();
        }
        if self.strikes(Bug::CursorAhead) {
            for seq in cursor.positions.values_mut() {
                *seq = seq.next().next();
            }
        }
    }

    /// A program is about to ask once more.
    pub(super) fn ask_again(&self, how: &mut How) {
        if let How::Command(command) = how
            && let Command::SendMessage(ask) = &mut **command
            && self.is(Bug::NewIdOnRetry)
        {
            ask.client_id = self.new_id();
        }
    }

    fn new_id(&self) -> ClientId {
        let mut memory = self.lock();
        memory.ids += 1;
        ClientId::new(format!("again{}", memory.ids)).expect("letters and digits are an id")
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

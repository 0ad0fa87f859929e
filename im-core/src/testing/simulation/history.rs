//! What happened, as those saw it to whom it happened: what devices asked and were answered, what was pushed over each link,
//! what programs were handed, and what the store has in the end.

use std::{
    fmt::{self, Write as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Body, ConversationId, Entry, Position, UserId};

/// All that happened, in the order in which it did: there is one thread.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Whose each device is, by its number.
    pub devices: Vec<UserId>,
    /// What happened.
    pub events: Vec<Event>,
}

/// What somebody was shown of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Sight {
    /// In which log.
    pub conversation: ConversationId,
    /// Where in it.
    pub seq: u64,
    /// Who did it.
    pub sender: UserId,
    /// What it is.
    pub what: Seen,
}

/// What an entry is, as far as the checker looks.
#[derive(Clone, Debug, PartialEq)]
pub enum Seen {
    /// A message that says this. The first word of a text is its name: no other message has it, and edits keep it.
    Said(String),
    /// A message whose content is gone.
    Gone,
    /// A message was edited; without the text when the content is gone.
    Edited(u64, Option<String>),
    /// A message was taken back.
    Recalled(u64),
    /// These came.
    Came(Vec<UserId>),
    /// These went.
    Went(Vec<UserId>),
    /// Something else.
    Other,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A device asked for something. It asks again, under the same number, until it has an answer.
    Asked {
        /// Its number.
        ask: usize,
        /// Who asks.
        device: usize,
        /// For what.
        wish: Wish,
    },
    /// A device was answered.
    Answered {
        /// What it had asked.
        ask: usize,
        /// The answer.
        answer: Answer,
    },
    /// A device asks no more: its program ended, and did not write down what it wanted.
    Forgotten {
        /// What it had asked.
        ask: usize,
    },
    /// A device opened a link to a node.
    Opened {
        /// The link's number.
        link: usize,
        /// Whose it is.
        device: usize,
        /// Where it leads.
        node: usize,
    },
    /// An entry was pushed over a link.
    Pushed {
        /// Over which.
        link: usize,
        /// What.
        sight: Sight,
    },
    /// A device was told to come and get what was not pushed.
    Hinted {
        /// Over which link.
        link: usize,
        /// Where.
        conversation: ConversationId,
    },
    /// A device was told how far somebody has come.
    Receipt {
        /// Over which link.
        link: usize,
        /// Where.
        conversation: ConversationId,
        /// Who.
        user: UserId,
        /// How far.
        position: Position,
    },
    /// A part of what a device lacked came over a link.
    Paged {
        /// Over which.
        link: usize,
        /// Entries of one conversation.
        sights: Vec<Sight>,
    },
    /// The program on a device was handed an entry.
    Shown {
        /// Which device.
        device: usize,
        /// What.
        sight: Sight,
    },
    /// The session of a device ended for good.
    Over {
        /// Which device.
        device: usize,
        /// Why.
        why: String,
    },
    /// A program ended, and began again where it was.
    Restarted {
        /// On which device.
        device: usize,
    },
    /// A node ended, with all that it had in memory.
    Died {
        /// Which.
        node: usize,
    },
    /// Nothing fails any more, all has been answered that will be, and every device has come back and caught up.
    Rested,
    /// The log of a conversation, as it stands in the store in the end.
    Log {
        /// Which.
        conversation: ConversationId,
        /// All entries.
        entries: Vec<Sight>,
    },
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// To say something.
    Say(ConversationId, String),
    /// To edit a message.
    Edit(ConversationId, u64, String),
    /// To take a message back.
    Recall(ConversationId, u64),
    /// To bring somebody in, or out.
    Move(ConversationId),
    /// To have read up to here.
    Read(ConversationId, u64),
    /// To see the latest entries.
    Look(ConversationId),
    /// To see a conversation.
    View(ConversationId),
}

/// What is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It is in the log, here.
    Stored(u64),
    /// The user has come this far.
    Position(Position),
    /// These are the latest entries.
    Page(Vec<Sight>),
    /// How a conversation looks to the user.
    View {
        /// The end of the log.
        head: u64,
        /// How far the user has come.
        position: Position,
        /// What it has not read.
        unread: u64,
    },
    /// No, with the code that says why.
    Refused(&'static str),
}

impl History {
    /// A number that stands for all of it: two histories that differ in anything have different ones.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let mut digest = Digest(0xcbf2_9ce4_8422_2325);
        // Writing to a number does not fail.
        let _ = write!(digest, "{:?}{:?}", self.devices, self.events);
        digest.0
    }
}

/// FNV-1a: the same in each process.
struct Digest(u64);

impl fmt::Write for Digest {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Ok(())
    }
}

impl Sight {
    /// What an entry shows.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let what = match &entry.body {
            Body::Message(message) => {
                Seen::Said(message.content.as_text().unwrap_or_default().to_owned())
            }
            Body::RecalledMessage { .. } | Body::ExpiredMessage { .. } => Seen::Gone,
            Body::Edited {
                target, content, ..
            } => {
                let text = content.as_ref().and_then(|content| content.as_text());
                Seen::Edited(target.0, text.map(str::to_owned))
            }
            Body::Recalled { target } => Seen::Recalled(target.0),
            Body::Created { members, .. } | Body::MembersAdded { members, .. } => {
                Seen::Came(members.clone())
            }
            Body::Joined { .. } => Seen::Came(vec![entry.sender.clone()]),
            Body::Kicked { members, .. } => Seen::Went(members.clone()),
            Body::Left => Seen::Went(vec![entry.sender.clone()]),
            _ => Seen::Other,
        };
        Self {
            conversation: entry.conversation,
            seq: entry.seq.0,
            sender: entry.sender.clone(),
            what,
        }
    }

    /// The name of the message that this shows.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match &self.what {
            Seen::Said(text) => Some(name(text)),
            Seen::Gone
            | Seen::Edited(..)
            | Seen::Recalled(_)
            | Seen::Came(_)
            | Seen::Went(_)
            | Seen::Other => None,
        }
    }
}

/// The name of a message: the first word of its text.
pub(super) fn name(text: &str) -> &str {
    text.split(' ').next().unwrap_or_default()
}

/// Where everybody writes down what happens.
#[derive(Clone, Default)]
pub struct Recorder {
    history: Arc<Mutex<History>>,
}

impl Recorder {
    /// Notes a device; its number.
    pub(super) fn device(&self, user: UserId) -> usize {
        let mut history = self.lock();
        history.devices.push(user);
        history.devices.len() - 1
    }

    /// Notes that something happened.
    pub fn note(&self, event: Event) {
        self.lock().events.push(event);
    }

    /// All that happened so far.
    #[must_use]
    pub fn history(&self) -> History {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, History> {
        self.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The bounds of everything that comes from outside.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Bounds of what the engine accepts. Each has a unit, a default, and the reason for it.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Characters of a text message. Default 10,000: longer is a document.
    pub text_chars: usize,
    /// Bytes of a whole content as JSON. Default 64 KiB: one row, one packet burst.
    pub content_bytes: usize,
    /// Members of a group. Default 500, as in the systems that people come from.
    pub group_members: u32,
    /// User ids in one request. Default 500.
    pub users_per_request: usize,
    /// Entries in one page of history. Default 200; 50 when the request names none.
    pub page: usize,
    /// Bytes in one page of history, of sync or of conversations: of the bodies of its entries, as JSON. The entry that
    /// reaches them is the last of its page, so that there is always one. Default 512 KiB: 200 entries of 64 KiB would be
    /// 13 MB in one reply; who reads no answers makes a server hold less than 1 MiB, and 50 entries are read at once. While a page is read whose entries are larger than those that were read there last, seven times as much
    /// can be in memory.
    pub page_bytes: usize,
    /// Conversations that one user can be in, at least 1. Default 5,000: bounds a cursor to about 120 KB.
    ///
    /// Who is in that many can neither create, begin a direct one, join, nor be added; what they are in stays usable. The
    /// number is read before a conversation begins or somebody enters, and not locked: who enters several at the same
    /// moment can exceed it by as many as are under way, on all nodes together.
    pub conversations_per_user: usize,
    /// Interests in one profile. Default 20, each of at most [`Limits::name_chars`].
    pub interests: usize,
    /// Characters of a name. Default 100.
    pub name_chars: usize,
    /// Characters of an announcement, description or bio. Default 2,000.
    pub text_field_chars: usize,
    /// Devices of one user that are remembered, at least 1. Default 100: more than anybody has, and few enough for one page.
    ///
    /// When another one comes, that which was longest away and has no session is forgotten. Where all have one, it is refused.
    pub devices_per_user: usize,
    /// Users that one session can watch. Default 1,000.
    pub presence_subscriptions: usize,
    /// Characters of a text to search for. Default 100.
    pub search_chars: usize,
    /// Steps that one page of a search takes, beyond one in each conversation that it looks into. Default 64.
    ///
    /// A step looks at 32 blocks of 128 entries, or reads about 500 entries. A page that ends here has fewer hits than asked
    /// for, or none, and says how to go on.
    pub search_steps: usize,
    /// Users that one user can block. Default 1,000.
    pub blocks_per_user: usize,
    /// Messages that one user can have scheduled, also those that failed and stand. Default 100. The number is read and not
    /// locked: several requests at the same moment can exceed it by as many as are under way.
    pub scheduled_per_user: usize,
    /// How far ahead a message can be scheduled, in milliseconds. Default 31,536,000,000 (365 days).
    pub schedule_ahead_ms: u64,
    /// Contacts that one user can have. Default 5,000: as many as one knows, and few pages of a sync. As with
    /// [`Limits::conversations_per_user`], several at the same moment can exceed it by as many as are under way.
    pub contacts_per_user: usize,
    /// Requests to be contacts that are open to and from one user. Default 500: nobody answers more, and a user cannot be
    /// flooded with them.
    pub contact_requests: usize,
    /// How long a request to be contacts can be accepted, in milliseconds. Default 604,800,000 (7 days).
    pub contact_request_ms: u64,
    /// Characters of what is said with a request to be contacts. Default 200.
    pub greeting_chars: usize,
    /// Labels of one contact. Default 20, of 32 characters each.
    pub labels_per_contact: usize,
    /// Users that one user can follow. Default 5,000. How many follow one user is not bounded.
    pub follows_per_user: usize,
    /// Favourite messages of one user. Default 2,000: they are all synced to every device.
    pub favourites_per_user: usize,
    /// Notices that one user keeps. Default 500; a new one pushes the oldest out.
    pub notices_per_user: usize,
    /// Notices to everybody that are shown at a time. Default 200: all of them are looked at when a user lists its own.
    pub notices_to_all: usize,
    /// Bytes of the texts of a notice in all its languages, and of its data as JSON. Default 8,192.
    pub notice_bytes: usize,
    /// How long a notice is shown that says nothing else, in milliseconds. Default 7,776,000,000 (90 days).
    pub notice_ms: u64,
    /// Reports of one user that are open at a time. Default 20: a person reports a few, and nobody fills the queue alone. Several
    /// at the same moment can exceed it by as many as are under way.
    pub reports_per_user: usize,
    /// Messages that one report names. Default 50: who reviews looks at all of them.
    pub report_messages: usize,
    /// Characters of what is said with a report, and of why it was settled. Default 1,000.
    pub report_note_chars: usize,
    /// Users that one message calls by name. Default 100.
    pub mentions: usize,
    /// Messages in one request that names several, and in one merged forward. Default 100.
    pub messages_per_request: usize,
    /// Pinned messages in one conversation. Default 50: all of them are part of its facts.
    pub pins: usize,
    /// Different reactions to one message. Default 50; how many members share one is not bounded.
    pub reactions: usize,
    /// How long reactions and votes in a conversation of more than [`Limits::receipt_push_members`] members wait for
    /// others, in milliseconds. Default 250: a burst is four entries per second instead of a thousand.
    pub reaction_wait_ms: u64,
    /// Options of a poll. Default 20.
    pub poll_options: usize,
    /// The longest time that a message with an end, a slow mode, a silence or a ban can be given, in milliseconds; "for
    /// ever" is always possible where there is an end at all. Default 31,536,000,000 (a year).
    pub span_ms: u64,
    /// Invite links of one conversation. Default 50.
    pub invites: usize,
    /// Requests to get into one conversation that wait. Default 1,000.
    pub join_requests: usize,
    /// Whether a stranger can say one thing in a direct conversation until the other side answers. Default off.
    pub strangers_send_one: bool,
    /// How long a sender can recall, in milliseconds. Default 120,000 (two minutes); admins of a group always can.
    pub recall_ms: u64,
    /// How long a sender can edit, in milliseconds. Default 86,400,000 (a day).
    pub edit_ms: u64,
    /// Open messages of one user on one node. Default 8: an assistant that answers several questions at once. Each holds
    /// its text in memory, at most [`Limits::content_bytes`].
    pub streams_per_user: usize,
    /// How long an open message waits for more text, in milliseconds, before it ends as interrupted. Default 30,000: as
    /// long as an assistant takes to think; adding an empty text keeps it open.
    pub stream_idle_ms: u64,
    /// How long a message can be open, in milliseconds. Default 600,000 (ten minutes). Also the time after which one ends
    /// whose node is gone.
    pub stream_ms: u64,
    /// How long text that is added to an open message waits for more before it is pushed, in milliseconds. Default 50: what
    /// comes first is pushed at once, and then twenty pushes a second, however small the pieces are.
    pub stream_push_ms: u64,
    /// Pieces of text per second and user that are added to open messages; bursts of twice as many pass. Default none; the
    /// server sets 100: two assistants at 50 pieces a second. They count for nothing else.
    pub deltas_per_second: Option<u32>,
    /// Time between two counts of what is unread, for a user who watches that, in milliseconds. Default 500: a count reads
    /// all conversations of the user.
    pub unread_wait_ms: u64,
    /// How long records of the audit log are kept, in milliseconds. Default 31,536,000,000 (365 days): as long as most rules
    /// about such records ask for. They are forgotten within the hour after that.
    pub audit_ms: u64,
    /// How long "is typing" lasts without a repeat, in milliseconds. Default 6,000.
    pub typing_ms: u64,
    /// Members up to which receipts are pushed to everybody. Default 100: beyond, they would cost a square.
    pub receipt_push_members: u32,
    /// Members up to which it is counted how many have read a message. Default 1,000: all of them are looked at.
    pub counted_readers: u32,
    /// Messages and changes of conversations per second and user, averaged; bursts of twice as many pass. Default none;
    /// the server sets 10.
    pub sends_per_second: Option<u32>,
    /// Requests per second and user that are not counted in [`Limits::sends_per_second`]: reads, receipts, typing,
    /// presence, settings. Averaged; bursts of twice as many pass. Default none; the server sets 50.
    ///
    /// `session.ping` and `session.close` are not counted: they keep a session alive, or free what it holds. An answer
    /// is `rate_limited` with the time to wait, and sessions of [`Session`](crate::Session) wait and ask again.
    pub requests_per_second: Option<u32>,
    /// Requests that wait in one conversation's lane. Default 4,096; more are refused as `overloaded`.
    pub lane_waiting: usize,
    /// How long a request may wait until it is stored, in milliseconds. Default 500: longer than a server that is busy takes, and
    /// too short for anybody to send again. 0: as long as it takes.
    ///
    /// When for a tenth of a second everything waits for longer, no more is let in than was stored lately in this time, but
    /// [`Limits::node_waiting`] at all times; the rest is refused as `overloaded`, with a time to wait.
    pub store_wait_ms: u64,
    /// Requests that may wait on one node until they are stored, however long they wait, at least 1. Default 2,048: twice as
    /// many senders as keep a node busy when each waits for its ack. While nothing waits too long, 16 times as many.
    pub node_waiting: usize,
    /// How long a delivery may wait for others to the same conversation, in milliseconds. Default 0: not at all.
    ///
    /// Acks never wait. With 20, a busy large group costs one write per member and 20 ms instead of one per message.
    pub coalesce_ms: u64,
    /// Conversations whose state stays in memory while nobody uses them. Default 10,000, about 1 KiB each.
    pub idle_conversations: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            text_chars: 10_000,
            content_bytes: 64 * 1024,
            group_members: 500,
            users_per_request: 500,
            page: 200,
            page_bytes: 512 * 1024,
            conversations_per_user: 5_000,
            interests: 20,
            name_chars: 100,
            text_field_chars: 2_000,
            devices_per_user: 100,
            presence_subscriptions: 1_000,
            search_chars: 100,
            search_steps: 64,
            blocks_per_user: 1_000,
            scheduled_per_user: 100,
            schedule_ahead_ms: 31_536_000_000,
            contacts_per_user: 5_000,
            contact_requests: 500,
            contact_request_ms: 7 * 86_400_000,
            greeting_chars: 200,
            labels_per_contact: 20,
            follows_per_user: 5_000,
            favourites_per_user: 2_000,
            notices_per_user: 500,
            notices_to_all: 200,
            notice_bytes: 8_192,
            notice_ms: 90 * 86_400_000,
            reports_per_user: 20,
            report_messages: 50,
            report_note_chars: 1_000,
            mentions: 100,
            messages_per_request: 100,
            pins: 50,
            reactions: 50,
            reaction_wait_ms: 250,
            poll_options: 20,
            span_ms: 31_536_000_000,
            invites: 50,
            join_requests: 1_000,
            strangers_send_one: false,
            recall_ms: 120_000,
            edit_ms: 86_400_000,
            streams_per_user: 8,
            stream_idle_ms: 30_000,
            stream_ms: 600_000,
            stream_push_ms: 50,
            deltas_per_second: None,
            unread_wait_ms: 500,
            audit_ms: 31_536_000_000,
            typing_ms: 6_000,
            receipt_push_members: 100,
            counted_readers: 1_000,
            sends_per_second: None,
            requests_per_second: None,
            lane_waiting: 4_096,
            store_wait_ms: 500,
            node_waiting: 2_048,
            coalesce_ms: 0,
            idle_conversations: 10_000,
        }
    }
}

impl Limits {
    /// The page size to use for a request that asked for `asked` entries.
    #[must_use]
    pub fn page_of(&self, asked: Option<u32>) -> usize {
        asked.map_or(50, |n| n as usize).clamp(1, self.page)
    }

    /// [`Limits::recall_ms`] as a span.
    #[must_use]
    pub const fn recall(&self) -> Duration {
        Duration::from_millis(self.recall_ms)
    }

    /// [`Limits::edit_ms`] as a span.
    #[must_use]
    pub const fn edit(&self) -> Duration {
        Duration::from_millis(self.edit_ms)
    }

    /// [`Limits::contact_request_ms`] as a span.
    #[must_use]
    pub const fn contact_request(&self) -> Duration {
        Duration::from_millis(self.contact_request_ms)
    }
}

//! What an entry leaves in the indexes that stores keep beside the log. Stores derive it from the same function.

use crate::{Body, Entry, Mentions, Seq, Timestamp, UserId};

/// What members attach to a message.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MarkKind {
    /// A reaction; the value is its emoji.
    Reaction,
    /// A choice in a poll; the value is the place of the option.
    Vote,
}

/// Something that can be found without reading the log.
#[derive(Clone, Debug, PartialEq)]
pub enum Trace {
    /// The message's content goes at this time.
    Alarm(Timestamp),
    /// A user cannot come in until then.
    Ban(UserId, Timestamp),
    /// The message's content goes this long after the other side has read it, in milliseconds.
    Burn(u64),
    /// The content of an earlier message is gone, and with it all that was attached to it: marks, mentions, alarms, and
    /// that it is open. From now on it counts as gone.
    Gone(Seq),
    /// A member attaches something to an earlier message, or takes it back.
    Mark {
        /// To which message.
        target: Seq,
        /// Who.
        user: UserId,
        /// What kind of thing.
        kind: MarkKind,
        /// What.
        value: String,
        /// Whether it stands; otherwise it is taken back.
        on: bool,
    },
    /// The message calls somebody; `None` for everybody.
    Mention(Option<UserId>),
    /// The message's text is not complete; its stream ends at this time at the latest.
    Open(Timestamp),
    /// The stream of an earlier message ended.
    Ended(Seq),
    /// The message belongs to the thread of an earlier one.
    Thread(Seq),
    /// A user may come in again.
    Unban(UserId),
    /// A member takes back whatever it attached of this kind to an earlier message.
    Unmark {
        /// To which message.
        target: Seq,
        /// Who.
        user: UserId,
        /// What kind of thing.
        kind: MarkKind,
    },
}

/// What `entry` leaves, in order. Empty, and without an allocation, for a plain message.
#[must_use]
pub fn traces(entry: &Entry) -> Vec<Trace> {
    match &entry.body {
        Body::Message(message) => {
            let mut traces = Vec::new();
            traces.extend(message.thread.map(Trace::Thread));
            traces.extend(message.expires_at_ms.map(Trace::Alarm));
            traces.extend(message.burn_ms.map(Trace::Burn));
            traces.extend(message.open_until().map(Trace::Open));
            if let Some(Mentions { users, all }) = message.mentions.as_deref() {
                traces.extend(users.iter().cloned().map(Some).map(Trace::Mention));
                traces.extend(all.then_some(Trace::Mention(None)));
            }
            traces
        }
        Body::Edited {
            target,
            ending: Some(_),
            ..
        } => vec![Trace::Ended(*target)],
        Body::Recalled { target } => vec![Trace::Gone(*target)],
        Body::Expired { targets } => targets.iter().copied().map(Trace::Gone).collect(),
        Body::Reacted { changes } => changes
            .iter()
            .map(|change| Trace::Mark {
                target: change.target,
                user: change.user.clone(),
                kind: MarkKind::Reaction,
                value: change.emoji.clone(),
                on: change.on,
            })
            .collect(),
        Body::Voted { changes } => changes.iter().flat_map(votes).collect(),
        Body::Kicked {
            members,
            banned_until_ms: Some(until),
            ..
        } => members
            .iter()
            .map(|user| Trace::Ban(user.clone(), *until))
            .collect(),
        Body::Unbanned { members } => members.iter().cloned().map(Trace::Unban).collect(),
        Body::Created { .. }
        | Body::Dismissed
        | Body::Edited { .. }
        | Body::ExpiredMessage { .. }
        | Body::InfoChanged { .. }
        | Body::Joined { .. }
        | Body::Kicked { .. }
        | Body::Left
        | Body::MemberRenamed { .. }
        | Body::MembersAdded { .. }
        | Body::Muted { .. }
        | Body::PermissionsChanged { .. }
        | Body::Pinned { .. }
        | Body::RecalledMessage { .. }
        | Body::RoleChanged { .. }
        | Body::Unmuted { .. }
        | Body::Unpinned { .. }
        | Body::Unknown => Vec::new(),
    }
}

/// A vote replaces the one before.
fn votes(vote: &crate::Vote) -> Vec<Trace> {
    let unmark = Trace::Unmark {
        target: vote.target,
        user: vote.user.clone(),
        kind: MarkKind::Vote,
    };
    let marks = vote.options.iter().map(|option| Trace::Mark {
        target: vote.target,
        user: vote.user.clone(),
        kind: MarkKind::Vote,
        value: option.to_string(),
        on: true,
    });
    std::iter::once(unmark).chain(marks).collect()
}

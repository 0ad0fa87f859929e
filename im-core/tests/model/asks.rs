//! What users ask of conversations, and how often.

use proptest::prelude::*;

use crate::ops::{CONVERSATIONS, USERS};

/// What a user asks of a conversation. `key` makes the client id, `variant` the content: the same with another variant is
/// another request under the same client id.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) user: usize,
    pub(crate) conversation: usize,
    pub(crate) key: u8,
    pub(crate) what: What,
}

/// `span`, `until`, `emoji`, `ways` and `set` are places in the lists of `commands`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    Send {
        variant: bool,
    },
    /// With an end.
    Brief {
        variant: bool,
        span: u8,
    },
    /// Goes once the other side has read it.
    Burn {
        variant: bool,
        span: u8,
    },
    Poll {
        variant: bool,
    },
    InThread {
        root: u64,
        variant: bool,
    },
    Forward {
        from: usize,
        target: u64,
    },
    Edit {
        target: u64,
        variant: bool,
    },
    Recall {
        target: u64,
    },
    React {
        target: u64,
        emoji: u8,
        on: bool,
    },
    /// One of two options; none to take it back.
    Vote {
        target: u64,
        option: Option<u32>,
    },
    Pin {
        target: u64,
    },
    Unpin {
        target: u64,
    },
    Add {
        whom: usize,
    },
    Approve {
        whom: usize,
    },
    Kick {
        whom: usize,
    },
    Ban {
        whom: usize,
        until: u8,
    },
    Unban {
        whom: usize,
    },
    Mute {
        whom: usize,
        until: u8,
    },
    Unmute {
        whom: usize,
    },
    Join,
    Leave,
    Role {
        whom: usize,
        role: u8,
    },
    Name {
        name: u8,
    },
    Nickname {
        whom: usize,
        name: u8,
    },
    Silence {
        on: bool,
    },
    Ways {
        ways: u8,
    },
    Permissions {
        role: u8,
        set: u8,
    },
    Dismiss,
}

impl What {
    /// Whether the log knows it again by a client id.
    pub(crate) const fn has_key(&self) -> bool {
        !matches!(self, Self::React { .. } | Self::Vote { .. })
    }
}

/// A seq near the beginning, where most of what is said stands.
pub(crate) fn target() -> impl Strategy<Value = u64> {
    prop_oneof![3 => 1..14u64, 1 => 1..30u64]
}

fn talk() -> impl Strategy<Value = What> {
    let variant = any::<bool>;
    let span = || 0..3u8;
    prop_oneof![
        12 => variant().prop_map(|variant| What::Send { variant }),
        2 => (variant(), span()).prop_map(|(variant, span)| What::Brief { variant, span }),
        1 => (variant(), span()).prop_map(|(variant, span)| What::Burn { variant, span }),
        2 => variant().prop_map(|variant| What::Poll { variant }),
        2 => (target(), variant()).prop_map(|(root, variant)| What::InThread { root, variant }),
        1 => (0..CONVERSATIONS, target()).prop_map(|(from, target)| What::Forward { from, target }),
        3 => (target(), variant()).prop_map(|(target, variant)| What::Edit { target, variant }),
        3 => target().prop_map(|target| What::Recall { target }),
    ]
}

fn attach() -> impl Strategy<Value = What> {
    let on = prop_oneof![3 => Just(true), 1 => Just(false)];
    let option = prop_oneof![1 => Just(None), 4 => (0..3u32).prop_map(Some)];
    prop_oneof![
        4 => (target(), 0..2u8, on).prop_map(|(target, emoji, on)| What::React { target, emoji, on }),
        3 => (target(), option).prop_map(|(target, option)| What::Vote { target, option }),
        2 => target().prop_map(|target| What::Pin { target }),
        1 => target().prop_map(|target| What::Unpin { target }),
    ]
}

fn people() -> impl Strategy<Value = What> {
    let whom = || 0..USERS;
    let role = prop_oneof![1 => Just(0u8), 4 => Just(1), 1 => Just(2)];
    prop_oneof![
        6 => whom().prop_map(|whom| What::Add { whom }),
        3 => whom().prop_map(|whom| What::Approve { whom }),
        5 => whom().prop_map(|whom| What::Kick { whom }),
        4 => (whom(), 0..5u8).prop_map(|(whom, until)| What::Ban { whom, until }),
        3 => whom().prop_map(|whom| What::Unban { whom }),
        4 => (whom(), 0..5u8).prop_map(|(whom, until)| What::Mute { whom, until }),
        2 => whom().prop_map(|whom| What::Unmute { whom }),
        5 => Just(What::Join),
        4 => Just(What::Leave),
        6 => (whom(), role).prop_map(|(whom, role)| What::Role { whom, role }),
        2 => (whom(), 0..3u8).prop_map(|(whom, name)| What::Nickname { whom, name }),
    ]
}

fn house() -> impl Strategy<Value = What> {
    prop_oneof![
        4 => (0..3u8).prop_map(|name| What::Name { name }),
        4 => any::<bool>().prop_map(|on| What::Silence { on }),
        6 => (0..3u8).prop_map(|ways| What::Ways { ways }),
        4 => (0..3u8, 0..4u8).prop_map(|(role, set)| What::Permissions { role, set }),
        1 => Just(What::Dismiss),
    ]
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let what = prop_oneof![13 => talk(), 6 => attach(), 9 => people(), 2 => house()];
    // Mostly the first group and its owner, so that histories are about something.
    let user = prop_oneof![3 => Just(0), 7 => 0..USERS];
    let conversation = prop_oneof![5 => Just(0), 4 => 0..CONVERSATIONS];
    (user, conversation, 0..24u8, what).prop_map(|(user, conversation, key, what)| Request {
        user,
        conversation,
        // An approval and an addition leave the same entry: the key tells which it was.
        key: if matches!(what, What::Approve { .. }) {
            key + 200
        } else {
            key
        },
        what,
    })
}

//! What users want that is in no log: rows of their own, the doors of groups, what they hide from themselves.

use proptest::prelude::*;

use crate::{
    asks::target,
    ops::{CONVERSATIONS, USERS},
};

#[derive(Clone, Debug)]
pub(crate) enum Wish {
    /// Writes a draft, or throws it away.
    Draft {
        at: usize,
        words: Option<u8>,
    },
    Favourite {
        at: usize,
        target: u64,
        on: bool,
    },
    Contact {
        whom: usize,
        step: Step,
    },
    Follow {
        whom: usize,
        on: bool,
    },
    Schedule {
        at: usize,
        in_ms: i64,
    },
    /// One of those that the user scheduled.
    Unschedule {
        which: usize,
    },
    Delete {
        at: usize,
        target: u64,
    },
    Clear {
        at: usize,
        up_to: u64,
    },
    /// Says something that is not stored.
    Now {
        at: usize,
    },
    AskIn {
        group: usize,
    },
    Withdraw {
        group: usize,
    },
    Reject {
        group: usize,
        whom: usize,
    },
    Invite {
        group: usize,
        uses: u32,
    },
    /// By the last link of the group.
    Enter {
        group: usize,
    },
}

/// On the way to being contacts, and back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Step {
    Request,
    Accept,
    Reject,
    Withdraw,
    Delete,
}

pub(crate) fn wish() -> impl Strategy<Value = Wish> {
    let at = || prop_oneof![1 => Just(0), 1 => 0..CONVERSATIONS];
    let group = || prop_oneof![3 => Just(0usize), 1 => Just(1)];
    let words = prop_oneof![1 => Just(None), 2 => (0..3u8).prop_map(Some)];
    let on = || prop_oneof![3 => Just(true), 1 => Just(false)];
    let in_ms = prop_oneof![Just(0i64), Just(2_000), Just(60_000)];
    let step = prop_oneof![
        4 => Just(Step::Request),
        3 => Just(Step::Accept),
        1 => Just(Step::Reject),
        1 => Just(Step::Withdraw),
        1 => Just(Step::Delete),
    ];
    prop_oneof![
        2 => (at(), words).prop_map(|(at, words)| Wish::Draft { at, words }),
        3 => (at(), target(), on()).prop_map(|(at, target, on)| Wish::Favourite { at, target, on }),
        4 => (0..USERS, step).prop_map(|(whom, step)| Wish::Contact { whom, step }),
        1 => (0..USERS, on()).prop_map(|(whom, on)| Wish::Follow { whom, on }),
        2 => (at(), in_ms).prop_map(|(at, in_ms)| Wish::Schedule { at, in_ms }),
        1 => (0..3usize).prop_map(|which| Wish::Unschedule { which }),
        2 => (at(), target()).prop_map(|(at, target)| Wish::Delete { at, target }),
        1 => (at(), target()).prop_map(|(at, up_to)| Wish::Clear { at, up_to }),
        1 => at().prop_map(|at| Wish::Now { at }),
        3 => group().prop_map(|group| Wish::AskIn { group }),
        1 => group().prop_map(|group| Wish::Withdraw { group }),
        1 => (group(), 0..USERS).prop_map(|(group, whom)| Wish::Reject { group, whom }),
        2 => (group(), 1..3u32).prop_map(|(group, uses)| Wish::Invite { group, uses }),
        3 => group().prop_map(|group| Wish::Enter { group }),
    ]
}

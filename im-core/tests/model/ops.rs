//! What can happen, and how often.

use proptest::{collection::vec, prelude::*};

use crate::{
    asks::{Request, What, request},
    faults::Fault,
    wishes::{Wish, wish},
};

/// Users; each has two devices.
pub(crate) const USERS: usize = 4;
/// Conversations: two groups, and the direct ones of users 0 and 1, and of 1 and 2.
pub(crate) const CONVERSATIONS: usize = 4;

#[derive(Clone, Debug)]
pub(crate) enum Op {
    Create {
        group: usize,
        members: u8,
        open: bool,
    },
    Direct {
        user: usize,
        peer: usize,
    },
    /// One request, judged by the reference.
    Request(Request),
    /// A poll, and who chooses what in it one after the other.
    Ballot {
        poll: Request,
        votes: Vec<(usize, Option<u32>)>,
    },
    /// The same again at once, maybe twice in one go.
    Again,
    /// Several at once.
    Together(Vec<Request>),
    /// Several at once, while a device reads.
    DrainDuring {
        device: usize,
        requests: Vec<Request>,
    },
    /// One whose future is dropped after its first poll.
    Dropped(Request),
    /// From another engine on the same store.
    Elsewhere(Request),
    /// A message from the `Session` of a user; maybe nobody waits for the answer.
    Say {
        user: usize,
        conversation: usize,
        wait: bool,
    },
    Read {
        user: usize,
        conversation: usize,
        seq: u64,
    },
    Delivered {
        user: usize,
        conversation: usize,
        seq: u64,
    },
    /// Two marks at once.
    Marks {
        user: usize,
        conversation: usize,
        seqs: (u64, u64),
    },
    Typing {
        user: usize,
        conversation: usize,
    },
    Block {
        user: usize,
        whom: usize,
        on: bool,
    },
    /// What is not in any log.
    Wish {
        user: usize,
        wish: Wish,
    },
    Watch {
        user: usize,
        whom: usize,
    },
    Connect {
        device: usize,
    },
    Disconnect {
        device: usize,
    },
    /// From a cursor that it once had.
    Rewind {
        device: usize,
        which: usize,
    },
    Break {
        device: usize,
    },
    LoseReply {
        device: usize,
    },
    Stall {
        device: usize,
        offers: u32,
    },
    Drain {
        device: usize,
    },
    /// Two devices come while something is decided.
    ConnectDuring {
        device: usize,
        request: Request,
    },
    Fault(Fault),
    Wait {
        ms: u64,
    },
    StepClock {
        ms: i64,
    },
}

fn op() -> impl Strategy<Value = Op> {
    let at = || (0..USERS, 0..CONVERSATIONS);
    let device = || 0..USERS * 2;
    let fault = prop_oneof![
        Just(Fault::Before),
        Just(Fault::After),
        (1..400u64).prop_map(Fault::Late),
        Just(Fault::Read),
    ];
    prop_oneof![
        1 => (0..2usize, any::<u8>(), any::<bool>()).prop_map(|(group, members, open)| Op::Create { group, members, open }),
        1 => (0..2usize).prop_map(|n| Op::Direct { user: n, peer: n + 1 }),
        30 => request().prop_map(Op::Request),
        10 => (0..USERS, wish()).prop_map(|(user, wish)| Op::Wish { user, wish }),
        2 => ballot(),
        2 => Just(Op::Again),
        4 => vec(request(), 2..5).prop_map(Op::Together),
        4 => (device(), vec(request(), 1..5)).prop_map(|(device, requests)| Op::DrainDuring { device, requests }),
        2 => request().prop_map(Op::Dropped),
        2 => request().prop_map(Op::Elsewhere),
        6 => (at(), any::<bool>()).prop_map(|((user, conversation), wait)| Op::Say { user, conversation, wait }),
        2 => (at(), 0..20u64).prop_map(|((user, conversation), seq)| Op::Read { user, conversation, seq }),
        1 => (at(), 0..20u64).prop_map(|((user, conversation), seq)| Op::Delivered { user, conversation, seq }),
        1 => (at(), (0..20u64, 0..20u64)).prop_map(|((user, conversation), seqs)| Op::Marks { user, conversation, seqs }),
        1 => at().prop_map(|(user, conversation)| Op::Typing { user, conversation }),
        2 => (0..USERS, 0..USERS, any::<bool>()).prop_map(|(user, whom, on)| Op::Block { user, whom, on }),
        1 => (0..USERS, 0..USERS).prop_map(|(user, whom)| Op::Watch { user, whom }),
        4 => device().prop_map(|device| Op::Connect { device }),
        3 => device().prop_map(|device| Op::Disconnect { device }),
        1 => (device(), any::<usize>()).prop_map(|(device, which)| Op::Rewind { device, which }),
        1 => device().prop_map(|device| Op::Break { device }),
        1 => device().prop_map(|device| Op::LoseReply { device }),
        3 => (device(), 1..8u32).prop_map(|(device, offers)| Op::Stall { device, offers }),
        4 => device().prop_map(|device| Op::Drain { device }),
        2 => (device(), request()).prop_map(|(device, request)| Op::ConnectDuring { device, request }),
        3 => (device(), any::<bool>(), 0..24u8).prop_map(|(device, add, key)| come_or_go(device, add, key)),
        4 => fault.prop_map(Op::Fault),
        2 => prop_oneof![1..2_000u64, Just(200_000)].prop_map(|ms| Op::Wait { ms }),
        1 => (-3_600_000..3_600_000i64).prop_map(|ms| Op::StepClock { ms }),
    ]
}

fn ballot() -> impl Strategy<Value = Op> {
    let option = prop_oneof![1 => Just(None), 4 => (0..2u32).prop_map(Some)];
    let votes = vec((0..3usize, option), 2..6);
    (0..3usize, 0..24u8, any::<bool>(), votes).prop_map(|(user, key, variant, votes)| {
        let poll = Request {
            user,
            conversation: 0,
            key,
            what: What::Poll { variant },
        };
        Op::Ballot { poll, votes }
    })
}

/// A device comes while the owner of the first group adds or removes its user.
fn come_or_go(device: usize, add: bool, key: u8) -> Op {
    let whom = device / 2;
    let what = if add {
        What::Add { whom }
    } else {
        What::Kick { whom }
    };
    let request = Request {
        user: 0,
        conversation: 0,
        key,
        what,
    };
    Op::ConnectDuring { device, request }
}

/// A history that begins with something to talk in, and somebody to listen.
pub(crate) fn history() -> impl Strategy<Value = (u64, u64, Vec<Op>)> {
    let begin = (
        any::<u8>(),
        any::<bool>(),
        vec(0..USERS * 2, 3..6),
        vec(1..USERS, 0..3),
    )
        .prop_map(|(members, open, devices, admins)| {
            let mut ops = vec![
                Op::Create {
                    group: 0,
                    members: members | 2,
                    open,
                },
                Op::Direct { user: 0, peer: 1 },
            ];
            ops.extend(admins.into_iter().map(|whom| {
                Op::Request(Request {
                    user: 0,
                    conversation: 0,
                    key: 100 + whom as u8,
                    what: What::Role { whom, role: 1 },
                })
            }));
            ops.extend(devices.into_iter().map(|device| Op::Connect { device }));
            ops
        });
    let coalesce = prop_oneof![2 => Just(0), 1 => Just(20u64)];
    (coalesce, any::<u64>(), begin, vec(op(), 5..60)).prop_map(|(coalesce, seed, mut ops, more)| {
        ops.extend(more);
        (coalesce, seed, ops)
    })
}

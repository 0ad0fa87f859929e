//! The engine, its users and their devices; and what is known of them without asking the engine.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use im_core::{
    Actor, AddMembers, Body, Call, ChangeInfo, ChangeRole, ClientId, Command, Content,
    ConversationId, DeviceId, EditMessage, Im, InfoPatch, JoinGroup, KickMembers, LeaveGroup,
    Limits, Message, Position, RecallMessage, Rejection, Reply, Role, SendMessage, Seq, Store,
    Timestamp, TrustEveryone, UserId,
    port::{LogStore, Range},
    testing::ManualRuntime,
};
use im_store::MemoryStore;

use crate::{
    device::{Device, Ground, State},
    faults::{Banned, FaultyLog, text_of},
    ops::{CONVERSATIONS, Request, USERS, What},
    slow::{Slow, Turns},
    truth::{Ask, Truth},
};

/// Which request stands under a client id, and where.
type Known = HashMap<(usize, usize, u8), (Option<What>, u64)>;

pub(crate) struct World {
    pub(crate) ground: Ground,
    pub(crate) elsewhere: Im,
    pub(crate) log: Arc<FaultyLog>,
    pub(crate) inner: Arc<dyn LogStore>,
    pub(crate) devices: Vec<Device>,
    pub(crate) known: Known,
    pub(crate) blocks: Vec<(usize, usize)>,
    pub(crate) last: Option<Request>,
    /// Work may be under way that nobody waits for.
    pub(crate) busy: bool,
    /// A store call failed, and the engine may not have found out what of it is stored.
    pub(crate) lags: bool,
    pub(crate) used_elsewhere: bool,
    /// Members may have come or gone in another engine, and ours has not heard of it.
    pub(crate) members_elsewhere: bool,
    pub(crate) said: u32,
    /// Texts that a session said, and whether it was told that they are stored.
    pub(crate) says: Vec<(String, Option<u64>)>,
    pub(crate) positions: HashMap<(usize, usize), Position>,
    pub(crate) marked: HashMap<(usize, usize), u64>,
    /// Sessions that others displaced, and that nobody has dropped.
    pub(crate) displaced: VecDeque<im_core::Attachment>,
}

pub(crate) fn user(n: usize) -> UserId {
    UserId::new(format!("u{n}")).unwrap()
}

pub(crate) fn conversation(n: usize) -> ConversationId {
    match n {
        0 | 1 => ConversationId::created_by(&user(n), &group_key(n)),
        _ => ConversationId::direct(&user(n - 2), &user(n - 1)),
    }
}

pub(crate) fn group_key(n: usize) -> ClientId {
    ClientId::new(format!("g{n}")).unwrap()
}

fn client_id(key: u8) -> ClientId {
    ClientId::new(format!("k{key}")).unwrap()
}

pub(crate) fn role(n: u8) -> Role {
    [Role::Member, Role::Admin, Role::Owner][usize::from(n)]
}

impl World {
    pub(crate) fn new(coalesce_ms: u64, seed: u64) -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let mut ports = MemoryStore::new().ports();
        let inner = ports.log.clone();
        ports.runtime = Arc::new(runtime.clone());
        let banned = Banned::default();
        let limits = Limits {
            coalesce_ms,
            // In some of them a user has hundreds of sessions.
            devices_per_user: 1_000,
            ..Limits::default()
        };
        let turns = Arc::new(Turns::new(seed, ports.runtime.clone()));
        ports.members = Arc::new(Slow {
            inner: ports.members.clone(),
            turns: turns.clone(),
        });
        ports.positions = Arc::new(Slow {
            inner: ports.positions.clone(),
            turns: turns.clone(),
        });
        let elsewhere = Im::builder(ports.clone(), TrustEveryone).build();
        let log = Arc::new(FaultyLog {
            inner: inner.clone(),
            runtime: ports.runtime.clone(),
            faults: Mutex::default(),
            failed: Mutex::default(),
            banned: banned.clone(),
            turns,
        });
        ports.log = log.clone();
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        let devices = (0..USERS * 2).map(|n| Device {
            user: user(n / 2),
            id: DeviceId::new(format!("d{}", n % 2)).unwrap(),
            taken: Default::default(),
            base: Default::default(),
            state: State::Off(None),
            saved: Vec::new(),
        });
        Self {
            devices: devices.collect(),
            ground: Ground {
                im,
                runtime,
                banned,
            },
            elsewhere,
            log,
            inner,
            known: Known::new(),
            blocks: Vec::new(),
            last: None,
            busy: false,
            lags: false,
            used_elsewhere: false,
            members_elsewhere: false,
            said: 0,
            says: Vec::new(),
            positions: HashMap::new(),
            marked: HashMap::new(),
            displaced: VecDeque::new(),
        }
    }

    pub(crate) fn truth(&self, n: usize) -> Truth {
        let all = Range::After(Seq::ZERO);
        let entries = self.inner.read(conversation(n), all, usize::MAX);
        let truth = Truth::of(entries.now_or_never().unwrap().unwrap());
        truth.check();
        truth
    }

    pub(crate) fn is_blocked(&self, a: usize, b: usize) -> bool {
        self.blocks.contains(&(a, b)) || self.blocks.contains(&(b, a))
    }

    /// Whether the two of a direct conversation have a block between them.
    pub(crate) fn is_blocked_in(&self, n: usize) -> bool {
        n >= 2 && self.is_blocked(n - 2, n - 1)
    }

    pub(crate) fn now(&self) -> i64 {
        im_core::port::Runtime::now(&self.ground.runtime).0
    }

    pub(crate) fn failures(&self) -> u32 {
        *self.log.failed.lock().unwrap()
    }

    pub(crate) fn wait(&mut self, ms: u64) {
        self.ground.runtime.advance(Duration::from_millis(ms));
        if ms >= 4_000 {
            self.busy = false;
            self.lags = false;
        }
    }

    /// Asks for a user: through its own device where that is on.
    pub(crate) fn execute(
        &self,
        n: usize,
        command: Command,
    ) -> im_core::port::BoxFuture<Result<Reply, Rejection>> {
        let im = self.ground.im.clone();
        if let State::Raw(raw) = &self.devices[n * 2 + 1].state {
            return Box::pin(raw.attachment.execute(command));
        }
        Box::pin(async move { im.execute(&Actor::user(user(n)), command).await })
    }

    pub(crate) fn call<C: Call>(&self, n: usize, call: C) -> Result<C::Reply, Rejection> {
        let im = &self.ground.im;
        let actor = Actor::user(user(n));
        self.ground.runtime.block_on(im.call(&actor, call))
    }

    /// Asks the other engine on the same store.
    pub(crate) fn call_elsewhere<C: Call>(&self, n: usize, call: C) -> Result<C::Reply, Rejection> {
        let actor = Actor::user(user(n));
        self.ground
            .runtime
            .block_on(self.elsewhere.call(&actor, call))
    }

    /// Notes under which client ids something is stored now.
    pub(crate) fn observe(&mut self) {
        for n in 0..CONVERSATIONS {
            for entry in self.truth(n).entries {
                let Some(key) = entry.client_id.as_str().strip_prefix('k') else {
                    continue;
                };
                let sender = entry.sender.as_str()[1..].parse().unwrap();
                let key = (n, sender, key.parse().unwrap());
                let place = entry.seq.0;
                let (_, seq) = self
                    .known
                    .entry(key)
                    .or_insert_with(|| (what_of(&entry.body), place));
                assert_eq!(*seq, place, "law 2: one client id, two entries");
            }
        }
    }
}

pub(crate) fn text(kind: &str, request: &Request, variant: bool) -> String {
    let Request {
        user,
        conversation,
        key,
        ..
    } = request;
    format!("{kind}/{user}/{conversation}/{key}/{variant};")
}

fn variant_of(content: &Content) -> Option<bool> {
    Some(text_of(content)?.ends_with("true;"))
}

/// Which request an entry tells of, as long as nothing has become of it.
fn what_of(body: &Body) -> Option<What> {
    let number = |user: &UserId| user.as_str()[1..].parse::<usize>().unwrap();
    Some(match body {
        Body::Message(Message {
            content,
            edited: None,
            ..
        }) => What::Send {
            variant: variant_of(content)?,
        },
        Body::Edited {
            target, content, ..
        } => What::Edit {
            target: target.0,
            variant: variant_of(content.as_ref()?)?,
        },
        Body::Recalled { target } => What::Recall { target: target.0 },
        Body::MembersAdded { members, .. } => What::Add {
            whom: number(&members[0]),
        },
        Body::Kicked { members, .. } => What::Kick {
            whom: number(&members[0]),
        },
        Body::Joined {
            since: None,
            silent_until_ms: None,
        } => What::Join,
        Body::Left => What::Leave,
        Body::RoleChanged { member, role } => What::Role {
            whom: number(member),
            role: *role as u8,
        },
        Body::InfoChanged { changes, .. } => What::Name {
            name: changes.name.as_ref()?.parse().unwrap_or(0),
        },
        _ => return None,
    })
}

pub(crate) fn name(n: u8) -> String {
    if n == 0 { String::new() } else { n.to_string() }
}

impl Request {
    pub(crate) fn ask(&self) -> Ask {
        match &self.what {
            What::Send { .. } => Ask::Send,
            What::Edit { target, .. } => Ask::Edit(*target),
            What::Recall { target } => Ask::Recall(*target),
            What::Add { whom } => Ask::Add(user(*whom)),
            What::Kick { whom } => Ask::Kick(user(*whom)),
            What::Join => Ask::Join,
            What::Leave => Ask::Leave,
            What::Role { whom, role: n } => Ask::Role(user(*whom), role(*n)),
            What::Name { name: n } => Ask::Name(name(*n)),
        }
    }

    pub(crate) fn command(&self) -> Command {
        let (conversation, client_id) = (conversation(self.conversation), client_id(self.key));
        match &self.what {
            What::Send { variant } => {
                SendMessage::new(conversation, client_id, text("m", self, *variant)).into_command()
            }
            What::Edit { target, variant } => EditMessage {
                conversation,
                client_id,
                target: Seq(*target),
                content: text("e", self, *variant).into(),
            }
            .into_command(),
            What::Recall { target } => RecallMessage {
                conversation,
                client_id,
                target: Seq(*target),
            }
            .into_command(),
            What::Add { whom } => AddMembers {
                conversation,
                client_id,
                users: vec![user(*whom)],
            }
            .into_command(),
            What::Kick { whom } => KickMembers {
                conversation,
                client_id,
                users: vec![user(*whom)],
                reason: None,
                banned_until_ms: None,
            }
            .into_command(),
            What::Join => JoinGroup {
                conversation,
                client_id,
            }
            .into_command(),
            What::Leave => LeaveGroup {
                conversation,
                client_id,
            }
            .into_command(),
            What::Role { whom, role: n } => ChangeRole {
                conversation,
                client_id,
                user: user(*whom),
                role: role(*n),
            }
            .into_command(),
            What::Name { name: n } => ChangeInfo {
                conversation,
                client_id,
                changes: InfoPatch {
                    name: Some(name(*n)),
                    ..InfoPatch::default()
                },
            }
            .into_command(),
        }
    }
}

/// The seq that a reply speaks of.
pub(crate) fn seq_of(reply: &Reply) -> u64 {
    match reply {
        Reply::SendMessage(sent) | Reply::EditMessage(sent) | Reply::RecallMessage(sent) => {
            sent.seq.0
        }
        Reply::AddMembers(changed)
        | Reply::KickMembers(changed)
        | Reply::JoinGroup(changed)
        | Reply::LeaveGroup(changed)
        | Reply::ChangeRole(changed)
        | Reply::ChangeInfo(changed) => changed.seq.0,
        other => panic!("a reply without a seq: {other:?}"),
    }
}

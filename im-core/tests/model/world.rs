//! The engine, its users and their devices; and what is known of them without asking the engine.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::FutureExt;
use im_core::{
    Actor, Call, ClientId, Command, ConversationId, DeviceId, Im, Limits, Position, Rejection,
    Reply, Seq, Store, Timestamp, TrustEveryone, UserId,
    port::{DoorStore, LogStore, Range},
    testing::ManualRuntime,
};
use im_store::MemoryStore;

use crate::{
    asks::{Request, What},
    commands::BEGIN,
    device::{Device, Ground, State},
    doors::Doors,
    faults::{Banned, FaultyLog},
    ops::{CONVERSATIONS, USERS},
    own::Owned,
    slow::{Slow, Turns},
    traces::what_of,
    truth::Truth,
};

/// Which request stands under a client id, and where.
type Known = HashMap<(usize, usize, u8), (Option<What>, u64)>;

pub(crate) struct World {
    pub(crate) ground: Ground,
    pub(crate) elsewhere: Im,
    pub(crate) log: Arc<FaultyLog>,
    pub(crate) inner: Arc<dyn LogStore>,
    pub(crate) door_store: Arc<dyn DoorStore>,
    pub(crate) doors: Doors,
    pub(crate) owned: Owned,
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
    /// The wall clock was set.
    pub(crate) steps: bool,
    pub(crate) said: u32,
    /// How often it was looked at what is found.
    pub(crate) looked: usize,
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

impl World {
    pub(crate) fn new(coalesce_ms: u64, seed: u64) -> Self {
        let runtime = ManualRuntime::new(Timestamp(BEGIN));
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
        let door_store = ports.doors.clone();
        let im = Im::builder(ports, TrustEveryone).limits(limits).build();
        let devices = (0..USERS * 2).map(|n| Device {
            user: user(n / 2),
            id: DeviceId::new(format!("d{}", n % 2)).unwrap(),
            taken: Default::default(),
            base: Default::default(),
            own: Default::default(),
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
            door_store,
            doors: Doors::default(),
            owned: Owned::default(),
            known: Known::new(),
            blocks: Vec::new(),
            last: None,
            busy: false,
            lags: false,
            used_elsewhere: false,
            members_elsewhere: false,
            steps: false,
            said: 0,
            looked: 0,
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
                let key: u8 = key.parse().unwrap();
                let place = entry.seq.0;
                let (_, seq) = self
                    .known
                    .entry((n, sender, key))
                    .or_insert_with(|| (what_of(key, &entry.body), place));
                assert_eq!(*seq, place, "law 2: one client id, two entries");
            }
        }
    }
}

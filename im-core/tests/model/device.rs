//! Two kinds of devices: a `Session`, and one that is written here, which knows nothing but the protocol.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use futures_util::future::{Either, select};
use im_core::{
    Actor, Attachment, Body, Call, Code, ConversationId, Cursor, DeviceId, Entry, History, Im,
    OwnKey, OwnRow, Push, Rejection, Seq, Session, SyncPage, SyncPull, UserId, port::Runtime,
    testing::ManualRuntime,
};

use crate::{
    faults::Banned,
    link::{TestConnector, identity, opening},
    outlet::TestOutlet,
};

/// What a device took in, by conversation, in order.
pub(crate) type Taken = BTreeMap<ConversationId, Vec<Entry>>;

/// A device's rows of its user's own, as it was told of them last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mirror(BTreeMap<OwnKey, OwnRow>);

impl Mirror {
    fn take(&mut self, row: OwnRow) {
        let key = OwnKey::new(row.kind, row.key.clone());
        let stands = self.0.get(&key).map_or(0, |stands| stands.version);
        if row.version >= stands {
            self.0.insert(key, row);
        }
    }

    fn take_all(&mut self, pages: &[SyncPage]) {
        let rows = pages.iter().flat_map(|page| page.own.iter().cloned());
        rows.for_each(|row| self.take(row));
    }

    /// What it says now.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &OwnRow> {
        self.0.values()
    }
}

/// What a device knows.
struct Knows<'a> {
    taken: &'a mut Taken,
    own: &'a mut Mirror,
}

pub(crate) struct Device {
    pub(crate) user: UserId,
    pub(crate) id: DeviceId,
    pub(crate) taken: Taken,
    /// What the device had of each conversation before the first that it took.
    pub(crate) base: BTreeMap<ConversationId, u64>,
    pub(crate) own: Mirror,
    pub(crate) state: State,
    /// Where it once was, and what it had of its user's own.
    pub(crate) saved: Vec<(Cursor, Mirror)>,
}

pub(crate) enum State {
    Off(Option<Cursor>),
    Raw(Raw),
    Session(Box<Session>, Arc<TestConnector>),
}

pub(crate) struct Raw {
    pub(crate) attachment: Attachment,
    pub(crate) outlet: Arc<TestOutlet>,
    pub(crate) have: BTreeMap<ConversationId, Seq>,
    pub(crate) cursor: Option<Cursor>,
}

pub(crate) struct Ground {
    pub(crate) im: Im,
    pub(crate) runtime: ManualRuntime,
    pub(crate) banned: Banned,
}

impl Device {
    pub(crate) fn is_on(&self) -> bool {
        match &self.state {
            State::Off(_) => false,
            State::Raw(raw) => raw.outlet.closed().is_none(),
            State::Session(_, connector) => connector
                .outlet
                .lock()
                .unwrap()
                .as_ref()
                .is_some_and(|outlet| outlet.closed().is_none()),
        }
    }

    pub(crate) fn outlet(&self) -> Option<Arc<TestOutlet>> {
        match &self.state {
            State::Off(_) => None,
            State::Raw(raw) => Some(raw.outlet.clone()),
            State::Session(_, connector) => connector.outlet.lock().unwrap().clone(),
        }
    }

    pub(crate) fn lose_reply(&self) {
        if let State::Session(_, connector) = &self.state {
            let lose = std::sync::atomic::Ordering::Relaxed;
            connector.lose_reply.store(true, lose);
        }
    }

    /// Opens a `Session`, for the first time or from where it was.
    pub(crate) fn open_session(&mut self, ground: &Ground, cursor: Option<Cursor>) {
        let connector = Arc::new(TestConnector {
            im: ground.im.clone(),
            user: self.user.clone(),
            device: self.id.clone(),
            banned: ground.banned.clone(),
            outlet: Mutex::default(),
            lose_reply: Arc::new(AtomicBool::new(false)),
        });
        let runtime: Arc<dyn Runtime> = Arc::new(ground.runtime.clone());
        if cursor.is_none() {
            // It is told of what comes from now on; what there is it asks for.
            self.own = Mirror::default();
            let actor = Actor::user(self.user.clone());
            let mut ask = SyncPull {
                cursor: None,
                have: BTreeMap::new(),
                limit: None,
            };
            loop {
                let Ok(page) = ground.runtime.block_on(ground.im.call(&actor, ask.clone())) else {
                    continue;
                };
                self.own.take_all(std::slice::from_ref(&page));
                ask.cursor = Some(page.cursor);
                if page.done {
                    break;
                }
            }
        }
        let session = match cursor {
            None => Session::open(connector.clone(), runtime).on(ground),
            Some(cursor) => Session::resume(connector.clone(), runtime, cursor).on(ground),
        };
        self.state = State::Session(Box::new(session), connector);
    }

    /// Opens a session for a device of our own making. Returns the pages that it pulled.
    pub(crate) fn open_raw(
        &mut self,
        ground: &Ground,
        cursor: Option<Cursor>,
        have: BTreeMap<ConversationId, Seq>,
    ) -> Option<Vec<SyncPage>> {
        let outlet = Arc::new(TestOutlet::new(ground.banned.clone()));
        let opening = opening(&self.id);
        let attached = ground
            .im
            .attach(identity(&self.user), &opening, outlet.clone());
        let attachment = ground.runtime.block_on(attached).unwrap();
        let mut raw = Raw {
            attachment,
            outlet,
            have: have.clone(),
            cursor: cursor.clone(),
        };
        let mut pages = Vec::new();
        let mut ask = SyncPull {
            cursor: cursor.clone(),
            have,
            limit: Some(3),
        };
        loop {
            let page = raw.call(ground, ask.clone()).ok();
            let Some(page) = page else {
                // A fault. It gives up, and comes back another time.
                self.state = State::Off(raw.cursor.clone());
                self.base.clear();
                self.taken.clear();
                return None;
            };
            ask = SyncPull {
                cursor: Some(page.cursor.clone()),
                have: BTreeMap::new(),
                limit: Some(3),
            };
            let done = page.done;
            pages.push(page);
            assert!(pages.len() < 1_000, "sync does not end");
            if done {
                break;
            }
        }
        for page in &pages {
            for item in &page.items {
                for entry in &item.entries {
                    self.taken
                        .entry(entry.conversation)
                        .or_default()
                        .push(entry.clone());
                }
            }
        }
        if cursor.is_none() {
            self.own = Mirror::default();
        }
        self.own.take_all(&pages);
        raw.cursor = pages.last().map(|page| page.cursor.clone());
        // What is not in the cursor any more is where it is out; pushes of that may be under way.
        for (conversation, entries) in &self.taken {
            let last = entries.last().map(|entry| entry.seq);
            raw.have.extend(last.map(|seq| (*conversation, seq)));
        }
        raw.have.extend(raw.cursor.clone().unwrap().positions);
        let saved = raw.cursor.clone().map(|cursor| (cursor, self.own.clone()));
        self.saved.extend(saved);
        self.state = State::Raw(raw);
        Some(pages)
    }

    pub(crate) fn close(&mut self) {
        let state = std::mem::replace(&mut self.state, State::Off(None));
        self.state = match state {
            State::Off(cursor) => State::Off(cursor),
            State::Raw(raw) => {
                let mut cursor = raw.cursor.unwrap();
                cursor.positions.extend(raw.have);
                State::Off(Some(cursor))
            }
            State::Session(session, _) => {
                let cursor = session.cursor();
                self.saved.push((cursor.clone(), self.own.clone()));
                State::Off(Some(cursor))
            }
        };
    }

    /// Reads what was pushed, for so long, and fetches what is missing.
    pub(crate) fn drain(&mut self, ground: &Ground, patience: Duration) {
        match &mut self.state {
            State::Off(_) => {}
            State::Raw(raw) => {
                ground.runtime.advance(patience);
                while let Some(push) = raw.outlet.next() {
                    let knows = &mut Knows {
                        taken: &mut self.taken,
                        own: &mut self.own,
                    };
                    raw.arrived(&self.user, push, ground, knows);
                }
            }
            State::Session(session, _) => loop {
                let next = {
                    let event = pin!(session.next_event());
                    let sleep = ground.runtime.sleep(patience);
                    match ground.runtime.block_on(select(event, sleep)) {
                        Either::Left((event, _)) => event,
                        Either::Right(_) => return,
                    }
                };
                match next {
                    Ok(Push::Entry(entry)) => self
                        .taken
                        .entry(entry.conversation)
                        .or_default()
                        .push(entry),
                    Ok(Push::OwnChanged(row)) => self.own.take(*row),
                    Ok(_) => {}
                    Err(error) => panic!("{}'s session ended: {error}", self.user),
                }
            },
        }
    }
}

impl Raw {
    pub(crate) fn call<C: Call>(&self, ground: &Ground, call: C) -> Result<C::Reply, Rejection> {
        let reply = ground
            .runtime
            .block_on(self.attachment.execute(call.into_command()))?;
        Ok(C::reply_of(reply).unwrap())
    }

    fn arrived(&mut self, me: &UserId, push: Push, ground: &Ground, knows: &mut Knows<'_>) {
        match push {
            Push::Entry(entry) => {
                let have = self.have.entry(entry.conversation).or_default();
                let begins = match &entry.body {
                    Body::Created { members, .. } | Body::MembersAdded { members, .. } => {
                        members.contains(me)
                    }
                    Body::Joined {
                        since: None,
                        silent_until_ms: None,
                    } => entry.sender == *me,
                    _ => false,
                };
                if entry.seq <= *have {
                    return;
                }
                if entry.seq == have.next() || begins {
                    *have = entry.seq;
                    knows
                        .taken
                        .entry(entry.conversation)
                        .or_default()
                        .push(entry);
                } else {
                    self.fetch(entry.conversation, ground, knows);
                }
            }
            // Both ways lead there.
            Push::HeadMoved(hint) if hint.head.0.is_multiple_of(2) => self.pull(ground, knows),
            Push::HeadMoved(hint) => self.fetch(hint.conversation, ground, knows),
            Push::OwnChanged(row) => knows.own.take(*row),
            _ => {}
        }
    }

    /// Catches up on the link that is open.
    fn pull(&mut self, ground: &Ground, knows: &mut Knows<'_>) {
        for _ in 0..1_000 {
            let ask = SyncPull {
                cursor: self.cursor.clone(),
                have: self.have.clone(),
                limit: Some(3),
            };
            // A fault: it asks again.
            let Ok(page) = self.call(ground, ask) else {
                continue;
            };
            knows.own.take_all(std::slice::from_ref(&page));
            for entry in page.items.into_iter().flat_map(|item| item.entries) {
                let have = self.have.entry(entry.conversation).or_default();
                if entry.seq > *have {
                    *have = entry.seq;
                    knows
                        .taken
                        .entry(entry.conversation)
                        .or_default()
                        .push(entry);
                }
            }
            self.have.extend(page.cursor.positions.clone());
            self.cursor = Some(page.cursor);
            if page.done {
                return;
            }
        }
        panic!("sync does not end");
    }

    fn fetch(&mut self, conversation: ConversationId, ground: &Ground, knows: &mut Knows<'_>) {
        for _ in 0..1_000 {
            let have = self.have.entry(conversation).or_default();
            let ask = History {
                after_seq: Some(*have),
                limit: Some(3),
                ..History::of(conversation)
            };
            let page = match self.call(ground, ask) {
                Ok(page) => page,
                Err(rejection) if rejection.code == Code::NotFound => return,
                // A fault: it asks again.
                Err(_) => continue,
            };
            for entry in page.items {
                self.have.insert(conversation, entry.seq);
                knows.taken.entry(conversation).or_default().push(entry);
            }
            if page.done {
                return;
            }
        }
        panic!("history does not end");
    }
}

trait OnGround<T> {
    fn on(self, ground: &Ground) -> T;
}

impl<T, E: std::fmt::Debug, F: Future<Output = Result<T, E>>> OnGround<T> for F {
    fn on(self, ground: &Ground) -> T {
        ground.runtime.block_on(self).unwrap()
    }
}

//! A device: comes back, resumes, asks again for what has no answer, and puts load on the server until its link is gone.

mod taking;

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    io,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use serde_json::json;
use tests::{random::Random, socket::Socket};
use tokio::{sync::watch, time::Instant};

use crate::{
    Violation,
    log::Log,
    world::{CONVERSATIONS, DeviceLog, World},
};

/// Requests without an answer, at most.
const IN_FLIGHT: usize = 4;
/// The pause between two requests, at most.
const PAUSE_MS: usize = 4;
/// The pause before it comes back, at most.
const RETURN_MS: usize = 20;

/// What devices do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Come back, and then read only.
    Settle,
    /// Ask for things.
    Load,
    /// Go.
    End,
}

/// When a device is done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Until {
    /// When its link is gone.
    LinkGone,
    /// At the end: while it lasts the device comes back, to the next server that it knows.
    End,
}

/// One installation of a client, with what it keeps while the server is away.
#[derive(Debug)]
pub(crate) struct Device {
    cursor: Option<String>,
    /// Whether its user is in the group with the open door.
    pub(crate) door: Door,
    /// Client ids without an answer, in the order in which they were asked.
    pub(crate) unanswered: Vec<String>,
    pub(crate) name: String,
    pub(crate) number: u64,
    /// Its own messages, for changing them later.
    pub(crate) own: Vec<(usize, u64)>,
    pub(crate) random: Random,
    pub(crate) user: String,
    pub(crate) world: Rc<RefCell<World>>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Door {
    Changing,
    In,
    Out,
}

/// Why a connection's life is over.
enum End {
    /// The link is gone, as when a server dies.
    Gone,
    Wrong(Violation),
}

impl From<io::Error> for End {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl From<Violation> for End {
    fn from(violation: Violation) -> Self {
        Self::Wrong(violation)
    }
}

/// A live connection and what it waits for.
struct Link {
    dirty: HashSet<usize>,
    fetching: HashSet<usize>,
    /// What the device said that it has, while it catches up.
    have: Option<BTreeMap<usize, u64>>,
    is_settled: bool,
    socket: Socket,
    waiting: HashMap<u64, Waiting>,
}

enum Waiting {
    Ask(String),
    History(usize),
    Sync,
}

impl Device {
    pub(crate) fn new(user: &str, name: &str, world: &Rc<RefCell<World>>, seed: u64) -> Self {
        let name = format!("{user}-{name}");
        let log = DeviceLog {
            user: user.to_owned(),
            logs: vec![Log::default(); CONVERSATIONS],
            whereabouts: String::new(),
            is_settled: false,
        };
        world.borrow_mut().seen.insert(name.clone(), log);
        Self {
            cursor: None,
            door: Door::In,
            unanswered: Vec::new(),
            name,
            number: 0,
            own: Vec::new(),
            random: Random::new(seed),
            user: user.to_owned(),
            world: Rc::clone(world),
        }
    }

    /// Lives, with the servers that it knows. Returns itself for the next life.
    pub(crate) async fn live(
        mut self,
        servers: Rc<[SocketAddr]>,
        mut phase: watch::Receiver<Phase>,
        until: Until,
    ) -> (Self, Result<(), Violation>) {
        let mut at = self.random.below(servers.len());
        loop {
            let mut end = phase.clone();
            let outcome = tokio::select! {
                outcome = self.try_live(servers[at], &mut phase) => outcome,
                _ = end.wait_for(|phase| *phase == Phase::End) => Err(End::Gone),
            };
            self.note_settled(false);
            if let Err(End::Wrong(violation)) = outcome {
                let violation = format!("device {}: {violation}", self.name);
                self.world
                    .borrow_mut()
                    .violation
                    .get_or_insert(violation.clone());
                return (self, Err(violation));
            }
            if until == Until::LinkGone || *phase.borrow() == Phase::End {
                return (self, Ok(()));
            }
            at = (at + 1) % servers.len();
            let pause = self.random.below(RETURN_MS) as u64;
            tokio::time::sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn try_live(
        &mut self,
        address: SocketAddr,
        phase: &mut watch::Receiver<Phase>,
    ) -> Result<(), End> {
        self.is_at("connects");
        let token = self.world.borrow().tokens[&self.user].clone();
        let mut socket = Socket::connect(address, &token).await?;
        self.is_at("opens");
        socket
            .call("session.open", &json!({"device": self.name}))
            .await?;
        self.world.borrow_mut().sessions += 1;
        let mut link = Link {
            dirty: HashSet::new(),
            fetching: HashSet::new(),
            have: None,
            is_settled: false,
            socket,
            waiting: HashMap::new(),
        };
        self.is_at("catches up");
        self.pull(&mut link).await?;
        while !link.waiting.is_empty() {
            let frame = link.socket.next().await?;
            self.take(&mut link, frame).await?;
        }
        self.is_at("is back");
        for client_id in self.unanswered.clone() {
            self.ask(&mut link, &client_id).await?;
        }
        let mut next_ask = Instant::now();
        loop {
            let is_settled = link.waiting.is_empty();
            if is_settled != link.is_settled {
                link.is_settled = is_settled;
                self.note_settled(is_settled);
            }
            let may_ask = *phase.borrow() == Phase::Load && self.unanswered.len() < IN_FLIGHT;
            tokio::select! {
                frame = link.socket.next() => self.take(&mut link, frame?).await?,
                changed = phase.changed() => changed.map_err(|_| End::Gone)?,
                () = tokio::time::sleep_until(next_ask), if may_ask => {
                    let pause = self.random.below(PAUSE_MS * 1_000) as u64;
                    next_ask = Instant::now() + Duration::from_micros(pause);
                    let client_id = self.think_of_something();
                    self.ask(&mut link, &client_id).await?;
                }
            }
        }
    }

    fn is_at(&self, place: &str) {
        let mut world = self.world.borrow_mut();
        if let Some(seen) = world.seen.get_mut(&self.name) {
            seen.whereabouts = place.to_owned();
        }
    }

    fn note_settled(&self, is_so: bool) {
        let mut world = self.world.borrow_mut();
        if let Some(seen) = world.seen.get_mut(&self.name) {
            seen.is_settled = is_so;
        }
    }

    /// Asks for what it lacks.
    async fn pull(&mut self, link: &mut Link) -> Result<(), End> {
        let (have, named) = {
            let world = self.world.borrow();
            let logs = world.seen[&self.name].logs.iter().enumerate();
            let have: BTreeMap<_, _> = logs
                .map(|(at, log)| (at, log.last()))
                .filter(|(_, last)| *last > 0)
                .collect();
            let named: BTreeMap<_, _> = have
                .iter()
                .map(|(at, last)| (world.conversations[*at].clone(), *last))
                .collect();
            (have, named)
        };
        let mut ask = json!({"limit": 200});
        if let Some(cursor) = &self.cursor {
            ask["cursor"] = json!(cursor);
            ask["have"] = json!(named);
        }
        link.have = Some(have);
        let id = link.socket.request("sync.pull", &ask).await?;
        link.waiting.insert(id, Waiting::Sync);
        Ok(())
    }

    async fn ask(&mut self, link: &mut Link, client_id: &str) -> Result<(), End> {
        let (method, params) = {
            let world = self.world.borrow();
            let ask = &world.asks[client_id];
            ask.request(client_id, &world.conversations[ask.conversation])
        };
        let id = link.socket.request(method, &params).await?;
        link.waiting.insert(id, Waiting::Ask(client_id.to_owned()));
        Ok(())
    }

    async fn fetch(&mut self, link: &mut Link, conversation: usize) -> Result<(), End> {
        if !link.fetching.insert(conversation) {
            return Ok(());
        }
        let ask = {
            let world = self.world.borrow();
            let after = world.last_of(&self.name, conversation);
            json!({"conversation": world.conversations[conversation], "after_seq": after, "limit": 200})
        };
        let id = link.socket.request("message.history", &ask).await?;
        link.waiting.insert(id, Waiting::History(conversation));
        Ok(())
    }
}

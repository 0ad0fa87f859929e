//! A device: comes back, resumes, asks again for what has no answer, and puts load on the server until it dies.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap, HashSet},
    io,
    net::SocketAddr,
    rc::Rc,
    time::Duration,
};

use serde_json::{Value, json};
use tests::{random::Random, socket::Socket};
use tokio::{sync::watch, time::Instant};

use crate::{
    Violation,
    log::{Log, Seen},
    world::{Answer, CONVERSATIONS, DeviceLog, Kind, World},
};

/// Requests without an answer, at most.
const IN_FLIGHT: usize = 4;
/// The pause between two requests, at most.
const PAUSE_MS: usize = 4;

/// What devices do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Phase {
    /// Come back, and then read only.
    Settle,
    /// Ask for things.
    Load,
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
    /// The server died, as it should.
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

    /// Lives until the server dies. Returns itself for the next life.
    pub(crate) async fn live(
        mut self,
        address: SocketAddr,
        phase: watch::Receiver<Phase>,
    ) -> (Self, Result<(), Violation>) {
        let result = match self.try_live(address, phase).await {
            Ok(()) | Err(End::Gone) => Ok(()),
            Err(End::Wrong(violation)) => {
                let violation = format!("device {}: {violation}", self.name);
                self.world
                    .borrow_mut()
                    .violation
                    .get_or_insert(violation.clone());
                Err(violation)
            }
        };
        (self, result)
    }

    async fn try_live(
        &mut self,
        address: SocketAddr,
        mut phase: watch::Receiver<Phase>,
    ) -> Result<(), End> {
        self.is_at("connects");
        let token = self.world.borrow().tokens[&self.user].clone();
        let mut socket = Socket::connect(address, &token).await?;
        self.is_at("opens");
        socket
            .call("session.open", &json!({"device": self.name}))
            .await?;
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
        self.is_at("asks again");
        for client_id in self.unanswered.clone() {
            self.ask(&mut link, &client_id).await?;
        }
        let mut next_ask = Instant::now();
        loop {
            if !link.is_settled && link.waiting.is_empty() {
                link.is_settled = true;
                self.is_at("is back");
                self.world.borrow_mut().settled += 1;
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
            let after = world.seen[&self.name].logs[conversation].last();
            json!({"conversation": world.conversations[conversation], "after_seq": after, "limit": 200})
        };
        let id = link.socket.request("message.history", &ask).await?;
        link.waiting.insert(id, Waiting::History(conversation));
        Ok(())
    }

    async fn take(&mut self, link: &mut Link, mut frame: Value) -> Result<(), End> {
        let Some(id) = frame["id"].as_u64() else {
            return self.pushed(link, &frame).await;
        };
        match link.waiting.remove(&id) {
            Some(Waiting::Ask(client_id)) => self.answered(link, client_id, &frame).await,
            Some(Waiting::Sync) => {
                self.pulled(link, frame["result"].take(), &frame["error"])
                    .await
            }
            Some(Waiting::History(conversation)) => {
                link.fetching.remove(&conversation);
                for entry in frame["result"]["items"].as_array().into_iter().flatten() {
                    self.entry(entry, None)?;
                }
                // Who has left meanwhile is refused, and there is nothing for it to fetch.
                if frame["result"]["done"] == false {
                    self.fetch(link, conversation).await?;
                }
                Ok(())
            }
            None => Err(format!("a reply to nothing: {frame}").into()),
        }
    }

    async fn pushed(&mut self, link: &mut Link, frame: &Value) -> Result<(), End> {
        let params = &frame["params"];
        let method = frame["method"].as_str().unwrap_or_default();
        let gap = match method {
            "message.stored" | "entry.appended" => self.entry(params, None)?,
            "head.moved" => self
                .world
                .borrow()
                .conversation_at(params["conversation"].as_str().unwrap_or_default()),
            "session.closing" => return Err(End::Gone),
            _ if frame["error"].is_object() => return Err(format!("refused: {frame}").into()),
            _ => None,
        };
        match gap {
            Some(conversation) if link.have.is_some() => {
                link.dirty.insert(conversation);
                Ok(())
            }
            Some(conversation) => self.fetch(link, conversation).await,
            None => Ok(()),
        }
    }

    async fn pulled(&mut self, link: &mut Link, page: Value, error: &Value) -> Result<(), End> {
        if page.is_null() || page["reset"] == true {
            return Err(format!("sync said {page} {error}").into());
        }
        let have = link.have.take().unwrap_or_default();
        for item in page["items"].as_array().into_iter().flatten() {
            for entry in item["entries"].as_array().into_iter().flatten() {
                if let Some(gap) = self.entry(entry, Some(&have))? {
                    return Err(
                        format!("sync left a gap in conversation {gap} before {entry}").into(),
                    );
                }
            }
        }
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        if page["done"] == false {
            return self.pull(link).await;
        }
        for conversation in std::mem::take(&mut link.dirty) {
            self.fetch(link, conversation).await?;
        }
        Ok(())
    }

    /// Takes an entry in, when it is the next one. Returns its conversation when one before it is missing.
    fn entry(
        &self,
        entry: &Value,
        have: Option<&BTreeMap<usize, u64>>,
    ) -> Result<Option<usize>, Violation> {
        let mut world = self.world.borrow_mut();
        let place = world.conversation_at(entry["conversation"].as_str().unwrap_or_default());
        let (Some(conversation), Some(seq)) = (place, entry["seq"].as_u64()) else {
            return Err(format!("an entry of nowhere: {entry}"));
        };
        let seen = Seen::new(entry);
        let is_back = seen.kind == "joined" && seen.sender == self.user;
        let Some(log) = world
            .seen
            .get_mut(&self.name)
            .map(|seen| &mut seen.logs[conversation])
        else {
            return Err("it is nobody".to_owned());
        };
        if seq <= log.last() {
            let known = have
                .and_then(|have| have.get(&conversation))
                .is_some_and(|have| seq <= *have);
            return if known {
                Err(format!("sync repeats {entry}"))
            } else {
                Ok(None)
            };
        }
        if seq == log.last() + 1 || is_back {
            log.take(seq, seen);
            return Ok(None);
        }
        Ok(Some(conversation))
    }

    async fn answered(
        &mut self,
        link: &mut Link,
        client_id: String,
        frame: &Value,
    ) -> Result<(), End> {
        let error = &frame["error"]["data"];
        if error["retryable"] == true {
            if let Some(ask) = self.world.borrow_mut().asks.get_mut(&client_id) {
                ask.was_deferred = true;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
            return self.ask(link, &client_id).await;
        }
        let answer = match (frame["result"]["seq"].as_u64(), error["code"].as_str()) {
            (Some(seq), _) => Answer::Stored(seq),
            (None, Some(code)) => Answer::Refused(code.to_owned()),
            (None, None) => return Err(format!("{client_id} is answered {frame}").into()),
        };
        self.unanswered.retain(|one| *one != client_id);
        let mut world = self.world.borrow_mut();
        world.answered(&client_id, answer.clone())?;
        let ask = &world.asks[&client_id];
        match (&ask.kind, answer) {
            (Kind::Message(_), Answer::Stored(seq)) => self.own.push((ask.conversation, seq)),
            (Kind::Message(_), _) => return Err(format!("{client_id} was refused: {frame}").into()),
            (Kind::Join, Answer::Stored(_)) => self.door = Door::In,
            (Kind::Leave, Answer::Stored(_)) => self.door = Door::Out,
            (Kind::Join | Kind::Leave, _) => {
                return Err(format!("{client_id} was refused: {frame}").into());
            }
            (Kind::Edit(..) | Kind::Recall(_), _) => {}
        }
        Ok(())
    }
}

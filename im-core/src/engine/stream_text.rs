//! The text of open messages: taken in, kept, pushed to those who are there and may see it.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use super::{
    Engine,
    fanout::give_way,
    lock,
    nodes::{Letter, to_readers_of},
    registry::SessionEntry,
    slot::Slot,
    streams::{Inner, Open, Place},
};
use crate::{
    Actor, AddText, Code, Command, Content, Entry, Member, Push, Rejection, SendMessage, SessionId,
    TextAdded, TextGrew, Timestamp, UserId,
    port::{Broadcast, Urgency},
    state::{Lookup, StreamState, ended, open},
};

/// Sessions that are written to at once.
const CHUNK: usize = 128;
/// Members in one read.
const PAGE: usize = 500;

/// Gives a place up again when nobody waits for the message that was to be taken up there.
struct Taking<'a> {
    engine: &'a Engine,
    open: Option<&'a Arc<Open>>,
}

impl Taking<'_> {
    fn done(mut self) {
        self.open = None;
    }
}

impl Drop for Taking<'_> {
    fn drop(&mut self) {
        if let Some(open) = self.open {
            self.engine.streams.end(open);
        }
    }
}

/// How far a push has come.
enum Part {
    Done,
    More,
    /// Whether these may see the message is to be looked up.
    Unknown(Vec<UserId>),
}

impl Engine {
    /// Refuses who has as many open messages as one can have. What may be a retry passes: the log answers that.
    pub(super) async fn check_streams(
        &self,
        actor: &Actor,
        ask: &SendMessage,
    ) -> Result<(), Rejection> {
        let most = self.limits().streams_per_user;
        if self.streams.of(&actor.user).len() < most {
            return Ok(());
        }
        let key = (actor.user.clone(), ask.client_id.clone());
        if self
            .ports
            .log
            .find(ask.conversation, &[key])
            .await?
            .is_empty()
        {
            return Err(too_many(most));
        }
        Ok(())
    }

    /// Takes up what was stored here just now and is open.
    pub(super) fn take_up(self: &Arc<Self>, entry: &Entry) {
        let Some(message) = open(entry) else { return };
        let now = self.ports.runtime.monotonic();
        let inner = Inner {
            text: StreamState::new(&message.content, now),
            until: self.as_monotonic(message.open_until().unwrap_or_default()),
            // Which of them is told by the first text that is added.
            session: self.registry.is_here(&entry.sender).then_some(SessionId(0)),
            newest: self.registry.newest_id(),
            ..Inner::default()
        };
        let place = (entry.conversation, entry.seq);
        if let Some(open) = self.streams.begin(place, &entry.sender, inner) {
            self.watch_over(open);
        }
    }

    pub(super) async fn add_text(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        ask: AddText,
    ) -> Result<TextAdded, Rejection> {
        let ask = self.judged(&actor, ask).await?;
        let place = (ask.conversation, ask.seq);
        let member = self.check_speaks_now(&actor, ask.conversation).await?;
        if ask.seq < member.since {
            return Err(Rejection::not_found("message"));
        }
        let open = match self.streams.find(place) {
            Some(open) => open,
            None => self.take_over(place, &member).await?,
        };
        if open.sender != actor.user {
            return Err(not_yours());
        }
        let session = session.map(|session| session.id);
        let now = self.ports.runtime.monotonic();
        let length = open.add((ask.offset, &ask.text), session, &self.limits(), now)?;
        self.push_text(open);
        Ok(TextAdded { length })
    }

    /// What the hooks make of a piece of text. They can replace characters, but not so that those after them move.
    async fn judged(&self, actor: &Actor, ask: AddText) -> Result<AddText, Rejection> {
        if !self.hooks.judge() {
            return Ok(ask);
        }
        let length = ask.text.chars().count();
        let (_, command) = self.judge(actor.clone(), Command::AddText(ask)).await?;
        if let Command::AddText(ask) = command
            && ask.text.chars().count() == length
        {
            return Ok(ask);
        }
        let detail = "the text holds words that are not allowed here; change it";
        Err(Rejection::new(Code::ContentRejected, detail))
    }

    /// Goes on with a message from what the log has: another node held it, or this one before it was started again.
    async fn take_over(
        self: &Arc<Self>,
        place: Place,
        member: &Member,
    ) -> Result<Arc<Open>, Rejection> {
        let most = self.limits().streams_per_user;
        if self.streams.of(&member.user).len() >= most {
            return Err(too_many(most));
        }
        // Nobody is in the way of a message that is somebody else's, or that is to come.
        self.own_open(place, &member.user).await?;
        // And once more with it in its place, so that what ends it meanwhile is seen here.
        let begun = self.streams.begin(place, &member.user, Inner::default());
        let held = begun.ok_or_else(super::lane::interrupted)?;
        let taking = Taking {
            engine: self,
            open: Some(&held),
        };
        self.read_open(&held).await?;
        taking.done();
        self.watch_over(held.clone());
        Ok(held)
    }

    /// What an open message of a user began with, and until when it is open.
    async fn own_open(
        &self,
        (id, seq): Place,
        user: &UserId,
    ) -> Result<(Content, Timestamp), Rejection> {
        let entry = self.entry_at(id, seq).await?;
        let entry = entry.ok_or_else(|| Rejection::not_found("message"))?;
        if entry.sender != *user {
            return Err(not_yours());
        }
        let message = open(&entry).ok_or_else(ended)?;
        let until = message.open_until().ok_or_else(ended)?;
        Ok((message.content.clone(), until))
    }

    async fn read_open(&self, held: &Open) -> Result<(), Rejection> {
        let (content, until) = self.own_open(held.place, &held.sender).await?;
        let now = self.ports.runtime.monotonic();
        let mut inner = lock(&held.inner);
        if inner.has_ended || until <= self.ports.runtime.now() || self.is_closing() {
            return Err(ended());
        }
        inner.text = StreamState::new(&content, now);
        inner.until = self.as_monotonic(until);
        Ok(())
    }

    fn as_monotonic(&self, at: Timestamp) -> Duration {
        let runtime = &self.ports.runtime;
        runtime.monotonic() + at.since(runtime.now())
    }

    /// Pushes what was added: at once, and what comes soon after it together.
    fn push_text(self: &Arc<Self>, open: Arc<Open>) {
        if std::mem::replace(&mut lock(&open.inner).is_pushing, true) {
            return;
        }
        let engine = self.clone();
        let pause = Duration::from_millis(self.limits().stream_push_ms);
        self.ports.runtime.spawn(Box::pin(async move {
            while let Some(push) = next_push(&open) {
                engine.tell_nodes_of_text(&open, &push);
                let broadcast = Broadcast::new(Urgency::Ephemeral, vec![push]);
                engine.tell_those_who_see(&open, &broadcast).await;
                engine.ports.runtime.sleep(pause).await;
            }
        }));
    }

    fn tell_nodes_of_text(&self, open: &Open, push: &Push) {
        if let Push::TextGrew(grew) = push {
            let to = to_readers_of(&self.slots.at(open.place.0));
            self.write_to(to, &Letter::TextGrew(grew.clone()));
        }
    }

    /// Tells those who listen here of text that another node holds, unless the message has ended.
    pub(super) async fn tell_of_text(&self, grew: Box<TextGrew>) {
        let place = (grew.conversation, grew.seq);
        let is_followed = |slot: Arc<Slot>| !slot.lock().audience.is_empty();
        if !self.slots.find(place.0).is_some_and(is_followed) {
            return;
        }
        // What is not pushed is in the entry that ends it.
        let Ok(Some(entry)) = self.entry_at(place.0, place.1).await else {
            return;
        };
        if open(&entry).is_none() {
            return;
        }
        let passing = Open {
            place,
            sender: entry.sender,
            inner: Mutex::default(),
        };
        let broadcast = Broadcast::new(Urgency::Ephemeral, vec![Push::TextGrew(grew)]);
        self.tell_those_who_see(&passing, &broadcast).await;
    }

    /// Tells everybody who listens and may see the message, as long as it is open. Others get a turn in between.
    async fn tell_those_who_see(&self, open: &Open, broadcast: &Broadcast) {
        let slot = self.slots.at(open.place.0);
        let mut after = SessionId(0);
        loop {
            match tell_some(&slot, open, broadcast, &mut after) {
                Part::Done => return,
                Part::More => give_way().await,
                Part::Unknown(users) => {
                    let as_of = lock(&open.inner).sight.as_of;
                    let members = self.ports.members.members(slot.id, &users).await;
                    // What is not pushed is in the entry that ends it. Logged by the conversion.
                    let Ok(members) = members.map_err(Rejection::from) else {
                        return;
                    };
                    let mut inner = lock(&open.inner);
                    if inner.sight.as_of != as_of {
                        continue;
                    }
                    for user in users {
                        let sees = members
                            .iter()
                            .any(|member| member.user == user && member.since <= open.place.1);
                        inner.sight.judged.insert(user, sees);
                    }
                }
            }
        }
    }
}

fn too_many(most: usize) -> Rejection {
    let detail = format!("at most {most} messages can be open; finish one first");
    Rejection::new(Code::TooMany, detail)
}

fn not_yours() -> Rejection {
    Rejection::new(Code::Forbidden, "only the sender can add to a message")
}

/// What is to be pushed next; when that is nothing, whoever adds to it has to see to it again.
fn next_push(open: &Open) -> Option<Push> {
    let mut inner = lock(&open.inner);
    let next = inner.text.as_mut().and_then(StreamState::poll_push);
    let Some((offset, text)) = next else {
        inner.is_pushing = false;
        return None;
    };
    let (conversation, seq) = open.place;
    Some(Push::TextGrew(Box::new(TextGrew {
        conversation,
        seq,
        offset,
        text,
    })))
}

/// Tells the next of those who listen. That of the message is held meanwhile: a recall waits for it before it is delivered,
/// and so does it that somebody leaves.
fn tell_some(slot: &Slot, open: &Open, broadcast: &Broadcast, after: &mut SessionId) -> Part {
    let mut inner = lock(&open.inner);
    let there = slot.lock();
    let Some(state) = there.state.as_ref().filter(|_| !inner.has_ended) else {
        return Part::Done;
    };
    let first = there
        .audience
        .partition_point(|session| session.id <= *after);
    let next = &there.audience[first..];
    let next = &next[..next.len().min(CHUNK)];
    let Some(last) = next.last() else {
        return Part::Done;
    };
    // Since it was begun nobody came, nor went; but whoever opened a session since may have been let in elsewhere.
    let (is_as_begun, newest) = (state.roster_at() <= open.place.1, inner.newest);
    let was_there = |session: &SessionEntry| is_as_begun && session.id <= newest;
    if !next.iter().all(|session| was_there(session)) {
        let as_of = (state.roster_at(), there.loaded);
        if inner.sight.as_of != as_of {
            inner.sight.as_of = as_of;
            inner.sight.judged.clear();
        }
        let mut unknown = Vec::new();
        let judged = next.iter().filter(|session| !was_there(session));
        for user in judged.map(|session| &session.actor.user) {
            if inner.sight.judged.contains_key(user) || unknown.contains(user) {
                continue;
            }
            match state.lookup(user) {
                Lookup::Member(member) => {
                    let sees = member.since <= open.place.1;
                    inner.sight.judged.insert(user.clone(), sees);
                }
                Lookup::Stranger => drop(inner.sight.judged.insert(user.clone(), false)),
                Lookup::Unknown => unknown.push(user.clone()),
            }
        }
        if !unknown.is_empty() {
            unknown.truncate(PAGE);
            return Part::Unknown(unknown);
        }
    }
    *after = last.id;
    let next = next.to_vec();
    drop(there);
    for session in next {
        let sees =
            was_there(&session) || inner.sight.judged.get(&session.actor.user) == Some(&true);
        let is_own = inner.session == Some(session.id);
        if sees && !is_own && lock(&session.delivery).is_live(slot.id) {
            session.tell(broadcast);
        }
    }
    Part::More
}

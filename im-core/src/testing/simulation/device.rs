//! A device: the connector that its sessions come by, and a program that keeps a session, writes down where it is, and asks
//! for what it wants until it has an answer.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use tokio::sync::{Notify, oneshot};

use super::{
    super::Chance,
    bugs::Bug,
    executor::Process,
    ground::Ground,
    history::{Answer, Event, Sight, Wish},
    link::{Far, Near},
};
use crate::{
    Actor, CallError, ClientId, Command, Connection, Connector, ConversationId, Credential, Cursor,
    DeviceClass, DeviceId, Error, OpenSession, Push, Rejection, Reply, Sender, Session, UserId,
    port::{Identity, Runtime as _},
};

/// How long a device waits before it asks once more, unless it is told.
const ASK_AGAIN: Duration = Duration::from_millis(500);

/// One in so many events takes a program a while, and how long at most.
const SLOW: usize = 4;
const TAKES: Duration = Duration::from_millis(500);

/// Opens links from one device to whichever node is in reach.
pub(super) struct Door {
    pub(super) ground: Arc<Ground>,
    pub(super) device: usize,
    pub(super) user: UserId,
    pub(super) id: DeviceId,
    pub(super) process: Process,
}

#[async_trait]
impl Connector for Door {
    async fn connect(&self) -> Result<Box<dyn Connection>, CallError> {
        let (node, link) = self.ground.link(self.device).ok_or(CallError::Lost)?;
        let (answer, opened) = oneshot::channel();
        let identity = Identity {
            actor: Actor::user(self.user.clone()),
            expires_at_ms: None,
            sign_in: None,
            checked_at: None,
        };
        let open = OpenSession {
            token: None,
            device: self.id.clone(),
            class: DeviceClass::Bot,
        };
        let (there, im, process) = (Arc::clone(&link), node.im, node.process.clone());
        // It is the node that does this: when that ends, nobody answers.
        node.process.spawn(Box::pin(async move {
            let outlet = Arc::new(Far(Arc::clone(&there)));
            match im.attach(identity, &open, outlet).await {
                Ok(attachment) => {
                    let _ = answer.send(Ok(attachment.opened().clone()));
                    there.serve(attachment, process).await;
                }
                Err(rejection) => {
                    let _ = answer.send(Err(rejection));
                }
            }
        }));
        // From here on dropping this cuts the link.
        let attempt = Attempt {
            ground: &self.ground,
            link: Some(&link),
        };
        let opened = opened.await.map_err(|_| CallError::Lost)??;
        if link.is_over() {
            return Err(CallError::Lost);
        }
        attempt.succeeded();
        self.ground.recorder.note(Event::Opened {
            link: link.number,
            device: self.device,
            node: link.node,
        });
        let pump = Arc::clone(&link).pump(self.process.clone());
        self.process.spawn(Box::pin(pump));
        Ok(Box::new(Near { link, opened }))
    }

    fn credential(&self) -> Credential {
        Credential::Fixed
    }
}

/// A link that nobody has yet.
struct Attempt<'a> {
    ground: &'a Ground,
    link: Option<&'a Arc<super::link::Link>>,
}

impl Attempt<'_> {
    fn succeeded(mut self) {
        self.link = None;
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        if let Some(link) = self.link {
            self.ground.cut(link);
        }
    }
}

/// Something that a device wants.
#[derive(Clone)]
pub(super) struct Want {
    pub(super) number: usize,
    pub(super) wish: Wish,
    pub(super) how: How,
}

/// How it asks.
#[derive(Clone)]
pub(super) enum How {
    /// With this command, and the same one after a restart.
    Command(Box<Command>),
    /// Through the session's own outbox, which no program writes down.
    Outbox(ConversationId, String),
}

/// A device with a program of the simulation on it.
pub(super) struct Device {
    pub(super) number: usize,
    pub(super) user: UserId,
    id: DeviceId,
    ground: Arc<Ground>,
    kept: Mutex<Kept>,
    up: Notify,
}

#[derive(Default)]
struct Kept {
    process: Option<Process>,
    sender: Option<Sender>,
    /// What the program wrote down.
    cursor: Cursor,
    wants: BTreeMap<usize, Want>,
    /// What it has seen of each conversation.
    seen: BTreeMap<ConversationId, u64>,
    /// Messages of its own that were stored.
    said: Vec<(ConversationId, u64, String)>,
}

impl Device {
    pub(super) fn new(ground: &Arc<Ground>, user: UserId, id: DeviceId) -> Arc<Self> {
        Arc::new(Self {
            number: ground.recorder.device(user.clone()),
            user,
            id,
            ground: Arc::clone(ground),
            kept: Mutex::default(),
            up: Notify::new(),
        })
    }

    /// Begins its program where it left off.
    pub(super) fn start(self: &Arc<Self>) {
        let process = self.ground.executor.process();
        let (cursor, wants) = {
            let mut kept = self.lock();
            kept.process = Some(process.clone());
            let mut cursor = kept.cursor.clone();
            self.ground.bugs.restart(&mut cursor);
            let wants: Vec<_> = kept.wants.values().cloned().collect();
            (cursor, wants)
        };
        let program = Arc::clone(self).run(cursor, process.clone());
        process.spawn(Box::pin(program));
        for want in wants {
            self.begin(want, &process);
        }
    }

    /// Ends its program in the middle of whatever it does, and begins it again.
    pub(super) fn restart(self: &Arc<Self>) {
        let process = {
            let mut kept = self.lock();
            kept.sender = None;
            kept.process.take()
        };
        if let Some(process) = process {
            process.kill();
        }
        let mut kept = self.lock();
        kept.wants.retain(|number, want| {
            let stays = matches!(want.how, How::Command(_));
            if !stays {
                let ask = *number;
                self.ground.recorder.note(Event::Forgotten { ask });
            }
            stays
        });
        drop(kept);
        let device = self.number;
        self.ground.recorder.note(Event::Restarted { device });
        self.start();
    }

    /// Wants something from now on.
    pub(super) fn want(self: &Arc<Self>, want: Want) {
        self.ground.recorder.note(Event::Asked {
            ask: want.number,
            device: self.number,
            wish: want.wish.clone(),
        });
        let process = {
            let mut kept = self.lock();
            kept.wants.insert(want.number, want.clone());
            kept.process.clone()
        };
        if let Some(process) = process {
            self.begin(want, &process);
        }
    }

    /// Whether it has an answer to everything.
    pub(super) fn is_content(&self) -> bool {
        self.lock().wants.is_empty()
    }

    /// How far it has seen a conversation.
    pub(super) fn seen(&self, conversation: ConversationId) -> u64 {
        let kept = self.lock();
        kept.seen.get(&conversation).copied().unwrap_or(0)
    }

    /// One of its own messages, as `place` counts them.
    pub(super) fn said(&self, place: usize) -> Option<(ConversationId, u64, String)> {
        let kept = self.lock();
        let count = kept.said.len().max(1);
        kept.said.get(place % count).cloned()
    }

    fn begin(self: &Arc<Self>, want: Want, process: &Process) {
        let asking = Arc::clone(self).ask(want, process.clone());
        process.spawn(Box::pin(asking));
    }

    async fn run(self: Arc<Self>, cursor: Cursor, process: Process) {
        let door = Door {
            ground: Arc::clone(&self.ground),
            device: self.number,
            user: self.user.clone(),
            id: self.id.clone(),
            process: process.clone(),
        };
        let clock = Arc::new(process.clone());
        let session = Session::resume(Arc::new(door), clock, cursor).await;
        let error = match session {
            Ok(session) => self.read(session, &process).await,
            Err(error) => error,
        };
        self.ground.recorder.note(Event::Over {
            device: self.number,
            why: error.to_string(),
        });
    }

    /// Takes what comes, and writes down where it is.
    async fn read(&self, mut session: Session, process: &Process) -> Error {
        let mut chance = Chance::new(process.chance());
        self.lock().sender = Some(session.sender());
        self.up.notify_waiters();
        loop {
            let push = match session.next_event().await {
                Ok(push) => push,
                Err(error) => return error,
            };
            if let Push::Entry(entry) = &push
                && !self.ground.bugs.strikes(Bug::ProgramMissesEntry)
            {
                let sight = Sight::of(entry);
                self.lock().seen.insert(sight.conversation, sight.seq);
                let device = self.number;
                self.ground.recorder.note(Event::Shown { device, sight });
            }
            self.lock().cursor = session.cursor();
            // What it does about that takes a while, now and then.
            if chance.one_in(SLOW) {
                process.sleep(chance.span(TAKES)).await;
            }
        }
    }

    async fn ask(self: Arc<Self>, want: Want, process: Process) {
        let sender = self.sender().await;
        let mut how = want.how.clone();
        let answer = loop {
            let answer = match &how {
                How::Command(command) => execute(&sender, (**command).clone()).await,
                How::Outbox(to, text) => {
                    let sent = sender.send(to, crate::Content::text(text.clone())).await;
                    sent.map(|sent| Answer::Stored(sent.seq.0))
                }
            };
            match answer {
                Ok(answer) => break answer,
                Err(Error::Rejected(rejection)) if rejection.code.is_retryable() => {
                    self.ground.bugs.ask_again(&mut how);
                    process.sleep(pause(&rejection)).await;
                }
                Err(Error::Rejected(rejection)) => break Answer::Refused(rejection.code.as_str()),
                // It is over for good, and that is noted.
                Err(Error::Misuse(_) | Error::Closed(_)) => return,
            }
        };
        let mut kept = self.lock();
        kept.wants.remove(&want.number);
        if let (Wish::Say(conversation, text), Answer::Stored(seq)) = (&want.wish, &answer) {
            kept.said.push((*conversation, *seq, text.clone()));
        }
        drop(kept);
        let ask = want.number;
        self.ground.recorder.note(Event::Answered { ask, answer });
    }

    async fn sender(&self) -> Sender {
        loop {
            let up = self.up.notified();
            if let Some(sender) = self.lock().sender.clone() {
                return sender;
            }
            up.await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pause(rejection: &Rejection) -> Duration {
    rejection
        .retry_after_ms
        .map_or(ASK_AGAIN, Duration::from_millis)
}

/// Asks once over whatever links it takes, and says in the words of the history what was answered.
async fn execute(sender: &Sender, command: Command) -> Result<Answer, Error> {
    Ok(match sender.execute(command).await?.0 {
        Reply::SendMessage(sent) | Reply::EditMessage(sent) | Reply::RecallMessage(sent) => {
            Answer::Stored(sent.seq.0)
        }
        Reply::AddMembers(changed)
        | Reply::JoinGroup(changed)
        | Reply::KickMembers(changed)
        | Reply::LeaveGroup(changed) => Answer::Stored(changed.seq.0),
        Reply::MarkRead(receipt) => Answer::Position(receipt.position),
        Reply::History(page) => Answer::Page(page.items.iter().map(Sight::of).collect()),
        Reply::GetConversation(view) => Answer::View {
            head: view.head.seq.0,
            position: view.position,
            unread: view.unread,
        },
        _ => Answer::Refused("another reply"),
    })
}

/// A client id that stands for a request of the simulation.
pub(super) fn key(ask: usize) -> ClientId {
    ClientId::new(format!("k{ask}")).expect("letters and digits are an id")
}

//! A link between a device and a node: two queues in which everything is under way for a while, in order, until the link is
//! cut. Each end notices that at its own time.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::FutureExt as _;
use tokio::sync::{Notify, oneshot};

use super::{
    super::Chance,
    executor::Process,
    ground::Ground,
    history::{Event, Sight},
};
use crate::{
    Attachment, CallError, CloseReason, Command, Connection, HeadMoved, Push, Rejection, Reply,
    SessionOpened,
    port::{Broadcast, Offer, Outlet, Runtime as _, Urgency},
};

/// What a device gets.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "replies are half of what comes, and a box would be an allocation for each"
)]
pub(super) enum Down {
    Push(Push),
    Reply(u64, Result<Reply, Rejection>),
    Closed(CloseReason),
}

type Answer = Result<Reply, Rejection>;

#[derive(Default)]
struct Ends {
    chance: Chance,
    /// Requests with their arrival, in order.
    up: VecDeque<(Duration, u64, Command)>,
    /// What the node sent, with its arrival, in order.
    down: VecDeque<(Duration, Down)>,
    /// When the last of each arrives.
    up_until: Duration,
    down_until: Duration,
    /// What arrived and the device did not take yet.
    inbox: VecDeque<Push>,
    calls: BTreeMap<u64, oneshot::Sender<Answer>>,
    next_call: u64,
    /// The device knows that it is over, and why.
    closed: Option<CloseReason>,
    time_away: Duration,
    /// The node knows that it is over.
    dropped: bool,
}

/// One link, as both ends see it.
pub(super) struct Link {
    pub(super) number: usize,
    pub(super) device: usize,
    pub(super) node: usize,
    ground: Arc<Ground>,
    ends: Mutex<Ends>,
    requested: Notify,
    sent: Notify,
    arrived: Notify,
}

impl Link {
    pub(super) fn new(
        ground: &Arc<Ground>,
        (number, device, node): (usize, usize, usize),
        chance: Chance,
    ) -> Arc<Self> {
        let ends = Ends {
            chance,
            ..Ends::default()
        };
        Arc::new(Self {
            number,
            device,
            node,
            ground: Arc::clone(ground),
            ends: Mutex::new(ends),
            requested: Notify::new(),
            sent: Notify::new(),
            arrived: Notify::new(),
        })
    }

    /// The device does not reach the node any more: what is under way to it is lost, and of what it sent some arrives.
    pub(super) fn cut(&self) {
        let calls = {
            let mut ends = self.lock();
            ends.closed.get_or_insert(CloseReason::IdleTimeout);
            ends.down.clear();
            std::mem::take(&mut ends.calls)
        };
        drop(calls);
        self.sent.notify_one();
        self.arrived.notify_one();
    }

    /// The node knows that nobody is at the other end.
    pub(super) fn drop_far_end(&self) {
        self.lock().dropped = true;
        self.requested.notify_one();
    }

    pub(super) fn is_over(&self) -> bool {
        self.lock().closed.is_some()
    }

    /// Works on what arrives at the node, until that knows that the link is over.
    pub(super) async fn serve(self: Arc<Self>, attachment: Attachment, process: Process) {
        while let Some((call, command)) = self.next_request(&process).await {
            let mut work = Box::pin(attachment.execute(command));
            // Polled at once, so that commands keep their order.
            if let Some(answer) = (&mut work).now_or_never() {
                self.send(Down::Reply(call, answer));
                continue;
            }
            let link = Arc::clone(&self);
            process.spawn(Box::pin(async move {
                let answer = work.await;
                link.send(Down::Reply(call, answer));
            }));
        }
    }

    async fn next_request(&self, process: &Process) -> Option<(u64, Command)> {
        loop {
            let wait = {
                let mut ends = self.lock();
                if ends.dropped {
                    return None;
                }
                let now = process.monotonic();
                match ends.up.front() {
                    Some((at, ..)) if *at <= now => {
                        let (_, call, command) = ends.up.pop_front()?;
                        return Some((call, command));
                    }
                    Some((at, ..)) => Some(*at - now),
                    None => None,
                }
            };
            match wait {
                Some(wait) => process.sleep(wait).await,
                None => self.requested.notified().await,
            }
        }
    }

    /// Sends something to the device, in order with everything else.
    fn send(&self, down: Down) {
        let all = self.ground.bugs.down(self, down);
        let now = self.ground.executor.now();
        let mut ends = self.lock();
        for down in all {
            let delay = self.ground.network.delay(&mut ends.chance);
            ends.down_until = ends.down_until.max(now + delay);
            let at = ends.down_until;
            // Where nobody is at the other end it fills the room, until the node notices.
            ends.down.push_back((at, down));
        }
        drop(ends);
        self.sent.notify_one();
    }

    /// Takes what arrives at the device, as a process there does.
    pub(super) async fn pump(self: Arc<Self>, process: Process) {
        loop {
            let wait = {
                let mut ends = self.lock();
                if ends.closed.is_some() {
                    return;
                }
                let now = process.monotonic();
                match ends.down.front() {
                    Some((at, _)) if *at <= now => {
                        let next = ends.down.pop_front();
                        drop(ends);
                        if let Some((_, down)) = next {
                            self.arrive(down);
                        }
                        continue;
                    }
                    Some((at, _)) => Some(*at - now),
                    None => None,
                }
            };
            match wait {
                Some(wait) => process.sleep(wait).await,
                None => self.sent.notified().await,
            }
        }
    }

    fn arrive(&self, down: Down) {
        match down {
            Down::Push(push) => {
                self.note(&push);
                let mut ends = self.lock();
                if let Push::SessionClosing(closing) = &push {
                    ends.time_away = Duration::from_millis(closing.retry_after_ms);
                }
                ends.inbox.push_back(push);
            }
            Down::Reply(call, answer) => {
                let waits = self.lock().calls.remove(&call);
                if let Some(waits) = waits {
                    // Whoever does not wait any more does not want it.
                    let _ = waits.send(answer);
                }
            }
            Down::Closed(reason) => {
                self.lock().closed.get_or_insert(reason);
                self.cut();
                self.drop_far_end();
            }
        }
        self.arrived.notify_one();
    }

    fn note(&self, push: &Push) {
        let link = self.number;
        let event = match push {
            Push::Entry(entry) => Event::Pushed {
                link,
                sight: Sight::of(entry),
            },
            Push::HeadMoved(hint) => Event::Hinted {
                link,
                conversation: hint.conversation,
            },
            Push::Receipt(receipt) => Event::Receipt {
                link,
                conversation: receipt.conversation,
                user: receipt.user.clone(),
                position: receipt.position,
            },
            _ => return,
        };
        self.ground.recorder.note(event);
    }

    fn note_pages(&self, reply: &Reply) {
        let link = self.number;
        let page = |entries: &[crate::Entry]| Event::Paged {
            link,
            sights: entries.iter().map(Sight::of).collect(),
        };
        match reply {
            Reply::SyncPull(pull) => {
                for item in &pull.items {
                    self.ground.recorder.note(page(&item.entries));
                }
            }
            Reply::History(history) => self.ground.recorder.note(page(&history.items)),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Ends> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The node's end: bounded, as a socket's buffer is.
pub(super) struct Far(pub(super) Arc<Link>);

impl Outlet for Far {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        let link = &self.0;
        {
            let ends = link.lock();
            if ends.dropped {
                return Offer::Closed;
            }
            let room = link.ground.room;
            let is_hint = matches!(broadcast.pushes[..], [Push::HeadMoved(HeadMoved { .. })]);
            let room = match broadcast.urgency {
                Urgency::Ephemeral => room / 2,
                Urgency::Live => room,
                Urgency::Control if is_hint => room * 2,
                Urgency::Control => room * 2 + 16,
            };
            if ends.down.len() + broadcast.pushes.len() > room {
                return Offer::Full;
            }
        }
        for push in &broadcast.pushes {
            link.send(Down::Push(push.clone()));
        }
        Offer::Taken
    }

    fn close(&self, reason: CloseReason) {
        self.0.send(Down::Closed(reason));
        if self.0.is_over() {
            // Nobody is there to hear it, and the node waits for nobody.
            self.0.drop_far_end();
        }
    }
}

/// The device's end. Dropping it cuts the link.
pub(super) struct Near {
    pub(super) link: Arc<Link>,
    pub(super) opened: SessionOpened,
}

impl Drop for Near {
    fn drop(&mut self) {
        self.link.ground.cut(&self.link);
    }
}

#[async_trait]
impl Connection for Near {
    fn opened(&self) -> &SessionOpened {
        &self.opened
    }

    async fn call(&self, command: Command) -> Result<Reply, CallError> {
        let link = &self.link;
        let (answer, answered) = oneshot::channel();
        {
            let now = link.ground.executor.now();
            let mut ends = link.lock();
            if ends.closed.is_some() {
                return Err(CallError::Lost);
            }
            let delay = link.ground.network.delay(&mut ends.chance);
            ends.up_until = ends.up_until.max(now + delay);
            ends.next_call += 1;
            let (at, call) = (ends.up_until, ends.next_call);
            ends.up.push_back((at, call, command));
            ends.calls.insert(call, answer);
        }
        link.requested.notify_one();
        let reply = answered.await.map_err(|_| CallError::Lost)??;
        link.note_pages(&reply);
        Ok(reply)
    }

    async fn next(&self) -> Result<Push, CloseReason> {
        loop {
            {
                let mut ends = self.link.lock();
                if let Some(push) = ends.inbox.pop_front() {
                    return Ok(push);
                }
                if let Some(reason) = ends.closed {
                    return Err(reason);
                }
            }
            self.link.arrived.notified().await;
        }
    }

    fn time_away(&self) -> Duration {
        self.link.lock().time_away
    }
}

//! What all connections of one door share: its bounds, its clock, and how many there are.

use std::{
    fmt,
    sync::{Arc, Once},
};

use im_core::{Im, figures::Figure};
use tokio::sync::watch;

use super::{
    connection::{Connection, Opening},
    framing::Framing,
    outlet::LinkOutlet,
    stream::{Reader, Writer},
    sweeper::{Deadline, Missed, Sweeper},
};
use crate::{Bounds, figures::Links};

/// The inside of a server of any transport.
pub(crate) struct Door {
    pub(crate) bounds: Arc<Bounds>,
    pub(super) idle_frames: u32,
    pub(super) im: Im,
    pub(super) sweeper: Sweeper,
    census: watch::Sender<Census>,
    started: Once,
}

/// How many there are.
#[derive(Clone, Copy, Debug, Default)]
struct Census {
    connections: usize,
    /// Connections that have had a session, until their last words are written.
    sessions: usize,
}

/// A connection, for as long as it is counted.
pub(crate) struct Place {
    door: Arc<Door>,
    /// Sessions that it has had: none or one.
    sessions: usize,
}

impl Door {
    pub(crate) fn new(im: Im, bounds: Bounds) -> Arc<Self> {
        let interval = bounds.sweep_interval(im.heartbeat());
        Arc::new(Self {
            idle_frames: bounds.idle_frames(interval),
            bounds: Arc::new(bounds),
            im,
            sweeper: Sweeper::new(interval),
            census: watch::Sender::default(),
            started: Once::new(),
        })
    }

    /// Counts a connection that comes.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub(crate) fn enter(self: &Arc<Self>) -> Place {
        self.start();
        self.census.send_modify(|census| census.connections += 1);
        Place {
            door: self.clone(),
            sessions: 0,
        }
    }

    /// Whether as many connections are there as may be.
    pub(crate) fn is_full(&self) -> bool {
        self.connections() >= self.bounds.max_connections
    }

    /// Connections that are there, with and without a session.
    pub(crate) fn connections(&self) -> usize {
        self.census.borrow().connections
    }

    /// What is counted of its links, under the name of their kind.
    pub(crate) fn figures(&self, link: &'static str) -> Vec<Figure> {
        let census = *self.census.borrow();
        let queued = self.sweeper.queued();
        let links = Links {
            connections: census.connections,
            sessions: census.sessions,
            behind: queued.links,
            waiting_bytes: queued.bytes,
        };
        links.figures(link)
    }

    /// Waits until every connection that has had a session is gone.
    pub(crate) async fn drained(&self) {
        let mut census = self.census.subscribe();
        // It cannot fail while `self` holds the other end.
        let _ = census.wait_for(|census| census.sessions == 0).await;
    }

    /// Starts the task that looks at deadlines: not before the first connection, when a runtime is certain.
    fn start(self: &Arc<Self>) {
        self.started.call_once(|| {
            let door = Arc::downgrade(self);
            let interval = self.sweeper.interval();
            tokio::spawn(Sweeper::run(door, |door| &door.sweeper, interval));
        });
    }
}

impl Place {
    /// Runs the connection in a task of its own.
    pub(crate) fn run<F: Framing>(self, reader: Reader, writer: Writer, opening: Opening<'_>) {
        let door = &self.door;
        let span = door.bounds.open_timeout;
        let deadline = Deadline::new(door.sweeper.now_ms(), span, Missed::Heartbeat);
        let encoding = F::encoding(opening.format);
        let outlet = LinkOutlet::new(writer, encoding, door.bounds.clone(), deadline);
        let outlet = Arc::new(outlet);
        door.sweeper.watch(Arc::downgrade(&outlet));
        tokio::spawn(Connection::<F>::new(self, outlet, reader, opening));
    }

    pub(crate) fn door(&self) -> &Door {
        &self.door
    }

    /// The connection has a session.
    pub(super) fn opened(&mut self) {
        self.sessions = 1;
        self.door.census.send_modify(|census| census.sessions += 1);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.door.census.send_modify(|census| {
            census.connections -= 1;
            census.sessions -= self.sessions;
        });
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

//! The readers of a fan-out: they check and count what arrives, and parse nothing.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tests::frames::{self, Frame};

use crate::{
    marker,
    report::histogram,
    swarm::{Script, Step, Swarm},
};

/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a reader checks and counts.
pub(crate) struct Audit {
    /// Whether peers open a session first.
    opens: bool,
    /// Per peer, the number of the next message.
    next: Vec<u64>,
    count: u64,
    /// Length of the frames whose marker is at `position`.
    length: usize,
    position: Option<usize>,
    now: u64,
    pub(crate) clock: Arc<Clock>,
    pub(crate) latency: Histogram<u64>,
    /// The first thing that should not have been.
    wrong: Option<String>,
    pub(crate) first: Vec<u8>,
}

/// When each message should have been sent, in nanoseconds since the beginning; by its number.
pub(crate) struct Clock {
    begin: Instant,
    due: Vec<AtomicU64>,
}

impl Clock {
    pub(crate) fn new(messages: usize) -> Self {
        let due = std::iter::repeat_with(|| AtomicU64::new(0));
        Self {
            begin: Instant::now(),
            due: due.take(messages).collect(),
        }
    }

    pub(crate) fn now(&self) -> u64 {
        self.begin.elapsed().as_nanos() as u64
    }

    pub(crate) fn at(&self, instant: Instant) -> u64 {
        instant.saturating_duration_since(self.begin).as_nanos() as u64
    }

    pub(crate) fn set(&self, number: usize, nanos: u64) {
        self.due[number].store(nanos, Ordering::Relaxed);
    }
}

pub(crate) fn user(place: usize) -> String {
    format!("u{place}")
}

impl Audit {
    pub(crate) fn new(members: usize, messages: usize, opens: bool) -> Self {
        Self {
            opens,
            next: vec![0; members],
            count: 0,
            length: 0,
            position: None,
            now: 0,
            clock: Arc::new(Clock::new(messages)),
            latency: histogram(),
            wrong: None,
            first: Vec::new(),
        }
    }

    /// Reads until `count` messages have arrived in all. `progress` is told how many have.
    ///
    /// # Errors
    /// When something is missing, doubled or out of order.
    pub(crate) fn read(
        &mut self,
        swarm: &mut Swarm,
        count: u64,
        progress: &AtomicU64,
    ) -> io::Result<Instant> {
        let (mut before, mut since) = (self.count, Instant::now());
        while self.count < count {
            swarm.turn(Duration::from_millis(100), self)?;
            progress.store(self.count, Ordering::Relaxed);
            if self.count > before {
                (before, since) = (self.count, Instant::now());
            }
            let stalled = since.elapsed() > PATIENCE;
            if self.wrong.is_some() || swarm.lost > 0 || stalled {
                let (got, lost) = (self.count, swarm.lost);
                let detail = self.wrong.take().unwrap_or_default();
                return Err(io::Error::other(format!(
                    "LOSS: {got} of {count} deliveries, {lost} connections lost; {detail}"
                )));
            }
        }
        Ok(Instant::now())
    }

    /// Messages that have arrived.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The first thing that should not have been.
    pub(crate) fn take_wrong(&mut self) -> Option<String> {
        self.wrong.take()
    }

    fn message(&mut self, peer: usize, payload: &[u8]) {
        if self.length != payload.len() {
            self.length = payload.len();
            self.position = marker::position(payload);
        }
        let number = self
            .position
            .and_then(|position| marker::read(payload, position));
        let expected = self.next[peer];
        if number != Some(expected) {
            let text = String::from_utf8_lossy(payload);
            self.wrong.get_or_insert(format!(
                "peer {peer} expected message {expected}, and got {text}"
            ));
        }
        self.next[peer] = expected + 1;
        self.count += 1;
        if let Some(due) = self.clock.due.get(expected as usize) {
            let nanos = self.now.saturating_sub(due.load(Ordering::Relaxed));
            self.latency.saturating_record(nanos.max(1));
        }
        if self.first.is_empty() {
            self.first = payload.to_vec();
        }
    }
}

impl Script for Audit {
    fn hello(&mut self, peer: usize) -> Vec<u8> {
        if self.opens {
            frames::upgrade("/v1/ws", &user(peer)).into_bytes()
        } else {
            Vec::new()
        }
    }

    fn wakes(&mut self) {
        self.now = self.clock.now();
    }

    fn frame(&mut self, peer: usize, frame: Frame<'_>, _: &mut Vec<u8>) -> Step {
        if frame
            .payload
            .starts_with(br#"{"jsonrpc":"2.0","method":"message.stored""#)
        {
            self.message(peer, frame.payload);
            return Step::On;
        }
        if self.opens
            && frame
                .payload
                .starts_with(br#"{"jsonrpc":"2.0","id":0,"result""#)
        {
            return Step::Done;
        }
        let text = String::from_utf8_lossy(frame.payload);
        self.wrong.get_or_insert(format!("peer {peer} got {text}"));
        Step::On
    }
}

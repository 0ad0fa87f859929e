//! Those who listen in R6: the first of them may be held, which is what a device does that reads slowly or not at all.

use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use tests::{frames::Frame, process::Server};

use crate::{
    audit::Audit,
    device::Device,
    swarm::{Script, Step, Swarm},
};

/// How long nothing may arrive before what is missing counts as lost.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// How long nothing may come before everything that was on its way has come.
const QUIET: Duration = Duration::from_millis(500);

/// Everybody in a group.
pub(crate) struct Readers {
    /// Of those who always read.
    pub(crate) audit: Audit,
    /// Those who are sometimes held: the first ones.
    pub(crate) slow: Vec<Device>,
    wrong: Option<String>,
}

impl Readers {
    pub(crate) fn new(audit: Audit, slow: Vec<Device>) -> Self {
        Self {
            audit,
            slow,
            wrong: None,
        }
    }

    /// Reads until nobody speaks any more and all who are not held have everything. Returns the most memory that the server
    /// had meanwhile.
    ///
    /// # Errors
    /// When something is missing, doubled or out of order.
    pub(crate) fn listen(
        &mut self,
        swarm: &mut Swarm,
        server: &Server,
        held: &mut Held,
        expected: Expected,
        talks: &AtomicBool,
    ) -> io::Result<u64> {
        let mut peak = server.usage().rss_bytes;
        let (mut progress, mut looked) = ((0, Instant::now()), Instant::now());
        while talks.load(Ordering::Relaxed)
            || self.audit.count() < expected.deliveries
            || held.count == 0
                && self
                    .slow
                    .iter()
                    .any(|device| device.next < expected.messages)
        {
            swarm.turn(Duration::from_millis(20), self)?;
            held.sip(swarm, self)?;
            if looked.elapsed() > Duration::from_millis(100) {
                looked = Instant::now();
                peak = peak.max(server.usage().rss_bytes);
            }
            let arrived =
                self.audit.count() + self.slow.iter().map(|device| device.next).sum::<u64>();
            if arrived > progress.0 || talks.load(Ordering::Relaxed) {
                progress = (arrived, Instant::now());
            }
            self.check(swarm)?;
            if progress.1.elapsed() > PATIENCE {
                let (count, expected) = (self.audit.count(), expected.deliveries);
                let detail = format!("LOSS: {count} of {expected} deliveries");
                return Err(io::Error::other(detail));
            }
        }
        Ok(peak)
    }

    /// # Errors
    /// When something came that should not have, or somebody who reads was hung up on.
    pub(crate) fn check(&mut self, swarm: &Swarm) -> io::Result<()> {
        let wrong = self.wrong.take().or_else(|| self.audit.take_wrong());
        if wrong.is_none() && swarm.lost == 0 {
            return Ok(());
        }
        let detail = wrong.unwrap_or_default();
        Err(io::Error::other(format!(
            "LOSS: {} connections lost; {detail}",
            swarm.lost
        )))
    }
}

impl Script for Readers {
    fn hello(&mut self, peer: usize) -> Vec<u8> {
        self.audit.hello(peer)
    }

    fn upgraded(&mut self, peer: usize, out: &mut Vec<u8>) {
        match self.slow.get_mut(peer) {
            Some(device) => device.open(out),
            None => self.audit.upgraded(peer, out),
        }
    }

    fn wakes(&mut self) {
        self.audit.wakes();
    }

    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        let Some(device) = self.slow.get_mut(peer) else {
            return self.audit.frame(peer, frame, out);
        };
        device.frame(frame, out).unwrap_or_else(|wrong| {
            self.wrong.get_or_insert(format!("peer {peer}: {wrong}"));
            Step::On
        })
    }
}

/// What is to arrive, since the beginning.
#[derive(Clone, Copy)]
pub(crate) struct Expected {
    /// Of those who are never held, together.
    pub(crate) deliveries: u64,
    /// Of each.
    pub(crate) messages: u64,
}

/// Those who are held: the first ones. Every second of them reads nothing, the others a little each second.
pub(crate) struct Held {
    begin: Instant,
    bytes: usize,
    count: usize,
    /// Whose connection is over.
    ended: Vec<bool>,
    sips: usize,
}

impl Held {
    pub(crate) fn new(count: usize, bytes: usize) -> Self {
        Self {
            begin: Instant::now(),
            bytes,
            count,
            ended: vec![false; count],
            sips: 0,
        }
    }

    /// Lets read who has not for a second.
    fn sip(&mut self, swarm: &mut Swarm, readers: &mut Readers) -> io::Result<()> {
        let slow = self.count / 2;
        let due = (self.begin.elapsed().as_secs_f64() * slow as f64) as usize;
        while self.sips < due {
            let place = self.sips % slow * 2 + 1;
            self.sips += 1;
            self.read(place, swarm, readers)?;
        }
        Ok(())
    }

    /// Reads once. Says whether there was something.
    fn read(&mut self, place: usize, swarm: &mut Swarm, readers: &mut Readers) -> io::Result<bool> {
        if self.ended[place] {
            return Ok(false);
        }
        match swarm.sip(place, self.bytes, readers) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            Err(_) => {
                self.ended[place] = true;
                Ok(false)
            }
        }
    }

    /// Has all of them read what has reached them, and says how they fare.
    ///
    /// # Errors
    /// When somebody was told not to come back by itself.
    pub(crate) fn look(&mut self, swarm: &mut Swarm, readers: &mut Readers) -> io::Result<String> {
        let (mut told, mut reset, mut fetch, mut open) = (0, 0, 0, 0);
        let (begin, mut quiet) = (Instant::now(), Instant::now());
        while quiet.elapsed() < QUIET && begin.elapsed() < PATIENCE {
            for place in 0..self.count {
                while self.read(place, swarm, readers)? {
                    quiet = Instant::now();
                }
            }
            thread::sleep(Duration::from_millis(5));
        }
        for place in 0..self.count {
            let device = &readers.slow[place];
            match device.closed {
                Some(4_000..4_100) => told += 1,
                Some(code) => {
                    let detail = format!("peer {place} was closed with {code}, not to resume");
                    return Err(io::Error::other(detail));
                }
                None if self.ended[place] => reset += 1,
                None if device.is_behind => fetch += 1,
                None => open += 1,
            }
        }
        readers.check(swarm)?;
        Ok(format!(
            "{told} closed with a code to resume, {reset} hung up on without room for it, {fetch} told to fetch, {open} neither"
        ))
    }
}

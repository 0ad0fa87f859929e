//! Peers whose connections are killed again and again, and who come back; and the control of that, whose peers get the same
//! frames echoed.

use std::{
    io,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;
use tests::frames::{self, Frame, TEXT};

use crate::{
    report::histogram,
    swarm::{Script, Step, Swarm},
};

/// How long nothing may arrive before what is missing counts as lost.
const PATIENCE: Duration = Duration::from_secs(20);

/// Peers that are killed and come back.
pub(crate) trait Returning: Script {
    /// A peer comes back now.
    fn comes(&mut self, peer: usize, now: Instant);
    /// What has arrived.
    fn count(&self) -> u64;
    /// Whether all that is expected has.
    fn is_complete(&self) -> bool;
    /// What should not have been.
    fn wrong(&self) -> Option<&str>;
}

/// How they come and go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rhythm {
    /// How long a peer is away.
    pub(crate) away: Duration,
    /// Time between two ends of one connection; those of different ones are spread over it.
    pub(crate) every: Duration,
    pub(crate) peers: usize,
    /// How long that goes on.
    pub(crate) span: Duration,
}

/// Kills connections and opens others instead, on a schedule, until the time is over and all that is expected came.
/// Returns how many were killed.
pub(crate) fn come_and_go(
    rhythm: Rhythm,
    swarm: &mut Swarm,
    script: &mut impl Returning,
    begin: Instant,
) -> io::Result<usize> {
    let Rhythm {
        every, away, peers, ..
    } = rhythm;
    let step = every / peers as u32;
    let end = begin + rhythm.span;
    let (mut cuts, mut returns) = (0, 0);
    let mut progress = (script.count(), Instant::now());
    while Instant::now() < end || returns < cuts || !script.is_complete() {
        swarm.turn(Duration::from_millis(2), script)?;
        let now = Instant::now();
        while returns < cuts && begin + step * returns as u32 + away <= now {
            let place = returns % peers;
            script.comes(place, now);
            swarm.reopen(place, script)?;
            returns += 1;
        }
        // Nobody is killed again before it is back.
        while now < end && begin + step * cuts as u32 <= now && cuts < returns + peers {
            swarm.cut(cuts % peers);
            cuts += 1;
        }
        if script.count() > progress.0 || now < end {
            progress = (script.count(), now);
        }
        let wrong = script.wrong();
        if wrong.is_some() || swarm.lost > 0 || progress.1.elapsed() > PATIENCE {
            let (count, lost) = (script.count(), swarm.lost);
            return Err(io::Error::other(format!(
                "LOSS: {count} arrived, {lost} connections lost; {wrong:?}"
            )));
        }
    }
    Ok(cuts)
}

/// Peers whose frames come back.
pub(crate) struct Echoes {
    came: Vec<Instant>,
    is_back: Vec<bool>,
    pub(crate) latency: Histogram<u64>,
}

impl Echoes {
    pub(crate) fn new(peers: usize) -> Self {
        Self {
            came: vec![Instant::now(); peers],
            is_back: vec![false; peers],
            latency: histogram(),
        }
    }
}

impl Script for Echoes {
    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        if frame.payload.starts_with(br#"{"jsonrpc":"2.0","id":0"#) {
            let cursor = "x".repeat(80);
            let pull = format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"sync.pull","params":{{"cursor":"{cursor}"}}}}"#
            );
            frames::append(TEXT, pull.as_bytes(), out);
            return Step::On;
        }
        let span = self.came[peer].elapsed();
        self.latency.saturating_record(span.as_nanos() as u64);
        self.is_back[peer] = true;
        Step::Done
    }
}

impl Returning for Echoes {
    fn comes(&mut self, peer: usize, now: Instant) {
        self.came[peer] = now;
        self.is_back[peer] = false;
    }

    fn count(&self) -> u64 {
        self.latency.len()
    }

    fn is_complete(&self) -> bool {
        self.is_back.iter().all(|is_back| *is_back)
    }

    fn wrong(&self) -> Option<&str> {
        None
    }
}

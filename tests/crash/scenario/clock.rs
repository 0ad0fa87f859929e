//! A server on SQLite whose clock steps by an hour, forwards and back, under libfaketime.

use std::{
    fs, io,
    path::PathBuf,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use tokio::time::sleep;

use super::{Failure, Place};
use crate::{Violation, crowd::Crowd, device::Until, node::Node, pair::Pair};

/// How often the clock goes forwards and back when nobody says how often.
const CYCLES: u32 = 1;

/// Load before and after a step.
const BETWEEN: Duration = Duration::from_millis(700);

/// How long what is due may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing may happen that is not due.
const WATCH: Duration = Duration::from_secs(2);

const MINUTE: Duration = Duration::from_mins(1);

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let library = library().ok_or_else(|| Failure::missing("libfaketime"))?;
    let clock = Clock(place.folder.join("clock"));
    clock.set(0)?;
    let listen = ([127, 0, 0, 1], 0).into();
    let mut node = Node::new(&place.folder, "data", listen);
    let key = node.create_key()?;
    node.set("LD_PRELOAD", &library.display().to_string());
    node.set("FAKETIME_TIMESTAMP_FILE", &clock.0.display().to_string());
    node.set("FAKETIME_NO_CACHE", "1");
    node.set("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    node.start().await?;
    let mut crowd = Crowd::set_up(node.address, &key, &mut place.random()).await?;
    let mut pair = Pair::meet(node.address, &key).await?;
    crowd.come(&[node.address], Until::End);
    crowd.converge(node.address).await?;
    let sessions = crowd.world.borrow().sessions;
    crowd.talk();
    let cycles = place.cycles.unwrap_or(CYCLES);
    for cycle in 0..cycles {
        let outcome = steps(cycle, &clock, &crowd, &mut pair).await;
        outcome.map_err(|failure| failure.in_cycle(cycle))?;
    }
    crowd.converge(node.address).await?;
    let opened = crowd.world.borrow().sessions - sessions;
    if opened > 0 {
        let wrong = format!("{opened} times a device had to come back");
        return Err(Failure::Wrong(wrong));
    }
    crowd.rest(Until::End).await?;
    Ok(format!(
        "{} steps of an hour, nobody thrown out; tokens, scheduled and expiring messages by the clock; {}",
        cycles * 4,
        crowd.audited()
    ))
}

/// An hour forwards, back to now, an hour back, and to now again.
async fn steps(cycle: u32, clock: &Clock, crowd: &Crowd, pair: &mut Pair) -> Result<(), Failure> {
    let id = |what: &str| format!("{what}-{cycle}");
    let short = pair.token(30 * MINUTE)?;
    let half_past = in_minutes(30);
    pair.schedule(&id("early"), half_past).await?;
    pair.say(&id("short-lived"), 30 * MINUTE).await?;
    crowd.pass(BETWEEN).await?;
    expect(pair.opens(&short).await, "a token that is good is not")?;

    clock.set(60)?;
    sent(pair, &id("early")).await?;
    gone(pair, &id("short-lived")).await?;
    expect(
        !pair.opens(&short).await,
        "a token whose time is over is good",
    )?;
    let later = pair.token(90 * MINUTE)?;
    pair.schedule(&id("late"), in_minutes(90)).await?;
    crowd.pass(BETWEEN).await?;
    pair.is_live().await?;

    clock.set(0)?;
    crowd.pass(BETWEEN).await?;
    expect(
        pair.opens(&later).await,
        "a token from before the clock went back is not good",
    )?;
    pair.is_live().await?;

    clock.set(-60)?;
    pair.schedule(&id("by-the-clock"), in_minutes(-30)).await?;
    pair.say(&id("long-lived"), 30 * MINUTE).await?;
    crowd.pass(WATCH).await?;
    for (what, count) in [("by-the-clock", 0), ("late", 0), ("early", 1)] {
        let entries = pair.entries_of(&id(what)).await?;
        expect(entries.len() == count, &format!("{what}: {entries:?}"))?;
    }
    expect(
        !pair.is_gone(&id("long-lived")).await?,
        "a message expired too early",
    )?;
    pair.is_live().await?;

    clock.set(0)?;
    sent(pair, &id("by-the-clock")).await?;
    gone(pair, &id("long-lived")).await?;
    crowd.pass(BETWEEN).await?;
    Ok(pair.is_live().await?)
}

fn expect(is_so: bool, otherwise: &str) -> Result<(), Violation> {
    if is_so {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}

/// Waits until what was scheduled under a client id is there.
async fn sent(pair: &mut Pair, client_id: &str) -> Result<(), Failure> {
    let began = Instant::now();
    while pair.entries_of(client_id).await?.is_empty() {
        expect(began.elapsed() < PATIENCE, "what is due is not sent")?;
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// Waits until a message has expired.
async fn gone(pair: &mut Pair, client_id: &str) -> Result<(), Failure> {
    let began = Instant::now();
    while !pair.is_gone(client_id).await? {
        expect(
            began.elapsed() < PATIENCE,
            "what has expired is still there",
        )?;
        sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// How far the server's clock is from ours: a file that libfaketime reads whenever the server asks for the time.
struct Clock(PathBuf);

impl Clock {
    /// Sets it to so many minutes from now.
    fn set(&self, minutes: i64) -> io::Result<()> {
        // In one step: the server may read it at any moment.
        let next = self.0.with_extension("next");
        fs::write(&next, format!("{:+}\n", minutes * 60))?;
        fs::rename(&next, &self.0)
    }
}

/// So many minutes from now, by our clock, in milliseconds since 1970.
fn in_minutes(minutes: i64) -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_millis() as i64 + minutes * 60_000
}

/// Where Debian and others put it: the one for programs with threads.
fn library() -> Option<PathBuf> {
    let folders = fs::read_dir("/usr/lib").ok()?;
    let folders = folders.filter_map(|item| Some(item.ok()?.path()));
    let mut libraries = folders.flat_map(|folder| {
        ["faketime/libfaketimeMT.so.1", "libfaketimeMT.so.1"].map(|name| folder.join(name))
    });
    libraries.find(|path| path.is_file())
}

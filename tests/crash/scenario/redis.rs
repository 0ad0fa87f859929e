//! Two nodes whose Redis dies and comes back empty, or says nothing for a while with all connections open.

use std::time::Duration;

use tests::random::Random;

use super::{CONVERGES_WITHIN, Failure, Place};
use crate::{cluster::Cluster, crowd::Crowd, daemon::Brand, device::Until};

/// How often each happens when nobody says how often.
const CYCLES: u32 = 2;

/// How often before everything is begun anew: audits read all that there is.
const CYCLES_OF_A_WORLD: u32 = 50;

const NODES: usize = 2;

/// The load lasts at most so long before it happens.
const LOAD_MS: usize = 400;

/// What happens to the Redis.
#[derive(Clone, Copy, Debug)]
enum Plug {
    /// It is killed, and comes back with nothing.
    Killed,
    /// It is stopped, and goes on: whoever is connected hears nothing, and is not told.
    Silent,
}

impl Plug {
    /// For how long at least, and for how much longer at most, in milliseconds.
    const fn span_ms(self) -> (u64, usize) {
        match self {
            Self::Killed => (300, 1_200),
            Self::Silent => (500, 5_000),
        }
    }
}

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut random = place.random();
    let mut cluster = Cluster::open(place, Brand::Postgres, NODES).await?;
    let cycles = place.cycles.unwrap_or(CYCLES);
    let (mut slowest, mut audited) = ([Duration::ZERO; 2], Vec::new());
    let mut left = cycles;
    while left > 0 {
        let mut crowd = cluster.new_world(&mut random).await?;
        crowd.come(&cluster.addresses(), Until::End);
        // Sessions are opened with a Redis: without one that takes seconds, in which nobody talks.
        crowd.converge(cluster.nodes[0].address).await?;
        for _ in 0..left.min(CYCLES_OF_A_WORLD) {
            for (at, plug) in [Plug::Killed, Plug::Silent].into_iter().enumerate() {
                let took = pull(plug, &mut cluster, &mut crowd, &mut random).await;
                let took = took.map_err(|failure| failure.on(format!("{plug:?}")));
                let took = took.map_err(|failure| failure.in_cycle(cycles - left))?;
                slowest[at] = slowest[at].max(took);
            }
            left -= 1;
        }
        crowd.rest(Until::End).await?;
        audited.push(crowd.audited().to_string());
    }
    let [killed, silent] = slowest.map(|took| took.as_millis());
    Ok(format!(
        "{cycles} times killed, even {killed} ms after it was back at most; {cycles} times silent, {silent} ms; {}",
        audited.join(" | ")
    ))
}

/// Takes the Redis away under load, lets people go on without it, and gives it back. Returns how long it took from its
/// first answer until all devices had everything.
async fn pull(
    plug: Plug,
    cluster: &mut Cluster,
    crowd: &mut Crowd,
    random: &mut Random,
) -> Result<Duration, Failure> {
    crowd.talk();
    let load = random.below(LOAD_MS) as u64;
    crowd.pass(Duration::from_millis(load)).await?;
    let (least, more) = plug.span_ms();
    let away = Duration::from_millis(least + random.below(more) as u64);
    let redis = &mut cluster.redis;
    match plug {
        Plug::Killed => redis.kill().await?,
        Plug::Silent => redis.pause()?,
    }
    let before = crowd.world.borrow().acknowledged;
    crowd.pass(away).await?;
    if crowd.world.borrow().acknowledged == before {
        let wrong = "nothing was acknowledged without a Redis";
        return Err(Failure::Wrong(wrong.to_owned()));
    }
    match plug {
        Plug::Killed => redis.start().await?,
        Plug::Silent => redis.resume().await?,
    }
    let took = crowd.converge(cluster.nodes[0].address).await?;
    if took > CONVERGES_WITHIN {
        let wrong = format!("{took:?} until everybody had everything, after {away:?} without it");
        return Err(Failure::Wrong(wrong));
    }
    Ok(took)
}

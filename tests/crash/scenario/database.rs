//! Two nodes whose database dies with all of its processes, and comes back.

use std::time::Duration;

use tests::random::Random;

use super::{CONVERGES_WITHIN, Failure, Place};
use crate::{cluster::Cluster, crowd::Crowd, daemon::Brand, device::Until};

/// How often each database is killed when nobody says how often.
const CYCLES: u32 = 2;

/// How often before everything is begun anew: audits read all that there is.
const CYCLES_OF_A_WORLD: u32 = 50;

const NODES: usize = 2;

/// The load lasts at most so long before it is killed.
const LOAD_MS: usize = 400;

/// It is away for at least, and for at most so much longer.
const AWAY_MS: (u64, usize) = (500, 6_000);

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut seen = Vec::new();
    for brand in [Brand::Postgres, Brand::MariaDb] {
        let on = on(place, brand)
            .await
            .map_err(|failure| failure.on(brand))?;
        seen.push(format!("{brand}: {on}"));
    }
    Ok(seen.join("; "))
}

async fn on(place: &Place, brand: Brand) -> Result<String, Failure> {
    let mut random = place.random();
    let mut cluster = Cluster::open(place, brand, NODES).await?;
    let cycles = place.cycles.unwrap_or(CYCLES);
    let (mut slowest, mut audited) = (Duration::ZERO, Vec::new());
    let mut left = cycles;
    while left > 0 {
        let mut crowd = cluster.new_world(&mut random).await?;
        crowd.come(&cluster.addresses(), Until::End);
        for _ in 0..left.min(CYCLES_OF_A_WORLD) {
            let took = cycle(&mut cluster, &mut crowd, &mut random).await;
            let took = took.map_err(|failure| failure.in_cycle(cycles - left))?;
            slowest = slowest.max(took);
            left -= 1;
        }
        crowd.rest(Until::End).await?;
        let later = crowd.world.borrow().told_later();
        audited.push(format!("{}, {later}", crowd.audited()));
    }
    Ok(format!(
        "{cycles} kills; {}; even {} ms after it was back at most",
        audited.join(" | "),
        slowest.as_millis()
    ))
}

/// Kills the database under load, lets people go on without it, and starts it again. Returns how long it took from its
/// first answer until all devices had everything.
async fn cycle(
    cluster: &mut Cluster,
    crowd: &mut Crowd,
    random: &mut Random,
) -> Result<Duration, Failure> {
    crowd.talk();
    let load = random.below(LOAD_MS) as u64;
    crowd.pass(Duration::from_millis(load)).await?;
    let refused = crowd.world.borrow().deferred();
    cluster.database.kill().await?;
    let (least, more) = AWAY_MS;
    let away = least + random.below(more) as u64;
    crowd.pass(Duration::from_millis(away)).await?;
    if crowd.world.borrow().deferred() == refused {
        let wrong = "nothing was refused for a while, without a database";
        return Err(Failure::Wrong(wrong.to_owned()));
    }
    cluster.database.start().await?;
    let took = crowd.converge(cluster.nodes[0].address).await?;
    if took > CONVERGES_WITHIN {
        let wrong = format!("{took:?} until everybody had everything");
        return Err(Failure::Wrong(wrong));
    }
    Ok(took)
}

//! Three nodes, of which one dies at random moments; now and then all of them.

use std::time::Duration;

use tests::random::Random;

use super::{Failure, Place};
use crate::{cluster::Cluster, crowd::Crowd, daemon::Brand, device::Until};

/// How often a node is killed on each database when nobody says how often.
const CYCLES: u32 = 8;

/// How often before everything is begun anew: audits read all that there is.
const CYCLES_OF_A_WORLD: u32 = 100;

const NODES: usize = 3;

/// The load lasts at most so long before a node is killed.
const LOAD_MS: usize = 400;

/// The others go on for at most so long before it is back.
const AWAY_MS: usize = 300;

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
        audited.push(crowd.audited().to_string());
    }
    Ok(format!(
        "{cycles} kills; {}; even after {} ms at most",
        audited.join(" | "),
        slowest.as_millis()
    ))
}

/// Puts load on the nodes, kills one, and starts it again under load; then waits until all devices have everything.
async fn cycle(
    cluster: &mut Cluster,
    crowd: &mut Crowd,
    random: &mut Random,
) -> Result<Duration, Failure> {
    let mut up_to = |ms| Duration::from_millis(random.below(ms) as u64);
    crowd.talk();
    crowd.pass(up_to(LOAD_MS)).await?;
    let away = up_to(AWAY_MS);
    let first = random.below(NODES);
    let several = if random.below(8) == 0 { NODES } else { 1 };
    let victims = (0..several).map(|further| (first + further) % NODES);
    for victim in victims.clone() {
        cluster.nodes[victim].kill()?;
    }
    crowd.pass(away).await?;
    for victim in victims {
        cluster.nodes[victim].start().await?;
    }
    let witness = cluster.nodes[first].address;
    Ok(crowd.converge(witness).await?)
}

//! The same plug, pulled on a cluster over each database.

use std::time::Duration;

use tests::random::Random;

use super::{Failure, Place};
use crate::{
    audit::Totals, cluster::Cluster, crowd::Crowd, daemon::Brand, device::Until, world::Deferrals,
};

/// How a plug is pulled.
pub(super) struct Pulls {
    pub(super) nodes: usize,
    /// How often on each database, when nobody says how often.
    pub(super) cycles: u32,
    /// How often before everything is begun anew: audits read all that there is.
    pub(super) of_a_world: u32,
}

/// Pulls it again and again. A `cycle` returns how long it took until all devices had everything.
pub(super) async fn on_each_database(
    place: &Place,
    pulls: Pulls,
    cycle: impl AsyncFn(&mut Cluster, &mut Crowd, &mut Random) -> Result<Duration, Failure>,
) -> Result<String, Failure> {
    let mut seen = Vec::new();
    for brand in [Brand::Postgres, Brand::MariaDb] {
        let on = on(place, brand, &pulls, &cycle).await;
        let on = on.map_err(|failure| failure.on(brand))?;
        seen.push(format!("{brand}: {on}"));
    }
    Ok(seen.join("; "))
}

async fn on(
    place: &Place,
    brand: Brand,
    pulls: &Pulls,
    cycle: &impl AsyncFn(&mut Cluster, &mut Crowd, &mut Random) -> Result<Duration, Failure>,
) -> Result<String, Failure> {
    let mut random = place.random();
    let mut cluster = Cluster::open(place, brand, pulls.nodes).await?;
    let cycles = place.cycles.unwrap_or(pulls.cycles);
    let (mut slowest, mut totals) = (Duration::ZERO, Totals::default());
    let mut deferrals = Deferrals::default();
    let mut left = cycles;
    while left > 0 {
        let mut crowd = cluster.new_world(&mut random).await?;
        crowd.come(&cluster.addresses(), Until::End);
        for _ in 0..left.min(pulls.of_a_world) {
            let took = cycle(&mut cluster, &mut crowd, &mut random).await;
            let took = took.map_err(|failure| failure.in_cycle(cycles - left))?;
            slowest = slowest.max(took);
            left -= 1;
        }
        crowd.rest(Until::End).await?;
        totals += crowd.audited();
        deferrals += &crowd.world.borrow().deferrals;
    }
    Ok(format!(
        "{cycles} kills; {totals}, {deferrals}; even {} ms after it was back at most",
        slowest.as_millis()
    ))
}

//! Two nodes that are replaced one after the other, in order, while devices that know both talk.

use std::time::{Duration, Instant};

use super::{Failure, Place};
use crate::{cluster::Cluster, crowd::Crowd, daemon::Brand, device::Until};

/// How often all nodes are replaced when nobody says how often.
const CYCLES: u32 = 3;

const NODES: usize = 2;

/// Load before each node's turn.
const BETWEEN: Duration = Duration::from_millis(500);

/// What 99 of 100 deliveries stay below.
const GOAL_MS: u64 = 1_000;

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut cluster = Cluster::open(place, Brand::Postgres, NODES).await?;
    let mut crowd = cluster.new_world(&mut place.random()).await?;
    crowd.come(&cluster.addresses(), Until::End);
    crowd.talk();
    crowd.pass(BETWEEN).await?;
    crowd.world.borrow_mut().gaps.forget();
    let cycles = place.cycles.unwrap_or(CYCLES);
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles {
        let took = replace_all(&mut cluster, &crowd).await;
        slowest = slowest.max(took.map_err(|failure| failure.in_cycle(cycle))?);
    }
    crowd.converge(cluster.nodes[0].address).await?;
    crowd.rest(Until::End).await?;
    let world = crowd.world.borrow();
    let seen = format!(
        "{} nodes replaced, each within {} ms; {}; {}; {}",
        cycles * NODES as u32,
        slowest.as_millis(),
        world.gaps,
        world.deferrals,
        crowd.audited()
    );
    if world.gaps.p99_ms() > GOAL_MS {
        return Err(Failure::Wrong(format!("too slow: {seen}")));
    }
    Ok(seen)
}

/// Stops each node in order and starts it again. Returns how long the slowest took to stop.
async fn replace_all(cluster: &mut Cluster, crowd: &Crowd) -> Result<Duration, Failure> {
    let mut slowest = Duration::ZERO;
    for node in &mut cluster.nodes {
        let began = Instant::now();
        let status = node.stop().await?;
        slowest = slowest.max(began.elapsed());
        if !status.success() {
            return Err(Failure::Wrong(format!("a node ended with {status}")));
        }
        node.start().await?;
        crowd.pass(BETWEEN).await?;
    }
    Ok(slowest)
}

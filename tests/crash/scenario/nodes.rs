//! Three nodes, of which one dies at random moments; now and then all of them.

use std::time::Duration;

use tests::random::Random;

use super::{
    Failure, Place,
    databases::{Pulls, on_each_database},
};
use crate::{cluster::Cluster, crowd::Crowd};

const NODES: usize = 3;

/// The load lasts at most so long before a node is killed.
const LOAD_MS: usize = 400;

/// The others go on for at most so long before it is back.
const AWAY_MS: usize = 300;

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let pulls = Pulls {
        nodes: NODES,
        cycles: 8,
        of_a_world: 100,
    };
    on_each_database(place, pulls, cycle).await
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

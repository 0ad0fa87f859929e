//! Two nodes whose database dies with all of its processes, and comes back.

use std::time::Duration;

use tests::random::Random;

use super::{
    CONVERGES_WITHIN, Failure, Place,
    databases::{Pulls, on_each_database},
};
use crate::{cluster::Cluster, crowd::Crowd};

const NODES: usize = 2;

/// The load lasts at most so long before it is killed.
const LOAD_MS: usize = 400;

/// It is away for at least, and for at most so much longer.
const AWAY_MS: (u64, usize) = (500, 6_000);

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let pulls = Pulls {
        nodes: NODES,
        cycles: 2,
        of_a_world: 50,
    };
    on_each_database(place, pulls, cycle).await
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
    let refused = crowd.world.borrow().deferrals.count();
    cluster.database.kill().await?;
    let (least, more) = AWAY_MS;
    let away = least + random.below(more) as u64;
    crowd.pass(Duration::from_millis(away)).await?;
    if crowd.world.borrow().deferrals.count() == refused {
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

//! A server on SQLite that dies at random moments, also before anybody is back.

use std::{fs, path::Path, time::Duration};

use tests::random::Random;

use super::{Failure, Place};
use crate::{audit::Totals, crowd::Crowd, device::Until, node::Node};

/// How often it is killed when nobody says how often.
const CYCLES: u32 = 50;

/// The load lasts at most so long before the server is killed.
pub(super) const LOAD_MS: usize = 400;

/// How often it is killed before everything is begun anew: audits read all that there is.
pub(super) const OF_A_WORLD: u32 = 50;

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut random = place.random();
    let cycles = place.cycles.unwrap_or(CYCLES);
    let (mut totals, mut kib) = (Totals::default(), 0);
    let mut past = 0;
    while past < cycles {
        let count = OF_A_WORLD.min(cycles - past);
        let data = format!("data-{past}");
        let audited = world(place, &data, count, &mut random).await;
        totals += audited.map_err(|failure| failure.on(&data))?;
        kib += bytes_in(&place.folder.join(data)) / 1_024;
        past += count;
    }
    Ok(format!("{cycles} kills; {totals}; {kib} KiB of files"))
}

/// Sets up a server of its own with people and conversations, and kills it again and again.
async fn world(
    place: &Place,
    data: &str,
    cycles: u32,
    random: &mut Random,
) -> Result<Totals, Failure> {
    let listen = ([127, 0, 0, 1], 0).into();
    let mut node = Node::new(&place.folder, data, listen);
    let key = node.create_key()?;
    node.start().await?;
    let mut crowd = Crowd::set_up(node.address, &key, random).await?;
    node.kill()?;
    for cycle in 0..cycles {
        let lived = live(&mut node, &mut crowd, random).await;
        lived.map_err(|failure| failure.in_cycle(cycle))?;
    }
    // What the last kill left.
    full(&mut node, &mut crowd, Duration::ZERO, |node| {
        Ok(node.kill()?)
    })
    .await?;
    Ok(crowd.audited())
}

/// Starts the server, lets the devices come back, audits, puts load on it, kills it.
async fn live(node: &mut Node, crowd: &mut Crowd, random: &mut Random) -> Result<(), Failure> {
    // Now and then it dies before anybody is back.
    if random.below(8) == 0 {
        node.start().await?;
        crowd.come(&[node.address], Until::LinkGone);
        crowd
            .pass(Duration::from_millis(random.below(60) as u64))
            .await?;
        node.kill()?;
        crowd.rest(Until::LinkGone).await?;
    }
    let span = Duration::from_millis(random.below(LOAD_MS + 1) as u64);
    full(node, crowd, span, |node| Ok(node.kill()?)).await
}

/// Starts the server, lets the devices come back, audits, puts load on it for a while, and has it end.
pub(super) async fn full(
    node: &mut Node,
    crowd: &mut Crowd,
    span: Duration,
    end: impl FnOnce(&mut Node) -> Result<(), Failure>,
) -> Result<(), Failure> {
    node.start().await?;
    crowd.come(&[node.address], Until::LinkGone);
    crowd.converge(node.address).await?;
    crowd.talk();
    crowd.pass(span).await?;
    end(node)?;
    Ok(crowd.rest(Until::LinkGone).await?)
}

fn bytes_in(folder: &Path) -> u64 {
    let items = fs::read_dir(folder).into_iter().flatten();
    let items = items.filter_map(|item| item.ok()?.metadata().ok());
    items.map(|metadata| metadata.len()).sum()
}

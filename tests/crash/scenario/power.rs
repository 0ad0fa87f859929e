//! A server on SQLite whose machine loses its power: whatever was written and not synced is gone.

use std::{fs, time::Duration};

use tests::random::Random;

use super::{
    Failure, Place,
    embedded::{LOAD_MS, OF_A_WORLD, full},
};
use crate::{audit::Totals, crowd::Crowd, mount::Mount, node::Node};

/// How often when nobody says how often.
const CYCLES: u32 = 10;

/// Room on the disk: more than a world needs.
const MIB: u64 = 256;

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut random = place.random();
    let cycles = place.cycles.unwrap_or(CYCLES);
    let mut totals = Totals::default();
    let mut past = 0;
    while past < cycles {
        let count = OF_A_WORLD.min(cycles - past);
        let on = format!("disk-{past}");
        let audited = world(place, &on, count, &mut random).await;
        totals += audited.map_err(|failure| failure.on(&on))?;
        past += count;
    }
    Ok(format!("{cycles} times without power; {totals}"))
}

/// Sets up a server of its own on a disk of its own, and takes its power again and again.
async fn world(
    place: &Place,
    on: &str,
    cycles: u32,
    random: &mut Random,
) -> Result<Totals, Failure> {
    let disk = Mount::image(&place.folder.join(on), MIB)?;
    let mut node = Node::new(
        &place.folder,
        &format!("{on}/data"),
        ([127, 0, 0, 1], 0).into(),
    );
    let key = node.create_key()?;
    node.start().await?;
    let mut crowd = Crowd::set_up(node.address, &key, random).await?;
    // At once: nor may anything be lost of what makes a data directory.
    lose_power(&disk, &mut node)?;
    for cycle in 0..cycles {
        let span = Duration::from_millis(random.below(LOAD_MS + 1) as u64);
        let lived = full(&mut node, &mut crowd, span, |node| lose_power(&disk, node)).await;
        lived.map_err(|failure| failure.in_cycle(cycle))?;
    }
    // What the last time left.
    full(&mut node, &mut crowd, Duration::ZERO, |node| {
        Ok(node.kill()?)
    })
    .await?;
    Ok(crowd.audited())
}

/// Kills the server, drops what of its disk was not synced, and looks that this is so.
///
/// Killed before, and not at the same time: ext4 may say of a sync in whose middle it is shut down that it succeeded.
fn lose_power(disk: &Mount, node: &mut Node) -> Result<(), Failure> {
    node.kill()?;
    let witness = disk.folder().join("unsynced");
    fs::write(&witness, "nobody synced this")?;
    disk.lose_power()?;
    disk.unmount()?;
    disk.mount()?;
    if witness.exists() {
        let wrong = "the disk kept what was not synced, so that nothing is learned from it";
        return Err(Failure::Wrong(wrong.to_owned()));
    }
    Ok(())
}

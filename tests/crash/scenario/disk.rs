//! A server on SQLite whose disk fills up, and one whose file system becomes read-only.

use std::time::{Duration, Instant};

use tests::random::Random;
use tokio::time::sleep;

use super::{CONVERGES_WITHIN, Failure, Place};
use crate::{Violation, crowd::Crowd, device::Until, mount::Mount, node::Node, pair::Pair, stage};

/// How often each happens when nobody says how often.
const CYCLES: u32 = 2;

/// Room on a disk: more than cycles of load need.
const MIB: u64 = 96;

/// Every so often it begins with empty disks.
const CYCLES_OF_A_DISK: u32 = 8;

/// The load lasts at most so long before it happens.
const LOAD_MS: usize = 300;

/// How long it stays so, once sends are refused.
const LASTS: Duration = Duration::from_millis(500);

/// How long sends may still find room, as in pages of the journal that are used again.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) async fn run(place: &Place) -> Result<String, Failure> {
    let mut random = place.random();
    let cycles = place.cycles.unwrap_or(CYCLES);
    let (mut full, mut failing) = (Vec::new(), Vec::new());
    let mut left = cycles;
    while left > 0 {
        let some = left.min(CYCLES_OF_A_DISK);
        let [on_full, on_failing] = ["full", "failing"].map(|what| format!("{what}-{left}"));
        let filled = fills_up(place, &on_full, some, &mut random).await;
        full.push(filled.map_err(|failure| failure.on("a disk that is full"))?);
        let failed = becomes_read_only(place, &on_failing, some, &mut random).await;
        failing.push(failed.map_err(|failure| failure.on("a disk that fails"))?);
        left -= some;
    }
    Ok(format!(
        "{cycles} times full: {}; {cycles} times read-only: {}",
        full.join(" | "),
        failing.join(" | ")
    ))
}

/// The server, the crowd and the pair on a mount.
struct Scene {
    node: Node,
    crowd: Crowd,
    pair: Pair,
}

impl Scene {
    async fn open(place: &Place, on: &str, random: &mut Random) -> Result<Self, Failure> {
        let listen = ([127, 0, 0, 1], tests::process::free_port()?).into();
        let mut node = Node::new(&place.folder, &format!("{on}/data"), listen);
        let key = node.create_key()?;
        node.start().await?;
        let mut crowd = Crowd::set_up(node.address, &key, random).await?;
        let pair = Pair::meet(node.address, &key).await?;
        crowd.come(&[node.address], Until::End);
        // Also who reads the logs has been there by now: a new device is written down.
        crowd.converge(node.address).await?;
        Ok(Self { node, crowd, pair })
    }

    /// Load for a moment.
    async fn talk(&self, random: &mut Random) -> Result<(), Violation> {
        self.crowd.talk();
        let load = random.below(LOAD_MS) as u64;
        self.crowd.pass(Duration::from_millis(load)).await
    }

    /// Waits until sends are refused; then looks at what must go on: what is live, and reading.
    async fn only_writing_fails(&mut self, before: u64) -> Result<(), Failure> {
        let began = Instant::now();
        while self.crowd.world.borrow().deferrals.count() == before {
            if began.elapsed() > PATIENCE {
                return Err(Failure::Wrong("nothing was refused".to_owned()));
            }
            self.crowd.pass(Duration::from_millis(2)).await?;
        }
        self.crowd.pass(LASTS).await?;
        self.pair.is_live().await?;
        let reading = stage::logs(self.node.address, &self.crowd.world).await;
        reading.map_err(|error| format!("reading: {error}"))?;
        Ok(())
    }

    /// Waits until something is acknowledged again.
    async fn is_written_again(&self) -> Result<(), Violation> {
        let began = Instant::now();
        let before = self.crowd.world.borrow().acknowledged;
        while self.crowd.world.borrow().acknowledged == before {
            if began.elapsed() > CONVERGES_WITHIN {
                return Err(format!(
                    "nothing is acknowledged {CONVERGES_WITHIN:?} later"
                ));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

/// The disk fills up, and there is room again, without a restart.
async fn fills_up(
    place: &Place,
    on: &str,
    cycles: u32,
    random: &mut Random,
) -> Result<String, Failure> {
    let disk = Mount::small(&place.folder.join(on), MIB)?;
    let mut scene = Scene::open(place, on, random).await?;
    let mut slowest = Duration::ZERO;
    for cycle in 0..cycles {
        let took = full(&disk, &mut scene, random).await;
        slowest = slowest.max(took.map_err(|failure| failure.in_cycle(cycle))?);
    }
    scene.crowd.rest(Until::End).await?;
    let later = &scene.crowd.world.borrow().deferrals;
    let audited = scene.crowd.audited();
    let millis = slowest.as_millis();
    Ok(format!(
        "even {millis} ms after there was room at most, {later}, {audited}"
    ))
}

async fn full(disk: &Mount, scene: &mut Scene, random: &mut Random) -> Result<Duration, Failure> {
    scene.talk(random).await?;
    let before = scene.crowd.world.borrow().deferrals.count();
    disk.fill()?;
    scene.only_writing_fails(before).await?;
    disk.free()?;
    let room = Instant::now();
    scene.is_written_again().await?;
    let took = room.elapsed();
    Ok(took + scene.crowd.converge(scene.node.address).await?)
}

/// The file system becomes read-only, as ext4 does when its device fails. What has files open on it cannot get them back:
/// the server is killed, the file system mounted again, and the server started.
async fn becomes_read_only(
    place: &Place,
    on: &str,
    cycles: u32,
    random: &mut Random,
) -> Result<String, Failure> {
    let disk = Mount::image(&place.folder.join(on), MIB)?;
    let mut scene = Scene::open(place, on, random).await?;
    for cycle in 0..cycles {
        let outcome = read_only(&disk, &mut scene, random).await;
        outcome.map_err(|failure| failure.in_cycle(cycle))?;
    }
    scene.crowd.rest(Until::End).await?;
    let later = &scene.crowd.world.borrow().deferrals;
    Ok(format!("{later}, {}", scene.crowd.audited()))
}

async fn read_only(disk: &Mount, scene: &mut Scene, random: &mut Random) -> Result<(), Failure> {
    scene.talk(random).await?;
    // Nothing is under way to the disk then: ext4 may say of a sync in whose middle it is aborted that it succeeded.
    scene.crowd.converge(scene.node.address).await?;
    let before = scene.crowd.world.borrow().deferrals.count();
    disk.abort()?;
    scene.crowd.talk();
    scene.only_writing_fails(before).await?;
    scene.node.kill()?;
    disk.unmount()?;
    disk.mount()?;
    scene.node.start().await?;
    scene.pair.come_back().await?;
    scene.crowd.converge(scene.node.address).await?;
    Ok(())
}

//! The crash harness: a server on SQLite under load, killed with SIGKILL at random moments, and audited after each
//! restart. What was acknowledged must be there, once, in order, under the seq that was acknowledged; what was recalled
//! must be gone; and each device must have exactly what the server's log has.

#![allow(
    clippy::unwrap_used,
    reason = "the harness fails by panicking where its own files are concerned"
)]

mod audit;
mod device;
mod ideas;
mod log;
mod stage;
mod world;

use std::{
    cell::RefCell,
    fs,
    path::PathBuf,
    process::ExitCode,
    rc::Rc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use tests::random::Random;
use tokio::{sync::watch, task::LocalSet, time::timeout};

use device::{Device, Phase};
use stage::Stage;
use world::World;

/// Kills a server under load, again and again, and audits what it acknowledged.
#[derive(Debug, Parser)]
struct Arguments {
    /// How often to kill it
    #[arg(long, default_value_t = 50)]
    cycles: u32,
    /// Repeats the choices of an earlier run, as far as the machine's timing lets it
    #[arg(long)]
    seed: Option<u64>,
    /// Keeps the server's files also when all is well
    #[arg(long)]
    keep: bool,
}

/// Something that must not be. The text says what, for whom, and where.
type Violation = String;

/// How long devices may take to come back, or to get what they lack.
const PATIENCE: Duration = Duration::from_secs(20);
/// The load lasts at most so long before the server is killed.
const LOAD_MS: usize = 400;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = arguments
        .seed
        .unwrap_or(clock.as_nanos() as u64 % 1_000_000_000);
    let folder = tempfile::Builder::new()
        .prefix("im-crash-")
        .tempdir()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let run = Run::new(folder.path().to_owned(), seed);
    let started = Instant::now();
    let (passed, violation) = LocalSet::new().block_on(&runtime, run.cycles(arguments.cycles));
    let failed = u32::from(violation.is_some());
    println!(
        "{} in {:.1} s, seed {seed}",
        run.summary(),
        started.elapsed().as_secs_f32()
    );
    if let Some(violation) = violation {
        println!("VIOLATION in cycle {}: {violation}", passed + 1);
    }
    if arguments.keep || failed > 0 {
        println!("the server's files are in {}", folder.keep().display());
    }
    println!("crash: {passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// What lasts from the first cycle to the last.
struct Run {
    folder: PathBuf,
    seed: u64,
    world: Rc<RefCell<World>>,
    audited: RefCell<audit::Totals>,
}

impl Run {
    fn new(folder: PathBuf, seed: u64) -> Self {
        Self {
            folder,
            seed,
            world: Rc::default(),
            audited: RefCell::default(),
        }
    }

    /// Returns how many cycles passed, and what ended them early.
    async fn cycles(&self, cycles: u32) -> (u32, Option<Violation>) {
        let mut random = Random::new(self.seed);
        let mut devices = match stage::set_up(&self.folder, &self.world, &mut random).await {
            Ok(devices) => devices,
            Err(error) => return (0, Some(format!("setting up: {error}"))),
        };
        for cycle in 0..cycles {
            // Now and then it dies again before anybody is back.
            if random.below(8) == 0 {
                let life = Duration::from_millis(random.below(60) as u64);
                if let Err(violation) = self.live(&mut devices, Life::Short(life)).await {
                    return (cycle, Some(violation));
                }
            }
            let life = Duration::from_millis(random.below(LOAD_MS + 1) as u64);
            if let Err(violation) = self.live(&mut devices, Life::Full(life)).await {
                return (cycle, Some(violation));
            }
        }
        // What the last kill left.
        match self.live(&mut devices, Life::Full(Duration::ZERO)).await {
            Ok(()) => (cycles, None),
            Err(violation) => (cycles.saturating_sub(1), Some(violation)),
        }
    }

    /// Starts the server, lets the devices come back, audits, puts load on it, kills it.
    async fn live(&self, devices: &mut Vec<Device>, life: Life) -> Result<(), Violation> {
        let mut stage = Stage::start(&self.folder).map_err(|error| format!("starting: {error}"))?;
        self.world.borrow_mut().settled = 0;
        let (phase, _) = watch::channel(Phase::Settle);
        let count = devices.len();
        let tasks: Vec<_> = devices
            .drain(..)
            .map(|device| {
                let (address, phase) = (stage.server.address, phase.subscribe());
                tokio::task::spawn_local(device.live(address, phase))
            })
            .collect();
        let outcome = match life {
            Life::Short(span) => {
                tokio::time::sleep(span).await;
                Ok(())
            }
            Life::Full(span) => self.audit_and_load(&stage, count, &phase, span).await,
        };
        stage
            .server
            .kill()
            .map_err(|error| format!("killing: {error}"))?;
        let mut violation = outcome.err();
        for task in tasks {
            match task.await {
                Ok((device, outcome)) => {
                    devices.push(device);
                    violation = violation.or(outcome.err());
                }
                Err(error) => violation = Some(format!("a device: {error}")),
            }
        }
        violation.map_or(Ok(()), Err)
    }

    async fn audit_and_load(
        &self,
        stage: &Stage,
        devices: usize,
        phase: &watch::Sender<Phase>,
        span: Duration,
    ) -> Result<(), Violation> {
        let settled = async {
            while self.world.borrow().settled < devices {
                if let Some(violation) = &self.world.borrow().violation {
                    return Err(violation.clone());
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            Ok(())
        };
        let late = || {
            format!(
                "not all devices came back within {PATIENCE:?}: {}",
                self.world.borrow().whereabouts()
            )
        };
        timeout(PATIENCE, settled).await.map_err(|_| late())??;
        let logs = stage
            .logs(&self.world)
            .await
            .map_err(|error| format!("reading the logs: {error}"))?;
        self.converged(&logs).await?;
        let totals = audit::audit(&self.world.borrow(), &logs)?;
        *self.audited.borrow_mut() = totals;
        phase.send_replace(Phase::Load);
        tokio::time::sleep(span).await;
        Ok(())
    }

    /// Waits until all devices have what the logs have: pushes may still be on their way.
    async fn converged(&self, logs: &[log::Log]) -> Result<(), Violation> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let outcome = audit::devices(&self.world.borrow(), logs);
            let Err(violation) = outcome else {
                return Ok(());
            };
            if Instant::now() > deadline {
                return Err(violation);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn summary(&self) -> String {
        let folder_bytes: u64 = fs::read_dir(self.folder.join("data"))
            .into_iter()
            .flatten()
            .filter_map(|item| item.ok()?.metadata().ok())
            .map(|metadata| metadata.len())
            .sum();
        format!(
            "{}; {} KiB of files",
            self.audited.borrow(),
            folder_bytes / 1_024
        )
    }
}

/// How long a server lives.
#[derive(Clone, Copy, Debug)]
enum Life {
    /// It dies so long after its start, whoever is back by then.
    Short(Duration),
    /// It dies so long after the load begins.
    Full(Duration),
}

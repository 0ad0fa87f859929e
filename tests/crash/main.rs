//! The crash harness: real servers under load whose plugs are pulled, and an audit of what they acknowledged.
//!
//! What was acknowledged must be there, once, in order, under the seq that was acknowledged; what was recalled must be gone;
//! and each device must have exactly what the log has. Each scenario pulls another plug: see [`scenario`].

#![allow(
    clippy::unwrap_used,
    reason = "the harness fails by panicking where its own files are concerned"
)]

mod audit;
mod cluster;
mod crowd;
mod daemon;
mod device;
mod ideas;
mod log;
mod mount;
mod node;
mod pair;
mod scenario;
mod stage;
mod world;

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::ExitCode,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use clap::Parser;
use tokio::{
    signal::unix::{SignalKind, signal},
    task::LocalSet,
};

use scenario::{Failure, Place, Scenario};

/// Pulls plugs of servers under load, again and again, and audits what they acknowledged.
#[derive(Debug, Parser)]
struct Arguments {
    /// Which plugs; several are pulled one after the other
    #[arg(long, value_enum, default_value = "embedded")]
    scenario: Vec<Scenario>,
    /// How often; each scenario has a short number of its own
    #[arg(long)]
    cycles: Option<u32>,
    /// Repeats the choices of an earlier run, as far as the machine's timing lets it
    #[arg(long)]
    seed: Option<u64>,
    /// Keeps the servers' files also when all is well
    #[arg(long)]
    keep: bool,
}

/// Something that must not be. The text says what, for whom, and where.
type Violation = String;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut failed = 0;
    for scenario in &arguments.scenario {
        failed += u32::from(!run(*scenario, &arguments, &runtime));
    }
    let passed = arguments.scenario.len() as u32 - failed;
    println!("crash: {passed} passed, {failed} failed");
    if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs a scenario and prints what it saw. Whether all was well.
fn run(scenario: Scenario, arguments: &Arguments, runtime: &tokio::runtime::Runtime) -> bool {
    let clock = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let seed = arguments
        .seed
        .unwrap_or(clock.as_nanos() as u64 % 1_000_000_000);
    let folder = tempfile::Builder::new()
        .prefix("im-crash-")
        .tempdir_in("/tmp")
        .unwrap();
    // Databases run as users of their own, who must get to their folders in it.
    fs::set_permissions(folder.path(), Permissions::from_mode(0o711)).unwrap();
    let place = Place {
        folder: folder.path().to_owned(),
        seed,
        cycles: arguments.cycles,
    };
    let started = Instant::now();
    let outcome = LocalSet::new().block_on(runtime, async {
        tokio::select! {
            outcome = scenario.run(&place) => outcome,
            () = interrupted() => Err(Failure::Wrong("interrupted".to_owned())),
        }
    });
    let took = started.elapsed().as_secs_f32();
    let name = scenario.name();
    let (is_well, keep) = match outcome {
        Ok(seen) => {
            println!("{name}: {seen}; {took:.1} s, seed {seed}");
            (true, arguments.keep)
        }
        Err(Failure::Skipped(reason)) => {
            println!("{name}: SKIPPED, because {reason}");
            (true, arguments.keep)
        }
        Err(Failure::Wrong(violation)) => {
            println!("{name}: VIOLATION: {violation}; {took:.1} s, seed {seed}");
            (false, true)
        }
    };
    if keep {
        println!("the servers' files are in {}", folder.keep().display());
    }
    is_well
}

/// Resolves when somebody wants us to end: then servers, mounts and files are still cleared away.
async fn interrupted() {
    let mut terminate = signal(SignalKind::terminate()).unwrap();
    let mut interrupt = signal(SignalKind::interrupt()).unwrap();
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

//! Hostile peers: the real server against connections that break manners in every way that we know, and somebody honest
//! who talks meanwhile. What each of them makes the server hold is measured and bounded; what must be ended is ended; and
//! what the honest say arrives, once and in order.
//!
//! Nothing here is a matter of timing: time passes by messages that are delivered.

#![allow(
    clippy::unwrap_used,
    reason = "the harness fails by panicking where its own files are concerned"
)]

mod attacks;
mod honest;
mod stage;

use std::{
    io,
    process::ExitCode,
    time::{Duration, Instant},
};

use clap::Parser;
use tests::process::{Server, raise_file_limit};
use tokio::{sync::mpsc, task::JoinSet, time::timeout};

use attacks::{ATTACKS, Attack, End, Ready};
use honest::Honest;
use stage::Stage;

/// Attacks a server in every way that we know, and measures what that costs it.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only attacks whose name holds this
    #[arg(default_value = "")]
    filter: String,
    /// Hostile connections of each kind; 480 at most where they have signed in. With few of them the figures are those of
    /// what the allocator has not given back yet
    #[arg(long, default_value_t = 240)]
    connections: usize,
    /// Messages that the honest exchange during each attack
    #[arg(long, default_value_t = 60)]
    messages: u32,
    /// Takes its time: ten times the connections and the messages
    #[arg(long)]
    long: bool,
}

/// Users that mean no good: each may make the server hold a MiB.
const MOST_KNOWN: usize = 480;

/// How often the honest exchange their messages while it is measured.
const ROUNDS: usize = 20;

/// How long anything may take before we give up on it. Generous: the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(60);

/// Before this the server ends nobody for being slow.
const FIRST_DEADLINE: Duration = Duration::from_secs(8);

fn main() -> ExitCode {
    let mut arguments = Arguments::parse();
    if arguments.long {
        arguments.connections *= 10;
        arguments.messages *= 10;
    }
    let _ = raise_file_limit();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let failed = runtime.block_on(run(&arguments));
    match failed {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            println!("hostile peers: {failed} failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            println!("hostile peers: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> io::Result<usize> {
    let known = arguments.connections.clamp(8, MOST_KNOWN);
    let stage = Stage::set_up(known).await?;
    let mut failed = 0;
    println!("{:<52} {:>11} {:>9}", "what they do", "KiB each", "at most");
    for attack in ATTACKS
        .iter()
        .filter(|attack| attack.name.contains(&arguments.filter))
    {
        let count = if attack.signed_in {
            known
        } else {
            arguments.connections
        };
        let verdict = suffer(&stage, attack, count, arguments.messages).await;
        let bound = attack.bound_bytes() / 1024;
        match verdict {
            Ok(bytes) => println!(
                "{:<52} {:>11.1} {bound:>9}",
                attack.name,
                bytes as f64 / 1024.0
            ),
            Err(error) => {
                failed += 1;
                println!("{:<52} FAILED: {error}", attack.name);
            }
        }
    }
    Ok(failed)
}

/// Lets a fresh server suffer an attack, and returns the bytes that each connection made it hold: the slope from a
/// quarter of the connections to all of them, so that what is there once does not count.
async fn suffer(stage: &Stage, attack: &Attack, count: usize, messages: u32) -> io::Result<u64> {
    let server = stage.start()?;
    let mut honest = Honest::come(server.address, stage).await?;
    settle(&server, &mut honest, messages).await?;
    let began = Instant::now();
    let mut peers = JoinSet::new();
    let few = count / 4;
    let mut measured = Vec::new();
    for range in [0..few, few..count] {
        let (ready, mut readied) = mpsc::unbounded_channel();
        for number in range.clone() {
            let target = stage.target(server.address, number);
            peers.spawn((attack.act)(target, Ready::new(ready.clone())));
        }
        drop(ready);
        let all_ready = async {
            for _ in range {
                if readied.recv().await.is_none() {
                    break;
                }
            }
        };
        within("the peers to begin", all_ready).await?;
        measured.push(peak(&server, &mut honest, messages).await?);
    }
    match attack.end {
        End::Stays => {
            // Or the figure would be of others than those who stay. On a very slow machine deadlines come meanwhile.
            if let Some(ended) = peers.try_join_next()
                && began.elapsed() < FIRST_DEADLINE
            {
                return Err(io::Error::other(format!("one was sent away: {ended:?}")));
            }
        }
        End::SentAway => {
            let ends = async {
                while let Some(ended) = peers.join_next().await {
                    ended.map_err(io::Error::other)??;
                }
                Ok::<_, io::Error>(())
            };
            within("the server to send them away", ends).await??;
        }
        End::Either => {}
    }
    drop(peers);
    honest.exchange(messages).await?;
    let each = measured[1].saturating_sub(measured[0]) / (count - few) as u64;
    if each > attack.bound_bytes() {
        return Err(io::Error::other(format!(
            "each makes the server hold {} KiB, and {} are the most",
            each / 1024,
            attack.bound_bytes() / 1024
        )));
    }
    Ok(each)
}

/// Waits until the memory of the start has been given back: what is freed shrinks a process some time later.
async fn settle(server: &Server, honest: &mut Honest, messages: u32) -> io::Result<()> {
    let mut before = u64::MAX;
    for _ in 0..20 {
        honest.exchange(messages).await?;
        let now = server.usage().rss_bytes;
        if now >= before {
            break;
        }
        before = now;
    }
    Ok(())
}

/// The most bytes that it holds while the honest talk for a while: what is under way as the first of them arrive is not all
/// yet, and how much of it the allocator has not given back varies.
async fn peak(server: &Server, honest: &mut Honest, messages: u32) -> io::Result<u64> {
    let mut most = 0;
    for _ in 0..ROUNDS {
        honest.exchange(messages).await?;
        most = most.max(server.usage().rss_bytes);
    }
    Ok(most)
}

async fn within<T>(what: &str, future: impl Future<Output = T>) -> io::Result<T> {
    let late = |_| io::Error::other(format!("waited for {what}, in vain"));
    timeout(PATIENCE, future).await.map_err(late)
}

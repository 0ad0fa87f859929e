//! The load generator and its raw controls: one command for each figure of the goals. Each runs control, ours, control,
//! ours …, prints the ratio, and audits itself: a run that loses one message ends with an error and has no figure.
//!
//! Everything happens on this machine's loopback. Servers run as processes of their own: this same program with
//! `serve` or `raw`, or the `im-server` beside it.

#![allow(
    clippy::unwrap_used,
    reason = "a load generator fails by panicking where its own files are concerned"
)]

mod audit;
mod cold;
mod crowd;
mod device;
mod durable;
mod fanout;
mod gaps;
mod history;
mod hot;
mod idle;
mod large;
mod latency;
mod letters;
mod line;
mod list;
mod marker;
mod nodes;
mod offered;
mod overload;
mod raw;
mod readers;
mod report;
mod resume;
mod returning;
mod sender;
mod serve;
mod slow;
mod spans;
mod sql;
mod stage;
mod steady;
mod swarm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Load, its controls, and what comes of them.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Fan-out to 5,000 and to 1,000 online members, one write per delivery
    P1(fanout::Fanout),
    /// Fan-out with coalescing to 1,000 online members
    P2(fanout::Fanout),
    /// Fan-out to 5,000 online members at a constant rate
    P3(steady::Steady),
    /// Durable sends to many conversations on SQLite
    P4(durable::Durable),
    /// Latency of acks at 1,000 durable sends per second
    P5(latency::Acks),
    /// Latency from end to end on an idle system
    P6(latency::EndToEnd),
    /// One hot conversation with 64 senders
    P7(hot::Hot),
    /// A group of 100,000 against one of 100
    P9(large::Large),
    /// Memory of idle sessions
    P10(idle::Idle),
    /// Connect, authenticate, resume
    P12(resume::Resume),
    /// Catching up after gaps
    P13(gaps::Gaps),
    /// Pages of the conversation list
    P14(list::List),
    /// Pages of history out of ten million messages
    P15(history::Pages),
    /// Two nodes over Redis
    P16(nodes::Nodes),
    /// Cold start with a million messages
    P17(cold::Cold),
    /// Twice the load that it can take
    P18(overload::Overload),
    /// Slow and stopped readers
    R6(slow::Slow),
    /// The system under test: the engine behind a WebSocket, and nothing else
    Serve(serve::Serve),
    /// A raw control
    Raw(raw::Raw),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let files = tests::process::raise_file_limit();
    let outcome = match &arguments.scenario {
        Scenario::P1(fanout) => fanout.p1(),
        Scenario::P2(fanout) => fanout.p2(),
        Scenario::P3(steady) => steady.run(),
        Scenario::P4(durable) => durable.run(),
        Scenario::P5(acks) => acks.run(),
        Scenario::P6(end_to_end) => end_to_end.run(),
        Scenario::P7(hot) => hot.run(),
        Scenario::P9(large) => large.run(),
        Scenario::P10(idle) => idle.run(files),
        Scenario::P12(resume) => resume.run(),
        Scenario::P13(gaps) => gaps.run(),
        Scenario::P14(list) => list.run(),
        Scenario::P15(pages) => pages.run(),
        Scenario::P16(nodes) => nodes.run(),
        Scenario::P17(cold) => cold.run(),
        Scenario::P18(overload) => overload.run(),
        Scenario::R6(slow) => slow.run(),
        Scenario::Serve(serve) => serve.run(),
        Scenario::Raw(raw) => raw.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: no figure: {error}");
            ExitCode::FAILURE
        }
    }
}

//! The binary: reads the command line and does what it says.

use std::process::ExitCode;

use clap::Parser as _;
use im_server::cli::Cli;

#[tokio::main]
async fn main() -> ExitCode {
    Box::pin(Cli::parse().run()).await
}

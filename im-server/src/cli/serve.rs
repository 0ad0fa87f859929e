//! Serving until a signal.

use std::io::{self, Write as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::{Config, Server, telemetry};

pub(super) async fn serve(config: &Config) -> Result<(), Failure> {
    let telemetry = telemetry::start(config)?;
    let mut signals = Signals::listen()?;
    let mut hang_up = signal(SignalKind::hangup())?;
    // A start may wait for its database; whoever gives up on it is not to wait too.
    let server = tokio::select! {
        server = Server::start(config) => server?,
        name = signals.next() => {
            tracing::info!(signal = name, "stopped before it served");
            telemetry.end().await;
            return Ok(());
        }
    };
    // Scripts read this line, so it comes first, and does not wait in a buffer.
    println!("listening on {}", server.url());
    println!("try it: curl {}/v1/capabilities", server.url());
    if let Some(url) = server.tcp_url() {
        println!("TCP links on {url}");
    }
    io::stdout().flush()?;
    let tcp = server.tcp_url();
    tracing::info!(url = server.url(), tcp, data_dir = %config.data_dir.display(), "serving");

    if let Some(address) = server.metrics_address() {
        tracing::info!(%address, "figures are shown at /metrics");
    }

    let name = loop {
        tokio::select! {
            name = signals.next() => break name,
            _ = hang_up.recv() => server.reload().await,
        }
    };
    tracing::info!(signal = name, "stopping; a second signal stops at once");
    tokio::select! {
        () = server.shut_down() => tracing::info!("stopped"),
        name = signals.next() => {
            tracing::warn!(signal = name, "stopping at once");
            std::process::exit(130);
        }
    }
    telemetry.end().await;
    Ok(())
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "SIGINT",
            _ = self.terminate.recv() => "SIGTERM",
        }
    }
}

//! Serving until a signal.

use std::io::{self, Write as _};

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Failure;
use crate::{Config, Server, telemetry};

pub(super) async fn serve(config: &Config) -> Result<(), Failure> {
    telemetry::init(&config.log, config.log_format)?;
    let mut signals = Signals::listen()?;
    let mut hang_up = signal(SignalKind::hangup())?;
    let server = Server::start(config).await?;
    // Scripts read this line, so it comes first, and does not wait in a buffer.
    println!("listening on http://{}", server.address());
    println!("try it: curl http://{}/v1/capabilities", server.address());
    io::stdout().flush()?;
    tracing::info!(address = %server.address(), data_dir = %config.data_dir.display(), "serving");

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

//! P10: what an idle, authenticated WebSocket costs: the slope of the server's memory between two numbers of them.

use std::{io, thread, time::Duration};

use clap::Args;
use tests::{
    frames::{self, Frame, TEXT},
    process::{Server, socket_bytes},
};

use crate::{
    serve,
    swarm::{Script, Step, Swarm},
};

/// Memory of idle sessions.
#[derive(Args, Clone, Debug)]
pub(crate) struct Idle {
    /// The fewer of the two numbers of sessions
    #[arg(long, default_value_t = 2_000)]
    from: usize,
    /// The more; as many as there may be open files, without it
    #[arg(long)]
    to: Option<usize>,
    /// Bytes of the request that each session sends, "after traffic"
    #[arg(long, default_value_t = 6_000)]
    traffic: usize,
    #[arg(long, default_value = "sqlite")]
    store: String,
}

/// How long the server may settle before its memory is looked at.
const SETTLE: Duration = Duration::from_secs(3);

struct Session {
    /// Whether there is a session to open.
    opens: bool,
    replies: usize,
    wrong: Option<String>,
}

impl Script for Session {
    fn frame(&mut self, _: usize, frame: Frame<'_>, _: &mut Vec<u8>) -> Step {
        self.replies += 1;
        if self.opens
            && !frame
                .payload
                .starts_with(br#"{"jsonrpc":"2.0","id":0,"result""#)
        {
            self.wrong
                .get_or_insert(String::from_utf8_lossy(frame.payload).into_owned());
        }
        Step::Done
    }
}

impl Idle {
    pub(crate) fn run(&self, files: u64) -> io::Result<()> {
        let to = self
            .to
            .unwrap_or_else(|| (files as usize).saturating_sub(500).min(19_000));
        println!(
            "## P10 memory of an idle session, {} to {to} (goal: 1.5 KiB)",
            self.from
        );
        let server = serve::start(&["raw", "echo"])?;
        self.measure("control (a task and a raw socket)", server, false, to)?;
        let folder = tempfile::tempdir()?;
        let store = (self.store != "memory").then(|| folder.path());
        let server = serve::start_ours(store, 0)?;
        self.measure(
            &format!("ours (load serve, {})", self.store),
            server,
            true,
            to,
        )
    }

    fn measure(&self, what: &str, server: Server, opens: bool, to: usize) -> io::Result<()> {
        let mut swarm = Swarm::new(server.address, true)?;
        let mut script = Session {
            opens,
            replies: 0,
            wrong: None,
        };
        let mut steps = Vec::new();
        for count in [self.from, to] {
            swarm.open(count, 64, &mut script)?;
            let idle = settled(&server);
            self.traffic(&mut swarm, count, &mut script)?;
            steps.push((count, idle, settled(&server)));
        }
        if let Some(wrong) = script.wrong {
            return Err(io::Error::other(wrong));
        }
        let [(from, idle_from, after_from), (to, idle_to, after_to)] = steps[..] else {
            return Err(io::ErrorKind::Other.into());
        };
        let slope =
            |low: u64, high: u64| high.saturating_sub(low) as f64 / (to - from) as f64 / 1_024.0;
        println!(
            "=> P10 {what}: {:.2} KiB each idle, {:.2} KiB after {} bytes each way; RSS {} MiB at {from}, {} MiB at {to}; \
             kernel sockets {} MiB, of both sides",
            slope(idle_from, idle_to),
            slope(after_from, after_to),
            self.traffic,
            idle_from >> 20,
            idle_to >> 20,
            socket_bytes() >> 20,
        );
        Ok(())
    }

    /// Has each session send a large request and get its reply.
    fn traffic(&self, swarm: &mut Swarm, count: usize, script: &mut Session) -> io::Result<()> {
        // The raw control sends back what it reads in one piece, and only for small frames.
        let length = if script.opens {
            self.traffic
        } else {
            self.traffic.min(1_000)
        };
        let padding = "x".repeat(length.saturating_sub(80));
        let request = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"session.ping","params":{{"x":"{padding}"}}}}"#
        );
        let mut bytes = Vec::new();
        frames::append(TEXT, request.as_bytes(), &mut bytes);
        let expected = script.replies + count;
        for place in 0..count {
            swarm.send(place, &bytes)?;
            if place % 64 == 0 {
                swarm.turn(Duration::ZERO, script)?;
            }
        }
        let mut patience = 100;
        while script.replies < expected {
            let before = script.replies;
            swarm.turn(Duration::from_millis(100), script)?;
            patience -= i32::from(before == script.replies);
            if patience == 0 || swarm.lost > 0 {
                return Err(io::Error::other(format!(
                    "LOSS: {} of {expected} replies",
                    script.replies
                )));
            }
        }
        Ok(())
    }
}

fn settled(server: &Server) -> u64 {
    thread::sleep(SETTLE);
    server.usage().rss_bytes
}

//! P12: connect, authenticate, resume; as after a restart, when all come back at once.

use std::{
    io,
    time::{Duration, Instant},
};

use clap::Args;
use serde_json::json;
use tests::{
    frames::{self, Frame, TEXT},
    process::Server,
};

use crate::{
    line::Line,
    report::{Costs, Figure, Pairs, Side},
    serve,
    swarm::{Script, Step, Swarm},
};

/// Connect, authenticate, resume.
#[derive(Args, Clone, Debug)]
pub(crate) struct Resume {
    /// Devices that come back in each run
    #[arg(long, default_value_t = 5_000)]
    devices: usize,
    /// How many of them at a time
    #[arg(long, default_value_t = 128)]
    in_flight: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    #[arg(long, default_value = "sqlite")]
    store: String,
}

/// Opens a session and resumes from where it was. The control's peers send the same and get it back.
struct Back {
    opens: bool,
    /// Where each was.
    cursors: Vec<String>,
    wrong: Option<String>,
}

impl Script for Back {
    fn frame(&mut self, peer: usize, frame: Frame<'_>, out: &mut Vec<u8>) -> Step {
        let is = |start: &str| frame.payload.starts_with(start.as_bytes());
        if is(r#"{"jsonrpc":"2.0","id":0,"result""#) || is(r#"{"jsonrpc":"2.0","id":0,"method""#) {
            let cursor = &self.cursors[peer];
            let params = if cursor.is_empty() {
                "{}".to_owned()
            } else {
                format!(r#"{{"cursor":"{cursor}"}}"#)
            };
            let pull =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"sync.pull","params":{params}}}"#);
            frames::append(TEXT, pull.as_bytes(), out);
            return Step::On;
        }
        if !self.opens && is(r#"{"jsonrpc":"2.0","id":1,"method""#) {
            return Step::Done;
        }
        if !is(r#"{"jsonrpc":"2.0","id":1,"result""#) {
            self.wrong
                .get_or_insert(String::from_utf8_lossy(frame.payload).into_owned());
            return Step::On;
        }
        let text = String::from_utf8_lossy(frame.payload);
        let cursor = text
            .split("\"cursor\":\"")
            .nth(1)
            .and_then(|rest| rest.split('"').next());
        if !text.contains("\"done\":true") || !text.contains("\"reset\":false") {
            self.wrong.get_or_insert(text.clone().into_owned());
        }
        self.cursors[peer] = cursor.unwrap_or_default().to_owned();
        Step::Done
    }
}

impl Resume {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = (self.store != "memory").then(|| folder.path());
        let ours = serve::start_ours(store, 0)?;
        set_up(&ours, self.devices)?;
        let control = serve::start(&["raw", "echo"])?;
        let mut back = Back {
            opens: true,
            cursors: vec![String::new(); self.devices],
            wrong: None,
        };
        let mut echoed = Back {
            opens: false,
            cursors: vec!["x".repeat(50); self.devices],
            wrong: None,
        };
        // All come for the first time: only then is there something to resume.
        self.come_back(&ours, &mut back)?;
        println!(
            "system under test: load serve ({}), {} devices, {} at a time",
            self.store, self.devices, self.in_flight
        );
        Pairs::run(
            "P12 connect, authenticate, resume",
            "10,000/s",
            self.pairs,
            |side| match side {
                Side::Control => self.come_back(&control, &mut echoed),
                Side::Ours => self.come_back(&ours, &mut back),
            },
        )
        .map(drop)
    }

    fn come_back(&self, server: &Server, script: &mut Back) -> io::Result<Figure> {
        let mut swarm = Swarm::new(server.address, true)?;
        let costs = Costs::begin(Some(server));
        let written = server.usage().written_bytes;
        let begin = Instant::now();
        swarm.open(self.devices, self.in_flight, script)?;
        let span = begin.elapsed();
        if let Some(wrong) = script.wrong.take() {
            return Err(io::Error::other(format!("LOSS: {wrong}")));
        }
        let costs = costs.end(Some(server), self.devices as u64);
        drop(swarm);
        // What is stored when they go is written behind: not a part of the next run.
        std::thread::sleep(Duration::from_millis(1_500));
        let written = server.usage().written_bytes - written;
        let note = format!("{costs}; {written} bytes written to disk, also for their going");
        Ok(Figure {
            rate: self.devices as f64 / span.as_secs_f64(),
            note,
        })
    }
}

/// Everybody is in a group, so that there is something to resume.
fn set_up(server: &Server, devices: usize) -> io::Result<()> {
    let mut line = Line::open(server.address, "owner", "setup")?;
    let users: Vec<_> = (0..devices).map(|place| format!("u{place}")).collect();
    for (place, users) in users.chunks(50).enumerate() {
        let create =
            json!({"client_id": format!("create{place}"), "name": "all", "members": users});
        let view = line.call("conversation.create", &create)?;
        let content = json!({"kind": "text", "text": "hello"});
        let send =
            json!({"conversation": view["conversation"], "client_id": "c1", "content": content});
        line.call("message.send", &send)?;
    }
    Ok(())
}

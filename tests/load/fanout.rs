//! P1 and P2: one group, all members online, every message to everybody.

use std::io;

use clap::Args;

use crate::{
    crowd::{self, Control, Ours, Shape},
    report::{Figure, Pairs, Side, percentiles},
    serve,
};

/// Fan-out to the members of one group.
#[derive(Args, Clone, Debug)]
pub(crate) struct Fanout {
    /// Members that are online
    #[arg(long)]
    members: Option<usize>,
    /// Messages in each run
    #[arg(long)]
    messages: Option<usize>,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// Messages in one write of the control, and about as many in one of ours
    #[arg(long)]
    per_write: Option<usize>,
    /// How long a delivery may wait for others
    #[arg(long)]
    coalesce_ms: Option<u64>,
    /// Messages per second, on a fixed schedule; 0: as fast as they are delivered
    #[arg(long, default_value_t = 0)]
    rate: u64,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
}

impl Fanout {
    pub(crate) fn p1(&self) -> io::Result<()> {
        let members: &[usize] = match self.members {
            Some(members) => &[members],
            None => &[5_000, 1_000],
        };
        for members in members {
            let messages = self.messages.unwrap_or(250_000 / members.max(&1));
            let what = format!("P1 fan-out to {members} members, one write each");
            self.run(
                &what,
                "0.90",
                self.shape(*members, messages, self.per_write.unwrap_or(1)),
            )?;
        }
        Ok(())
    }

    pub(crate) fn p2(&self) -> io::Result<()> {
        let members = self.members.unwrap_or(1_000);
        let messages = self.messages.unwrap_or(3_200);
        let per_write = self.per_write.unwrap_or(32);
        let what = format!("P2 fan-out to {members} members, {per_write} messages in one write");
        self.run(
            &what,
            "1,000,000/s and 0.60",
            self.shape(members, messages, per_write),
        )
    }

    fn shape(&self, members: usize, messages: usize, per_write: usize) -> Shape {
        Shape {
            members,
            messages,
            per_write,
            rate: self.rate,
            text: self.text,
        }
    }

    fn run(&self, what: &str, goal: &str, shape: Shape) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let coalesce_ms = self
            .coalesce_ms
            .unwrap_or(if shape.per_write > 1 { 20 } else { 0 });
        let store = (self.store != "memory").then(|| folder.path());
        let ours = serve::start_ours(store, coalesce_ms)?;
        let group = crowd::set_up(&ours, shape.members)?;
        let mut ours = Ours::open(ours, &group, shape, self.pairs + 1)?;
        // The first run is a warm-up. Its messages are what the control writes, as many at once as came at once.
        ours.run()?;
        let payload = ours.audit.first.clone();
        let per_write = if shape.per_write > 1 {
            ours.per_read.round() as usize
        } else {
            1
        };
        println!(
            "system under test: load serve ({}), {} bytes per delivery; control: {per_write} in each write",
            self.store,
            payload.len() + 4
        );
        let mut control = Control::open(Shape { per_write, ..shape }, &payload, self.pairs)?;
        Pairs::run(what, goal, self.pairs, |side| match side {
            Side::Control => control.run(),
            Side::Ours => {
                let figure = ours.run()?;
                let latency = percentiles(&ours.audit.latency);
                let note = format!("{}; {latency}", figure.note);
                Ok(Figure { note, ..figure })
            }
        })
        .map(drop)
    }
}

//! P3: one group, all members online, messages at a constant rate: how long it takes until everybody has each of them.

use std::io;

use clap::Args;

use crate::{
    crowd::{self, Control, Ours, Shape},
    report::Side,
    serve,
    spans::{Goal, Spans, compare},
};

/// Latency of a fan-out at a constant rate.
#[derive(Args, Clone, Debug)]
pub(crate) struct Steady {
    /// Members that are online
    #[arg(long, default_value_t = 5_000)]
    members: usize,
    /// Messages per second, on a fixed schedule
    #[arg(long, default_value_t = 40)]
    rate: u64,
    /// Seconds of each run
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Bytes of text in each message
    #[arg(long, default_value_t = 150)]
    text: usize,
    /// How long a delivery may wait for others
    #[arg(long, default_value_t = 0)]
    coalesce_ms: u64,
    #[arg(long, default_value_t = 5)]
    pairs: usize,
    /// `memory`, or `sqlite`
    #[arg(long, default_value = "sqlite")]
    store: String,
}

impl Steady {
    pub(crate) fn run(&self) -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let store = (self.store != "memory").then(|| folder.path());
        let server = serve::start_ours(store, self.coalesce_ms)?;
        let group = crowd::set_up(&server, self.members)?;
        let shape = Shape {
            members: self.members,
            messages: (self.rate * self.seconds) as usize,
            per_write: 1,
            rate: self.rate.max(1),
            text: self.text,
        };
        let mut ours = Ours::open(server, &group, shape, self.pairs + 1)?;
        // The first run is a warm-up. Its messages are what the control writes.
        ours.run()?;
        let payload = ours.audit.first.clone();
        println!(
            "system under test: load serve ({}), {} bytes per delivery; control: the same bytes written on the same schedule",
            self.store,
            payload.len() + 4
        );
        let mut control = Control::open(shape, &payload, self.pairs)?;
        let what = format!(
            "P3 from end to end, {} members online, {} messages/s, {} deliveries/s",
            self.members,
            self.rate,
            self.rate * self.members as u64
        );
        compare(&what, Goal::Within(25_000_000), self.pairs, |side| {
            let (figure, audit) = match side {
                Side::Control => (control.run()?, &control.audit),
                Side::Ours => (ours.run()?, &ours.audit),
            };
            Ok(Spans {
                latency: audit.latency.clone(),
                note: format!("{:.0} deliveries/s; {}", figure.rate, figure.note),
            })
        })
    }
}

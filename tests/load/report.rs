//! How a figure counts: control, ours, control, ours …; the ratio of each pair, their median and spread; void when the
//! control itself does not hold still.

use std::{fmt, io, time::Duration};

use hdrhistogram::Histogram;
use tests::process::{Server, Usage, socket_bytes};

/// By how much a control may differ from the one before.
const STEADY: f64 = 0.15;

/// One run of one side.
#[derive(Debug, Default)]
pub(crate) struct Figure {
    /// Things per second.
    pub(crate) rate: f64,
    /// What else there is to say.
    pub(crate) note: String,
}

/// Latencies in nanoseconds.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("the bounds are valid")
}

/// Percentiles in one line.
pub(crate) fn percentiles(histogram: &Histogram<u64>) -> String {
    let at = |quantile| millis(histogram.value_at_quantile(quantile));
    let max = millis(histogram.max());
    format!(
        "p50 {} p90 {} p99 {} p99.9 {} max {max} ms",
        at(0.5),
        at(0.9),
        at(0.99),
        at(0.999)
    )
}

/// Percentiles, and whether the 99th keeps to the goal, in nanoseconds.
pub(crate) fn verdict(latency: &Histogram<u64>, goal: u64) -> String {
    let p99 = latency.value_at_quantile(0.99);
    let word = if p99 <= goal { "reached" } else { "missed" };
    format!(
        "{}; goal of {} ms {word}",
        percentiles(latency),
        millis(goal)
    )
}

pub(crate) fn millis(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e6)
}

/// What happened between two looks at a server, ourselves and the kernel.
pub(crate) struct Costs {
    server: Option<(u32, Usage)>,
    own: Usage,
}

impl Costs {
    pub(crate) fn begin(server: Option<&Server>) -> Self {
        Self {
            server: server.map(|server| (server.id(), server.usage())),
            own: Usage::own(),
        }
    }

    /// CPU of both sides for `count` things, and memory.
    pub(crate) fn end(&self, server: Option<&Server>, count: u64) -> String {
        let micros = |span: Duration| span.as_secs_f64() * 1e6 / count.max(1) as f64;
        let own = Usage::own().cpu_since(&self.own);
        let sockets = socket_bytes() >> 20;
        match (server, &self.server) {
            (Some(server), Some((_, before))) => {
                let now = server.usage();
                format!(
                    "server {:.2} us CPU each, {} MiB; generator {:.2} us; kernel sockets {sockets} MiB",
                    micros(now.cpu_since(before)),
                    now.rss_bytes >> 20,
                    micros(own),
                )
            }
            _ => format!(
                "process {:.2} us CPU each, {} MiB",
                micros(own),
                Usage::own().rss_bytes >> 20
            ),
        }
    }
}

/// The pairs of a scenario.
#[derive(Debug)]
pub(crate) struct Pairs {
    what: String,
    goal: String,
    control: Vec<f64>,
    ours: Vec<f64>,
}

impl Pairs {
    /// Runs `control` and `ours` in turn, `pairs` times.
    ///
    /// # Errors
    /// When a run lost something.
    pub(crate) fn run(
        what: &str,
        goal: &str,
        pairs: usize,
        mut run: impl FnMut(Side) -> io::Result<Figure>,
    ) -> io::Result<Self> {
        let mut all = Self {
            what: what.to_owned(),
            goal: goal.to_owned(),
            control: Vec::new(),
            ours: Vec::new(),
        };
        println!("## {what} (goal: {goal})");
        for pair in 1..=pairs {
            for side in [Side::Control, Side::Ours] {
                let figure = run(side)?;
                println!("{pair:>2} {side}: {:>12.0}/s  {}", figure.rate, figure.note);
                match side {
                    Side::Control => all.control.push(figure.rate),
                    Side::Ours => all.ours.push(figure.rate),
                }
            }
        }
        all.print();
        Ok(all)
    }

    fn print(&self) {
        let mut ratios: Vec<_> = self
            .ours
            .iter()
            .zip(&self.control)
            .map(|(ours, control)| ours / control)
            .collect();
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (
            ratios.first().copied().unwrap_or_default(),
            ratios.last().copied().unwrap_or_default(),
        );
        println!(
            "=> {}: ours {:.0}/s, control {:.0}/s, ratio {:.3} (median of {}; {least:.3} to {most:.3}); goal {}",
            self.what,
            median(&self.ours),
            median(&self.control),
            median(&ratios),
            ratios.len(),
            self.goal,
        );
        print_voids(&self.control);
    }
}

/// Says which neighbours among the controls differ by too much.
pub(crate) fn print_voids(controls: &[f64]) {
    for (place, pair) in controls.windows(2).enumerate() {
        let change = (pair[1] - pair[0]).abs() / pair[0].max(pair[1]);
        if change > STEADY {
            println!(
                "   VOID: controls {} and {} differ by {:.0} %",
                place + 1,
                place + 2,
                change * 100.0
            );
        }
    }
}

/// Whose turn it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Side {
    Control,
    Ours,
}

impl fmt::Display for Side {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Control => "control",
            Self::Ours => "ours   ",
        })
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

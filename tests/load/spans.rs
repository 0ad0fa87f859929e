//! How a figure counts that says how long something takes: control, ours, control, ours …; the 99th percentiles of each
//! pair, their ratio and difference; void when that of the control does not hold still.

use std::{fmt, io};

use hdrhistogram::Histogram;

use crate::report::{Side, median, millis, percentiles, print_voids};

/// One run of one side.
pub(crate) struct Spans {
    /// In nanoseconds.
    pub(crate) latency: Histogram<u64>,
    /// What else there is to say.
    pub(crate) note: String,
}

/// What the 99th percentile has to keep to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goal {
    /// At most so long, in nanoseconds.
    Within(u64),
    /// At most so many times as long as the control's.
    Times(f64),
    /// At most so much longer than the control's, in nanoseconds.
    Extra(u64),
}

impl Goal {
    fn is_reached(self, ours: &[f64], control: &[f64]) -> bool {
        match self {
            Self::Within(nanos) => median(ours) <= nanos as f64,
            Self::Times(times) => median(&paired(ours, control, |ours, raw| ours / raw)) <= times,
            Self::Extra(nanos) => {
                median(&paired(ours, control, |ours, raw| ours - raw)) <= nanos as f64
            }
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Within(nanos) => write!(f, "p99 {} ms", millis(*nanos)),
            Self::Times(times) => write!(f, "p99 {times} times the control's"),
            Self::Extra(nanos) => write!(f, "p99 {} ms more than the control's", millis(*nanos)),
        }
    }
}

/// Runs `control` and `ours` in turn, `pairs` times.
///
/// # Errors
/// When a run lost something.
pub(crate) fn compare(
    what: &str,
    goal: Goal,
    pairs: usize,
    mut run: impl FnMut(Side) -> io::Result<Spans>,
) -> io::Result<()> {
    println!("## {what} (goal: {goal})");
    let (mut control, mut ours) = (Quantiles::default(), Quantiles::default());
    for pair in 1..=pairs {
        for side in [Side::Control, Side::Ours] {
            let Spans { latency, note } = run(side)?;
            println!("{pair:>2} {side}: {}; {note}", percentiles(&latency));
            match side {
                Side::Control => control.add(&latency),
                Side::Ours => ours.add(&latency),
            }
        }
    }
    let at = |values: &[f64]| millis(median(values) as u64);
    println!(
        "=> {what}: ours p50 {} p99 {} ms, control p50 {} p99 {} ms",
        at(&ours.p50),
        at(&ours.p99),
        at(&control.p50),
        at(&control.p99)
    );
    let ratios = paired(&ours.p99, &control.p99, |ours, raw| ours / raw);
    let extras = paired(&ours.p99, &control.p99, |ours, raw| (ours - raw) / 1e6);
    let word = if goal.is_reached(&ours.p99, &control.p99) {
        "reached"
    } else {
        "missed"
    };
    println!(
        "   p99 to the control's: {:.2} times {ratios:.2?}, {:.3} ms more {extras:.3?}; goal of {goal} {word}",
        median(&ratios),
        median(&extras)
    );
    print_voids(&control.p99);
    Ok(())
}

/// Of each run, in nanoseconds.
#[derive(Default)]
struct Quantiles {
    p50: Vec<f64>,
    p99: Vec<f64>,
}

impl Quantiles {
    fn add(&mut self, latency: &Histogram<u64>) {
        self.p50.push(latency.value_at_quantile(0.5) as f64);
        self.p99.push(latency.value_at_quantile(0.99) as f64);
    }
}

fn paired(ours: &[f64], control: &[f64], by: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let pairs = ours.iter().zip(control);
    pairs.map(|(ours, control)| by(*ours, *control)).collect()
}

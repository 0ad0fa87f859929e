//! What is counted for whoever watches a program: names and values, and what is raised at little cost.
//!
//! How figures are shown, and to whom, is the host's matter. No figure can hold a text from outside: names and labels are
//! texts of the program itself, so nothing that a user said, or is called, is ever in one.

mod counter;
mod histogram;
mod refusals;

use std::time::Duration;

pub use counter::Counter;
pub use histogram::{Histogram, HistogramReading};
pub use refusals::Refusals;

/// A part of a program that counts what it does.
///
/// # Contract
/// - Reading holds nobody up who does the work, for longer than it takes to look.
/// - A name says what is counted and in which unit, as Prometheus wants it: `im_…`, seconds and bytes, and `_total` where
///   it only goes up. It always means the same and has always the same kind.
/// - Two parts may have figures of the same name, when their labels differ.
/// - A figure is there from the beginning, with 0: who watches can tell nothing that happened from nothing that is told.
pub trait Figures: Send + Sync {
    /// The figures as they are at this moment.
    fn figures(&self) -> Vec<Figure>;
}

/// One thing that is counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// What it is called.
    pub name: &'static str,
    /// One sentence for who reads it.
    pub help: &'static str,
    /// How it moves.
    pub kind: Kind,
    /// Its values: one without labels, or one for each way to be labelled.
    pub samples: Vec<Sample>,
}

/// How a figure moves.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Up alone, from 0 at the start of the process.
    Count,
    /// Up and down.
    Level,
    /// How often which values came.
    Histogram,
}

/// A name and a value that tell samples of one figure apart.
pub type Label = (&'static str, &'static str);

/// A value of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// What tells it from the others.
    pub labels: Vec<Label>,
    /// How much it is.
    pub value: Value,
}

/// How much.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// For [`Kind::Count`] and [`Kind::Level`].
    Number(f64),
    /// For [`Kind::Histogram`].
    Histogram(HistogramReading),
}

impl Figure {
    /// What only goes up.
    #[must_use]
    pub fn count(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(name, help, Kind::Count, number(value))
    }

    /// What goes up and down.
    #[must_use]
    pub fn level(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(name, help, Kind::Level, number(value))
    }

    /// A span of time, in seconds, that grows and shrinks.
    #[must_use]
    pub fn span(name: &'static str, help: &'static str, span: Duration) -> Self {
        Self::new(name, help, Kind::Level, Value::Number(span.as_secs_f64()))
    }

    /// How often which values came.
    #[must_use]
    pub fn histogram(name: &'static str, help: &'static str, of: &Histogram) -> Self {
        Self::new(name, help, Kind::Histogram, Value::Histogram(of.read()))
    }

    /// What only goes up, one value for each that a label can have.
    #[must_use]
    pub fn counts(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (&'static str, u64)>,
    ) -> Self {
        let samples = values.into_iter().map(|(text, value)| Sample {
            labels: vec![(label, text)],
            value: number(value),
        });
        Self {
            name,
            help,
            kind: Kind::Count,
            samples: samples.collect(),
        }
    }

    /// The same with a label at each of its values.
    #[must_use]
    pub fn labelled(mut self, label: Label) -> Self {
        for sample in &mut self.samples {
            sample.labels.insert(0, label);
        }
        self
    }

    fn new(name: &'static str, help: &'static str, kind: Kind, value: Value) -> Self {
        Self {
            name,
            help,
            kind,
            samples: vec![Sample {
                labels: Vec::new(),
                value,
            }],
        }
    }
}

#[allow(
    clippy::cast_precision_loss,
    reason = "what is counted stays far below 2^53"
)]
fn number(value: u64) -> Value {
    Value::Number(value as f64)
}

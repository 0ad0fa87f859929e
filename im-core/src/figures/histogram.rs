//! How often which values came: a count for each of a few ranges.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper ends of the ranges of times, in microseconds: what a database and a disk take, and what clients give up at.
const TIMES: &[u64] = &[
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    2_500_000, 5_000_000, 10_000_000,
];

/// Upper ends of the ranges of sizes.
const SIZES: &[u64] = &[1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/// How often which values came. Adding one costs two relaxed additions: for what happens some thousand times a second, not
/// for each delivery.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [u64],
    /// One more than there are bounds: beyond the last.
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    /// How many of what is added are one of what is shown.
    per_unit: f64,
}

/// What a histogram has counted.
#[derive(Clone, Debug, PartialEq)]
pub struct HistogramReading {
    /// The upper end of each range, and how many values were not above it; the last is how many there were at all.
    pub buckets: Vec<(f64, u64)>,
    /// All values together.
    pub sum: f64,
}

impl Histogram {
    /// Of spans of time; shown in seconds.
    #[must_use]
    pub fn of_times() -> Self {
        Self::new(TIMES, 1e6)
    }

    /// Of numbers of things.
    #[must_use]
    pub fn of_sizes() -> Self {
        Self::new(SIZES, 1.0)
    }

    fn new(bounds: &'static [u64], per_unit: f64) -> Self {
        Self {
            bounds,
            counts: (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect(),
            sum: AtomicU64::new(0),
            per_unit,
        }
    }

    /// Counts a span of time.
    pub fn add_time(&self, span: Duration) {
        self.add(u64::try_from(span.as_micros()).unwrap_or(u64::MAX));
    }

    /// Counts a number of things.
    pub fn add_size(&self, size: usize) {
        self.add(size as u64);
    }

    fn add(&self, value: u64) {
        let range = self.bounds.partition_point(|bound| *bound < value);
        self.counts[range].fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted so far.
    #[must_use]
    pub fn read(&self) -> HistogramReading {
        let mut so_far = 0;
        let ends = self.bounds.iter().map(|bound| self.shown(*bound));
        let ends = ends.chain([f64::INFINITY]);
        let buckets = ends.zip(&self.counts).map(|(end, count)| {
            so_far += count.load(Ordering::Relaxed);
            (end, so_far)
        });
        HistogramReading {
            buckets: buckets.collect(),
            sum: self.shown(self.sum.load(Ordering::Relaxed)),
        }
    }

    #[allow(
        clippy::cast_precision_loss,
        reason = "nobody looks at the sixteenth digit of a sum"
    )]
    fn shown(&self, value: u64) -> f64 {
        value as f64 / self.per_unit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_the_end_of_a_range_is_in_it() {
        let sizes = Histogram::of_sizes();

        for size in [1, 2, 3, 512, 513] {
            sizes.add_size(size);
        }

        let reading = sizes.read();
        let up_to = |end: f64| reading.buckets.iter().find(|(other, _)| *other == end);
        assert_eq!(up_to(1.0).map(|bucket| bucket.1), Some(1));
        assert_eq!(up_to(2.0).map(|bucket| bucket.1), Some(2));
        assert_eq!(up_to(4.0).map(|bucket| bucket.1), Some(3));
        assert_eq!(up_to(512.0).map(|bucket| bucket.1), Some(4));
        assert_eq!(up_to(f64::INFINITY).map(|bucket| bucket.1), Some(5));
        assert!((reading.sum - 1031.0).abs() < 1e-9);
    }

    #[test]
    fn times_are_shown_in_seconds() {
        let times = Histogram::of_times();

        times.add_time(Duration::from_millis(3));

        let reading = times.read();
        let first = reading.buckets.iter().find(|(_, count)| *count > 0);
        assert_eq!(first.map(|(end, _)| *end), Some(0.005));
        assert!((reading.sum - 0.003).abs() < 1e-9);
    }
}

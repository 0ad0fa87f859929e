//! What is counted of HTTP requests: how many, how they ended, how long they took.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::http::StatusCode;
use im_core::{
    Code,
    figures::{Figure, Figures, Histogram, Refusals},
};

/// The classes of status, as they are shown.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// What was asked over HTTP, and what became of it.
#[derive(Debug)]
pub(crate) struct Requests {
    by_class: [AtomicU64; CLASSES.len()],
    problems: Refusals,
    times: Histogram,
    turned_away: AtomicU64,
}

impl Default for Requests {
    fn default() -> Self {
        Self {
            by_class: Default::default(),
            problems: Refusals::default(),
            times: Histogram::of_times(),
            turned_away: AtomicU64::new(0),
        }
    }
}

impl Requests {
    /// A request was answered.
    pub(crate) fn answered(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(count) = self.by_class.get(class) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.times.add_time(took);
    }

    /// The answer was a problem.
    pub(crate) fn refused(&self, code: Code) {
        self.problems.add(code);
    }

    /// A connection was closed as it came, because as many are open as may be.
    pub(crate) fn turned_away(&self) {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
    }
}

impl Figures for Requests {
    fn figures(&self) -> Vec<Figure> {
        let counts = self.by_class.iter();
        let counts = counts.map(|count| count.load(Ordering::Relaxed));
        vec![
            Figure::counts(
                "im_http_requests_total",
                "Requests that were answered, by class of their status; 1xx are WebSockets.",
                "status",
                CLASSES.into_iter().zip(counts),
            ),
            Figure::histogram(
                "im_http_request_seconds",
                "How long it took until a request was answered.",
                &self.times,
            ),
            Figure::counts(
                "im_http_problems_total",
                "Requests that were answered with a problem, by code; those that the engine refused among them.",
                "code",
                self.problems.by_code(),
            ),
            Figure::count(
                "im_connections_turned_away_total",
                "Connections that were closed as they came, because as many are open as may be.",
                self.turned_away.load(Ordering::Relaxed),
            ),
        ]
    }
}

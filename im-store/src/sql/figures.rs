//! What a store counts: how large its commits are, how long they and reads take, what waits.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use im_core::figures::{Figure, Figures, Histogram};

use super::SqlStore;

/// What a store has done since it was opened.
#[derive(Debug)]
pub(super) struct Counts {
    commit_jobs: Histogram,
    commit_times: Histogram,
    pub(super) read_times: Histogram,
    failed: AtomicU64,
    retried: AtomicU64,
}

impl Default for Counts {
    fn default() -> Self {
        Self {
            commit_jobs: Histogram::of_sizes(),
            commit_times: Histogram::of_times(),
            read_times: Histogram::of_times(),
            failed: AtomicU64::new(0),
            retried: AtomicU64::new(0),
        }
    }
}

impl Counts {
    /// A group is durable.
    pub(super) fn committed(&self, jobs: usize, took: Duration) {
        self.commit_jobs.add_size(jobs);
        self.commit_times.add_time(took);
    }

    /// A group was not stored, or nobody knows.
    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    /// A group has to be tried again, because another writer was in its way.
    pub(super) fn retried(&self) {
        self.retried.fetch_add(1, Ordering::Relaxed);
    }
}

impl Figures for SqlStore {
    fn figures(&self) -> Vec<Figure> {
        let counts = &self.core.counts;
        let waiting = self.jobs.max_capacity() - self.jobs.capacity();
        vec![
            Figure::histogram(
                "im_store_commit_jobs",
                "Appends and batches of positions that one commit stored.",
                &counts.commit_jobs,
            ),
            Figure::histogram(
                "im_store_commit_seconds",
                "How long it took until a group was durable, with all attempts.",
                &counts.commit_times,
            ),
            Figure::count(
                "im_store_commits_failed_total",
                "Groups that were not stored, or of which the database does not say.",
                counts.failed.load(Ordering::Relaxed),
            ),
            Figure::count(
                "im_store_commit_retries_total",
                "Attempts that were taken back because another writer was in the way.",
                counts.retried.load(Ordering::Relaxed),
            ),
            Figure::level(
                "im_store_waiting_jobs",
                "Appends and batches of positions that wait for a commit.",
                waiting as u64,
            ),
            Figure::histogram(
                "im_store_read_seconds",
                "How long a read took, with the wait for a connection.",
                &counts.read_times,
            ),
        ]
    }
}

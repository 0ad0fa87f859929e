//! The one that commits: what waits while a commit runs forms the next one.
//!
//! One commit at a time and process. Its transaction inserts the entries first, in the order of their index; the unique
//! `(conversation, seq)` lets one of several processes through. A plain batch is a single `INSERT`.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Instant,
};

use im_core::{ConversationId, port::Append};
use tokio::{sync::mpsc, time::timeout};
use tracing::{Instrument as _, Span};

use super::{
    batch::{Batch, Job},
    core::{ATTEMPTS, Core, pause},
    error::{Meaning, SqlError},
};

/// Jobs in one transaction. More would make the first wait without making the last come sooner.
const JOBS: usize = 512;

/// Commits until nobody can ask any more.
pub(super) async fn run(core: Arc<Core>, mut jobs: mpsc::Receiver<Job>) {
    let mut waiting = VecDeque::new();
    let mut incoming = Vec::with_capacity(JOBS);
    loop {
        if waiting.is_empty() {
            if jobs.recv_many(&mut incoming, JOBS).await == 0 {
                return;
            }
        } else {
            while incoming.len() + waiting.len() < JOBS
                && let Ok(job) = jobs.try_recv()
            {
                incoming.push(job);
            }
        }
        waiting.extend(incoming.drain(..));
        commit(&core, Batch::take(&mut waiting)).await;
    }
}

/// Answers everybody in the batch.
async fn commit(core: &Core, batch: Batch) {
    let mut batches = vec![batch];
    while let Some(mut batch) = batches.pop() {
        let (jobs, began) = (batch.len(), Instant::now());
        let span = span(&batch);
        match settle(core, &mut batch).instrument(span).await {
            Ok(()) => {
                core.counts.committed(jobs, began.elapsed());
                batch.stored();
            }
            // Somebody is in the way of one of them again and again: the others need not suffer.
            Err(SqlError::Contended) if batch.len() > 1 => batches.extend(batch.split().rev()),
            Err(error) => {
                core.counts.failed();
                core.heads.clear();
                batch.fail(&error);
            }
        }
    }
}

/// Where a commit belongs: to the first request in it, and by links to the others.
fn span(batch: &Batch) -> Span {
    let mut spans = batch.appends().map(|encoded| &encoded.span);
    let Some(first) = spans.next() else {
        return Span::none();
    };
    let span = tracing::debug_span!(parent: first, "store.commit", jobs = batch.len());
    if !span.is_disabled() {
        for other in spans {
            span.follows_from(other);
        }
    }
    span
}

/// Stores what can be stored, and answers those who came too late.
async fn settle(core: &Core, batch: &mut Batch) -> Result<(), SqlError> {
    let mut all = false;
    for attempt in 1..=ATTEMPTS {
        let round = timeout(core.patience, round(core, batch, all));
        match round.await.map_err(|_| SqlError::Timeout)? {
            Ok(()) => {
                core.heads.note(batch.tips());
                for encoded in batch.appends() {
                    core.blocks.note(&encoded.append);
                }
                return Ok(());
            }
            Err(error) => match error.meaning() {
                Meaning::Taken => {
                    core.counts.retried();
                    all = true;
                }
                Meaning::Undone => {
                    core.counts.retried();
                    pause(attempt).await;
                }
                Meaning::Broken => return Err(error),
            },
        }
    }
    Err(SqlError::Contended)
}

/// Refuses what is known to be refused, then tries the rest in one transaction.
async fn round(core: &Core, batch: &mut Batch, all: bool) -> Result<(), SqlError> {
    let mut turn = core.committing().await?;
    let doubtful = doubtful(core, batch, all);
    let is_doubtful = |append: &Append| doubtful.contains(&append.conversation);
    let judged: Vec<_> = batch
        .appends()
        .filter(|encoded| is_doubtful(&encoded.append))
        .collect();
    if !judged.is_empty() {
        let obstacles = turn.connection().obstacles(&judged).await?;
        let seen = obstacles.heads.iter().map(|(at, seq)| (*at, *seq));
        core.heads.note(seen);
        batch.refuse(&obstacles, is_doubtful);
    }
    if batch.is_empty() {
        turn.keep();
        return Ok(());
    }
    let rows = batch.rows();
    let consequences = batch.consequences();
    if consequences.is_empty() && turn.connection().takes_at_once(&rows) {
        let outcome = turn.connection().insert_entries(&rows).await;
        if outcome
            .as_ref()
            .err()
            .is_none_or(|error| error.meaning() != Meaning::Broken)
        {
            turn.keep();
        }
        return outcome;
    }
    turn.connection().begin().await?;
    let outcome = async {
        turn.connection().insert_entries(&rows).await?;
        consequences.write(turn.connection()).await
    }
    .await;
    turn.end(outcome, ATTEMPTS).await.map(|_| ())
}

/// Conversations whose appends must be looked into before they are tried: those of which we do not know that their log
/// ends where the first append begins.
fn doubtful(core: &Core, batch: &Batch, all: bool) -> BTreeSet<ConversationId> {
    let mut firsts = BTreeMap::new();
    for encoded in batch.appends() {
        let append = &encoded.append;
        firsts.entry(append.conversation).or_insert(append.after);
    }
    let doubtful = firsts
        .into_iter()
        .filter(|(at, after)| all || core.heads.known(*at) != *after);
    doubtful.map(|(at, _)| at).collect()
}

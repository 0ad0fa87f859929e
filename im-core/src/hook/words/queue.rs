//! What was flagged, into the queue of reports.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use uuid::Uuid;

use super::{FlagSink, Flagged};
use crate::{
    Body, ClientId, Command, ConversationId, Rejection, Report, ReportAbout, ReportReason,
    ReportState, UserId,
    engine::id_at,
    hook::{After, Happened},
    port::{FiledReport, Ports, ReportStore, Runtime},
};

/// Flagged requests that may be under way. What is flagged and then refused stays until others push it out.
const WAITING: usize = 10_000;
/// Characters of a note at most.
const NOTE: usize = 1_000;

/// Files a report of what a [`WordFilter`](super::WordFilter) flags: of a message once it is stored, and of its user where
/// there is no message, as in a profile. Register it both ways: as the filter's sink, and with
/// [`Builder::after`](crate::Builder::after). Clone it for that: all clones are one.
///
/// A message is reported once, and so is each of its edits, whoever repeats the request. Of a user the same words in the
/// same kind of request are reported once. Nobody waits for it: of what was stored in the last moment of a process there
/// may be no report.
///
/// # Examples
/// ```
/// use im_core::{Store, TrustEveryone, hook::{ReportFlags, WordFilter, Words}};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let ports = im_store::MemoryStore::new().ports();
/// let flags = ReportFlags::new(&ports);
/// let words = Words::parse("flag buy followers").unwrap();
/// let im = im_core::Im::builder(ports, TrustEveryone)
///     .before(WordFilter::new(words, flags.clone()))
///     .after(flags)
///     .build();
/// # });
/// ```
#[derive(Clone)]
pub struct ReportFlags {
    shared: Arc<Shared>,
}

struct Shared {
    reports: Arc<dyn ReportStore>,
    runtime: Arc<dyn Runtime>,
    waiting: Mutex<Waiting>,
}

/// Under what an entry will be stored.
type Place = (UserId, ConversationId, ClientId);

/// What was flagged and is not stored yet, the oldest first.
#[derive(Default)]
struct Waiting {
    words: HashMap<Place, Vec<String>>,
    order: VecDeque<Place>,
}

impl Waiting {
    fn put(&mut self, place: Place, words: Vec<String>) {
        if self.words.insert(place.clone(), words).is_none() {
            self.order.push_back(place);
        }
        while self.order.len() > WAITING {
            if let Some(oldest) = self.order.pop_front() {
                self.words.remove(&oldest);
            }
        }
    }

    fn take(&mut self, place: &Place) -> Option<Vec<String>> {
        let words = self.words.remove(place)?;
        self.order.retain(|other| other != place);
        Some(words)
    }
}

impl ReportFlags {
    /// A sink that files into the store of these ports.
    #[must_use]
    pub fn new(ports: &Ports) -> Self {
        Self {
            shared: Arc::new(Shared {
                reports: ports.reports.clone(),
                runtime: ports.runtime.clone(),
                waiting: Mutex::default(),
            }),
        }
    }
}

impl FlagSink for ReportFlags {
    fn flag(&self, flagged: Flagged) {
        if let Command::ScheduleMessage(_) = &flagged.command {
            // Judged again when it is sent.
            return;
        }
        let method = flagged.command.method();
        let (at, client_id) = (flagged.conversation(), flagged.client_id());
        let (user, words) = (flagged.actor.user, flagged.words);
        if let (Some(conversation), Some(client_id)) = (at, client_id) {
            let place = (user, conversation, client_id);
            let waiting = self.shared.waiting.lock();
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            return waiting.put(place, words);
        }
        let name = format!("{user} {method} {}", words.join("\n"));
        let shared = self.shared.clone();
        let filing = async move { shared.file(ReportAbout::User { user }, &name, &words).await };
        self.shared.runtime.spawn(Box::pin(filing));
    }
}

#[async_trait]
impl After for ReportFlags {
    async fn after(&self, happened: &Happened) {
        let entry = &happened.entry;
        let place = (
            happened.actor.user.clone(),
            entry.conversation,
            entry.client_id.clone(),
        );
        let words = {
            let waiting = self.shared.waiting.lock();
            let mut waiting = waiting.unwrap_or_else(PoisonError::into_inner);
            waiting.take(&place)
        };
        let Some(words) = words else { return };
        let conversation = entry.conversation;
        let message = if let Body::Edited { target, .. } = &entry.body {
            Some(*target)
        } else {
            entry.body.as_message().map(|_| entry.seq)
        };
        let about = match message {
            Some(seq) => ReportAbout::Messages {
                conversation,
                seqs: vec![seq],
            },
            None => ReportAbout::User {
                user: entry.sender.clone(),
            },
        };
        let name = format!("{conversation} {}", entry.seq);
        self.shared.file(about, &name, &words).await;
    }
}

impl Shared {
    /// Files a report, once under each name.
    async fn file(&self, about: ReportAbout, name: &str, words: &[String]) {
        let at_ms = self.runtime.now();
        let client_id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
        let client_id = ClientId::new(client_id.to_string()).expect("a UUID is a valid id");
        let report = Report {
            id: id_at(u64::try_from(at_ms.0).unwrap_or_default()),
            at_ms,
            by: None,
            about,
            reason: ReportReason::Words,
            note: Some(words.join(", ").chars().take(NOTE).collect()),
            state: ReportState::Open,
            settled: None,
            version: 1,
        };
        let filed = self.reports.file(FiledReport {
            report,
            client_id,
            fingerprint: 0,
        });
        if let Err(error) = filed.await {
            // Logged by the conversion.
            let _ = Rejection::from(error);
        }
    }
}

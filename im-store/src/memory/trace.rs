//! What entries leave beside the log, in memory: marks, threads, mentions, alarms, bans.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use im_core::{
    ConversationId, Entry, Seq, StoreError, Timestamp, UserId,
    port::{
        Alarm, AlarmStore, AnnotationStore, Banned, MarkCount, Span, Tally, TallyStore, ThreadCount,
    },
    state::{MarkKind, Trace, traces},
};

use super::MemoryStore;

/// Where a message stands.
type Place = (ConversationId, Seq);

#[derive(Clone, Debug)]
struct Clock {
    sender: UserId,
    at_ms: Timestamp,
    burn_ms: u64,
}

/// What can be found without reading the log.
#[derive(Default)]
pub(super) struct Traces {
    marks: BTreeMap<Place, BTreeSet<(MarkKind, String, UserId)>>,
    threads: BTreeSet<(ConversationId, Seq, Seq)>,
    mentions: BTreeMap<Place, Vec<Option<UserId>>>,
    gone: BTreeSet<Place>,
    clocks: BTreeMap<Place, Clock>,
    open: BTreeMap<Place, Timestamp>,
    bans: BTreeMap<(ConversationId, UserId), Timestamp>,
}

impl Traces {
    pub(super) fn apply(&mut self, entry: &Entry) {
        self.leave(entry, traces(entry));
    }

    /// Nobody calls a user any more who is gone.
    pub(super) fn forget_mentions(&mut self, user: &UserId) {
        for called in self.mentions.values_mut() {
            called.retain(|who| who.as_ref() != Some(user));
        }
    }

    pub(super) fn leave(&mut self, entry: &Entry, traces: Vec<Trace>) {
        let (at, seq) = (entry.conversation, entry.seq);
        for trace in traces {
            match trace {
                Trace::Alarm(when) => self.clock(entry).at_ms = when,
                Trace::Burn(span) => self.clock(entry).burn_ms = span,
                Trace::Ban(user, until) => drop(self.bans.insert((at, user), until)),
                Trace::Open(until) => drop(self.open.insert((at, seq), until)),
                Trace::Ended(target) => drop(self.open.remove(&(at, target))),
                Trace::Unban(user) => drop(self.bans.remove(&(at, user))),
                Trace::Gone(target) => {
                    self.gone.insert((at, target));
                    self.clocks.remove(&(at, target));
                    self.open.remove(&(at, target));
                    self.marks.remove(&(at, target));
                    self.mentions.remove(&(at, target));
                }
                Trace::Mark {
                    target,
                    user,
                    kind,
                    value,
                    on,
                } => {
                    let marks = self.marks.entry((at, target)).or_default();
                    if on {
                        marks.insert((kind, value, user));
                    } else {
                        marks.remove(&(kind, value, user));
                    }
                }
                Trace::Unmark { target, user, kind } => {
                    let marks = self.marks.entry((at, target)).or_default();
                    marks.retain(|(other, _, by)| (*other, by) != (kind, &user));
                }
                Trace::Mention(user) => self.mentions.entry((at, seq)).or_default().push(user),
                Trace::Thread(root) => drop(self.threads.insert((at, root, seq))),
            }
        }
    }

    fn clock(&mut self, entry: &Entry) -> &mut Clock {
        let key = (entry.conversation, entry.seq);
        self.clocks.entry(key).or_insert_with(|| Clock {
            sender: entry.sender.clone(),
            at_ms: Timestamp::FOREVER,
            burn_ms: 0,
        })
    }

    fn marks_on(
        &self,
        at: ConversationId,
        kind: MarkKind,
        target: Seq,
    ) -> impl Iterator<Item = (&String, &UserId)> {
        let all = self.marks.get(&(at, target)).into_iter().flatten();
        all.filter(move |mark| mark.0 == kind)
            .map(|mark| (&mark.1, &mark.2))
    }

    pub(super) fn bans_of(&self, at: ConversationId, now: Timestamp) -> Vec<Banned> {
        let all = self.bans.iter();
        all.filter(|((other, _), until)| *other == at && **until > now)
            .map(|((_, user), until)| Banned {
                user: user.clone(),
                until_ms: *until,
            })
            .collect()
    }
}

#[async_trait]
impl AnnotationStore for MemoryStore {
    async fn marks(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        targets: &[Seq],
        viewer: &UserId,
    ) -> Result<Vec<MarkCount>, StoreError> {
        let state = self.state();
        let mut found = Vec::new();
        for target in targets.iter().copied().collect::<BTreeSet<_>>() {
            let mut counts: HashMap<&String, MarkCount> = HashMap::new();
            for (value, user) in state.traces.marks_on(conversation, kind, target) {
                let count = counts.entry(value).or_insert_with(|| MarkCount {
                    target,
                    value: value.clone(),
                    count: 0,
                    mine: false,
                });
                count.count += 1;
                count.mine |= user == viewer;
            }
            let mut counts: Vec<_> = counts.into_values().collect();
            counts.sort_by(|a, b| b.count.cmp(&a.count).then(a.value.cmp(&b.value)));
            found.extend(counts);
        }
        Ok(found)
    }

    async fn marks_of(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        user: &UserId,
    ) -> Result<Vec<String>, StoreError> {
        let state = self.state();
        let marks = state.traces.marks_on(conversation, kind, target);
        Ok(marks
            .filter(|(_, other)| *other == user)
            .map(|(value, _)| value.clone())
            .collect())
    }

    async fn markers(
        &self,
        conversation: ConversationId,
        kind: MarkKind,
        target: Seq,
        value: &str,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<UserId>, StoreError> {
        let state = self.state();
        let marks = state.traces.marks_on(conversation, kind, target);
        Ok(marks
            .filter(|(other, user)| {
                other.as_str() == value && after.is_none_or(|after| *user > after)
            })
            .map(|(_, user)| user.clone())
            .take(limit)
            .collect())
    }

    async fn threads(
        &self,
        conversation: ConversationId,
        roots: &[Seq],
    ) -> Result<Vec<ThreadCount>, StoreError> {
        let state = self.state();
        let mut found: BTreeMap<Seq, ThreadCount> = BTreeMap::new();
        for (at, root, seq) in &state.traces.threads {
            if *at == conversation && roots.contains(root) {
                let thread = found.entry(*root).or_insert(ThreadCount {
                    root: *root,
                    count: 0,
                    last: *seq,
                });
                thread.count += 1;
                thread.last = thread.last.max(*seq);
            }
        }
        Ok(found.into_values().collect())
    }

    async fn thread(
        &self,
        conversation: ConversationId,
        root: Seq,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let state = self.state();
        let (first, last) = (after.next(), Seq(u64::MAX));
        let range = (conversation, root, first)..=(conversation, root, last);
        let seqs = state.traces.threads.range(range).map(|(.., seq)| *seq);
        Ok(seqs.take(limit).collect())
    }
}

#[async_trait]
impl TallyStore for MemoryStore {
    async fn tallies(&self, user: &UserId, spans: &[Span]) -> Result<Vec<Tally>, StoreError> {
        let state = self.state();
        let tally = |span: &Span| {
            let at = span.conversation;
            if span.end <= span.after {
                return Tally {
                    conversation: at,
                    gone: 0,
                    mentions: 0,
                };
            }
            let places = (at, span.after.next())..=(at, span.end);
            let own = |seq| (user.clone(), at, seq);
            let mut gone: BTreeSet<Seq> = state
                .traces
                .gone
                .range(places.clone())
                .map(|(_, seq)| *seq)
                .collect();
            let deleted = own(span.after.next())..=own(span.end);
            let deleted = state.deletions.range(deleted).map(|((.., seq), _)| *seq);
            gone.extend(deleted);
            let calls = |called: &Option<UserId>| called.as_ref().is_none_or(|one| one == user);
            let mentions = state.traces.mentions.range(places);
            let mentions = mentions
                .filter(|((_, seq), called)| called.iter().any(calls) && !gone.contains(seq));
            Tally {
                conversation: at,
                mentions: mentions.count() as u64,
                gone: gone.len() as u64,
            }
        };
        Ok(spans.iter().map(tally).collect())
    }

    async fn latest(&self, spans: &[Span]) -> Result<Vec<Entry>, StoreError> {
        let state = self.state();
        let last = |span: &Span| {
            let log = state.logs.get(&span.conversation)?;
            let entries = log.entries(span.after, span.end.next());
            let said = entries.iter().rfind(|new| new.entry.body.is_countable());
            said.or(entries.last()).map(|new| new.entry.clone())
        };
        Ok(spans.iter().filter_map(last).collect())
    }

    async fn delete(
        &self,
        user: &UserId,
        conversation: ConversationId,
        seqs: &[Seq],
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let key = (conversation, user.clone());
        if !state
            .rows
            .change(key.clone(), |row| row.settings.deletes = true)
        {
            return Ok(false);
        }
        let version = state.rows.members.get(&key).map_or(0, |row| row.version);
        for seq in seqs {
            let key = (user.clone(), conversation, *seq);
            state.deletions.entry(key).or_insert(version);
        }
        Ok(true)
    }

    async fn deleted(
        &self,
        user: &UserId,
        spans: &[Span],
    ) -> Result<Vec<(ConversationId, Seq)>, StoreError> {
        let state = self.state();
        let mut found = Vec::new();
        for span in spans.iter().filter(|span| span.after < span.end) {
            let key = |seq| (user.clone(), span.conversation, seq);
            let range = state
                .deletions
                .range(key(span.after.next())..=key(span.end));
            found.extend(range.map(|((_, at, seq), _)| (*at, *seq)));
        }
        found.sort_unstable();
        Ok(found)
    }

    async fn deleted_since(
        &self,
        user: &UserId,
        conversation: ConversationId,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Seq>, StoreError> {
        let state = self.state();
        let mut seqs: Vec<Seq> = state
            .deletions
            .iter()
            .filter(|((by, at, _), since)| by == user && *at == conversation && **since > version)
            .map(|((.., seq), _)| *seq)
            .collect();
        seqs.drain(..seqs.len().saturating_sub(limit));
        Ok(seqs)
    }
}

#[async_trait]
impl AlarmStore for MemoryStore {
    async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        let state = self.state();
        let due = state.traces.clocks.iter();
        let mut due: Vec<Alarm> = due
            .filter(|(_, clock)| clock.at_ms <= now)
            .map(|((conversation, seq), clock)| Alarm {
                at_ms: clock.at_ms,
                conversation: *conversation,
                seq: *seq,
            })
            .collect();
        due.sort_unstable();
        due.truncate(limit);
        Ok(due)
    }

    async fn open(&self, until: Timestamp, limit: usize) -> Result<Vec<Alarm>, StoreError> {
        let state = self.state();
        let open = state.traces.open.iter();
        let mut open: Vec<Alarm> = open
            .filter(|(_, at)| **at <= until)
            .map(|((conversation, seq), at)| Alarm {
                at_ms: *at,
                conversation: *conversation,
                seq: *seq,
            })
            .collect();
        open.sort_unstable();
        open.truncate(limit);
        Ok(open)
    }

    async fn next(&self) -> Result<Option<Timestamp>, StoreError> {
        let state = self.state();
        let times = state.traces.clocks.values().map(|clock| clock.at_ms);
        Ok(times.filter(|at| *at < Timestamp::FOREVER).min())
    }

    async fn light(
        &self,
        reader: &UserId,
        span: Span,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut state = self.state();
        let key = |seq| (span.conversation, seq);
        let range = key(span.after.next())..=key(span.end.max(span.after.next()));
        let mut count = 0;
        for ((_, seq), clock) in state.traces.clocks.range_mut(range) {
            if *seq <= span.end && clock.burn_ms > 0 && clock.sender != *reader {
                let until = now.plus(std::time::Duration::from_millis(clock.burn_ms));
                clock.at_ms = clock.at_ms.min(until);
                clock.burn_ms = 0;
                count += 1;
            }
        }
        Ok(count)
    }
}

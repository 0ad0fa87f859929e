//! A conversation on its way into a store.

use super::{ArchiveError, line::Row, lost::Lost};
use crate::{
    Body, Content, ConversationId, Entry, Head, Info, Seq, Settings, SettingsPatch, Stream,
    Timestamp, UserId,
    port::{Advance, Append, Appended, NewEntry, Ports, Span},
};

/// Entries in one append, and members that are dealt with at once.
const PAGE: usize = 100;

pub(super) struct Writing {
    conversation: ConversationId,
    info: Info,
    head: Head,
    lost: Lost,
    after: Seq,
    entries: Vec<NewEntry>,
    rows: Vec<Row>,
}

impl Writing {
    pub(super) const fn new(
        conversation: ConversationId,
        info: Info,
        head: Head,
        lost: Lost,
    ) -> Self {
        Self {
            conversation,
            info,
            head,
            lost,
            after: Seq::ZERO,
            entries: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// Takes an entry. A message that was edited goes in as it was said first, and its edits do the rest.
    pub(super) async fn entry(
        &mut self,
        ports: &Ports,
        mut entry: Entry,
        fingerprint: Option<i64>,
        was: Option<Content>,
    ) -> Result<(), ArchiveError> {
        if let (Body::Message(message), Some(was)) = (&mut entry.body, was) {
            message.content = was;
            message.edited = None;
            if message.ended_by().is_some() {
                message.stream = Some(Box::new(Stream::Open {
                    until_ms: entry.at_ms,
                }));
            }
        }
        self.lost.restore(&mut entry);
        self.entries.push(NewEntry {
            entry,
            fingerprint: fingerprint.unwrap_or_default(),
        });
        if self.entries.len() == PAGE {
            self.flush(ports).await?;
        }
        Ok(())
    }

    async fn flush(&mut self, ports: &Ports) -> Result<(), ArchiveError> {
        let entries = std::mem::take(&mut self.entries);
        let Some(last) = entries.last().map(|new| new.entry.seq) else {
            return Ok(());
        };
        let append = Append {
            conversation: self.conversation,
            after: self.after,
            entries,
        };
        match ports.log.append(append).await? {
            Appended::Stored => self.after = last,
            Appended::Conflict | Appended::Duplicate => {
                return Err(ArchiveError::Exists(self.conversation));
            }
        }
        Ok(())
    }

    pub(super) async fn member(&mut self, ports: &Ports, row: Row) -> Result<(), ArchiveError> {
        self.flush(ports).await?;
        self.rows.push(row);
        if self.rows.len() == PAGE {
            self.flush_rows(ports).await?;
        }
        Ok(())
    }

    pub(super) async fn deleted(
        &self,
        ports: &Ports,
        user: &UserId,
        seqs: &[Seq],
    ) -> Result<(), ArchiveError> {
        ports.tallies.delete(user, self.conversation, seqs).await?;
        Ok(())
    }

    /// Positions, then settings, which a position may change.
    async fn flush_rows(&mut self, ports: &Ports) -> Result<(), ArchiveError> {
        let (conversation, rows) = (self.conversation, std::mem::take(&mut self.rows));
        let advances = rows.iter().map(|row| Advance {
            conversation,
            user: row.member.user.clone(),
            position: row.position,
        });
        ports.positions.advance(advances.collect()).await?;
        for row in rows {
            let user = &row.member.user;
            if let Some(changes) = patch_of(&row.settings) {
                // As of the beginning of time, so that nothing is over yet.
                let now = Timestamp(i64::MIN);
                let members = &ports.members;
                members
                    .change_settings(user, conversation, changes, now)
                    .await?;
            }
            if self.info.burns && row.position.read > Seq::ZERO {
                // What was read already has its time from now on.
                let read = Span {
                    conversation,
                    after: Seq::ZERO,
                    end: row.position.read,
                };
                ports.alarms.light(user, read, ports.runtime.now()).await?;
            }
        }
        Ok(())
    }

    /// Stores what is left, and sees whether it came out as it was.
    pub(super) async fn end(mut self, ports: &Ports) -> Result<(), ArchiveError> {
        self.flush(ports).await?;
        self.flush_rows(ports).await?;
        let stored = ports.log.load(self.conversation).await?;
        let (info, head) = (comparable(self.info), self.head);
        if !stored.is_some_and(|it| comparable(it.info) == info && it.head == head) {
            return Err(ArchiveError::Different(self.conversation));
        }
        ports.search.prepare(self.conversation).await?;
        Ok(())
    }
}

/// Facts without those that messages left which are gone: they come back where the log still says who said something.
fn comparable(info: Info) -> Info {
    Info {
        spoke: Vec::new(),
        burns: false,
        ..info
    }
}

/// What makes these settings of those that a member begins with; `None` when they are those.
fn patch_of(settings: &Settings) -> Option<SettingsPatch> {
    let settings = Settings {
        deletes: false,
        ..settings.clone()
    };
    if settings == Settings::default() {
        return None;
    }
    Some(SettingsPatch {
        pinned: Some(settings.pinned),
        muted_until_ms: settings.muted_until_ms,
        archived: Some(settings.archived),
        hidden_at: settings.hidden_at,
        remark: settings.remark,
        marked_unread: Some(settings.marked_unread),
        cleared: settings.cleared,
    })
}

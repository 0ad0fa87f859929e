//! From a file into a store.

use std::io::{BufRead, Seek};

use super::{
    ArchiveError, Counts,
    file::Reader,
    line::{Line, Row, Scope, VERSION},
};
use crate::{
    ConversationId, Entry, Head, Info, Seq, Settings, SettingsPatch, Timestamp,
    port::{Advance, Append, Appended, NewEntry, Ports},
};

/// Entries in one append.
const PAGE: usize = 100;

/// A file that can be read from its beginning again.
trait Lines: BufRead + Seek + Send {}

impl<T: BufRead + Seek + Send> Lines for T {}

/// Reads the conversation of a file into a store that does not have it: the same entries with the same seqs, times and
/// client ids, the same members, positions and settings. `progress` hears how much is imported.
///
/// The file is read twice: before anything is stored it is checked as a whole, so that one that was cut off is refused.
/// Nobody should write to these conversations meanwhile; a server that runs may do anything else.
///
/// # Errors
/// `Malformed` for a file that is not whole, `Exists` for a conversation that the store has. Then nothing is stored. Any
/// other error leaves a part of the conversation.
///
/// # Cancel safety
/// Dropping the future leaves a part of the conversation.
pub async fn import(
    ports: &Ports,
    file: &mut (impl BufRead + Seek + Send),
    progress: &mut (dyn FnMut(Counts) + Send),
) -> Result<Counts, ArchiveError> {
    let counts = check(ports, file).await?;
    file.rewind()?;
    let mut reader = Reader::new(file);
    let mut writing: Option<Writing> = None;
    let mut done = Counts::default();
    while let Some(line) = reader.next()? {
        done.add(&line);
        match line {
            Line::Conversation {
                conversation,
                info,
                head,
            } => {
                if let Some(writing) = writing.take() {
                    writing.end(ports).await?;
                }
                writing = Some(Writing::new(conversation, info, head));
            }
            Line::Entry { fingerprint, entry } => {
                if let Some(writing) = &mut writing {
                    writing.entry(ports, entry, fingerprint).await?;
                }
            }
            Line::Member(row) => {
                if let Some(writing) = &mut writing {
                    writing.member(ports, row).await?;
                }
            }
            Line::Block { .. }
            | Line::End(_)
            | Line::ImExport { .. }
            | Line::Profile { .. }
            | Line::View { .. } => {}
        }
        if done.entries.is_multiple_of(PAGE as u64) {
            progress(done);
        }
    }
    if let Some(writing) = writing.take() {
        writing.end(ports).await?;
    }
    progress(done);
    Ok(counts)
}

/// A conversation on its way into a store.
struct Writing {
    conversation: ConversationId,
    info: Info,
    head: Head,
    after: Seq,
    entries: Vec<NewEntry>,
    positions: Vec<Advance>,
}

impl Writing {
    const fn new(conversation: ConversationId, info: Info, head: Head) -> Self {
        Self {
            conversation,
            info,
            head,
            after: Seq::ZERO,
            entries: Vec::new(),
            positions: Vec::new(),
        }
    }

    async fn entry(
        &mut self,
        ports: &Ports,
        entry: Entry,
        fingerprint: Option<i64>,
    ) -> Result<(), ArchiveError> {
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

    async fn member(&mut self, ports: &Ports, row: Row) -> Result<(), ArchiveError> {
        self.flush(ports).await?;
        if row.settings != Settings::default() {
            let changes = SettingsPatch {
                pinned: Some(row.settings.pinned),
                muted_until_ms: row.settings.muted_until_ms,
            };
            // As of the beginning of time, so that nothing is over yet.
            let now = Timestamp(i64::MIN);
            let members = &ports.members;
            members
                .change_settings(&row.user, self.conversation, changes, now)
                .await?;
        }
        self.positions.push(Advance {
            conversation: self.conversation,
            user: row.user,
            position: row.position,
        });
        if self.positions.len() == PAGE {
            let positions = std::mem::take(&mut self.positions);
            ports.positions.advance(positions).await?;
        }
        Ok(())
    }

    /// Stores what is left, and sees whether it came out as it was.
    async fn end(mut self, ports: &Ports) -> Result<(), ArchiveError> {
        self.flush(ports).await?;
        ports
            .positions
            .advance(std::mem::take(&mut self.positions))
            .await?;
        let stored = ports.log.load(self.conversation).await?;
        if !stored.is_some_and(|it| it.info == self.info && it.head == self.head) {
            return Err(ArchiveError::Different(self.conversation));
        }
        ports.search.prepare(self.conversation).await?;
        Ok(())
    }
}

/// Where the check of a file is.
#[derive(Default)]
struct Checked {
    counts: Counts,
    conversation: Option<(ConversationId, Head)>,
    head: Head,
    at: Timestamp,
}

/// Reads a whole file and says how much it holds, or what is wrong with it.
async fn check(ports: &Ports, file: &mut impl Lines) -> Result<Counts, ArchiveError> {
    let mut reader = Reader::new(file);
    match reader.next()? {
        Some(Line::ImExport { version, .. }) if version > VERSION => {
            return Err(reader.wrong(format!(
                "format {version} is newer than this build; use that one"
            )));
        }
        Some(Line::ImExport {
            scope: Scope::User(_),
            ..
        }) => {
            return Err(reader.wrong(
                "this is what a user sees, for the user; export the conversations themselves to import them",
            ));
        }
        Some(Line::ImExport { .. }) => {}
        _ => return Err(reader.wrong("this file does not begin as an export does")),
    }
    let mut checked = Checked::default();
    loop {
        let Some(line) = reader.next()? else {
            return Err(reader.wrong("the file ends without its last line: it is not whole"));
        };
        if let Line::End(counts) = line {
            let is_whole = checked.is_whole() && counts == checked.counts;
            if !is_whole || reader.next()?.is_some() {
                return Err(reader.wrong("the file does not hold what its last line says"));
            }
            return Ok(counts);
        }
        if let Line::Conversation { conversation, .. } = &line
            && ports.log.load(*conversation).await?.is_some()
        {
            return Err(ArchiveError::Exists(*conversation));
        }
        checked.add(line).map_err(|what| reader.wrong(what))?;
    }
}

impl Checked {
    /// Whether the conversation that was read last has all its entries.
    fn is_whole(&self) -> bool {
        self.conversation.is_none_or(|(_, head)| head == self.head)
    }

    fn add(&mut self, line: Line) -> Result<(), &'static str> {
        self.counts.add(&line);
        match line {
            Line::Conversation {
                conversation, head, ..
            } => {
                if !self.is_whole() {
                    return Err("the conversation before has fewer entries than its head says");
                }
                self.conversation = Some((conversation, head));
                (self.head, self.at) = (Head::default(), Timestamp(i64::MIN));
                Ok(())
            }
            Line::Entry { entry, .. } => self.add_entry(&entry),
            Line::Member(row) => {
                let position = row.position;
                let is_sound =
                    position.read <= position.delivered && position.delivered <= self.head.seq;
                if self.counts.entries == 0 || !self.is_whole() || !is_sound {
                    return Err(
                        "a member stands before the last entry, or has a position beyond it",
                    );
                }
                Ok(())
            }
            Line::Block { .. }
            | Line::End(_)
            | Line::ImExport { .. }
            | Line::Profile { .. }
            | Line::View { .. } => Err("a line of this type has no place here"),
        }
    }

    fn add_entry(&mut self, entry: &Entry) -> Result<(), &'static str> {
        let ordinal = self.head.ordinal + u64::from(entry.body.is_countable());
        let is_next = entry.seq == self.head.seq.next() && entry.ordinal == ordinal;
        let is_here = self
            .conversation
            .is_some_and(|(at, _)| at == entry.conversation);
        if !is_next || !is_here || entry.at_ms < self.at {
            return Err(
                "this entry does not follow the one before it: a line is missing, or moved",
            );
        }
        self.head = Head {
            seq: entry.seq,
            ordinal,
        };
        self.at = entry.at_ms;
        Ok(())
    }
}

//! From a file into a store.

use std::io::{BufRead, Seek};

use super::{
    ArchiveError, Counts,
    file::Reader,
    line::{Line, Scope, VERSION},
    lost::Lost,
    writing::Writing,
};
use crate::{ConversationId, Entry, Head, Timestamp, port::Ports};

/// Entries after which the one who waits hears how far it is.
const TELL: u64 = 100;

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
    let (counts, mut lost) = check(ports, file).await?;
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
                writing = Some(Writing::new(
                    conversation,
                    info,
                    head,
                    std::mem::take(&mut lost),
                ));
            }
            Line::Entry {
                fingerprint,
                was,
                entry,
            } => {
                if let Some(writing) = &mut writing {
                    writing.entry(ports, entry, fingerprint, was).await?;
                }
            }
            Line::Member(row) => {
                if let Some(writing) = &mut writing {
                    writing.member(ports, row).await?;
                }
            }
            Line::Deleted { user, seqs } => {
                if let Some(writing) = &mut writing {
                    writing.deleted(ports, &user, &seqs).await?;
                }
            }
            Line::Block { .. }
            | Line::End(_)
            | Line::ImExport { .. }
            | Line::Own { .. }
            | Line::Profile { .. }
            | Line::View { .. } => {}
        }
        if done.entries.is_multiple_of(TELL) {
            progress(done);
        }
    }
    if let Some(writing) = writing.take() {
        writing.end(ports).await?;
    }
    progress(done);
    Ok(counts)
}

/// Where the check of a file is.
#[derive(Default)]
struct Checked {
    counts: Counts,
    conversation: Option<(ConversationId, Head)>,
    head: Head,
    at: Timestamp,
    lost: Lost,
}

/// Reads a whole file and says how much it holds and what its messages do not tell, or what is wrong with it.
async fn check(ports: &Ports, file: &mut impl Lines) -> Result<(Counts, Lost), ArchiveError> {
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
            return Ok((counts, checked.lost));
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
                conversation,
                info,
                head,
            } => {
                if self.conversation.is_some() {
                    return Err("a file holds one conversation");
                }
                self.conversation = Some((conversation, head));
                self.at = Timestamp(i64::MIN);
                self.lost = Lost::of(&info);
                Ok(())
            }
            Line::Entry { entry, .. } => self.add_entry(&entry),
            Line::Deleted { .. } if self.is_whole() => Ok(()),
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
            | Line::Deleted { .. }
            | Line::End(_)
            | Line::ImExport { .. }
            | Line::Own { .. }
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
        self.lost.found(entry);
        Ok(())
    }
}

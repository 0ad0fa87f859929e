//! Lines to and from a file, counted, one at a time in memory.

use std::io::{BufRead, Read as _, Write};

use super::{ArchiveError, Counts, line::Line};

/// Bytes of the longest line that is read. An entry has some hundred KiB at most, unless limits were raised a lot.
const LONGEST: u64 = 64 * 1024 * 1024;

/// Writes lines, and tells how far it is.
pub(super) struct Writer<'w> {
    out: &'w mut (dyn Write + Send),
    progress: &'w mut (dyn FnMut(Counts) + Send),
    counts: Counts,
}

impl<'w> Writer<'w> {
    pub(super) fn new(
        out: &'w mut (dyn Write + Send),
        progress: &'w mut (dyn FnMut(Counts) + Send),
    ) -> Self {
        Self {
            out,
            progress,
            counts: Counts::default(),
        }
    }

    pub(super) fn write(&mut self, line: &Line) -> Result<(), ArchiveError> {
        self.counts.add(line);
        serde_json::to_writer(&mut *self.out, line).map_err(std::io::Error::from)?;
        self.out.write_all(b"\n")?;
        Ok(())
    }

    pub(super) fn tell(&mut self) {
        (self.progress)(self.counts);
    }

    /// Writes the last line.
    pub(super) fn end(mut self) -> Result<Counts, ArchiveError> {
        let counts = self.counts;
        self.write(&Line::End(counts))?;
        self.out.flush()?;
        self.tell();
        Ok(counts)
    }
}

impl Counts {
    pub(super) const fn add(&mut self, line: &Line) {
        match line {
            Line::Conversation { .. } | Line::View { .. } => self.conversations += 1,
            Line::Entry { .. } => self.entries += 1,
            Line::Member(_) => self.members += 1,
            Line::Block { .. }
            | Line::Deleted { .. }
            | Line::End(_)
            | Line::ImExport { .. }
            | Line::Own { .. }
            | Line::Profile { .. } => {}
        }
    }
}

/// Reads lines.
pub(super) struct Reader<'r> {
    lines: &'r mut (dyn BufRead + Send),
    number: u64,
    bytes: Vec<u8>,
}

impl<'r> Reader<'r> {
    pub(super) fn new(lines: &'r mut (dyn BufRead + Send)) -> Self {
        Self {
            lines,
            number: 0,
            bytes: Vec::new(),
        }
    }

    /// The next line; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Line>, ArchiveError> {
        self.bytes.clear();
        self.number += 1;
        let mut limited = (&mut *self.lines).take(LONGEST);
        if limited.read_until(b'\n', &mut self.bytes)? == 0 {
            return Ok(None);
        }
        if self.bytes.last() != Some(&b'\n') {
            return Err(self.wrong("the file ends in the middle of this line, or it is too long"));
        }
        match serde_json::from_slice(&self.bytes) {
            Ok(line) => Ok(Some(line)),
            Err(error) => Err(self.wrong(format!("this is no line of an export: {error}"))),
        }
    }

    /// What is wrong with the line that was read last.
    pub(super) fn wrong(&self, what: impl Into<String>) -> ArchiveError {
        ArchiveError::Malformed {
            line: self.number,
            what: what.into(),
        }
    }
}

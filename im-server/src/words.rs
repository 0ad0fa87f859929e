//! The file of words, read again when it changes.

use std::{
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use im_core::hook::{FlagSink, Flagged, InvalidWords, WordFilter};
use tokio::{fs::File, io::AsyncReadExt as _, sync::Mutex};

use crate::word_lists::WordLists;

/// Bytes of the file at most: as many as all words may have together, and as many of comments.
const MAX_BYTES: u64 = 2 * 1024 * 1024;

/// Why a file of words cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WordsFileError {
    /// It cannot be read, is no UTF-8, or too large.
    #[error("{}: {source}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is wrong.
    #[error("{}, {source}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// Which line, and what would be right.
        source: InvalidWords,
    },
}

/// Writes down who used which words and how to find the entry, not what was said; and passes it on.
struct FlagLog<F>(F);

impl<F: FlagSink> FlagSink for FlagLog<F> {
    fn flag(&self, flagged: Flagged) {
        let (user, words) = (&flagged.actor.user, &flagged.words);
        let conversation = flagged.conversation().map(|id| id.to_string());
        let client_id = flagged.client_id().map(|id| id.to_string());
        let method = flagged.command.method();
        tracing::warn!(%user, method, conversation, client_id, ?words, "words were flagged");
        self.0.flag(flagged);
    }
}

/// By what it is seen that a file has changed.
type Stamp = Option<(SystemTime, u64)>;

/// A file of words, and the filter that has them.
pub(crate) struct WordsFile {
    path: PathBuf,
    lists: WordLists,
    /// What was read last, also when it could not be used.
    seen: Mutex<Stamp>,
}

impl WordsFile {
    /// Reads the file for the first time.
    pub(crate) async fn open(path: PathBuf, flags: impl FlagSink) -> Result<Self, WordsFileError> {
        let seen = stamp(&path).await;
        let none = WordLists::new(FlagLog(flags));
        let lists = none.map_err(|source| WordsFileError::Invalid {
            path: path.clone(),
            source,
        })?;
        read(&path, &lists).await?;
        tracing::info!(path = %path.display(), words = lists.len(), "the words are read");
        Ok(Self {
            lists,
            path,
            seen: Mutex::new(seen),
        })
    }

    /// The filter, for the engine.
    pub(crate) fn filter(&self) -> WordFilter {
        self.lists.filter()
    }

    /// What of it admins change, for the engine.
    pub(crate) fn lists(&self) -> WordLists {
        self.lists.clone()
    }

    /// Reads the file again when it has changed.
    pub(crate) async fn look(&self) {
        let mut seen = self.seen.lock().await;
        if stamp(&self.path).await != *seen {
            self.read_again(&mut seen).await;
        }
    }

    /// Reads the file again.
    pub(crate) async fn reload(&self) {
        let mut seen = self.seen.lock().await;
        self.read_again(&mut seen).await;
    }

    async fn read_again(&self, seen: &mut Stamp) {
        // Before it is read: what is written meanwhile is read once more.
        *seen = stamp(&self.path).await;
        let path = self.path.display();
        match read(&self.path, &self.lists).await {
            Ok(()) => {
                let words = self.lists.len();
                tracing::info!(%path, words, "the words are read again");
            }
            Err(error) => {
                let words = self.lists.len();
                tracing::error!(
                    words,
                    "words_file: {error}; the words from before go on to hold"
                );
            }
        }
    }
}

async fn stamp(path: &Path) -> Stamp {
    let metadata = tokio::fs::metadata(path).await.ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

async fn read(path: &Path, lists: &WordLists) -> Result<(), WordsFileError> {
    let text = text_of(path).await.map_err(|source| WordsFileError::Read {
        path: path.to_owned(),
        source,
    })?;
    // Making many of them ready takes longer than others should wait.
    let lists = lists.clone();
    let changed = tokio::task::spawn_blocking(move || lists.change_file(text)).await;
    changed
        .unwrap_or_else(|broken| std::panic::resume_unwind(broken.into_panic()))
        .map_err(|source| WordsFileError::Invalid {
            path: path.to_owned(),
            source,
        })
}

async fn text_of(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    let file = File::open(path).await?;
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).await?;
    if bytes.len() as u64 > MAX_BYTES {
        let sentence = format!("it has more than {MAX_BYTES} bytes; use fewer words");
        return Err(io::Error::other(sentence));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8; save it as that"))
}

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use im_core::hook::NoFlags;

    use super::*;

    fn write(path: &Path, text: &str, age: Duration) {
        fs::write(path, text).unwrap();
        let file = fs::File::options().write(true).open(path).unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + age;
        file.set_modified(then).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_changed_is_read_again_and_a_broken_one_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("words");
        let second = Duration::from_secs(1);
        write(&path, "reject a", Duration::ZERO);
        let file = WordsFile::open(path.clone(), NoFlags).await.unwrap();
        assert_eq!(file.lists.len(), 1);

        write(&path, "reject a\nflag b", second);
        file.look().await;
        assert_eq!(file.lists.len(), 2);
        write(&path, "nonsense", 2 * second);
        file.look().await;
        assert_eq!(file.lists.len(), 2);
        fs::remove_file(&path).unwrap();
        file.look().await;
        assert_eq!(file.lists.len(), 2);
        write(&path, "# none", 3 * second);
        file.look().await;
        assert_eq!(file.lists.len(), 0);
        write(&path, "flag c", 3 * second);
        file.reload().await;
        assert_eq!(file.lists.len(), 1);
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_named_with_its_place() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("words");
        let error = async || {
            let opened = WordsFile::open(path.clone(), NoFlags).await;
            opened.err().expect("it is broken").to_string()
        };

        assert!(error().await.contains("words: "));
        fs::write(&path, "flag a\nfalg b").unwrap();
        assert!(error().await.contains("words, line 2: begin with"));
        fs::write(&path, "#".repeat(MAX_BYTES as usize + 1)).unwrap();
        assert!(error().await.contains("fewer words"));
        fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(error().await.contains("UTF-8"));
    }
}

//! A file that is put aside when it is large enough: `im.log`, then `im.log.1`, `im.log.2` … with growing age.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

/// Writes to a file, and begins a new one before it would be too large. What is written at once is never divided.
pub(super) struct Rotating {
    path: PathBuf,
    max_bytes: u64,
    keep: u32,
    file: File,
    written: u64,
}

impl Rotating {
    /// Goes on with the file at `path`, which only its owner can read when it is made here. At most `keep` older ones are
    /// kept.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn open(path: PathBuf, max_bytes: u64, keep: u32) -> io::Result<Self> {
        let file = open(&path)?;
        let written = file.metadata()?.len();
        Ok(Self {
            path,
            max_bytes,
            keep,
            file,
            written,
        })
    }

    /// Puts the file aside. Where that fails, what is there is written on: a log that is too large is better than none.
    fn rotate(&mut self) {
        let aside = |age: u32| {
            let mut name = self.path.clone().into_os_string();
            name.push(format!(".{age}"));
            PathBuf::from(name)
        };
        for age in (1..self.keep).rev() {
            // There are not so many yet.
            let _ = fs::rename(aside(age), aside(age + 1));
        }
        let put_aside = match self.keep {
            0 => fs::remove_file(&self.path),
            _ => fs::rename(&self.path, aside(1)),
        };
        if let Ok(file) = put_aside.and_then(|()| open(&self.path)) {
            self.file = file;
        }
        // Also where it failed: not again for each line.
        self.written = 0;
    }
}

impl Write for Rotating {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.written > 0 && self.written + bytes.len() as u64 > self.max_bytes {
            self.rotate();
        }
        self.file.write_all(bytes)?;
        self.written += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn open(path: &PathBuf) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn read(home: &tempfile::TempDir, name: &str) -> Option<String> {
        fs::read_to_string(home.path().join(name)).ok()
    }

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_go() {
        let home = tempfile::tempdir().unwrap();
        let mut log = Rotating::open(home.path().join("im.log"), 10, 2).unwrap();

        for line in [
            "one\n", "two\n", "three\n", "four\n", "five\n", "six\n", "seven\n",
        ] {
            log.write_all(line.as_bytes()).unwrap();
        }

        assert_eq!(read(&home, "im.log").unwrap(), "six\nseven\n");
        assert_eq!(read(&home, "im.log.1").unwrap(), "four\nfive\n");
        assert_eq!(read(&home, "im.log.2").unwrap(), "three\n");
        assert_eq!(read(&home, "im.log.3"), None);
    }

    #[test]
    fn a_file_that_is_there_is_gone_on_with() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("im.log");
        fs::write(&path, "12345678\n").unwrap();

        let mut log = Rotating::open(path, 10, 1).unwrap();
        log.write_all(b"new\n").unwrap();

        assert_eq!(read(&home, "im.log").unwrap(), "new\n");
        assert_eq!(read(&home, "im.log.1").unwrap(), "12345678\n");
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_to_be() {
        let home = tempfile::tempdir().unwrap();
        let mut log = Rotating::open(home.path().join("im.log"), 4, 0).unwrap();

        log.write_all(b"one\n").unwrap();
        log.write_all(b"two\n").unwrap();

        assert_eq!(read(&home, "im.log").unwrap(), "two\n");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_line_that_is_longer_than_a_file_is_written_whole() {
        let home = tempfile::tempdir().unwrap();
        let mut log = Rotating::open(home.path().join("im.log"), 4, 1).unwrap();

        log.write_all(b"a long line\n").unwrap();

        assert_eq!(read(&home, "im.log").unwrap(), "a long line\n");
    }
}

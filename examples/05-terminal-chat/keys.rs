//! The keyboard, key by key, so that the other side can see that somebody types.
//!
//! The terminal is switched by `stty`, which keeps this example free of unsafe code and of further crates.

use std::{
    io::{self, IsTerminal as _, Read as _},
    process::{Command, Stdio},
    thread,
};

use tokio::sync::mpsc::UnboundedSender;

use super::News;

/// What somebody did with the keyboard.
pub(crate) enum Key {
    /// The line that is being written is now this.
    Changed(String),
    /// It is finished.
    Line(String),
    /// Nothing more comes.
    Quit,
}

/// While it lives, keys come one by one and are not shown by the terminal itself.
pub(crate) struct SingleKeys {
    before: Option<String>,
}

impl Drop for SingleKeys {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            stty(&[before]);
            println!();
        }
    }
}

/// Reads keys in a thread of its own, which ends with the process.
pub(crate) fn read(tell: UnboundedSender<News>) -> SingleKeys {
    let before = if io::stdin().is_terminal() {
        stty(&["-g"])
    } else {
        None
    };
    if before.is_some() {
        stty(&["-icanon", "-echo", "-isig", "min", "1"]);
    }
    thread::spawn(move || {
        let mut line = Line::default();
        for byte in io::stdin().lock().bytes() {
            let key = byte.map_or(Some(Key::Quit), |byte| line.take(byte));
            if let Some(key) = key
                && tell.send(News::Key(key)).is_err()
            {
                return;
            }
        }
        let _ = tell.send(News::Key(Key::Quit));
    });
    SingleKeys { before }
}

/// How wide the terminal is, where it knows.
pub(crate) fn columns() -> Option<usize> {
    let columns = stty(&["size"])?.split_whitespace().nth(1)?.parse().ok()?;
    (columns > 0).then_some(columns)
}

fn stty(arguments: &[&str]) -> Option<String> {
    let output = Command::new("stty")
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The line that is being written.
#[derive(Default)]
struct Line {
    bytes: Vec<u8>,
    /// Inside of the sequence that an arrow key sends.
    escaped: bool,
}

impl Line {
    fn take(&mut self, byte: u8) -> Option<Key> {
        match byte {
            _ if self.escaped => {
                self.escaped = !(byte.is_ascii_alphabetic() || byte == b'~');
                return None;
            }
            0x1b => {
                self.escaped = true;
                return None;
            }
            // Ctrl-C, Ctrl-D.
            0x03 | 0x04 => return Some(Key::Quit),
            b'\r' | b'\n' => {
                let line = std::mem::take(&mut self.bytes);
                return Some(Key::Line(String::from_utf8_lossy(&line).into_owned()));
            }
            // Backspace takes a whole character.
            0x08 | 0x7f => while self.bytes.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            byte => self.bytes.push(byte),
        }
        // In the middle of a character there is nothing to show yet.
        let text = std::str::from_utf8(&self.bytes).ok()?;
        Some(Key::Changed(text.to_owned()))
    }
}

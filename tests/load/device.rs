//! A device that keeps to the protocol: it opens a session, pulls what it lacks with its cursor, takes what is pushed, and
//! knows a repeat from a gap. Of a frame it reads no more than it needs.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use tests::frames::{self, CLOSE, Frame, TEXT};

use crate::{marker, swarm::Step};

/// The log that a device follows, in which messages are numbered from 0.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) conversation: String,
    /// The seq before that of message 0.
    pub(crate) base: u64,
}

impl Log {
    /// That of a conversation in which nothing of ours was said yet.
    pub(crate) fn of(view: &Value) -> Self {
        Self {
            conversation: view["conversation"].as_str().unwrap_or_default().to_owned(),
            base: view["head"]["seq"].as_u64().unwrap_or_default(),
        }
    }
}

/// A device, through all of its sessions.
pub(crate) struct Device {
    /// Numbers that were pushed before what comes before them was pulled.
    ahead: Vec<u64>,
    /// The close code that its last session ended with, if any.
    pub(crate) closed: Option<u16>,
    cursor: Option<String>,
    /// Whether it was told to fetch, instead of being pushed to.
    pub(crate) is_behind: bool,
    /// Whether it has all that was there when it came.
    pub(crate) is_live: bool,
    log: Arc<Log>,
    /// The number of the next message: all before it have arrived.
    pub(crate) next: u64,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    result: Page<'a>,
}

#[derive(Deserialize)]
struct Page<'a> {
    cursor: &'a str,
    done: bool,
    #[serde(borrow)]
    items: Vec<Item<'a>>,
    reset: bool,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    entries: Vec<&'a RawValue>,
}

impl Device {
    pub(crate) fn new(log: Arc<Log>) -> Self {
        Self {
            ahead: Vec::new(),
            closed: None,
            cursor: None,
            is_behind: false,
            is_live: false,
            log,
            next: 0,
        }
    }

    /// Begins another session. What is appended to `out` is to be sent.
    pub(crate) fn open(&mut self, out: &mut Vec<u8>) {
        self.ahead.clear();
        (self.closed, self.is_behind, self.is_live) = (None, false, false);
        frames::append(
            TEXT,
            br#"{"jsonrpc":"2.0","id":0,"method":"session.open","params":{"device":"d"}}"#,
            out,
        );
    }

    /// Takes a frame. The messages from `next` before to `next` after it arrived with it.
    ///
    /// # Errors
    /// What should not have been.
    pub(crate) fn frame(&mut self, frame: Frame<'_>, out: &mut Vec<u8>) -> Result<Step, String> {
        let payload = frame.payload;
        let is = |start: &str| payload.starts_with(start.as_bytes());
        if frame.opcode == CLOSE {
            self.closed = payload.first_chunk().map(|code| u16::from_be_bytes(*code));
        } else if is(r#"{"jsonrpc":"2.0","method":"message.stored""#) {
            self.push(payload)?;
        } else if is(r#"{"jsonrpc":"2.0","method":"head.moved""#) {
            self.is_behind = true;
        } else if is(r#"{"jsonrpc":"2.0","id":0,"result""#) {
            self.pull(out);
        } else if is(r#"{"jsonrpc":"2.0","id":1,"result""#) {
            return self.page(payload, out);
        } else if !is(r#"{"jsonrpc":"2.0","method":"session.closing""#) {
            return Err(String::from_utf8_lossy(payload).into_owned());
        }
        Ok(Step::On)
    }

    fn pull(&self, out: &mut Vec<u8>) {
        let params = match &self.cursor {
            // Only what comes from now on.
            None => r#"{"limit":0}"#.to_owned(),
            Some(cursor) => {
                let (conversation, held) = (&self.log.conversation, self.log.base + self.next);
                format!(r#"{{"cursor":"{cursor}","have":{{"{conversation}":{held}}},"limit":200}}"#)
            }
        };
        let pull = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"sync.pull","params":{params}}}"#);
        frames::append(TEXT, pull.as_bytes(), out);
    }

    fn push(&mut self, payload: &[u8]) -> Result<(), String> {
        let number = number(payload)?;
        if self.is_live {
            return self.take(number);
        }
        // Not before what is pulled.
        self.ahead.push(number);
        Ok(())
    }

    fn page(&mut self, payload: &[u8], out: &mut Vec<u8>) -> Result<Step, String> {
        let reply: Reply<'_> =
            serde_json::from_slice(payload).map_err(|error| error.to_string())?;
        let page = reply.result;
        if page.reset {
            return Err("a reset".to_owned());
        }
        let entries = page.items.iter().flat_map(|item| &item.entries);
        let is_first = self.cursor.is_none();
        for entry in entries.filter(|_| !is_first) {
            self.take(number(entry.get().as_bytes())?)?;
        }
        self.cursor = Some(page.cursor.to_owned());
        if !page.done {
            self.pull(out);
            return Ok(Step::On);
        }
        for number in std::mem::take(&mut self.ahead) {
            self.take(number)?;
        }
        self.is_live = true;
        Ok(Step::Done)
    }

    /// Takes what comes next, passes over what came before, and finds the gap.
    fn take(&mut self, number: u64) -> Result<(), String> {
        if number > self.next {
            let expected = self.next;
            return Err(format!("message {number} after a gap from {expected} on"));
        }
        self.next = self.next.max(number + 1);
        Ok(())
    }
}

fn number(payload: &[u8]) -> Result<u64, String> {
    let number = marker::position(payload).and_then(|position| marker::read(payload, position));
    number.ok_or_else(|| format!("no message of ours: {}", String::from_utf8_lossy(payload)))
}

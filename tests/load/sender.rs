//! One user who sends, and a thread that reads what comes back.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use tests::frames::{self, Splitter, TEXT};

use crate::line::upgraded;

/// Sends messages to one conversation without waiting for their acks, and counts these.
pub(crate) struct Sender {
    acks: Arc<AtomicU64>,
    conversation: String,
    sent: u64,
    stream: TcpStream,
    wrong: Arc<Mutex<Option<String>>>,
}

impl Sender {
    pub(crate) fn open(address: SocketAddr, user: &str, conversation: &str) -> io::Result<Self> {
        let stream = upgraded(address, user)?;
        stream.set_read_timeout(None)?;
        let mut sender = Self {
            acks: Arc::default(),
            conversation: conversation.to_owned(),
            sent: 0,
            stream,
            wrong: Arc::default(),
        };
        sender.request("session.open", &json!({"device": "d"}))?;
        let (reader, acks, wrong) = (
            sender.stream.try_clone()?,
            sender.acks.clone(),
            sender.wrong.clone(),
        );
        thread::spawn(move || drain(reader, &acks, &wrong));
        // The reply to `session.open` is the first.
        sender.wait(1)?;
        Ok(sender)
    }

    pub(crate) fn send(&mut self, text: &str) -> io::Result<()> {
        let conversation = self.conversation.clone();
        self.send_to(&conversation, text)
    }

    pub(crate) fn send_to(&mut self, conversation: &str, text: &str) -> io::Result<()> {
        self.sent += 1;
        let content = json!({"kind": "text", "text": text});
        let client_id = format!("c{}", self.sent);
        let message =
            json!({"conversation": conversation, "client_id": client_id, "content": content});
        self.request("message.send", &message)
    }

    fn request(&mut self, method: &str, params: &serde_json::Value) -> io::Result<()> {
        let text = json!({"jsonrpc": "2.0", "id": self.sent, "method": method, "params": params})
            .to_string();
        let mut bytes = Vec::with_capacity(text.len() + 14);
        frames::append(TEXT, text.as_bytes(), &mut bytes);
        self.stream.write_all(&bytes)
    }

    /// Waits until all messages are acknowledged.
    pub(crate) fn wait_for_all(&self) -> io::Result<()> {
        self.wait(self.sent + 1)
    }

    fn wait(&self, replies: u64) -> io::Result<()> {
        let begin = Instant::now();
        while self.acks.load(Ordering::Relaxed) < replies {
            let wrong = self
                .wrong
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(wrong) = wrong {
                return Err(io::Error::other(wrong));
            }
            if begin.elapsed() > Duration::from_secs(20) {
                let acks = self.acks.load(Ordering::Relaxed);
                return Err(io::Error::other(format!(
                    "LOSS: {acks} of {replies} replies"
                )));
            }
            thread::sleep(Duration::from_micros(50));
        }
        Ok(())
    }
}

fn drain(mut stream: TcpStream, acks: &AtomicU64, wrong: &Mutex<Option<String>>) {
    let mut splitter = Splitter::default();
    let mut chunk = vec![0; 64 * 1024];
    while let Ok(length @ 1..) = stream.read(&mut chunk) {
        splitter.feed(&chunk[..length], |frame| {
            if !frame.payload.starts_with(br#"{"jsonrpc":"2.0","id":"#) {
                return;
            }
            let head = &frame.payload[..frame.payload.len().min(60)];
            if head.windows(8).any(|eight| eight == b"\"error\":") {
                let text = String::from_utf8_lossy(frame.payload).into_owned();
                wrong
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .get_or_insert(text);
            }
            acks.fetch_add(1, Ordering::Relaxed);
        });
    }
}

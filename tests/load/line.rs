//! A session that waits for its answers: for setting things up, and for one message at a time.

use std::{
    collections::VecDeque,
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use serde_json::{Value, json};
use tests::frames::{self, Splitter, TEXT};

/// A blocking WebSocket.
pub(crate) struct Line {
    arrived: VecDeque<Value>,
    next_id: u64,
    splitter: Splitter,
    stream: TcpStream,
}

impl Line {
    /// Connects and opens a session.
    pub(crate) fn open(address: SocketAddr, token: &str, device: &str) -> io::Result<Self> {
        let mut line = Self {
            arrived: VecDeque::new(),
            next_id: 1,
            splitter: Splitter::default(),
            stream: upgraded(address, token)?,
        };
        line.call("session.open", &json!({"device": device}))?;
        Ok(line)
    }

    /// Sends a request and returns its id.
    pub(crate) fn request(&mut self, method: &str, params: &Value) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let text =
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let mut bytes = Vec::with_capacity(text.len() + 14);
        frames::append(TEXT, text.as_bytes(), &mut bytes);
        self.stream.write_all(&bytes)?;
        Ok(id)
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> io::Result<Value> {
        let mut chunk = [0; 16 * 1024];
        while self.arrived.is_empty() {
            let length = self.stream.read(&mut chunk)?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let arrived = &mut self.arrived;
            self.splitter.feed(&chunk[..length], |frame| {
                arrived.extend(serde_json::from_slice::<Value>(frame.payload));
            });
        }
        self.arrived
            .pop_front()
            .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    /// The reply to a request. What is pushed meanwhile is dropped.
    pub(crate) fn reply(&mut self, id: u64) -> io::Result<Value> {
        loop {
            let mut frame = self.next()?;
            if frame["id"] == id {
                let refused = || io::Error::other(frame["error"].to_string());
                return if frame["error"].is_null() {
                    Ok(frame["result"].take())
                } else {
                    Err(refused())
                };
            }
        }
    }

    pub(crate) fn call(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        let id = self.request(method, params)?;
        self.reply(id)
    }

    /// The direct conversation with a user.
    pub(crate) fn direct(&mut self, user: &str) -> io::Result<String> {
        let view = self.call("conversation.direct", &json!({"user": user}))?;
        Ok(view["conversation"].as_str().unwrap_or_default().to_owned())
    }
}

/// A connection on which frames may be sent.
pub(crate) fn upgraded(address: SocketAddr, token: &str) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    stream.write_all(frames::upgrade("/v1/ws", token).as_bytes())?;
    let mut head = Vec::new();
    while frames::head_length(&head).is_none() {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    if head.starts_with(b"HTTP/1.1 101") {
        Ok(stream)
    } else {
        Err(io::Error::other(
            String::from_utf8_lossy(&head).into_owned(),
        ))
    }
}

//! A WebSocket connection as a person would type it: text frames in, text frames out.

use std::{collections::VecDeque, io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::frames::{self, CLOSE, Splitter, TEXT};

/// A connection that speaks `im.v1.json`.
#[derive(Debug)]
pub struct Socket {
    arrived: VecDeque<Value>,
    chunk: Box<[u8]>,
    closed: Option<String>,
    splitter: Splitter,
    stream: TcpStream,
    next_id: u64,
}

impl Socket {
    /// Connects to `/v1/ws`.
    ///
    /// # Errors
    /// When the server is not there or does not want us.
    pub async fn connect(address: SocketAddr, token: &str) -> io::Result<Self> {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        stream
            .write_all(frames::upgrade("/v1/ws", token).as_bytes())
            .await?;
        let mut head = Vec::new();
        let length = loop {
            if stream.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(length) = frames::head_length(&head) {
                break length;
            }
        };
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(io::Error::other(
                String::from_utf8_lossy(&head).into_owned(),
            ));
        }
        let mut socket = Self {
            arrived: VecDeque::new(),
            chunk: vec![0; 16 * 1024].into(),
            closed: None,
            splitter: Splitter::default(),
            stream,
            next_id: 1,
        };
        socket.take(&head[length..])?;
        Ok(socket)
    }

    /// Sends a request and returns its id.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn request(&mut self, method: &str, params: &Value) -> io::Result<u64> {
        let id = self.next_id;
        self.next_id += 1;
        let text =
            json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}).to_string();
        let mut bytes = Vec::with_capacity(text.len() + 14);
        frames::append(TEXT, text.as_bytes(), &mut bytes);
        self.stream.write_all(&bytes).await?;
        Ok(id)
    }

    /// The next frame.
    ///
    /// # Errors
    /// When the connection is gone; what the server said of it is in the error.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn next(&mut self) -> io::Result<Value> {
        loop {
            if let Some(frame) = self.arrived.pop_front() {
                return Ok(frame);
            }
            if let Some(reason) = &self.closed {
                return Err(io::Error::other(reason.clone()));
            }
            let length = self.stream.read(&mut self.chunk).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let chunk = std::mem::take(&mut self.chunk);
            let taken = self.take(&chunk[..length]);
            self.chunk = chunk;
            taken?;
        }
    }

    /// Sends a request and waits for its reply; what is pushed meanwhile is dropped.
    ///
    /// # Errors
    /// When the connection is gone or the server refuses.
    pub async fn call(&mut self, method: &str, params: &Value) -> io::Result<Value> {
        let id = self.request(method, params).await?;
        loop {
            let mut frame = self.next().await?;
            if frame["id"] == id {
                if frame["error"].is_null() {
                    return Ok(frame["result"].take());
                }
                return Err(io::Error::other(format!(
                    "{method} {params}: {}",
                    frame["error"]
                )));
            }
        }
    }

    fn take(&mut self, chunk: &[u8]) -> io::Result<()> {
        let mut broken = None;
        self.splitter.feed(chunk, |frame| match frame.opcode {
            TEXT => match serde_json::from_slice(frame.payload) {
                Ok(value) => self.arrived.push_back(value),
                Err(error) => broken = Some(error),
            },
            CLOSE => {
                let code = frame
                    .payload
                    .first_chunk()
                    .map(|code| u16::from_be_bytes(*code));
                self.closed = Some(format!("closed with {code:?}"));
            }
            _ => {}
        });
        broken.map_or(Ok(()), |error| Err(error.into()))
    }
}

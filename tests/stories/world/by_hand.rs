//! A client that knows nothing of our crates: a TCP socket, RFC 6455 and JSON, as somebody without an SDK would write it.

use std::{collections::VecDeque, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use super::within;

/// What a frame of RFC 6455 is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Opcode {
    Text = 1,
    Binary = 2,
    Ping = 9,
    Pong = 10,
}

/// What came from the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    /// A text or binary frame, decoded.
    Value(Value),
    Pong(Vec<u8>),
    /// A close frame with its code.
    Close(u16, String),
    /// The stream ended, with or without a word.
    End,
}

/// A link that is driven by hand. Text frames of JSON, unless it was dialled for MessagePack.
pub(crate) struct ByHand {
    stream: TcpStream,
    bytes: Vec<u8>,
    is_json: bool,
    last_id: u64,
    /// Pushes that came while a reply was waited for.
    pushes: VecDeque<Value>,
}

impl ByHand {
    /// Shakes hands and offers a subprotocol.
    pub(crate) async fn dial(address: SocketAddr, subprotocol: Option<&str>) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a reader who stops is noticed soon.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let stream = within("a TCP connection", socket.connect(address)).await;
        let mut link = Self {
            stream: stream.unwrap(),
            bytes: Vec::new(),
            is_json: subprotocol != Some("im.v1.msgpack"),
            last_id: 0,
            pushes: VecDeque::new(),
        };
        let offer = subprotocol
            .map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "GET /v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{offer}\r\n"
        );
        link.write_raw(request.as_bytes()).await;
        let head = loop {
            if let Some(end) = link.bytes.windows(4).position(|it| it == b"\r\n\r\n") {
                let head: Vec<u8> = link.bytes.drain(..end + 4).collect();
                break String::from_utf8(head).unwrap();
            }
            assert!(link.read_more().await, "the server hung up");
        };
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
        link
    }

    /// Dials, and opens a session.
    pub(crate) async fn open(address: SocketAddr, token: &str, device: &str) -> Self {
        let mut link = Self::dial(address, None).await;
        let opened = link.call("session.open", json!({"token": token, "device": device}));
        opened.await.unwrap();
        link
    }

    /// Sends one request and waits for its answer: the result, or `error.data` with the message beside it.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        self.answer(id).await
    }

    /// Sends one request and does not wait.
    pub(crate) async fn ask(&mut self, method: &str, params: Value) -> u64 {
        self.last_id += 1;
        let id = self.last_id;
        self.send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}))
            .await;
        id
    }

    /// Waits for the answer to a request.
    pub(crate) async fn answer(&mut self, id: u64) -> Result<Value, Value> {
        loop {
            let Frame::Value(mut frame) = self.frame().await else {
                panic!("the link ended before the answer to {id}");
            };
            if frame.get("method").is_some() {
                self.pushes.push_back(frame);
            } else if frame["id"] == id {
                return result_of(&mut frame);
            }
        }
    }

    /// Sends one frame and waits for the answer that has no id, because the server could read none.
    pub(crate) async fn provoke(&mut self, opcode: Opcode, payload: &[u8]) -> Result<Value, Value> {
        self.write(opcode, payload).await;
        loop {
            match self.frame().await {
                Frame::Value(mut frame) if frame.get("method").is_none() => {
                    return result_of(&mut frame);
                }
                Frame::Value(push) => self.pushes.push_back(push),
                other => panic!("{other:?} instead of an answer"),
            }
        }
    }

    /// The next push: `method` and `params`.
    pub(crate) async fn push(&mut self) -> Value {
        if let Some(push) = self.pushes.pop_front() {
            return push;
        }
        match self.frame().await {
            Frame::Value(frame) if frame.get("method").is_some() => frame,
            other => panic!("{other:?} instead of a push"),
        }
    }

    /// The next push of this method; others are passed over.
    pub(crate) async fn push_of(&mut self, method: &str) -> Value {
        loop {
            let mut push = self.push().await;
            if push["method"] == method {
                return push["params"].take();
            }
        }
    }

    /// Sends a value as one data frame.
    pub(crate) async fn send(&mut self, value: &Value) {
        if self.is_json {
            self.write(Opcode::Text, value.to_string().as_bytes()).await;
        } else {
            let bytes = rmp_serde::to_vec_named(value).unwrap();
            self.write(Opcode::Binary, &bytes).await;
        }
    }

    /// Sends one frame, masked as clients must.
    pub(crate) async fn write(&mut self, opcode: Opcode, payload: &[u8]) {
        let mut frame = head_of(opcode, payload.len());
        let mask = [0x5a, 0x01, 0xc3, 0x7e];
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(a, b)| a ^ b));
        self.write_raw(&frame).await;
    }

    /// Sends bytes as they are. A server that has hung up is noticed by reading.
    pub(crate) async fn write_raw(&mut self, bytes: &[u8]) {
        let _ = within("room to write", self.stream.write_all(bytes)).await;
    }

    /// The next thing that comes. Pings are answered on the way.
    pub(crate) async fn frame(&mut self) -> Frame {
        loop {
            if let Some((opcode, payload)) = self.take_frame() {
                match opcode {
                    1 => return Frame::Value(serde_json::from_slice(&payload).unwrap()),
                    2 => return Frame::Value(rmp_serde::from_slice(&payload).unwrap()),
                    8 => return close_of(&payload),
                    9 => self.write(Opcode::Pong, &payload).await,
                    10 => return Frame::Pong(payload),
                    other => panic!("a frame with opcode {other}"),
                }
            } else if !self.read_more().await {
                return Frame::End;
            }
        }
    }

    /// The code with which the link closes; what comes before it is passed over.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            match self.frame().await {
                Frame::Close(code, _) => return code,
                Frame::End => panic!("the link ended without a close frame"),
                Frame::Value(_) | Frame::Pong(_) => {}
            }
        }
    }

    async fn read_more(&mut self) -> bool {
        let mut chunk = vec![0; 16 * 1024];
        let read = within("bytes from the server", self.stream.read(&mut chunk)).await;
        let count = read.unwrap_or(0);
        self.bytes.extend(&chunk[..count]);
        count > 0
    }

    fn take_frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let bytes = &self.bytes;
        let (&first, &second) = (bytes.first()?, bytes.get(1)?);
        assert!(first & 0x80 != 0, "the server sends whole messages");
        assert!(second & 0x80 == 0, "servers do not mask");
        let (len, from) = match second & 0x7f {
            126 => (
                u64::from(u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
                4,
            ),
            127 => (u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?), 10),
            short => (u64::from(short), 2),
        };
        let end = from + usize::try_from(len).unwrap();
        if bytes.len() < end {
            return None;
        }
        let payload = bytes[from..end].to_vec();
        self.bytes.drain(..end);
        Some((first & 0x0f, payload))
    }
}

/// The beginning of a masked frame, up to its mask.
pub(crate) fn head_of(opcode: Opcode, len: usize) -> Vec<u8> {
    let mut head = vec![0x80 | opcode as u8];
    match (u8::try_from(len), u16::try_from(len)) {
        (Ok(short @ 0..=125), _) => head.push(0x80 | short),
        (_, Ok(medium)) => {
            head.push(0x80 | 126);
            head.extend(medium.to_be_bytes());
        }
        _ => {
            head.push(0x80 | 127);
            head.extend((len as u64).to_be_bytes());
        }
    }
    head
}

fn close_of(payload: &[u8]) -> Frame {
    match payload.split_first_chunk() {
        Some((code, reason)) => Frame::Close(
            u16::from_be_bytes(*code),
            String::from_utf8(reason.to_vec()).unwrap(),
        ),
        None => Frame::Close(1005, String::new()),
    }
}

fn result_of(frame: &mut Value) -> Result<Value, Value> {
    assert_eq!(frame["jsonrpc"], "2.0");
    if frame.get("result").is_some() {
        return Ok(frame["result"].take());
    }
    let message = frame["error"]["message"].take();
    let mut data = frame["error"]["data"].take();
    assert!(
        message.as_str().is_some_and(|it| it.len() > 10),
        "{message}"
    );
    data["message"] = message;
    Err(data)
}

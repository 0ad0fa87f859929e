//! HTTP by hand: bytes on a socket, without our client or any library.

use std::net::SocketAddr;

use im_core::{
    Code,
    wire::{Format, Incoming},
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::door::within;

/// A stream of events.
pub(crate) struct Stream {
    bytes: Vec<u8>,
    pub(crate) link: String,
    pub(crate) opened: Value,
    tcp: TcpStream,
}

/// What came.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    Close(Value),
    Comment,
    Frame(Value),
    Link(Value),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Status and code of a refusal.
    pub(crate) fn refusal(&self) -> (u16, Code) {
        let code = self.json()["code"].clone();
        (self.status, serde_json::from_value(code).unwrap())
    }

    /// The replies of a post, in the order in which they came.
    pub(crate) fn replies(&self) -> Vec<Value> {
        let lines = self.body.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

impl Stream {
    /// Opens a session, with further header lines, and reads what the stream begins with.
    pub(crate) async fn open(address: SocketAddr, query: &str, headers: &str) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        // Small, so that a reader who stops is noticed soon.
        socket.set_recv_buffer_size(16 * 1024).unwrap();
        let mut tcp = socket.connect(address).await.unwrap();
        let request =
            format!("GET /v1/events?{query} HTTP/1.1\r\nHost: {address}\r\n{headers}\r\n");
        tcp.write_all(request.as_bytes()).await.unwrap();
        let head = read_head(&mut tcp).await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(
            head.contains("content-type: text/event-stream\r\n"),
            "{head}"
        );
        let mut stream = Self {
            bytes: Vec::new(),
            link: String::new(),
            opened: Value::Null,
            tcp,
        };
        let Some(Event::Frame(opened)) = stream.next().await else {
            panic!("the first event answers session.open");
        };
        stream.opened = opened;
        let Some(Event::Link(link)) = stream.next().await else {
            panic!("the second event names the link");
        };
        stream.link = link["link"].as_str().unwrap().to_owned();
        stream
    }

    /// The next event; `None` at the end.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        loop {
            let end = self.bytes.windows(2).position(|two| two == b"\n\n");
            if let Some(end) = end {
                let event: Vec<u8> = self.bytes.drain(..end + 2).collect();
                return Some(parse(std::str::from_utf8(&event).unwrap()));
            }
            let chunk = within(read_chunk(&mut self.tcp)).await?;
            self.bytes.extend(chunk);
        }
    }

    /// The next frame, as a client reads it; comments are passed over.
    pub(crate) async fn incoming(&mut self) -> Incoming {
        loop {
            match self.next().await.expect("a frame, not the end") {
                Event::Frame(frame) => {
                    let frame = frame.to_string();
                    return Incoming::read(Format::Json, frame.as_bytes()).unwrap();
                }
                Event::Comment => {}
                other => panic!("no frame: {other:?}"),
            }
        }
    }

    /// The code with which the stream ends; what is before that is passed over.
    pub(crate) async fn close_code(&mut self) -> u64 {
        loop {
            if let Event::Close(close) = self.next().await.expect("a reason before the end") {
                assert_eq!(self.next().await, None, "nothing follows it");
                return close["code"].as_u64().unwrap();
            }
        }
    }
}

fn parse(event: &str) -> Event {
    let mut name = "";
    let mut data = None;
    for line in event.lines() {
        match line.split_once(": ") {
            Some(("event", text)) => name = text,
            Some(("data", text)) => data = Some(serde_json::from_str(text).unwrap()),
            Some(("retry", _)) => {}
            _ => assert!(line.is_empty() || line == ":", "{line}"),
        }
    }
    match (name, data) {
        ("", Some(frame)) => Event::Frame(frame),
        ("link", Some(link)) => Event::Link(link),
        ("close", Some(close)) => Event::Close(close),
        ("", None) => Event::Comment,
        other => panic!("{other:?}"),
    }
}

/// Posts to a link.
pub(crate) async fn post(address: SocketAddr, link: &str, headers: &str, body: &str) -> Answer {
    let line = format!("POST /v1/events/{link}");
    ask(address, &line, headers, body).await
}

/// One request on a connection of its own; `line` is its method and path.
pub(crate) async fn ask(address: SocketAddr, line: &str, headers: &str, body: &str) -> Answer {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!(
        "{line} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    );
    // The server may answer before it has read all of it.
    let _ = tcp.write_all(request.as_bytes()).await;
    let head = read_head(&mut tcp).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut body = Vec::new();
    if head.contains("transfer-encoding: chunked") {
        while let Some(chunk) = within(read_chunk(&mut tcp)).await {
            body.extend(chunk);
        }
    } else {
        let length = head.split("content-length: ").nth(1).unwrap_or("0");
        body.resize(length.split("\r\n").next().unwrap().parse().unwrap(), 0);
        within(tcp.read_exact(&mut body)).await.unwrap();
    }
    let body = String::from_utf8(body).unwrap();
    Answer { status, head, body }
}

async fn read_head(tcp: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(within(tcp.read_u8()).await.unwrap());
    }
    String::from_utf8(head).unwrap()
}

/// The next chunk of a body; `None` at its end, or when the connection breaks.
async fn read_chunk(tcp: &mut TcpStream) -> Option<Vec<u8>> {
    let mut size = Vec::new();
    while !size.ends_with(b"\r\n") {
        size.push(tcp.read_u8().await.ok()?);
    }
    let size = std::str::from_utf8(&size).unwrap().trim_end();
    let mut chunk = vec![0; usize::from_str_radix(size, 16).unwrap() + 2];
    tcp.read_exact(&mut chunk).await.ok()?;
    chunk.truncate(chunk.len() - 2);
    Some(chunk).filter(|chunk| !chunk.is_empty())
}

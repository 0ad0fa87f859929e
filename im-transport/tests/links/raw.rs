//! A client by hand: bytes on a socket, without our client, codec or any library.

use std::net::SocketAddr;

use im_core::{
    ClientId, Command, Content, ConversationId, DeviceClass, DeviceId, OpenSession, SendMessage,
    wire::{self, Format, Incoming, RequestId},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

use crate::door::PATIENCE;

pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// How the hand writes frames.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Framing {
    Tcp,
    WebSocket,
}

/// A stream of any kind.
pub(crate) trait Pipe: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Pipe for S {}

pub(crate) struct Raw<S = Box<dyn Pipe>> {
    pub(crate) stream: S,
    pub(crate) format: Format,
    pub(crate) framing: Framing,
}

impl Raw<TcpStream> {
    /// Shakes hands for a WebSocket, with further header lines.
    pub(crate) async fn open(address: SocketAddr, format: Format, headers: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        Self::shake(stream, address, format, headers).await
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Raw<S> {
    /// Shakes hands for a WebSocket on a stream, with further header lines.
    pub(crate) async fn shake(
        mut stream: S,
        address: SocketAddr,
        format: Format,
        headers: &str,
    ) -> Self {
        let protocol = match format {
            Format::Json => "im.v1.json",
            Format::MessagePack => "im.v1.msgpack",
        };
        let headers = format!("Sec-WebSocket-Protocol: {protocol}\r\n{headers}");
        let answer = shake_on(&mut stream, &address.to_string(), &headers).await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        assert!(answer.contains(protocol), "{answer}");
        Self {
            stream,
            format,
            framing: Framing::WebSocket,
        }
    }

    /// Shakes hands on a stream that is no socket, in JSON.
    pub(crate) async fn over(mut stream: S) -> Self {
        let answer = shake_on(&mut stream, "localhost", "").await;
        assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
        Self {
            stream,
            format: Format::Json,
            framing: Framing::WebSocket,
        }
    }

    /// A link over TCP, on a stream.
    pub(crate) fn tcp(stream: S) -> Self {
        Self {
            stream,
            format: Format::MessagePack,
            framing: Framing::Tcp,
        }
    }

    pub(crate) async fn open_session(&mut self, token: &str, device: &str) {
        self.request(&open(Some(token), device)).await;
        assert!(matches!(self.incoming().await, Incoming::Reply(_)));
    }

    /// Sends a request, with the id 7.
    pub(crate) async fn request(&mut self, command: &Command) {
        let bytes = self.request_bytes(command);
        self.write(&bytes).await;
    }

    /// A request with the id 7 as it is sent.
    pub(crate) fn request_bytes(&self, command: &Command) -> Vec<u8> {
        let mut payload = Vec::new();
        wire::write_request(self.format, &RequestId::Number(7), command, &mut payload);
        self.data_bytes(&payload)
    }

    /// Sends a data frame as the link wants it.
    pub(crate) async fn data(&mut self, payload: &[u8]) {
        let bytes = self.data_bytes(payload);
        self.write(&bytes).await;
    }

    /// A data frame as it is sent.
    pub(crate) fn data_bytes(&self, payload: &[u8]) -> Vec<u8> {
        match (self.framing, self.format) {
            (Framing::Tcp, _) => behind_its_length(payload),
            (Framing::WebSocket, Format::Json) => frame(TEXT, payload),
            (Framing::WebSocket, Format::MessagePack) => frame(BINARY, payload),
        }
    }

    /// A ping as it is sent.
    pub(crate) fn ping_bytes(&self) -> Vec<u8> {
        match self.framing {
            Framing::Tcp => behind_its_length(b""),
            Framing::WebSocket => frame(PING, b""),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next frame: opcode and payload. What TCP says in another way is told as a WebSocket would.
    pub(crate) async fn read(&mut self) -> Option<(u8, Vec<u8>)> {
        let stream = &mut self.stream;
        let read = async {
            match self.framing {
                Framing::Tcp => read_behind_its_length(stream).await,
                Framing::WebSocket => read_frame(stream).await,
            }
        };
        timeout(PATIENCE, read).await.unwrap()
    }

    /// The next data frame, as a client reads it.
    pub(crate) async fn incoming(&mut self) -> Incoming {
        let (opcode, payload) = self.read().await.expect("a frame, not the end");
        assert!(matches!(opcode, TEXT | BINARY), "opcode {opcode}");
        Incoming::read(self.format, &payload).unwrap()
    }

    /// The code of the next refusal.
    pub(crate) async fn refusal(&mut self) -> im_core::Code {
        match self.incoming().await {
            Incoming::Failed(_, rejection) => rejection.code,
            other => panic!("no refusal: {other:?}"),
        }
    }

    /// The close code that the server ends with; data before it is passed over. Then the stream must end, soon.
    pub(crate) async fn close_code(&mut self) -> u16 {
        loop {
            let (opcode, payload) = self.read().await.expect("a close code before the end");
            if opcode == CLOSE {
                let code = u16::from_be_bytes(payload[..2].try_into().unwrap());
                match self.framing {
                    // A server that was faster has closed the socket already.
                    Framing::Tcp => drop(self.stream.shutdown().await),
                    Framing::WebSocket => self.write(&frame(CLOSE, &payload[..2])).await,
                }
                assert_eq!(self.read().await, None, "nothing follows a close code");
                return code;
            }
        }
    }
}

/// Sends the request for a WebSocket with further header lines, and returns the head of the answer.
pub(crate) async fn shake(address: SocketAddr, headers: &str) -> (TcpStream, String) {
    let mut tcp = TcpStream::connect(address).await.unwrap();
    let answer = shake_on(&mut tcp, &address.to_string(), headers).await;
    (tcp, answer)
}

async fn shake_on(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    host: &str,
    headers: &str,
) -> String {
    let request = format!(
        "GET /v1/ws HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let byte = timeout(PATIENCE, stream.read_u8()).await.unwrap();
        answer.push(byte.unwrap());
    }
    String::from_utf8(answer).unwrap()
}

/// A whole frame, masked as RFC 6455 wants it of clients.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let key = [1, 2, 3, 4];
    let mut bytes = vec![0x80 | opcode];
    match payload.len() {
        len @ 0..=125 => bytes.push(0x80 | len as u8),
        len @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(key);
    bytes.extend(payload.iter().zip(key.iter().cycle()).map(|(a, b)| a ^ b));
    bytes
}

async fn read_frame(tcp: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let first = tcp.read_u8().await.ok()?;
    assert_eq!(first & 0xf0, 0x80, "servers send whole frames");
    let len = match tcp.read_u8().await.ok()? {
        126 => usize::from(tcp.read_u16().await.ok()?),
        127 => usize::try_from(tcp.read_u64().await.ok()?).unwrap(),
        len => usize::from(len),
    };
    let mut payload = vec![0; len];
    tcp.read_exact(&mut payload).await.ok()?;
    Some((first & 0x0f, payload))
}

/// A frame as TCP wants it.
pub(crate) fn behind_its_length(payload: &[u8]) -> Vec<u8> {
    let mut bytes = (payload.len() as u32).to_be_bytes().to_vec();
    bytes.extend(payload);
    bytes
}

/// A frame of a server's over TCP.
async fn read_behind_its_length(tcp: &mut (impl AsyncRead + Unpin)) -> Option<(u8, Vec<u8>)> {
    let len = tcp.read_u32().await.ok()?;
    let mut payload = vec![0; len as usize];
    tcp.read_exact(&mut payload).await.ok()?;
    Some(match payload[..] {
        [] => (PONG, payload),
        [0x92, 0xcd, high, low, ..] => (CLOSE, vec![high, low]),
        [..] => (BINARY, payload),
    })
}

pub(crate) fn open(token: Option<&str>, device: &str) -> Command {
    Command::OpenSession(OpenSession {
        token: token.map(str::to_owned),
        device: DeviceId::new(device).unwrap(),
        class: DeviceClass::Other,
    })
}

pub(crate) fn long_message(to: &ConversationId, n: usize) -> SendMessage {
    SendMessage::new(
        *to,
        ClientId::new(format!("c{n}")).unwrap(),
        Content::text("x".repeat(9_000)),
    )
}

pub(crate) fn long(to: &ConversationId, n: usize) -> Command {
    Command::SendMessage(long_message(to, n))
}

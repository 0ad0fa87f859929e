//! A connection that can do what no decent client does.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tests::frames;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use super::Target;

/// Bytes that this side lets the kernel keep for it: who does not read is noticed soon.
const UNREAD: u32 = 4 * 1024;

pub(super) struct Peer {
    stream: TcpStream,
}

impl Peer {
    pub(super) async fn connect(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(UNREAD)?;
        let stream = socket.connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream })
    }

    /// After the handshake of a WebSocket.
    pub(super) async fn upgrade(target: &Target) -> io::Result<Self> {
        let mut peer = Self::connect(target.address).await?;
        let request = frames::upgrade("/v1/ws", &target.token);
        peer.write(request.as_bytes()).await?;
        let mut head = Vec::new();
        while frames::head_length(&head).is_none() {
            if peer.stream.read_buf(&mut head).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            let head = String::from_utf8_lossy(&head).into_owned();
            return Err(io::Error::other(head));
        }
        Ok(peer)
    }

    /// With a session.
    pub(super) async fn open(target: &Target) -> io::Result<Self> {
        let mut peer = Self::upgrade(target).await?;
        peer.ask("session.open", &json!({"device": "hostile"}))
            .await?;
        let mut bytes = Vec::new();
        while frames::parse(&bytes).is_none() {
            if peer.stream.read_buf(&mut bytes).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(peer)
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// A request as a whole frame.
    pub(super) async fn ask(&mut self, method: &str, params: &Value) -> io::Result<()> {
        let text = request(method, params);
        let mut frame = Vec::with_capacity(text.len() + 14);
        frames::append(frames::TEXT, text.as_bytes(), &mut frame);
        self.write(&frame).await
    }

    /// Writes the same again and again, until the server ends the connection.
    pub(super) async fn flood(&mut self, bytes: &[u8]) -> io::Result<()> {
        loop {
            match self.write(bytes).await {
                Ok(()) => {}
                Err(error) if is_end(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Keeps the connection, and reads nothing.
    pub(super) async fn hold(self) -> io::Result<()> {
        std::future::pending::<()>().await;
        drop(self);
        Ok(())
    }

    /// Waits until the server has ended the connection; what it says is forgotten.
    pub(super) async fn wait(mut self) -> io::Result<()> {
        let mut scratch = [0; 4096];
        loop {
            match self.stream.read(&mut scratch).await {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) if is_end(&error) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }
}

/// Whether the server has ended the connection.
fn is_end(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::ConnectionAborted
    )
}

/// The text of a request.
pub(super) fn request(method: &str, params: &Value) -> String {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).to_string()
}

//! The door for any accept loop: a stream comes in, and a connection runs.

use std::sync::Arc;

use im_core::{
    Im,
    figures::{Figure, Figures},
    port::Identity,
    wire::Format,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

use super::framing::Framing;
use crate::{
    Bounds,
    drive::Credential,
    link::{
        connection::Opening,
        door::{Door, Place},
        stream::{self, Reader, Writer},
    },
};

/// Opens sessions of an engine over TCP; clone to share.
///
/// A client opens its session by `session.open` as its first frame, and sends something at least once per heartbeat (an
/// empty frame will do): this side answers empty frames and sends none of its own accord.
///
/// It counts its connections and knows its [`Bounds::max_connections`], but who accepts is who refuses:
/// [`serve`](super::serve()) does both.
#[derive(Clone, Debug)]
pub struct TcpServer {
    door: Arc<Door>,
}

impl TcpServer {
    /// A door to `im`.
    #[must_use]
    pub fn new(im: Im, bounds: Bounds) -> Self {
        Self {
            door: Door::new(im, bounds),
        }
    }

    /// Runs a connection, as a task, on a socket that was accepted.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn accept(&self, tcp: TcpStream) {
        run(self.door.enter(), stream::socket(tcp), Credential::None);
    }

    /// [`accept`](Self::accept) for what is no raw socket, such as TLS: what is written passes through it, and costs a
    /// copy more.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn accept_on(&self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let halves = stream::other(Box::new(stream));
        run(self.door.enter(), halves, Credential::None);
    }

    /// [`accept_on`](Self::accept_on) for a user whom the host has authenticated, by a certificate for example: tokens
    /// are not looked at.
    ///
    /// # Panics
    /// When called outside of a tokio runtime.
    pub fn accept_as(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        identity: Identity,
    ) {
        let halves = stream::other(Box::new(stream));
        let credential = Credential::Identity(Box::new(identity));
        run(self.door.enter(), halves, credential);
    }

    /// Connections that are there, with and without a session.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.door.connections()
    }

    /// Waits until every connection that has had a session is gone: after [`Im::shut_down`], until all devices have got
    /// the last words or their time for them was over ([`Bounds::close_timeout`]).
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn drained(&self) {
        self.door.drained().await;
    }

    /// A place for a connection, unless as many are there as may be.
    pub(super) fn enter(&self) -> Option<Place> {
        (!self.door.is_full()).then(|| self.door.enter())
    }

    pub(super) fn bounds(&self) -> &Bounds {
        &self.door.bounds
    }
}

impl Figures for TcpServer {
    fn figures(&self) -> Vec<Figure> {
        self.door.figures("tcp")
    }
}

/// Runs a connection in a place that it has.
pub(super) fn run(place: Place, (reader, writer): (Reader, Writer), credential: Credential) {
    let opening = Opening {
        credential,
        early: &[],
        format: Format::MessagePack,
    };
    place.run::<Framing>(reader, writer, opening);
}

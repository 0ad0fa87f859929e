//! How a connection of our client comes about: over a link, over plain HTTP, or over whichever of both works.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use im_core::{CallError, Connection, Connector, ConversationId, DeviceId, Im};
use im_transport::{
    Bounds,
    client::TokenSource,
    sse::{self, Fallback},
    ws::Options,
};

use crate::{
    door::{Door, HEARTBEAT, Over},
    http::door::Door as HttpDoor,
};

/// A way to a server.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    Events,
    Fallback,
    Link(Over),
}

/// A server, and how our clients get there.
pub(crate) struct Reached {
    pub(crate) im: Im,
    door: AnyDoor,
}

enum AnyDoor {
    Events(HttpDoor),
    Fallback(HttpDoor),
    Link(Door),
}

impl Way {
    pub(crate) const JSON: Self = Self::Link(Over::JSON);
    pub(crate) const MESSAGE_PACK: Self = Self::Link(Over::MESSAGE_PACK);
    pub(crate) const MESSAGE_PACK_AND_TLS: Self = Self::Link(Over::MESSAGE_PACK_AND_TLS);
    pub(crate) const TCP: Self = Self::Link(Over::TCP);
    pub(crate) const TCP_AND_TLS: Self = Self::Link(Over::TCP_AND_TLS);

    pub(crate) async fn open(self) -> Reached {
        self.open_with(HEARTBEAT).await
    }

    pub(crate) async fn open_with(self, heartbeat: Duration) -> Reached {
        let http = HttpDoor::open_with(Options::default(), heartbeat);
        let door = match self {
            Self::Events => AnyDoor::Events(http.await),
            Self::Fallback => AnyDoor::Fallback(http.await),
            Self::Link(over) => {
                AnyDoor::Link(Door::open_with(over, Bounds::default(), heartbeat).await)
            }
        };
        let im = match &door {
            AnyDoor::Events(door) | AnyDoor::Fallback(door) => door.im.clone(),
            AnyDoor::Link(door) => door.im.clone(),
        };
        Reached { im, door }
    }
}

impl Reached {
    /// The same way to another address.
    pub(crate) fn at(mut self, elsewhere: SocketAddr) -> Self {
        match &mut self.door {
            AnyDoor::Events(door) | AnyDoor::Fallback(door) => door.address = elsewhere,
            AnyDoor::Link(door) => door.address = elsewhere,
        }
        self
    }

    pub(crate) fn connector(
        &self,
        token: impl Into<TokenSource>,
        device: &str,
    ) -> Arc<dyn Connector> {
        let id = DeviceId::new(device).unwrap();
        match &self.door {
            AnyDoor::Events(door) => {
                let url = format!("{}/v1/events", door.url());
                Arc::new(sse::Connector::new(&url, token, id).unwrap())
            }
            AnyDoor::Fallback(door) => Arc::new(Fallback::to(&door.url(), token, id).unwrap()),
            AnyDoor::Link(door) => Arc::new(door.connector(token, device)),
        }
    }

    /// A link with an open session. The token is the user.
    pub(crate) async fn connect(
        &self,
        user: &str,
        device: &str,
    ) -> Result<Box<dyn Connection>, CallError> {
        self.connector(user, device).connect().await
    }

    pub(crate) async fn direct(&self, a: &str, b: &str) -> ConversationId {
        self.im.direct(a, b).await.unwrap()
    }
}

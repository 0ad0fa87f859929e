//! A way to a server that is closed at first, as that of a server which starts later than its clients.

use std::net::SocketAddr;

use tokio::net::{TcpListener, TcpStream};

pub(crate) struct Gate {
    address: SocketAddr,
    /// What is behind it.
    server: String,
    /// Of the server, as one reaches it through the gate.
    pub(crate) url: String,
}

impl Gate {
    /// Before the server of a URL with a host and a port.
    pub(crate) fn before(url: &str) -> Self {
        let (start, rest) = url.split_once("://").unwrap();
        let (user, rest) = rest.rsplit_once('@').unwrap_or(("", rest));
        let (server, path) = rest.split_once('/').unwrap_or((rest, ""));
        // Nobody listens there once this is dropped.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let at = if user.is_empty() { "" } else { "@" };
        Self {
            address,
            server: server.to_owned(),
            url: format!("{start}://{user}{at}{address}/{path}"),
        }
    }

    /// Lets everybody through from now on.
    pub(crate) async fn open(&self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let server = self.server.clone();
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let server = server.clone();
                tokio::spawn(async move {
                    let mut far = TcpStream::connect(server).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
    }
}

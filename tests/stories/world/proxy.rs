//! A door in front of a server that stays where it is when the server does not, and that breaks on demand.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

/// Passes bytes on, until it is told to hold them back or to cut.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

struct Shared {
    target: Mutex<SocketAddr>,
    /// After how many bytes to the client the next connections are cut.
    cuts: Mutex<VecDeque<usize>>,
    control: watch::Sender<Control>,
    connections: watch::Sender<usize>,
}

#[derive(Clone, Copy, Default)]
struct Control {
    /// Whether bytes to clients are held back.
    held: bool,
    /// Connections that were made under another number are cut.
    generation: u64,
}

impl Proxy {
    pub(crate) async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            target: Mutex::new(target),
            cuts: Mutex::default(),
            control: watch::Sender::default(),
            connections: watch::Sender::default(),
        });
        let accepting = tokio::spawn(accept(listener, shared.clone()));
        Self {
            address,
            shared,
            accepting,
        }
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// New connections go there.
    pub(crate) fn redirect(&self, target: SocketAddr) {
        *self.shared.target.lock().unwrap() = target;
    }

    /// The next connections are cut after so many bytes to the client, one number each; further ones are not.
    pub(crate) fn cut_after(&self, bytes: impl IntoIterator<Item = usize>) {
        self.shared.cuts.lock().unwrap().extend(bytes);
    }

    /// Holds back what servers say. What clients say still passes.
    pub(crate) fn hold(&self) {
        self.shared.control.send_modify(|it| it.held = true);
    }

    /// Passes on what was held back.
    pub(crate) fn release(&self) {
        self.shared.control.send_modify(|it| it.held = false);
    }

    /// Breaks all connections; what was held back is lost. New ones are open.
    pub(crate) fn cut(&self) {
        self.shared.control.send_modify(|it| {
            it.held = false;
            it.generation += 1;
        });
    }

    /// How many connections there have been so far.
    pub(crate) fn connections(&self) -> usize {
        *self.shared.connections.borrow()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let cut_after = shared.cuts.lock().unwrap().pop_front();
        shared.connections.send_modify(|count| *count += 1);
        tokio::spawn(join(client, shared.clone(), cut_after));
    }
}

/// Both directions of one connection, until one side ends it or it is cut.
async fn join(client: TcpStream, shared: Arc<Shared>, cut_after: Option<usize>) {
    let mut control = shared.control.subscribe();
    let generation = control.borrow().generation;
    let target = *shared.target.lock().unwrap();
    let Ok(server) = TcpStream::connect(target).await else {
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    let up = async {
        let _ = tokio::io::copy(&mut from_client, &mut to_server).await;
        let _ = to_server.shutdown().await;
        std::future::pending::<()>().await;
    };
    let down = pour(
        from_server,
        to_client,
        cut_after.unwrap_or(usize::MAX),
        control.clone(),
    );
    tokio::select! {
        // First of all: what was held back must not slip through when the link is cut.
        biased;
        _ = control.wait_for(|it| it.generation != generation) => {}
        () = up => {}
        () = down => {}
    }
}

async fn pour(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut left: usize,
    mut control: watch::Receiver<Control>,
) {
    let mut buffer = vec![0; 16 * 1024];
    while left > 0 {
        let held = |it: &Control| !it.held;
        if control.wait_for(held).await.is_err() {
            return;
        }
        let Ok(count @ 1..) = from.read(&mut buffer).await else {
            return;
        };
        // What was read while the door closed is held back as well.
        if control.wait_for(held).await.is_err() {
            return;
        }
        let count = count.min(left);
        left -= count;
        if to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

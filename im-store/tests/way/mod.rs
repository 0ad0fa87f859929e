//! A way to a server that is cut, or falls silent, when a test says so.

#![allow(clippy::unwrap_used)]

use std::{
    mem,
    sync::{Arc, Mutex},
};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// A way to a server that breaks on demand.
pub(crate) struct Way {
    pub(crate) address: String,
    /// To end.
    #[allow(dead_code, reason = "databases are told to cut")]
    pub(crate) cuts: Order,
    /// To be silent, with both ends open.
    pub(crate) silences: Order,
}

/// What connections can be told to do: those of now, not later ones.
#[derive(Clone, Default)]
pub(crate) struct Order(Arc<Mutex<watch::Sender<()>>>);

impl Order {
    fn heed(&self) -> watch::Receiver<()> {
        self.0.lock().unwrap().subscribe()
    }

    /// Resolves when each has done it: what is said from then on does not come through them.
    pub(crate) async fn give(self) {
        let given = mem::take(&mut *self.0.lock().unwrap());
        given.send_replace(());
        given.closed().await;
    }
}

impl Way {
    pub(crate) async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (cuts, silences) = (Order::default(), Order::default());
        let way = Self {
            address,
            cuts: cuts.clone(),
            silences: silences.clone(),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(&server).await.unwrap();
                tokio::spawn(Self::carry(client, server, cuts.heed(), silences.heed()));
            }
        });
        way
    }

    async fn carry(
        mut client: TcpStream,
        mut server: TcpStream,
        mut cut: watch::Receiver<()>,
        mut silence: watch::Receiver<()>,
    ) {
        let is_silent = tokio::select! {
            _ = copy_bidirectional(&mut client, &mut server) => false,
            _ = cut.changed() => false,
            _ = silence.changed() => true,
        };
        drop(silence);
        if is_silent {
            let _ = cut.changed().await;
        }
        drop((client, server));
        drop(cut);
    }
}

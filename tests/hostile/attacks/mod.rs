//! What hostile peers do. A new door gets its rows here.

mod bodies;
mod heads;
mod links;
mod peer;
mod sessions;

use std::{io, net::SocketAddr, pin::Pin};

use tokio::sync::mpsc;

/// One way to be hostile.
pub(crate) struct Attack {
    /// What they do.
    pub(crate) name: &'static str,
    /// Whether each has an account, and a session where it has a link.
    pub(crate) signed_in: bool,
    /// What becomes of them.
    pub(crate) end: End,
    /// Does it, once.
    pub(crate) act: fn(Target, Ready) -> Act,
}

impl Attack {
    /// User memory that one connection may make the server hold.
    pub(crate) const fn bound_bytes(&self) -> u64 {
        if self.signed_in {
            1024 * 1024
        } else {
            64 * 1024
        }
    }
}

/// What the server has to do about them, beyond holding little.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// It waits, until a deadline that is beyond this run.
    Stays,
    /// It ends them at once, in good order or not.
    SentAway,
    /// As it likes.
    Either,
}

/// What a hostile peer knows.
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// A conversation that it may read, with much in it.
    pub(crate) library: String,
    pub(crate) token: String,
}

/// To be told once that everything that can be done is done.
pub(crate) struct Ready(mpsc::UnboundedSender<()>);

impl Ready {
    pub(crate) const fn new(told: mpsc::UnboundedSender<()>) -> Self {
        Self(told)
    }

    fn tell(self) {
        // Nobody may be listening any more.
        let _ = self.0.send(());
    }
}

/// A hostile connection: it ends when the server ends it.
pub(crate) type Act = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

macro_rules! attacks {
    ($($name:literal, $signed_in:literal, $end:ident, $act:path;)*) => {
        /// All that we know of.
        pub(crate) const ATTACKS: &[Attack] = &[$(Attack {
            name: $name,
            signed_in: $signed_in,
            end: End::$end,
            act: |target, ready| Box::pin($act(target, ready)),
        }),*];
    };
}

attacks! {
    "connect, and say nothing", false, Stays, heads::silence;
    "send half the head of a request", false, Stays, heads::half;
    "send a head without end", false, SentAway, heads::endless;
    "ask for much at once, and read nothing", false, Either, heads::pipeline;
    "send half a body", false, Stays, bodies::half;
    "send half a body in pieces of a byte", false, Stays, bodies::crumbs;
    "announce a body that is too long", false, SentAway, bodies::lie;
    "upgrade, and say nothing", false, Stays, links::silence;
    "send half a frame", false, Stays, links::half;
    "send half a frame, byte by byte", false, Stays, links::trickle;
    "send fragments without end", false, SentAway, links::fragments;
    "send many fragments, and not the last", false, Stays, links::unfinished;
    "announce a frame that is too long", false, SentAway, links::lie;
    "ping without end, and read nothing", false, SentAway, links::pings;
    "ask without a session, and read nothing", false, SentAway, links::strangers;
    "sign in, and send half of the longest frame", true, Stays, sessions::half;
    "sign in, and send half of the longest body", true, Stays, sessions::half_body;
    "sign in, and send a body in pieces of a byte", true, Stays, sessions::crumbs;
    "sign in, and send fragments without end", true, SentAway, sessions::fragments;
    "sign in, and ping without end", true, SentAway, sessions::pings;
    "sign in, ask for much, and read nothing", true, Either, sessions::greed;
    "sign in, ask for much by REST, and read nothing", true, Either, sessions::pages;
    "sign in, say much, and read nothing", true, Either, sessions::talk;
    "sign in, and read nothing that is pushed", true, Stays, sessions::deaf;
}

//! What all links of a server share: how they are opened, and the look at what is overdue.

use std::{
    fmt,
    sync::{
        Arc, Once, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hyper::{
    Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderName, HeaderValue},
};
use im_core::{
    Code, Im, Rejection, Reply,
    port::Identity,
    wire::{self, Format, RequestId},
};
use tokio::time::{Instant, timeout};

use super::{
    encoding,
    link::{EventsLink, Patience},
    links::{LinkId, Links},
    outlet::EventsOutlet,
    stream::EventStream,
    wanted::Wanted,
};
use crate::{
    Bounds,
    drive::{Credential, Drive},
    ws::{Options, Origins},
};

/// Tells nginx and its like to pass on what comes as it comes.
const UNBUFFERED: HeaderName = HeaderName::from_static("x-accel-buffering");

/// What all links of a server share.
pub(super) struct Shared {
    pub(super) bounds: Arc<Bounds>,
    pub(super) im: Im,
    pub(super) links: Arc<Links>,
    now_ms: AtomicU64,
    pub(super) origins: Origins,
    patience: Patience,
    started: Once,
}

impl Shared {
    pub(super) fn new(im: Im, options: Options) -> Self {
        let heartbeat = im.heartbeat();
        let Options { bounds, origins } = options;
        Self {
            links: Arc::default(),
            now_ms: AtomicU64::new(0),
            patience: Patience {
                comment: heartbeat,
                silence: bounds.silence(heartbeat),
                write: bounds.write_timeout,
            },
            bounds: Arc::new(bounds),
            origins,
            started: Once::new(),
            im,
        }
    }

    /// Opens a session, and the stream of what it is told.
    pub(super) async fn open(
        self: &Arc<Self>,
        wanted: Wanted,
        identity: Option<Identity>,
    ) -> Result<Response<EventStream>, Rejection> {
        let Wanted { open, token } = wanted;
        let credential = match (identity, token) {
            (Some(identity), _) => Credential::Identity(Box::new(identity)),
            (None, Some(token)) => Credential::Token(token),
            (None, None) => Credential::None,
        };
        if self.links.count() >= self.bounds.max_connections {
            let detail = "as many streams are open as may be; come back later";
            return Err(Rejection::new(Code::Overloaded, detail));
        }
        self.start();
        let outlet = Arc::new(EventsOutlet::new(self.bounds.clone()));
        let drive = Drive::new(self.im.clone(), credential, self.bounds.in_flight);
        let opened = Box::pin(drive.open(open, outlet.clone()));
        let drive = timeout(self.bounds.open_timeout, opened)
            .await
            .map_err(|_| Rejection::new(Code::Unavailable, "the store does not answer in time"))?
            .inspect_err(|rejection| tracing::debug!("no session is opened: {rejection}"))?;
        let stream = self.stream(drive, outlet)?;
        let mut response = Response::new(stream);
        let headers = response.headers_mut();
        let events = HeaderValue::from_static("text/event-stream");
        headers.insert(CONTENT_TYPE, events);
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(UNBUFFERED, HeaderValue::from_static("no"));
        Ok(response)
    }

    /// The stream of a session that was just opened.
    fn stream(&self, drive: Drive, outlet: Arc<EventsOutlet>) -> Result<EventStream, Rejection> {
        let id = LinkId::random()?;
        let opened = drive.session().ok_or_else(no_link)?.clone();
        let actor = drive.actor().ok_or_else(no_link)?.clone();
        let answered = Ok(Reply::OpenSession(opened));
        let beginning = encoding::beginning(id.as_str(), |out| {
            let asked = RequestId::Text("open".into());
            wire::write_reply(Format::Json, Some(&asked), &answered, out);
        });
        outlet.begin(beginning);
        let now_ms = self.now_ms.load(Ordering::Relaxed);
        let link = Arc::new(EventsLink::new(drive, outlet, actor, now_ms));
        let listed = self.links.add(id, link.clone());
        Ok(EventStream::new(link, listed))
    }

    /// Starts the task that looks at deadlines: not before the first stream, when a runtime is certain.
    fn start(self: &Arc<Self>) {
        self.started.call_once(|| {
            // Comments are due more often than anything else.
            let often = (self.patience.comment / 5).max(Duration::from_millis(20));
            let interval = self.bounds.sweep_interval(self.im.heartbeat()).min(often);
            tokio::spawn(Self::sweep(Arc::downgrade(self), interval));
        });
    }

    /// Sweeps until the server is dropped.
    async fn sweep(shared: Weak<Self>, interval: Duration) {
        let start = Instant::now();
        loop {
            tokio::time::sleep(interval).await;
            let Some(shared) = shared.upgrade() else {
                return;
            };
            let now_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
            shared.now_ms.store(now_ms, Ordering::Relaxed);
            for link in shared.links.all() {
                link.look(now_ms, &shared.patience);
            }
        }
    }
}

/// The same for what is not there and for what is somebody else's.
pub(super) fn no_link() -> Rejection {
    Rejection::new(
        Code::NotFound,
        "there is no such link, or it is over; open another one",
    )
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}

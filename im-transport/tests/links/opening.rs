//! What happens while a session is being opened: the store may take its time, and may fail.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use hyper::{body::Incoming as Body, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use im_core::{
    Actor, BlockUser, Code, Command, ConversationId, Device, DeviceId, Im, Member, Membership,
    Ping, Rejection, Room, SettingsPatch, Store as _, StoreError, Timestamp, TrustEveryone, UserId,
    port::{Authenticator, DeviceStore, Identity, MemberStore, Remembered, Seen, SignOut},
    wire::{self, Format, Incoming, RequestId},
};
use im_store::MemoryStore;
use im_transport::{
    Bounds,
    ws::{Options, WebSocketServer},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, Semaphore},
};
use uuid::Uuid;

use crate::{
    door::user,
    raw::{Raw, TEXT, frame, open},
};

/// Serves one connection on a stream that is no socket.
pub(crate) fn serve_on(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    server: WebSocketServer,
) {
    let service = service_fn(move |mut request| {
        std::future::ready(Ok::<_, Infallible>(server.upgrade::<Body>(&mut request)))
    });
    let connection = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::spawn(connection);
}

/// A store that keeps a session waiting for its conversations.
struct Gate {
    asked: Notify,
    members: Arc<dyn MemberStore>,
    open: Semaphore,
}

#[async_trait]
impl MemberStore for Gate {
    async fn members(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<Member>, StoreError> {
        self.members.members(conversation, users).await
    }

    async fn roster(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<Member>, StoreError> {
        self.members.roster(conversation, after, limit).await
    }

    async fn membership(
        &self,
        user: &UserId,
        conversation: ConversationId,
    ) -> Result<Option<Membership>, StoreError> {
        self.members.membership(user, conversation).await
    }

    async fn memberships(
        &self,
        user: &UserId,
        after: Option<ConversationId>,
        limit: usize,
    ) -> Result<Vec<Membership>, StoreError> {
        self.members.memberships(user, after, limit).await
    }

    async fn conversations_of(&self, user: &UserId) -> Result<Vec<ConversationId>, StoreError> {
        self.asked.notify_one();
        let permit = self.open.acquire().await;
        permit.expect("the gate is never closed for good").forget();
        self.members.conversations_of(user).await
    }

    async fn sharing(&self, user: &UserId, others: &[UserId]) -> Result<Vec<UserId>, StoreError> {
        self.members.sharing(user, others).await
    }

    async fn change_settings(
        &self,
        user: &UserId,
        conversation: ConversationId,
        changes: SettingsPatch,
        now: Timestamp,
    ) -> Result<Option<Membership>, StoreError> {
        self.members
            .change_settings(user, conversation, changes, now)
            .await
    }
}

#[tokio::test]
async fn replies_do_not_cut_a_push_that_is_half_written_when_the_session_opens() {
    let mut ports = MemoryStore::new().ports();
    let gate = Arc::new(Gate {
        asked: Notify::new(),
        members: ports.members.clone(),
        open: Semaphore::new(0),
    });
    ports.members = gate.clone();
    let im = Im::builder(ports, TrustEveryone).build();
    // It takes the reply that opens the session and some of the pushes.
    let (near, far) = tokio::io::duplex(700);
    serve_on(near, WebSocketServer::new(im.clone(), Options::default()));
    let mut link = Raw::over(far).await;
    let mut requests = Vec::new();
    for (id, command) in [open(Some("alice"), "phone"), Command::Ping(Ping {})]
        .iter()
        .enumerate()
    {
        let mut payload = Vec::new();
        let id = RequestId::Number(id as u64);
        wire::write_request(Format::Json, &id, command, &mut payload);
        requests.extend(frame(TEXT, &payload));
    }

    link.write(&requests).await;
    gate.asked.notified().await;
    let alice = Actor::user(user("alice"));
    for n in 0..20 {
        let user = user(&format!("user-{n}"));
        im.call(&alice, BlockUser { user }).await.unwrap();
    }
    gate.open.add_permits(1);

    let mut heard = Vec::new();
    while heard.len() < 22 {
        heard.push(link.incoming().await);
    }
    assert_eq!(heard[0], Incoming::Reply(RequestId::Number(0)));
    let pushes = heard.iter().filter(|it| matches!(it, Incoming::Push(_)));
    assert_eq!(pushes.count(), 20, "{heard:?}");
    assert!(heard.contains(&Incoming::Reply(RequestId::Number(1))));
}

#[tokio::test(start_paused = true)]
async fn who_has_not_authenticated_and_does_not_read_is_soon_not_read_either() {
    let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
    let (near, far) = tokio::io::duplex(1_024);
    let bounds = Bounds {
        idle_frames_per_second: u32::MAX,
        ..Bounds::default()
    };
    let options = Options {
        bounds,
        ..Options::default()
    };
    serve_on(near, WebSocketServer::new(im, options));
    let mut link = Raw::over(far).await;
    let nonsense = frame(TEXT, &[b'x'; 4_000]);

    let mut written = 0;
    while tokio::time::timeout(Duration::from_millis(500), link.write(&nonsense))
        .await
        .is_ok()
    {
        written += nonsense.len();
        assert!(
            written < 400_000,
            "8 KiB of refusals, and the server reads on"
        );
    }

    assert!(written > 0);
}

/// Tickets: each is good once.
struct Once(AtomicBool);

#[async_trait]
impl Authenticator for Once {
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        if token != "ticket" || self.0.swap(true, Ordering::Relaxed) {
            return Err(Rejection::new(Code::Unauthenticated, "spent"));
        }
        TrustEveryone.authenticate("alice").await
    }

    async fn sign_out(&self, user: &UserId, what: SignOut<'_>) -> Result<Vec<Uuid>, Rejection> {
        TrustEveryone.sign_out(user, what).await
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        TrustEveryone.unknown(users).await
    }
}

/// A store that fails the first time.
struct Stumbles {
    devices: Arc<dyn DeviceStore>,
    stumbled: AtomicBool,
}

#[async_trait]
impl DeviceStore for Stumbles {
    async fn remember(&self, device: Device, room: &Room) -> Result<Remembered, StoreError> {
        if !self.stumbled.swap(true, Ordering::Relaxed) {
            return Err(StoreError::new("remember", "not now"));
        }
        self.devices.remember(device, room).await
    }

    async fn forget(&self, user: &UserId, device: &DeviceId) -> Result<bool, StoreError> {
        self.devices.forget(user, device).await
    }

    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError> {
        self.devices.seen(seen).await
    }

    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        self.devices.devices(user).await
    }
}

/// A link whose first session.open, with a ticket, is refused for a while.
async fn refused_for_a_while() -> Raw<tokio::io::DuplexStream> {
    let mut ports = MemoryStore::new().ports();
    ports.devices = Arc::new(Stumbles {
        devices: ports.devices,
        stumbled: AtomicBool::new(false),
    });
    let im = Im::builder(ports, Once(AtomicBool::new(false))).build();
    let (near, far) = tokio::io::duplex(4_096);
    serve_on(near, WebSocketServer::new(im, Options::default()));
    let mut link = Raw::over(far).await;
    link.request(&open(Some("ticket"), "phone")).await;
    assert_eq!(link.refusal().await, Code::Unavailable);
    link
}

#[tokio::test]
async fn a_ticket_outlives_a_refusal_that_may_be_retried() {
    let mut link = refused_for_a_while().await;

    link.open_session("ticket", "phone").await;
}

#[tokio::test]
async fn another_token_on_the_same_link_is_looked_at_for_itself() {
    let mut link = refused_for_a_while().await;

    link.request(&open(Some("another"), "phone")).await;

    assert_eq!(link.refusal().await, Code::Unauthenticated);
}

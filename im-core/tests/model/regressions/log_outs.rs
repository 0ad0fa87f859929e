//! Log-outs that come while a session is being opened.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use im_core::{
    Attachment, CloseReason, Code, Device, DeviceId, ForgetDevice, Im, Rejection, Room, Store,
    StoreError, Timestamp, TrustEveryone, UserId,
    port::{BoxFuture, DeviceStore, Identity, Remembered, Seen},
    testing::ManualRuntime,
};
use im_store::MemoryStore;
use uuid::Uuid;

use crate::{
    faults::Banned,
    link::{identity, opening},
    outlet::TestOutlet,
    world::user,
};

/// Something that happens once, while the store remembers a device.
type Meanwhile = Arc<Mutex<Option<BoxFuture<()>>>>;

struct Slow {
    inner: Arc<dyn DeviceStore>,
    meanwhile: Meanwhile,
}

#[async_trait]
impl DeviceStore for Slow {
    async fn remember(&self, device: Device, room: &Room) -> Result<Remembered, StoreError> {
        let what = self.meanwhile.lock().unwrap().take();
        if let Some(what) = what {
            what.await;
        }
        self.inner.remember(device, room).await
    }

    async fn forget(&self, user: &UserId, device: &DeviceId) -> Result<bool, StoreError> {
        self.inner.forget(user, device).await
    }

    async fn seen(&self, seen: Vec<Seen>) -> Result<(), StoreError> {
        self.inner.seen(seen).await
    }

    async fn devices(&self, user: &UserId) -> Result<Vec<Device>, StoreError> {
        self.inner.devices(user).await
    }
}

struct Stage {
    im: Im,
    runtime: ManualRuntime,
    meanwhile: Meanwhile,
}

const SIGN_IN: Uuid = Uuid::from_u128(1);

fn phone() -> DeviceId {
    DeviceId::new("phone").unwrap()
}

/// A log-out of user 0, or of somebody else.
type LogOut = fn(&Im);

impl Stage {
    fn new() -> Self {
        let runtime = ManualRuntime::new(Timestamp(1_700_000_000_000));
        let meanwhile = Meanwhile::default();
        let mut ports = MemoryStore::new().ports();
        ports.runtime = Arc::new(runtime.clone());
        ports.devices = Arc::new(Slow {
            inner: ports.devices,
            meanwhile: meanwhile.clone(),
        });
        let im = Im::builder(ports, TrustEveryone).build();
        Self {
            im,
            runtime,
            meanwhile,
        }
    }

    /// Opens a session of user 0's phone, from a sign-in.
    fn open(&self, identity: Identity) -> Result<Attachment, Rejection> {
        let outlet = Arc::new(TestOutlet::new(Banned::default()));
        let identity = Identity {
            sign_in: Some(SIGN_IN),
            ..identity
        };
        let opening = opening(&phone());
        let attach = self.im.attach(identity, &opening, outlet);
        self.runtime.block_on(attach)
    }

    /// What became of a session during whose opening this happened.
    fn open_during(&self, log_out: LogOut) -> Result<Attachment, Rejection> {
        let im = self.im.clone();
        let what: BoxFuture<()> = Box::pin(async move { log_out(&im) });
        *self.meanwhile.lock().unwrap() = Some(what);
        self.open(identity(&user(0)))
    }

    /// What became of a session before whose opening, but after the look at its token, this happened.
    fn open_after(&self, log_out: LogOut) -> Result<Attachment, Rejection> {
        let authenticate = self.im.authenticate("u0");
        let identity = self.runtime.block_on(authenticate).unwrap();
        log_out(&self.im);
        self.open(identity)
    }
}

const OF_HERS: [LogOut; 3] = [
    |im| im.sign_out(&user(0), SIGN_IN),
    |im| im.disconnect(&user(0), Some(&phone()), CloseReason::Unauthenticated),
    |im| im.disconnect(&user(0), None, CloseReason::Unauthenticated),
];

const OF_OTHERS: [LogOut; 4] = [
    |im| im.sign_out(&user(0), Uuid::from_u128(2)),
    |im| {
        im.disconnect(
            &user(0),
            DeviceId::new("tablet").ok().as_ref(),
            CloseReason::Unauthenticated,
        )
    },
    |im| im.disconnect(&user(1), None, CloseReason::Unauthenticated),
    // Who is told to come back may come in.
    |im| im.disconnect(&user(0), None, CloseReason::GoingAway),
];

#[test]
fn who_is_logged_out_while_its_session_is_opened_does_not_come_in() {
    for (n, log_out) in OF_HERS.into_iter().enumerate() {
        for open in [Stage::open_during, Stage::open_after] {
            let stage = Stage::new();

            let opened = open(&stage, log_out);

            let code = opened.err().map(|rejection| rejection.code);
            assert_eq!(code, Some(Code::Unauthenticated), "log-out {n}");
            assert_eq!(stage.im.session_count(), 0);
        }
    }
}

#[test]
fn somebody_elses_log_out_keeps_nobody_out() {
    for (n, log_out) in OF_OTHERS.into_iter().enumerate() {
        for open in [Stage::open_during, Stage::open_after] {
            let stage = Stage::new();

            let opened = open(&stage, log_out);

            assert!(opened.is_ok(), "log-out {n}: {:?}", opened.err());
            assert_eq!(stage.im.session_count(), 1);
        }
    }
}

#[test]
fn who_signs_in_again_after_a_log_out_comes_in() {
    let stage = Stage::new();
    let first = stage.open(identity(&user(0))).unwrap();
    stage
        .im
        .disconnect(&user(0), None, CloseReason::Unauthenticated);
    drop(first);

    let authenticate = stage.im.authenticate("u0");
    let identity = stage.runtime.block_on(authenticate).unwrap();

    assert!(stage.open(identity).is_ok());
}

#[test]
fn a_device_that_is_forgotten_while_its_session_is_opened_does_not_come_in() {
    let stage = Stage::new();
    let im = stage.im.clone();
    *stage.meanwhile.lock().unwrap() = Some(Box::pin(async move {
        let owner = im_core::Actor::user(user(0));
        let forget = ForgetDevice { device: phone() };
        im.call(&owner, forget).await.unwrap();
    }));

    let opened = stage.open(identity(&user(0)));

    let code = opened.err().map(|rejection| rejection.code);
    assert_eq!(code, Some(Code::Unauthenticated));
}

//! The session of a user who polls.

use std::sync::Arc;

use im_core::{
    Attachment, Call as _, CloseReason, Cursor, DeviceClass, DeviceId, Im, OpenSession, Positions,
    Rejection, SyncPage, SyncPull, port::Identity,
};
use tokio::sync::watch;

use super::bell::{Bell, Rings};

/// The device on which polls are. One for all of a user's: each poll reads from its own cursor.
const DEVICE: &str = "updates";

/// A session that rings.
pub(super) struct Poller {
    attachment: Attachment,
    bell: Arc<Bell>,
}

impl Poller {
    pub(super) async fn open(im: &Im, identity: &Identity) -> Result<Self, Rejection> {
        let device = DeviceId::new(DEVICE).expect("it is an id");
        let open = OpenSession {
            token: None,
            device,
            class: DeviceClass::Bot,
        };
        let bell = Arc::new(Bell::new(identity.actor.user.clone()));
        let attachment = im.attach(identity.clone(), &open, bell.clone()).await?;
        Ok(Self { attachment, bell })
    }

    /// Hears what comes from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Rings> {
        self.bell.listen()
    }

    pub(super) fn over(&self) -> Option<CloseReason> {
        self.bell.over()
    }

    pub(super) async fn pull(
        &self,
        cursor: Option<Cursor>,
        limit: Option<u32>,
    ) -> Result<SyncPage, Rejection> {
        let pull = SyncPull {
            cursor,
            have: Positions::new(),
            limit,
        };
        let reply = self.attachment.execute(pull.into_command()).await?;
        Ok(SyncPull::reply_of(reply).expect("the engine answers each command with its own reply"))
    }
}

//! The end of a session that keeps nothing of what is pushed: it rings, and what happened is read from the store.

use im_core::{
    CloseReason, Push, UserId,
    port::{Broadcast, Offer, Outlet},
};
use tokio::sync::watch;

/// Rings for everything that a sync tells.
#[derive(Debug)]
pub(super) struct Bell {
    rings: watch::Sender<Rings>,
    user: UserId,
}

/// How often it rang, and why it does not ring any more.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Rings {
    count: u64,
    pub(super) over: Option<CloseReason>,
}

impl Bell {
    pub(super) fn new(user: UserId) -> Self {
        Self {
            rings: watch::Sender::default(),
            user,
        }
    }

    /// Hears what comes from now on.
    pub(super) fn listen(&self) -> watch::Receiver<Rings> {
        self.rings.subscribe()
    }

    pub(super) fn over(&self) -> Option<CloseReason> {
        self.rings.borrow().over
    }

    /// Whether a sync would tell it.
    fn is_told_by_sync(&self, push: &Push) -> bool {
        match push {
            Push::Presence(_)
            | Push::SaidNow(_)
            | Push::SessionClosing(_)
            | Push::TextGrew(_)
            | Push::Typing(_)
            | Push::UnreadChanged(_)
            | Push::JoinRequested(_) => false,
            // One's own position is part of the view of a conversation.
            Push::Receipt(receipt) => receipt.user == self.user,
            Push::BlockChanged(_)
            | Push::ConversationChanged(_)
            | Push::Deleted(_)
            | Push::Entry(_)
            | Push::HeadMoved(_)
            | Push::OwnChanged(_)
            | _ => true,
        }
    }
}

impl Outlet for Bell {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        if self.over().is_some() {
            return Offer::Closed;
        }
        if broadcast
            .pushes
            .iter()
            .any(|push| self.is_told_by_sync(push))
        {
            self.rings.send_modify(|rings| rings.count += 1);
        }
        Offer::Taken
    }

    fn close(&self, reason: CloseReason) {
        self.rings.send_modify(|rings| {
            rings.over.get_or_insert(reason);
        });
    }
}

#[cfg(test)]
mod tests {
    use im_core::{ConversationId, HeadMoved, Seq, TypingChanged, port::Urgency};

    use super::*;

    #[test]
    fn it_rings_only_for_what_a_sync_tells() {
        let user = UserId::new("bot").unwrap();
        let conversation = ConversationId::from_uuid(uuid::Uuid::from_u128(1));
        let bell = Bell::new(user.clone());
        let mut rings = bell.listen();
        let offer = |push| bell.offer(&Broadcast::new(Urgency::Live, vec![push]));

        offer(Push::Typing(TypingChanged {
            conversation,
            user,
            expires_in_ms: 1,
        }));
        assert!(!rings.has_changed().unwrap());

        let head = Seq(7);
        offer(Push::HeadMoved(HeadMoved { conversation, head }));
        assert!(rings.has_changed().unwrap());
        rings.mark_unchanged();

        bell.close(CloseReason::GoingAway);
        assert_eq!(rings.borrow().over, Some(CloseReason::GoingAway));
        assert!(rings.has_changed().unwrap());
    }
}

//! The near end of a link that is slow, or gone, when a test says so; and that checks what is pushed.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Mutex,
    time::Duration,
};

use im_core::{
    CloseReason, ConversationId, HeadMoved, Position, Push, Seq, UserId,
    port::{Broadcast, Offer, Outlet, Urgency},
};
use tokio::sync::Notify;

use crate::faults::{Banned, text_of};

/// Pushes that wait before there is no room.
const ROOM: usize = 6;

#[derive(Default)]
struct State {
    queue: VecDeque<Push>,
    /// So many offers find no room.
    full: u32,
    closed: Option<CloseReason>,
    time_away: Duration,
    /// Pushes go nowhere, though nobody said so yet.
    gone: bool,
    pushed: BTreeMap<ConversationId, Seq>,
    receipts: BTreeMap<(ConversationId, UserId), Position>,
    /// Texts that are stored nowhere.
    heard: Vec<String>,
    broken: Vec<String>,
}

pub(crate) struct TestOutlet {
    state: Mutex<State>,
    pub(crate) arrived: Notify,
    banned: Banned,
}

impl TestOutlet {
    pub(crate) fn new(banned: Banned) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Notify::new(),
            banned,
        }
    }

    /// The next so many offers find no room.
    pub(crate) fn stall(&self, offers: u32) {
        self.state.lock().unwrap().full = offers;
    }

    /// The link breaks; the transport has not noticed.
    pub(crate) fn break_off(&self) {
        let mut state = self.state.lock().unwrap();
        state.gone = true;
        state.queue.clear();
        state.closed.get_or_insert(CloseReason::IdleTimeout);
        self.arrived.notify_one();
    }

    pub(crate) fn next(&self) -> Option<Push> {
        self.state.lock().unwrap().queue.pop_front()
    }

    pub(crate) fn closed(&self) -> Option<CloseReason> {
        self.state.lock().unwrap().closed
    }

    pub(crate) fn time_away(&self) -> Duration {
        self.state.lock().unwrap().time_away
    }

    pub(crate) fn heard(&self, text: &str) -> bool {
        self.state
            .lock()
            .unwrap()
            .heard
            .iter()
            .any(|one| one == text)
    }

    /// What a push broke of the laws.
    pub(crate) fn check(&self, who: &str) {
        let state = self.state.lock().unwrap();
        assert!(state.broken.is_empty(), "{who}: {:?}", state.broken);
    }

    fn look(&self, state: &mut State, push: &Push) {
        match push {
            Push::Entry(entry) => {
                let last = state.pushed.entry(entry.conversation).or_default();
                if entry.seq <= *last {
                    let again = format!("law 3: {} was pushed after {last}", entry.seq);
                    state.broken.push(again);
                }
                *last = entry.seq.max(*last);
                let said = format!("{entry:?}");
                let banned = self.banned.lock().unwrap();
                if let Some(text) = banned.told.iter().find(|text| said.contains(*text)) {
                    state.broken.push(format!("law 7: {text} was pushed"));
                }
            }
            Push::SaidNow(said) => state.heard.extend(text_of(&said.content)),
            Push::SessionClosing(closing) => {
                state.time_away = Duration::from_millis(closing.retry_after_ms);
            }
            Push::Receipt(receipt) => {
                let key = (receipt.conversation, receipt.user.clone());
                let last = state.receipts.entry(key).or_default();
                let now = receipt.position;
                if now.read < last.read || now.delivered < last.delivered {
                    let back = format!("law 5: a receipt went back from {last:?} to {now:?}");
                    state.broken.push(back);
                }
                *last = now;
            }
            _ => {}
        }
    }
}

impl Outlet for TestOutlet {
    fn offer(&self, broadcast: &Broadcast) -> Offer {
        let state = &mut *self.state.lock().unwrap();
        if state.gone || state.closed.is_some() {
            return Offer::Closed;
        }
        let is_hint = matches!(broadcast.pushes[..], [Push::HeadMoved(HeadMoved { .. })]);
        let is_full = state.full > 0 || state.queue.len() >= ROOM;
        state.full = state.full.saturating_sub(1);
        if is_full && broadcast.urgency != Urgency::Control {
            return Offer::Full;
        }
        // Even for hints there is an end to the room.
        if is_hint && state.queue.len() >= ROOM * 2 {
            return Offer::Full;
        }
        for push in &broadcast.pushes {
            self.look(state, push);
            state.queue.push_back(push.clone());
        }
        self.arrived.notify_one();
        Offer::Taken
    }

    fn close(&self, reason: CloseReason) {
        self.state.lock().unwrap().closed.get_or_insert(reason);
        self.arrived.notify_one();
    }
}

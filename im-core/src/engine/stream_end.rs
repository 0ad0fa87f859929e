//! How open messages end: finished by their sender, or interrupted when it goes away, falls silent, or nobody holds their
//! text any more.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;

use super::{
    Engine,
    caller::Caller,
    lane::interrupted,
    lock,
    retry::fingerprint,
    streams::{Open, Place},
};
use crate::{
    Actor, ClientId, Command, Content, Entry, FinishMessage, Rejection, Revision, Sent, StoreError,
    Timestamp, UserId,
    state::{Ask, Interrupt, RosterChange, roster_changes},
};

/// Open messages that are ended at once because nobody holds them.
const BATCH: usize = 64;
/// How much longer than the node that holds a message others wait at most before they end it with what the log has.
const GRACE: Duration = Duration::from_secs(5);
/// When to try again to store an end.
const AGAIN: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(5),
    Duration::from_secs(20),
];

impl Engine {
    pub(super) async fn finish(
        self: Arc<Self>,
        actor: Actor,
        mut ask: FinishMessage,
    ) -> Result<Sent, Rejection> {
        // A retry is recognised by what was asked: the text is gone by then.
        let asked = fingerprint(&Ask::Finish(ask.clone()));
        if ask.content.is_none() {
            let open = self.streams.find((ask.conversation, ask.seq));
            let own = open.filter(|open| open.sender == actor.user);
            ask.content = own.and_then(|open| open.content());
        }
        let (conversation, client_id) = (ask.conversation, ask.client_id.clone());
        let (actor, ask) = self.judge_ending(actor, ask).await?;
        let caller = Caller {
            actor,
            asked: Some(asked),
        };
        self.say(caller, conversation, client_id, Ask::Finish(ask))
            .await
    }

    /// What the hooks make of what a message says in the end.
    async fn judge_ending(
        &self,
        actor: Actor,
        ask: FinishMessage,
    ) -> Result<(Actor, FinishMessage), Rejection> {
        if !self.hooks.judge() {
            return Ok((actor, ask));
        }
        let (caller, command) = self.judge(actor, Command::FinishMessage(ask)).await?;
        let Command::FinishMessage(ask) = command else {
            return Err(interrupted());
        };
        Ok((caller.actor, ask))
    }

    /// Sees to it that a message ends when its sender falls silent, and when its time is over.
    pub(super) fn watch_over(self: &Arc<Self>, open: Arc<Open>) {
        let weak = Arc::downgrade(self);
        self.ports.runtime.spawn(Box::pin(async move {
            loop {
                let sleep = {
                    let Some(engine) = weak.upgrade() else { return };
                    let Some(at) = open.ends_at(&engine.limits()) else {
                        return;
                    };
                    let now = engine.ports.runtime.monotonic();
                    if at <= now {
                        return engine.interrupt(&open).await;
                    }
                    engine.ports.runtime.sleep(at - now)
                };
                sleep.await;
            }
        }));
    }

    /// Takes note of what was stored: messages that ended, and senders who went.
    pub(super) fn attend_to(self: &Arc<Self>, entries: &[Entry]) {
        if !self.streams.is_any() {
            return;
        }
        for entry in entries {
            for revision in entry.revisions() {
                let ended = self.streams.find((entry.conversation, revision.target()));
                if let (Revision::End { .. } | Revision::Wipe { .. }, Some(open)) =
                    (revision, ended)
                {
                    self.streams.end(&open);
                }
            }
            for change in roster_changes(entry) {
                if let RosterChange::Exit(user) = change {
                    // Who goes is told of nothing any more once it is told that it went.
                    self.streams.pause(entry.conversation);
                    self.interrupt_all(&user, |open| open.place.0 == entry.conversation);
                }
            }
        }
    }

    /// A session ended. When it was the last of its user here, so do the messages that it had open.
    pub(super) fn fell_off(self: &Arc<Self>, user: &UserId) {
        if self.streams.is_any() && !self.registry.is_here(user) {
            self.interrupt_all(user, |open| lock(&open.inner).session.is_some());
        }
    }

    fn interrupt_all(self: &Arc<Self>, user: &UserId, is_meant: impl Fn(&Open) -> bool) {
        let own = self.streams.of(user).into_iter();
        for open in own.filter(|open| is_meant(open)) {
            let engine = self.clone();
            let interrupt = async move { engine.interrupt(&open).await };
            self.ports.runtime.spawn(Box::pin(interrupt));
        }
    }

    /// Ends all that is held here: this node goes away.
    pub(super) async fn end_streams(self: &Arc<Self>) {
        let all = self.streams.all();
        join_all(all.iter().map(|open| self.interrupt(open))).await;
    }

    /// Ends a message with what it says by now.
    async fn interrupt(self: &Arc<Self>, open: &Arc<Open>) {
        let Some(content) = self.streams.end(open) else {
            return;
        };
        let content = self.content_let_pass(open, content).await;
        for pause in AGAIN {
            match self
                .store_interrupted(open.place, &open.sender, content.clone())
                .await
            {
                Err(rejection) if rejection.code.is_retryable() && !self.is_closing() => {
                    self.ports.runtime.sleep(pause).await;
                }
                Ok(()) | Err(_) => return,
            }
        }
        // Its alarm ends it with what the log has.
    }

    /// What it says, unless the hooks do not let that pass.
    async fn content_let_pass(&self, open: &Open, content: Content) -> Option<Content> {
        let (conversation, seq) = open.place;
        let ask = FinishMessage {
            conversation,
            client_id: ClientId::random(),
            seq,
            content: Some(content),
        };
        let actor = Actor::user(open.sender.clone());
        let judged = self.judge_ending(actor, ask).await;
        judged.ok().and_then(|(_, ask)| ask.content)
    }

    async fn store_interrupted(
        self: &Arc<Self>,
        (conversation, target): Place,
        sender: &UserId,
        content: Option<Content>,
    ) -> Result<(), Rejection> {
        let ask = Ask::Interrupt(Interrupt {
            conversation,
            client_id: ClientId::random(),
            target,
            content,
        });
        let actor = Actor::service(sender.clone());
        self.clone().ask(actor.into(), ask).await.map(drop)
    }

    /// When the first of those messages is to be ended that nobody may hold any more.
    pub(super) async fn next_overdue(&self) -> Result<Option<Timestamp>, StoreError> {
        let first = self.ports.alarms.open(Timestamp::FOREVER, 1).await?.pop();
        Ok(first.map(|alarm| alarm.at_ms.plus(self.grace())))
    }

    /// Ends messages that are open beyond their time: who held them is gone. `false` when it should not be tried again at
    /// once.
    pub(super) async fn end_overdue(self: &Arc<Self>, now: Timestamp) -> Result<bool, StoreError> {
        let grace = i64::try_from(self.grace().as_millis()).unwrap_or_default();
        let before = Timestamp(now.0.saturating_sub(grace));
        let mut all = true;
        for alarm in self.ports.alarms.open(before, BATCH).await? {
            let place = (alarm.conversation, alarm.seq);
            if let Some(open) = self.streams.find(place) {
                self.interrupt(&open).await;
                continue;
            }
            let entry = self.entry_at(place.0, place.1).await;
            let Ok(Some(entry)) = entry else {
                all = false;
                continue;
            };
            let stored = self.store_interrupted(place, &entry.sender, None).await;
            all &= stored.is_ok();
        }
        Ok(all)
    }

    /// Longer than the node that holds a message may be late with its end, and short beside the time that it had.
    fn grace(&self) -> Duration {
        GRACE.min(Duration::from_millis(self.limits().stream_ms / 20))
    }
}

//! What the person sees and does.

use std::time::Duration;

use im_core::{
    Availability, Body, Call, Content, ConversationId, Entry, Error, History, MarkDelivered,
    MarkRead, Presence, Push, Seq, Typing, UserId,
};
use tokio::{
    sync::mpsc::UnboundedSender,
    time::{Instant, sleep},
};

use crate::{News, line::Line, screen::Screen};

/// One conversation on the screen.
pub(crate) struct Chat {
    pub(crate) screen: Screen,
    availability: Availability,
    conversation: ConversationId,
    line: Line,
    me: UserId,
    peer: UserId,
    /// The last entry on the screen.
    shown: Seq,
    tell: UnboundedSender<News>,
    typed_at: Option<Instant>,
    /// The last message that is on the screen and was not looked at.
    unread: Option<Seq>,
}

impl Chat {
    pub(crate) fn new(
        me: UserId,
        peer: UserId,
        conversation: ConversationId,
        line: Line,
        tell: UnboundedSender<News>,
    ) -> Self {
        Self {
            screen: Screen::new(),
            availability: Availability::Offline,
            conversation,
            line,
            me,
            peer,
            shown: Seq::ZERO,
            tell,
            typed_at: None,
            unread: None,
        }
    }

    pub(crate) async fn show_history(&mut self) -> Result<(), Error> {
        let latest = History {
            limit: Some(20),
            ..History::of(self.conversation)
        };
        for entry in self.line.call(latest).await?.items {
            self.show(entry);
        }
        let title = format!("── talking to {}; Ctrl-D ends ──", self.peer);
        self.screen.line(&title);
        Ok(())
    }

    #[allow(clippy::wildcard_enum_match_arm, reason = "the list is open")]
    pub(crate) fn happened(&mut self, push: Push) {
        match push {
            Push::Entry(entry) if entry.conversation == self.conversation => self.show(entry),
            Push::Presence(presence) => self.saw(&presence),
            Push::Receipt(receipt)
                if receipt.user == self.peer && receipt.conversation == self.conversation =>
            {
                self.screen.advance(receipt.position);
            }
            Push::Typing(typing) if typing.conversation == self.conversation => {
                self.screen.hint(&format!("{} is typing… ", typing.user));
                let tell = self.tell.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_millis(typing.expires_in_ms)).await;
                    tell.send(News::TypingEnded)
                });
            }
            // Other conversations, and what a newer server tells.
            _ => {}
        }
    }

    /// Puts an entry on the screen, once: history and pushes overlap.
    #[allow(clippy::wildcard_enum_match_arm, reason = "the list is open")]
    fn show(&mut self, entry: Entry) {
        if entry.seq <= self.shown {
            return;
        }
        self.shown = entry.seq;
        let who = &entry.sender;
        match entry.body {
            Body::Message(im_core::Message { content, .. }) if *who == self.me => {
                let text = format!("{who}: {}", text_of(&content));
                self.screen.own(entry.seq, &text);
            }
            Body::Message(im_core::Message { content, .. }) => {
                self.screen.hint("");
                self.screen.line(&format!("{who}: {}", text_of(&content)));
                self.unread = Some(entry.seq);
                self.spawn_call(MarkDelivered {
                    conversation: self.conversation,
                    seq: entry.seq,
                });
            }
            Body::Edited {
                content: Some(content),
                ..
            } => {
                let text = format!("{who} now says: {}", text_of(&content));
                self.screen.line(&text);
            }
            Body::Recalled { .. } => self.screen.line(&format!("{who} took a message back")),
            // The beginning, the places of recalled messages, and what a newer server knows.
            _ => {}
        }
    }

    pub(crate) fn saw(&mut self, presence: &Presence) {
        if presence.user != self.peer || presence.availability == self.availability {
            return;
        }
        self.availability = presence.availability;
        let how = match presence.availability {
            Availability::Away => "away",
            Availability::Offline => "offline",
            Availability::Online => "online",
        };
        self.screen.line(&format!("── {} is {how} ──", self.peer));
    }

    /// The line that is being written is another one: says so, but not with every key.
    pub(crate) fn changed(&mut self, text: String) {
        self.looked();
        let long_ago = |at: Instant| at.elapsed() > Duration::from_secs(3);
        if !text.is_empty() && self.typed_at.is_none_or(long_ago) {
            self.typed_at = Some(Instant::now());
            self.spawn_call(Typing {
                conversation: self.conversation,
            });
        }
        self.screen.input(text);
    }

    pub(crate) fn wrote(&mut self, text: String, write: &UnboundedSender<String>) {
        self.looked();
        self.typed_at = None;
        self.screen.input(String::new());
        if !text.trim().is_empty() && write.send(text).is_ok() {
            self.screen.sends();
        }
    }

    /// Somebody sits there: what is on the screen counts as read.
    fn looked(&mut self) {
        if let Some(seq) = self.unread.take() {
            self.spawn_call(MarkRead {
                conversation: self.conversation,
                seq,
            });
        }
    }

    /// For what does not matter enough to wait for.
    fn spawn_call(&self, call: impl Call) {
        let line = self.line.clone();
        tokio::spawn(async move { line.call(call).await.map(drop) });
    }
}

fn text_of(content: &Content) -> &str {
    let unknown = "(something that a terminal cannot show)";
    content.as_text().unwrap_or(unknown)
}

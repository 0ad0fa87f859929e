//! Saying, editing, taking back, pinning.

use std::time::Duration;

use super::{Case, Decided, Decision, forbidden};
use crate::{
    Body, Code, EditMessage, Ending, Entry, FinishMessage, Kind, Mentions, Message, Origin,
    Permission, PinMessage, RecallMessage, Rejection, SendMessage, Seq, Stream, Timestamp,
    UnpinMessage,
    state::{
        ConversationState, Expire, Facts, Interrupt, Lookup,
        content::check_content,
        stream::{check_ending, check_opening},
    },
};

impl Case<'_> {
    pub(super) fn send(&self, ask: &SendMessage, origin: Option<&Origin>) -> Decided {
        if ask.streaming {
            check_opening(&ask.content, self.limits)?;
        } else {
            check_content(&ask.content, self.limits)?;
        }
        self.state.check_speaks(self.member, self.facts, self.now)?;
        self.check_pace()?;
        let info = self.state.info();
        let is_first = info.kind == Kind::Direct && !info.spoke.contains(&self.member.user);
        self.check_stranger(is_first)?;
        if ask.burn_ms.is_some() && info.kind != Kind::Direct {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "burn_ms is for direct conversations; use ttl_ms here",
            ));
        }
        for seq in [ask.reply_to, ask.thread].into_iter().flatten() {
            self.check_sees(seq)?;
        }
        Ok(Decision::Append(Body::Message(Message {
            reply_to: ask.reply_to,
            thread: ask.thread,
            mentions: self.mentions(ask.mentions.as_ref())?.map(Box::new),
            forwarded: origin.cloned().map(Box::new),
            expires_at_ms: self.end_of(ask.ttl_ms)?,
            burn_ms: ask.burn_ms.map(|span| self.span(span)).transpose()?,
            sent_at_ms: ask.sent_at_ms,
            first: is_first,
            stream: ask.streaming.then(|| Box::new(self.opens())),
            ..Message::new(ask.content.clone())
        })))
    }

    fn opens(&self) -> Stream {
        let span = Duration::from_millis(self.limits.stream_ms);
        Stream::Open {
            until_ms: self.now.plus(span),
        }
    }

    /// A member waits between two messages where that is asked for.
    fn check_pace(&self) -> Result<(), Rejection> {
        let Some(span) = self.state.info().slow_mode_ms else {
            return Ok(());
        };
        if self.allows(Permission::SpeakFreely) {
            return Ok(());
        }
        let user = &self.member.user;
        let until = if self.facts.earlier.contains(user) {
            Some(self.now.plus(Duration::from_millis(span)))
        } else {
            self.state.waits_until(user, self.now)
        };
        let Some(until) = until else { return Ok(()) };
        let detail = format!("one message each {span} ms here; wait and try again");
        Err(Rejection::new(Code::RateLimited, detail).retry_after(until.since(self.now)))
    }

    /// A stranger says one thing until the other side answers, where that is asked for.
    fn check_stranger(&self, is_first: bool) -> Result<(), Rejection> {
        let info = self.state.info();
        if !self.limits.strangers_send_one || info.kind != Kind::Direct {
            return Ok(());
        }
        let user = &self.member.user;
        let is_answered = info.spoke.iter().any(|spoke| spoke != user)
            || self.facts.earlier.iter().any(|earlier| earlier != user);
        let has_spoken = !is_first || self.facts.earlier.contains(user);
        if has_spoken && !is_answered && !self.facts.is_contact {
            let detail = "you can say more once the other side has answered or is your contact";
            return Err(Rejection::new(Code::Forbidden, detail));
        }
        Ok(())
    }

    fn check_sees(&self, seq: Seq) -> Result<(), Rejection> {
        if seq >= self.member.since && seq <= self.state.head().seq {
            return Ok(());
        }
        Err(Rejection::not_found("message"))
    }

    fn mentions(&self, asked: Option<&Mentions>) -> Result<Option<Mentions>, Rejection> {
        let Some(asked) = asked else { return Ok(None) };
        if asked.users.len() > self.limits.mentions {
            let detail = format!("a message calls at most {} users", self.limits.mentions);
            return Err(Rejection::new(Code::TooMany, detail));
        }
        if asked.all {
            self.check(Permission::MentionAll)?;
        }
        let is_member = |user: &crate::UserId| {
            matches!(self.state.lookup(user), Lookup::Member(_)) && *user != self.member.user
        };
        let mentions = Mentions {
            users: super::distinct(&asked.users, is_member),
            all: asked.all,
        };
        Ok(Some(mentions).filter(|mentions| !mentions.is_empty()))
    }

    fn span(&self, span_ms: u64) -> Result<u64, Rejection> {
        if span_ms == 0 || span_ms > self.limits.span_ms {
            let detail = format!("a span is 1 to {} ms", self.limits.span_ms);
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        Ok(span_ms)
    }

    /// When a message goes that was asked to stay so long.
    fn end_of(&self, ttl_ms: Option<u64>) -> Result<Option<Timestamp>, Rejection> {
        let asked = ttl_ms.map(|span| self.span(span)).transpose()?;
        let most = self.state.info().message_ttl_ms;
        let span = asked.into_iter().chain(most).min();
        Ok(span.map(|span| self.now.plus(Duration::from_millis(span))))
    }

    pub(super) fn edit(&self, ask: &EditMessage) -> Decided {
        check_content(&ask.content, self.limits)?;
        let target = self.message(ask.target)?;
        if target.sender != self.member.user {
            return Err(forbidden("only the sender can edit a message"));
        }
        if open(target).is_some() {
            let detail = "this message is open; finish it (message.finish), then it can be edited";
            return Err(Rejection::new(Code::Conflict, detail));
        }
        self.state.check_speaks(self.member, self.facts, self.now)?;
        if self.now.since(target.at_ms) > self.limits.edit() {
            return Err(Rejection::new(
                Code::Expired,
                "this message is too old to be edited; send another",
            ));
        }
        Ok(Decision::Append(Body::Edited {
            target: target.seq,
            content: Some(ask.content.clone()),
            ending: None,
        }))
    }

    pub(super) fn finish(&self, ask: &FinishMessage) -> Decided {
        let target = self.message(ask.seq)?;
        if target.sender != self.member.user {
            return Err(forbidden("only the sender can finish a message"));
        }
        open(target).ok_or_else(ended)?;
        // The log has what it began with; what came since is in the memory of one node, which fills it in.
        let content = ask.content.as_ref().ok_or_else(|| {
            let detail = "this node does not have the text; finish the message with its content";
            Rejection::new(Code::Gap, detail)
        })?;
        check_ending(content, self.limits)?;
        self.state.check_speaks(self.member, self.facts, self.now)?;
        Ok(Decision::Append(Body::Edited {
            target: target.seq,
            content: Some(content.clone()),
            ending: Some(Ending::Finished),
        }))
    }

    pub(super) fn recall(&self, ask: &RecallMessage) -> Decided {
        let target = self.message(ask.target)?;
        let moderates =
            self.state.info().kind.has_roster() && self.allows(Permission::RecallOthers);
        if !moderates && target.sender != self.member.user {
            return Err(forbidden(
                "only the sender and the admins of a group can recall a message",
            ));
        }
        if !moderates && self.now.since(target.at_ms) > self.limits.recall() {
            return Err(Rejection::new(
                Code::Expired,
                "this message is too old to be recalled; ask an admin",
            ));
        }
        Ok(Decision::Append(Body::Recalled { target: ask.target }))
    }

    pub(super) fn pin(&self, ask: &PinMessage) -> Decided {
        self.check(Permission::Pin)?;
        self.message(ask.target)?;
        let pins = &self.state.info().pins;
        if pins.contains(&ask.target) {
            return Ok(Decision::Nothing);
        }
        if pins.len() >= self.limits.pins {
            let detail = format!(
                "{} messages are pinned, as many as can be; unpin one first",
                self.limits.pins
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        Ok(Decision::Append(Body::Pinned { target: ask.target }))
    }

    pub(super) fn unpin(&self, ask: &UnpinMessage) -> Decided {
        self.check(Permission::Pin)?;
        if !self.state.info().pins.contains(&ask.target) {
            return Ok(Decision::Nothing);
        }
        Ok(Decision::Append(Body::Unpinned { target: ask.target }))
    }
}

impl ConversationState {
    /// Those whose content is still there go.
    pub(super) fn expire(&self, ask: &Expire, facts: &Facts) -> Decision {
        let stands = |seq: &&Seq| {
            facts
                .target(**seq)
                .is_some_and(|entry| entry.body.as_message().is_some())
        };
        let targets: Vec<Seq> = ask.targets.iter().filter(stands).copied().collect();
        if targets.is_empty() {
            return Decision::Nothing;
        }
        Decision::Append(Body::Expired { targets })
    }

    /// A message that is still open ends with what is known of it.
    pub(super) fn interrupt(&self, ask: &Interrupt, facts: &Facts) -> Decision {
        let Some(message) = facts.target(ask.target).and_then(open) else {
            return Decision::Nothing;
        };
        let content = ask.content.as_ref().unwrap_or(&message.content);
        Decision::Append(Body::Edited {
            target: ask.target,
            content: Some(content.clone()),
            ending: Some(Ending::Interrupted),
        })
    }
}

/// The message, while its text may still grow.
pub(crate) fn open(entry: &Entry) -> Option<&Message> {
    let message = entry.body.as_message()?;
    message.open_until().is_some().then_some(message)
}

/// What is said to who would add to a message that has ended.
pub(crate) fn ended() -> Rejection {
    let detail = "this message is not open any more, or never was; send another";
    Rejection::new(Code::Expired, detail)
}

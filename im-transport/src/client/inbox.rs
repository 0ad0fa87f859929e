//! What a client waits for: replies by the number of their request, and pushes in order.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use im_core::{
    CallError, CloseReason, ConversationId, HeadMoved, Push, Reply, Seq,
    wire::{Format, Incoming, RequestId},
};
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Pushes that wait for the program to take them. Decision: of what comes beyond, entries become hints to fetch, one per
/// conversation, and everything else is lost, as it is for a session in process that does not read.
///
/// The alternatives are worse. Not reading the socket would also hold up replies, for which the program may be waiting
/// before it takes the next push. Ending the link would make a program that only sends reconnect again and again, for
/// nothing but echoes that it never looks at.
const MAX_PUSHES: usize = 4_096;

/// Bytes on the wire of the pushes that wait; in memory they are about twice that. The same decision.
const MAX_PUSH_BYTES: usize = 4 * 1024 * 1024;

pub(crate) type Answer = Result<Reply, CallError>;

/// A request on its way.
pub(crate) struct Waiting {
    pub(crate) method: &'static str,
    pub(crate) reply: oneshot::Sender<Answer>,
    /// Given back with the reply, not when the caller loses interest: the server still works on it.
    pub(crate) permit: OwnedSemaphorePermit,
}

/// Everything that came and has not been taken yet.
#[derive(Default)]
pub(crate) struct Inbox {
    /// Where there is something to fetch, and up to where. Bounded by the number of conversations.
    heads: BTreeMap<ConversationId, Seq>,
    last_id: u64,
    over: Option<CloseReason>,
    push_bytes: usize,
    pushes: VecDeque<(Push, usize)>,
    /// How long the server asked to stay away.
    time_away: Duration,
    waiting: HashMap<u64, Waiting>,
}

impl Inbox {
    /// Expects a reply, under the number returned; `None` when the link is over.
    pub(crate) fn expect(&mut self, waiting: Waiting) -> Option<RequestId> {
        if self.over.is_some() {
            return None;
        }
        self.last_id += 1;
        self.waiting.insert(self.last_id, waiting);
        Some(RequestId::Number(self.last_id))
    }

    /// Sorts in one frame.
    ///
    /// # Errors
    /// Why the link must end.
    pub(crate) fn handle_frame(&mut self, format: Format, bytes: &[u8]) -> Result<(), CloseReason> {
        let incoming = Incoming::read(format, bytes).map_err(|error| {
            tracing::warn!("the server sent no frame: {error}");
            CloseReason::ProtocolError
        })?;
        match incoming {
            Incoming::Push(push) => self.keep(push, bytes.len()),
            Incoming::Reply(id) => {
                let Some(waiting) = self.answered(&id) else {
                    return Ok(());
                };
                let reply = Incoming::reply(format, waiting.method, bytes);
                let reply = reply.ok().flatten().ok_or_else(|| {
                    tracing::warn!(
                        method = waiting.method,
                        "the server's reply is of another shape"
                    );
                    CloseReason::ProtocolError
                })?;
                waiting.answer(Ok(reply));
            }
            Incoming::Failed(id, rejection) => match id.as_ref().and_then(|id| self.answered(id)) {
                Some(waiting) => waiting.answer(Err(rejection.into())),
                None => tracing::warn!("the server did not understand a frame: {rejection}"),
            },
            Incoming::Ignored => {}
        }
        Ok(())
    }

    fn keep(&mut self, push: Push, bytes: usize) {
        if let Push::SessionClosing(closing) = &push {
            self.time_away = Duration::from_millis(closing.retry_after_ms);
        }
        let fits = self.pushes.len() < MAX_PUSHES && self.push_bytes + bytes <= MAX_PUSH_BYTES;
        let head = match &push {
            Push::Entry(entry) => Some((entry.conversation, entry.seq)),
            Push::HeadMoved(hint) => Some((hint.conversation, hint.head)),
            Push::BlockChanged(_)
            | Push::ConversationChanged(_)
            | Push::OwnChanged(_)
            | Push::Presence(_)
            | Push::Receipt(_)
            | Push::SessionClosing(_)
            | Push::Typing(_)
            | _ => None,
        };
        match head {
            // What follows a hint in its conversation is fetched with it: that keeps the order.
            Some((conversation, head)) if !fits || self.heads.contains_key(&conversation) => {
                let known = self.heads.entry(conversation).or_insert(head);
                *known = head.max(*known);
            }
            _ if fits => {
                self.push_bytes += bytes;
                self.pushes.push_back((push, bytes));
            }
            _ => {}
        }
    }

    fn answered(&mut self, id: &RequestId) -> Option<Waiting> {
        match id {
            RequestId::Number(number) => self.waiting.remove(number),
            RequestId::Text(_) => None,
        }
    }

    /// The next push; after the last, why there are no more.
    pub(crate) fn next(&mut self) -> Option<Result<Push, CloseReason>> {
        if let Some((push, bytes)) = self.pushes.pop_front() {
            self.push_bytes -= bytes;
            if self.pushes.is_empty() {
                self.pushes = VecDeque::new();
            }
            return Some(Ok(push));
        }
        if let Some((conversation, head)) = self.heads.pop_first() {
            return Some(Ok(Push::HeadMoved(HeadMoved { conversation, head })));
        }
        self.over.map(Err)
    }

    /// No more comes, and the requests on their way get no reply. The first reason counts.
    pub(crate) fn end(&mut self, reason: CloseReason) {
        self.over.get_or_insert(reason);
        self.waiting = HashMap::new();
    }

    pub(crate) fn over(&self) -> Option<CloseReason> {
        self.over
    }

    /// What a call without a reply is told.
    pub(crate) fn broken(&self) -> CallError {
        match self.over {
            Some(reason) if !reason.may_resume() => CallError::Closed(reason),
            _ => CallError::Lost,
        }
    }

    pub(crate) const fn time_away(&self) -> Duration {
        self.time_away
    }
}

impl Waiting {
    fn answer(self, answer: Answer) {
        drop(self.permit);
        // Nobody waits any more when the call was dropped.
        let _ = self.reply.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use im_core::{Code, Ping, Pong, Rejection, SessionClosing, Timestamp, wire};
    use tokio::sync::Semaphore;

    use super::*;

    fn expect(inbox: &mut Inbox) -> (RequestId, oneshot::Receiver<Answer>, Arc<Semaphore>) {
        let permits = Arc::new(Semaphore::new(1));
        let (reply, answer) = oneshot::channel();
        let waiting = Waiting {
            method: <Ping as im_core::Call>::METHOD,
            reply,
            permit: permits.clone().try_acquire_owned().unwrap(),
        };
        (inbox.expect(waiting).unwrap(), answer, permits)
    }

    fn replied(id: &RequestId, result: Result<Reply, Rejection>) -> Vec<u8> {
        let mut bytes = Vec::new();
        wire::write_reply(Format::Json, Some(id), &result, &mut bytes);
        bytes
    }

    fn pushed() -> Vec<u8> {
        let push = Push::SessionClosing(SessionClosing {
            reason: CloseReason::GoingAway,
            retry_after_ms: 740,
        });
        let mut bytes = Vec::new();
        wire::write_push(Format::Json, &push, &mut bytes);
        bytes
    }

    #[test]
    fn a_reply_finds_its_request_and_frees_its_place() {
        let mut inbox = Inbox::default();
        let (first, mut first_answer, _) = expect(&mut inbox);
        let (second, mut second_answer, permits) = expect(&mut inbox);
        let pong = Reply::Ping(Pong {
            server_time_ms: Timestamp(7),
        });

        let frame = replied(&second, Ok(pong.clone()));
        inbox.handle_frame(Format::Json, &frame).unwrap();
        let rejection = Rejection::new(Code::NotFound, "no");
        let frame = replied(&first, Err(rejection.clone()));
        inbox.handle_frame(Format::Json, &frame).unwrap();

        assert_eq!(second_answer.try_recv(), Ok(Ok(pong)));
        assert_eq!(first_answer.try_recv(), Ok(Err(rejection.into())));
        assert_eq!(permits.available_permits(), 1);
    }

    #[test]
    fn the_end_takes_the_replies_but_not_the_pushes_before_it() {
        let mut inbox = Inbox::default();
        let (_, mut answer, _) = expect(&mut inbox);
        inbox.handle_frame(Format::Json, &pushed()).unwrap();

        inbox.end(CloseReason::GoingAway);
        inbox.end(CloseReason::Asked);

        assert!(answer.try_recv().is_err());
        assert!(inbox.next().unwrap().is_ok());
        assert_eq!(inbox.next(), Some(Err(CloseReason::GoingAway)));
        assert_eq!(inbox.next(), Some(Err(CloseReason::GoingAway)));
        assert_eq!(inbox.time_away(), Duration::from_millis(740));
    }

    #[test]
    fn beyond_the_bound_entries_become_one_hint_for_each_conversation() {
        let mut inbox = Inbox::default();
        let conversation = ConversationId::from_uuid(uuid::Uuid::from_u128(1));
        let head = |n| {
            Push::HeadMoved(HeadMoved {
                conversation,
                head: Seq(n),
            })
        };
        for _ in 0..MAX_PUSHES {
            inbox.handle_frame(Format::Json, &pushed()).unwrap();
        }

        inbox.keep(head(7), 100);
        inbox.keep(head(9), 100);
        inbox.handle_frame(Format::Json, &pushed()).unwrap();

        for _ in 0..MAX_PUSHES {
            assert!(matches!(inbox.next(), Some(Ok(Push::SessionClosing(_)))));
            inbox.keep(head(8), 100);
        }
        assert_eq!(inbox.next(), Some(Ok(head(9))));
        assert_eq!(inbox.next(), None);
    }
}

//! Looking at single messages, passing them on, deleting them for oneself, and what is said without being stored.

use std::sync::Arc;

use uuid::Uuid;

use super::{
    Engine,
    caller::Caller,
    nodes::{Letter, to_readers_of},
    read::hide_later,
    registry::SessionEntry,
    retry::fingerprint,
    slot::Stored,
};
use crate::{
    Actor, Body, ClientId, Code, Content, ConversationId, DeleteMessages, Deleted, Done,
    EarlierContent, Edits, Entry, ForwardMessages, ForwardedItem, GetMessages, Kind, ListEdits,
    ListThread, Member, Message, Messages, Origin, Permission, Push, Rejection, SaidNow, SayNow,
    SendMessage, Sent, Seq, ThreadPage,
    port::{Broadcast, Range, Urgency},
    state::{Ask, ConversationState, Facts, Forward, check_content},
};

/// Edits of one message that are told.
const EDITS: usize = 100;

impl Engine {
    /// Refuses a list of messages that is empty or too long.
    pub(super) fn check_messages(&self, seqs: &[Seq]) -> Result<(), Rejection> {
        if seqs.is_empty() {
            let detail = "name at least one message";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        if seqs.len() > self.limits().messages_per_request {
            let detail = format!(
                "at most {} messages in one request",
                self.limits().messages_per_request
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        Ok(())
    }

    pub(super) async fn messages(
        &self,
        actor: &Actor,
        ask: GetMessages,
    ) -> Result<Messages, Rejection> {
        self.check_messages(&ask.seqs)?;
        let id = ask.conversation;
        let mut items = self.seen(actor, id, ask.seqs).await?;
        // What comes after somebody left is not for it.
        if self.streams.is_any() && self.member(id, &actor.user).await.is_ok() {
            items.iter_mut().for_each(|entry| self.fill_in(entry));
        }
        Ok(Messages { items })
    }

    /// Has a message that is open say what came so far.
    fn fill_in(&self, entry: &mut Entry) {
        let held = self.streams.find((entry.conversation, entry.seq));
        if let Body::Message(message) = &mut entry.body
            && message.open_until().is_some()
            && let Some(content) = held.and_then(|open| open.content())
        {
            message.content = content;
        }
    }

    /// Those of some entries that a user may see, as they are now, in order.
    pub(super) async fn seen(
        &self,
        actor: &Actor,
        id: ConversationId,
        mut seqs: Vec<Seq>,
    ) -> Result<Vec<Entry>, Rejection> {
        seqs.sort_unstable();
        seqs.dedup();
        let before = self.sight(id, &actor.user).await?;
        let end = before.left.unwrap_or(super::read::LAST);
        seqs.retain(|seq| *seq >= before.since && *seq <= end && *seq > Seq::ZERO);
        let mut entries = Vec::with_capacity(seqs.len());
        for run in seqs.chunk_by(|a, b| a.next() == *b) {
            let after = Range::After(run[0].previous());
            entries.extend(self.ports.log.read(id, after, run.len()).await?);
        }
        // The row after the entries: who was removed meanwhile sees no further.
        let row = self.membership(id, &actor.user).await?;
        entries.retain(|entry| {
            entry.seq >= row.member.since && row.left.is_none_or(|left| entry.seq <= left)
        });
        if let Some(left) = row.left {
            hide_later(&mut entries, left);
        }
        self.hide_deleted(&actor.user, id, &row.settings, &mut entries)
            .await?;
        Ok(entries)
    }

    pub(super) async fn thread(
        &self,
        actor: &Actor,
        ask: ListThread,
    ) -> Result<ThreadPage, Rejection> {
        let id = ask.conversation;
        let (member, _) = self.member(id, &actor.user).await?;
        let limit = self.limits().page_of(ask.limit);
        let after = ask.after_seq.unwrap_or_default();
        let after = after.max(member.since.previous());
        let seqs = self
            .ports
            .annotations
            .thread(id, ask.root, after, limit)
            .await?;
        let done = seqs.len() < limit;
        let items = self.seen(actor, id, seqs).await?;
        Ok(ThreadPage { items, done })
    }

    pub(super) async fn edits(&self, actor: &Actor, ask: ListEdits) -> Result<Edits, Rejection> {
        let id = ask.conversation;
        let (member, state) = self.member(id, &actor.user).await?;
        let target = self.entry_at(id, ask.target).await?;
        let Some(target) = target.filter(|target| target.seq >= member.since) else {
            return Err(Rejection::not_found("message"));
        };
        let may = state.info.permissions_of(member.role);
        let moderates = state.info.kind.has_roster() && may.allow(Permission::RecallOthers);
        if target.sender != actor.user && !moderates {
            let detail = "what a message said before is for its sender and the admins of a group";
            return Err(Rejection::new(Code::Forbidden, detail));
        }
        let earlier = self.ports.log.earlier(id, ask.target, EDITS).await?;
        // What it said before it was complete is no earlier version.
        let message = target.body.as_message();
        let ended = message.and_then(Message::ended_by);
        let items = earlier
            .into_iter()
            .filter(|(until, _)| Some(*until) != ended)
            .map(|(until, content)| EarlierContent { until, content });
        Ok(Edits {
            items: items.collect(),
        })
    }

    pub(super) async fn forward(
        self: Arc<Self>,
        actor: Caller,
        ask: ForwardMessages,
    ) -> Result<Sent, Rejection> {
        self.check_messages(&ask.seqs)?;
        let (conversation, client_id) = (ask.conversation, ask.client_id.clone());
        let sent = |Stored { seq, at_ms }| Sent {
            conversation,
            client_id: client_id.clone(),
            seq,
            at_ms,
        };
        // A retry gets its first answer, also when what it passes on is gone by now.
        if let Some(stored) = self.forwarded(&actor, &ask).await? {
            return Ok(sent(stored));
        }
        let found = self.seen(&actor, ask.from, ask.seqs.clone()).await?;
        let mut messages = Vec::with_capacity(ask.seqs.len());
        for seq in &ask.seqs {
            let entry = found.iter().find(|entry| entry.seq == *seq);
            let message = entry.and_then(|entry| Some((entry, entry.body.as_message()?)));
            let Some((entry, message)) = message else {
                return Err(Rejection::not_found("message"));
            };
            messages.push((entry, message));
        }
        let sends: Vec<(Content, Option<Origin>)> = if ask.merged {
            let items = messages.iter().map(|(entry, message)| ForwardedItem {
                sender: entry.sender.clone(),
                at_ms: entry.at_ms,
                content: message.content.clone(),
            });
            let content = Content::Forwarded {
                title: ask.title.clone(),
                items: items.collect(),
            };
            vec![(content, None)]
        } else {
            let one = |(entry, message): &(&Entry, &crate::Message)| {
                let first = Origin {
                    sender: entry.sender.clone(),
                    at_ms: entry.at_ms,
                };
                let origin = message.forwarded.as_deref().cloned().unwrap_or(first);
                (message.content.clone(), Some(origin))
            };
            messages.iter().map(one).collect()
        };
        let last = sends.len() - 1;
        let mut stored = None;
        for (place, (content, origin)) in sends.into_iter().enumerate() {
            let client_id = if place == last {
                client_id.clone()
            } else {
                derived(&client_id, place)
            };
            let forward = Forward {
                send: SendMessage::new(conversation, client_id, content),
                origin,
                asked: ask.clone(),
                place,
            };
            let one = self
                .clone()
                .ask(actor.actor.clone().into(), Ask::Forward(forward));
            stored = Some(one.await?);
        }
        let stored = stored.ok_or_else(|| Rejection::not_found("message"))?;
        Ok(sent(stored))
    }

    /// The last of what a request to pass on has stored, when the log has all of it.
    pub(super) async fn forwarded(
        &self,
        actor: &Actor,
        ask: &ForwardMessages,
    ) -> Result<Option<Stored>, Rejection> {
        let key = (actor.user.clone(), ask.client_id.clone());
        let known = self.ports.log.find(ask.conversation, &[key]).await?;
        let last = if ask.merged { 1 } else { ask.seqs.len() };
        // A retry is recognised by what is asked.
        let (id, client_id) = (ask.conversation, ask.client_id.clone());
        let forward = Forward {
            send: SendMessage::new(id, client_id, Content::text("")),
            origin: None,
            asked: ask.clone(),
            place: last.saturating_sub(1),
        };
        let fingerprint = fingerprint(&Ask::Forward(forward));
        let first = known.iter().find(|one| one.fingerprint == fingerprint);
        Ok(first.map(|first| Stored {
            seq: first.seq,
            at_ms: first.at_ms,
        }))
    }

    pub(super) async fn delete_messages(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: DeleteMessages,
    ) -> Result<Done, Rejection> {
        self.check_messages(&ask.seqs)?;
        let (id, mut seqs) = (ask.conversation, ask.seqs);
        let row = self.membership(id, &actor.user).await?;
        seqs.sort_unstable();
        seqs.dedup();
        seqs.retain(|seq| *seq >= row.member.since && *seq <= row.visible_head());
        self.retain_messages(id, &mut seqs).await?;
        if seqs.is_empty() {
            return Err(Rejection::not_found("message"));
        }
        self.ports.tallies.delete(&actor.user, id, &seqs).await?;
        self.unread_changes(&actor.user);
        let deleted = Deleted {
            conversation: id,
            seqs,
        };
        self.tell_user(&actor.user, session, Push::Deleted(deleted));
        Ok(Done {})
    }

    /// Leaves out what is no message: it is not counted as unread, and counts as deleted would be.
    async fn retain_messages(
        &self,
        id: ConversationId,
        seqs: &mut Vec<Seq>,
    ) -> Result<(), Rejection> {
        let mut messages = Vec::with_capacity(seqs.len());
        for run in seqs.chunk_by(|a, b| a.next() == *b) {
            let after = Range::After(run[0].previous());
            let entries = self.ports.log.read(id, after, run.len()).await?;
            let countable = entries.iter().filter(|entry| entry.body.is_countable());
            messages.extend(countable.map(|entry| entry.seq));
        }
        *seqs = messages;
        Ok(())
    }

    /// Refuses who may say nothing, for what does not go through the lane.
    pub(super) async fn check_speaks_now(
        &self,
        actor: &Actor,
        id: ConversationId,
    ) -> Result<Member, Rejection> {
        let (member, snapshot) = self.member(id, &actor.user).await?;
        let mut facts = Facts::default();
        if snapshot.info.kind == Kind::Direct
            && let Some(peer) = snapshot.info.peer_of(&actor.user)
        {
            facts.blocked = self.is_blocked(&actor.user, peer).await?;
            facts.contacts_only = self.contacts_only(&actor.user, peer).await?;
            facts.is_contact =
                !facts.contacts_only.is_empty() && self.are_contacts(&actor.user, peer).await?;
        }
        let now = self.ports.runtime.now();
        ConversationState::new(id, snapshot).check_speaks(&member, &facts, now)?;
        Ok(member)
    }

    pub(super) async fn say_now(&self, actor: &Actor, ask: SayNow) -> Result<Done, Rejection> {
        check_content(&ask.content, &self.limits())?;
        let id = ask.conversation;
        self.check_speaks_now(actor, id).await?;
        let said = SaidNow {
            conversation: id,
            sender: actor.user.clone(),
            content: ask.content,
            at_ms: self.ports.runtime.now(),
        };
        let said = Box::new(said);
        let letter = Letter::SaidNow(said.clone());
        self.write_to(to_readers_of(&self.slots.at(id)), &letter);
        let broadcast = Broadcast::new(Urgency::Ephemeral, vec![Push::SaidNow(said)]);
        self.tell_audience(id, |_| true, &broadcast).await;
        Ok(Done {})
    }
}

/// The client id of one of several messages that one request says.
fn derived(client_id: &ClientId, place: usize) -> ClientId {
    let name = format!("{client_id}/{place}");
    let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes());
    ClientId::new(id.to_string()).expect("a UUID is a valid id")
}

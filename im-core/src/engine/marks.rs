//! Reactions and votes: each at once in a small conversation, gathered in a large one, so that a burst is a few entries.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use super::{
    Engine,
    caller::Caller,
    lane::interrupted,
    lock,
    slot::{Answer, Stored},
};
use crate::{
    Actor, Annotation, Annotations, CastVote, Changed, ClientId, Code, ConversationId, Entry,
    ListAnnotations, ListMarkers, MarkerPage, Permission, React, Reaction, ReactionCount,
    Rejection, Seq, ThreadSummary, UserId, Vote, VoteCount,
    port::Range,
    state::{Ask, MarkKind, Marks, check_emoji, check_vote},
};

/// Changes that one entry takes.
const MOST: usize = 500;

/// What a member attaches to a message.
#[derive(Clone, Debug, PartialEq)]
enum Mark {
    Reaction(Reaction),
    Vote(Vote),
}

struct Waiting {
    actor: Actor,
    mark: Mark,
    reply: oneshot::Sender<Answer>,
}

/// What waits for others, by conversation.
#[derive(Default)]
pub(super) struct Gathering {
    waiting: HashMap<ConversationId, Vec<Waiting>>,
}

impl Engine {
    pub(super) async fn react(
        self: Arc<Self>,
        actor: Caller,
        ask: React,
    ) -> Result<Changed, Rejection> {
        check_emoji(&ask.emoji)?;
        let (id, kind) = (ask.conversation, MarkKind::Reaction);
        let (_, state) = self.member(id, &actor.user).await?;
        let annotations = &self.ports.annotations;
        if self.reacts(&actor.user, &ask).await? == ask.on {
            let seq = state.head.seq;
            return Ok(Changed {
                conversation: id,
                seq,
            });
        }
        if ask.on {
            let all = annotations
                .marks(id, kind, &[ask.target], &actor.user)
                .await?;
            let is_new = !all.iter().any(|one| one.value == ask.emoji);
            if is_new && all.len() >= self.limits().reactions {
                let detail = format!(
                    "a message has at most {} different reactions; use one of those",
                    self.limits().reactions
                );
                return Err(Rejection::new(Code::TooMany, detail));
            }
        }
        let mark = Mark::Reaction(Reaction {
            target: ask.target,
            user: actor.user.clone(),
            emoji: ask.emoji,
            on: ask.on,
        });
        self.attach_mark(actor, id, state.info.member_count, mark)
            .await
    }

    pub(super) async fn cast_vote(
        self: Arc<Self>,
        actor: Caller,
        ask: CastVote,
    ) -> Result<Changed, Rejection> {
        let id = ask.conversation;
        let (member, state) = self.member(id, &actor.user).await?;
        if ask.target >= member.since && self.has_voted(&actor.user, &ask).await? {
            let seq = state.head.seq;
            return Ok(Changed {
                conversation: id,
                seq,
            });
        }
        let vote = Vote {
            target: ask.target,
            user: actor.user.clone(),
            options: ask.options,
        };
        let target = self.entry_at(id, ask.target).await?;
        let Some(target) = target.filter(|target| target.seq >= member.since) else {
            return Err(Rejection::not_found("message"));
        };
        // What is no message any more is refused by the decision, which says why.
        if target.body.as_message().is_some() {
            check_vote(&target, &vote, self.ports.runtime.now())?;
        }
        self.attach_mark(actor, id, state.info.member_count, Mark::Vote(vote))
            .await
    }

    /// Whether a member has reacted so.
    pub(super) async fn reacts(&self, user: &UserId, ask: &React) -> Result<bool, Rejection> {
        let annotations = &self.ports.annotations;
        let (id, kind) = (ask.conversation, MarkKind::Reaction);
        let mine = annotations.marks_of(id, kind, ask.target, user).await?;
        Ok(mine.contains(&ask.emoji))
    }

    /// Whether a member has chosen just this.
    pub(super) async fn has_voted(&self, user: &UserId, ask: &CastVote) -> Result<bool, Rejection> {
        let annotations = &self.ports.annotations;
        let (id, kind) = (ask.conversation, MarkKind::Vote);
        let mut mine = annotations.marks_of(id, kind, ask.target, user).await?;
        let mut asked: Vec<String> = ask.options.iter().map(u32::to_string).collect();
        mine.sort_unstable();
        asked.sort_unstable();
        Ok(!asked.is_empty() && mine == asked)
    }

    async fn attach_mark(
        self: Arc<Self>,
        actor: Caller,
        id: ConversationId,
        members: u32,
        mark: Mark,
    ) -> Result<Changed, Rejection> {
        let wait = self.limits().reaction_wait_ms;
        let Stored { seq, .. } = if members <= self.limits().receipt_push_members || wait == 0 {
            self.ask(actor, ask_of(id, vec![mark])).await?
        } else {
            self.gather_mark(actor, id, mark, wait).await?
        };
        Ok(Changed {
            conversation: id,
            seq,
        })
    }

    async fn gather_mark(
        self: Arc<Self>,
        actor: Caller,
        id: ConversationId,
        mark: Mark,
        wait_ms: u64,
    ) -> Answer {
        let (reply, answer) = oneshot::channel();
        let is_first = {
            let mut gathering = lock(&self.gathering);
            let waiting = gathering.waiting.entry(id).or_default();
            if waiting.len() >= self.limits().lane_waiting {
                let detail = "too much waits in this conversation; try again in a moment";
                return Err(Rejection::new(Code::Overloaded, detail)
                    .retry_after(Duration::from_millis(wait_ms)));
            }
            waiting.push(Waiting {
                actor: actor.actor,
                mark,
                reply,
            });
            waiting.len() == 1
        };
        if is_first {
            let engine = self.clone();
            let wait = self.ports.runtime.sleep(Duration::from_millis(wait_ms));
            self.ports.runtime.spawn(Box::pin(async move {
                wait.await;
                let waiting = lock(&engine.gathering).waiting.remove(&id);
                let (reactions, votes) = waiting
                    .unwrap_or_default()
                    .into_iter()
                    .partition(|one| matches!(one.mark, Mark::Reaction(_)));
                engine.store_marks(id, reactions).await;
                engine.store_marks(id, votes).await;
            }));
        }
        answer.await.unwrap_or_else(|_| Err(interrupted()))
    }

    /// Stores what was gathered, of one kind, and answers everybody.
    async fn store_marks(self: &Arc<Self>, id: ConversationId, mut waiting: Vec<Waiting>) {
        while !waiting.is_empty() {
            let rest = waiting.split_off(waiting.len().min(MOST));
            let together = std::mem::replace(&mut waiting, rest);
            let marks = together.iter().map(|one| one.mark.clone()).collect();
            let actor = together[0].actor.clone();
            let stored = self.clone().ask(actor.into(), ask_of(id, marks)).await;
            let taken = match &stored {
                Ok(stored) => self.entry_at(id, stored.seq).await,
                Err(_) => Ok(None),
            };
            let taken = taken.ok().flatten();
            for Waiting { actor, mark, reply } in together {
                let is_in = taken.as_ref().is_some_and(|entry| holds(entry, &mark));
                let answer = match &stored {
                    Ok(stored) if is_in => Ok(*stored),
                    // Alone it is taken in, or told why not.
                    Ok(_) => {
                        let alone = ask_of(id, vec![mark]);
                        self.clone().ask(actor.into(), alone).await
                    }
                    Err(rejection) => Err(rejection.clone()),
                };
                let _ = reply.send(answer);
            }
        }
    }

    /// One entry of a log, as it is now.
    pub(super) async fn entry_at(
        &self,
        id: ConversationId,
        seq: Seq,
    ) -> Result<Option<Entry>, Rejection> {
        if seq == Seq::ZERO || seq > super::read::LAST {
            return Ok(None);
        }
        let after = Range::After(seq.previous());
        let found = self.ports.log.read(id, after, 1).await?;
        Ok(found.into_iter().find(|entry| entry.seq == seq))
    }

    pub(super) async fn annotations(
        &self,
        actor: &Actor,
        mut ask: ListAnnotations,
    ) -> Result<Annotations, Rejection> {
        self.check_messages(&ask.seqs)?;
        let id = ask.conversation;
        let (member, _) = self.member(id, &actor.user).await?;
        ask.seqs.retain(|seq| *seq >= member.since);
        ask.seqs.sort_unstable();
        ask.seqs.dedup();
        let store = &self.ports.annotations;
        let reactions = store
            .marks(id, MarkKind::Reaction, &ask.seqs, &actor.user)
            .await?;
        let votes = store
            .marks(id, MarkKind::Vote, &ask.seqs, &actor.user)
            .await?;
        let threads = store.threads(id, &ask.seqs).await?;
        let annotation = |seq: Seq| {
            let reactions = reactions.iter().filter(|one| one.target == seq);
            let mut votes: Vec<_> = votes
                .iter()
                .filter(|one| one.target == seq)
                .filter_map(|one| {
                    Some(VoteCount {
                        option: one.value.parse().ok()?,
                        count: one.count,
                        mine: one.mine,
                    })
                })
                .collect();
            votes.sort_by_key(|vote| vote.option);
            let thread = threads.iter().find(|thread| thread.root == seq);
            Annotation {
                seq,
                reactions: reactions
                    .map(|one| ReactionCount {
                        emoji: one.value.clone(),
                        count: one.count,
                        mine: one.mine,
                    })
                    .collect(),
                votes,
                thread: thread.map(|thread| ThreadSummary {
                    count: thread.count,
                    last: thread.last,
                }),
            }
        };
        let items = ask.seqs.into_iter().map(annotation);
        let has_some = |one: &Annotation| {
            !one.reactions.is_empty() || !one.votes.is_empty() || one.thread.is_some()
        };
        Ok(Annotations {
            items: items.filter(has_some).collect(),
        })
    }

    pub(super) async fn markers(
        &self,
        actor: &Actor,
        ask: ListMarkers,
    ) -> Result<MarkerPage, Rejection> {
        let (kind, value) = match (&ask.emoji, ask.option) {
            (Some(emoji), None) => (MarkKind::Reaction, emoji.clone()),
            (None, Some(option)) => (MarkKind::Vote, option.to_string()),
            _ => {
                let detail = "name an emoji or an option, and not both";
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
        };
        let id = ask.conversation;
        let (member, state) = self.member(id, &actor.user).await?;
        let may = state.info.permissions_of(member.role);
        if !may.allow(Permission::ListMembers) {
            let detail = "your role cannot see who is in here";
            return Err(Rejection::new(Code::Forbidden, detail));
        }
        if ask.target < member.since {
            return Err(Rejection::not_found("message"));
        }
        let limit = self.limits().page_of(ask.limit);
        let items = self
            .ports
            .annotations
            .markers(id, kind, ask.target, &value, ask.after.as_ref(), limit)
            .await?;
        let done = items.len() < limit;
        Ok(MarkerPage {
            next_cursor: items.last().filter(|_| !done).cloned(),
            items,
            done,
        })
    }
}

fn ask_of(conversation: ConversationId, marks: Vec<Mark>) -> Ask {
    let (mut reactions, mut votes) = (Vec::new(), Vec::new());
    for mark in marks {
        match mark {
            Mark::Reaction(reaction) => reactions.push(reaction),
            Mark::Vote(vote) => votes.push(vote),
        }
    }
    let client_id = ClientId::random();
    if votes.is_empty() {
        Ask::React(Marks {
            conversation,
            client_id,
            changes: reactions,
        })
    } else {
        Ask::Vote(Marks {
            conversation,
            client_id,
            changes: votes,
        })
    }
}

fn holds(entry: &Entry, mark: &Mark) -> bool {
    match (&entry.body, mark) {
        (crate::Body::Reacted { changes }, Mark::Reaction(one)) => changes.contains(one),
        (crate::Body::Voted { changes }, Mark::Vote(one)) => changes.contains(one),
        _ => false,
    }
}

//! Who has read what, as far as they let others know.

use std::collections::HashSet;

use super::{
    Engine,
    nodes::{Letter, Own, To, to_readers_of},
};
use crate::{
    Actor, Code, ConversationId, Entry, ListReaders, Member, Position, Push, ReaderPage, Receipt,
    Rejection, UserId,
    port::{Broadcast, Urgency},
};

/// Members that one question to the store brings.
const ROWS: usize = 200;

impl Engine {
    /// Tells the members how far one of them has come; or only its own devices, where there are many members, or it keeps
    /// that to itself. Who does so is not told of others.
    pub(super) async fn tell_receipt(
        &self,
        receipt: &Receipt,
        member_count: u32,
    ) -> Result<(), Rejection> {
        let (id, user) = (receipt.conversation, &receipt.user);
        if member_count > self.limits().receipt_push_members
            || !self.preferences(user).await?.read_receipts
        {
            let letter = Letter::Own(user.clone(), Own::Receipt(receipt.clone()));
            self.write_to(To::Users(vec![user.clone()]), &letter);
            self.tell_own_receipt_here(receipt).await;
            return Ok(());
        }
        let letter = Letter::Receipt(receipt.clone());
        self.write_to(to_readers_of(&self.slots.at(id)), &letter);
        self.tell_receipt_here(receipt).await
    }

    /// Tells those who listen on this node how far a member has come, unless they do not let others know.
    pub(super) async fn tell_receipt_here(&self, receipt: &Receipt) -> Result<(), Rejection> {
        let (id, user) = (receipt.conversation, &receipt.user);
        let listening: HashSet<UserId> = {
            let audience = self.slots.at(id).lock().audience.clone();
            let users = audience.iter().map(|session| session.actor.user.clone());
            users.collect()
        };
        let listening: Vec<UserId> = listening.into_iter().collect();
        let preferences = self.preferences_of(&listening).await?;
        // Who began to listen meanwhile learns of it with its next sync.
        let sees = |other: &UserId| {
            other == user || preferences.get(other).is_some_and(|it| it.read_receipts)
        };
        let mut told = self.told.turn(receipt).await;
        if let Some(news) = told.news(receipt) {
            let broadcast = Broadcast::new(Urgency::Live, vec![Push::Receipt(news)]);
            self.tell_audience(id, sees, &broadcast).await;
        }
        Ok(())
    }

    /// Tells a user's own devices on this node how far it has come.
    pub(super) async fn tell_own_receipt_here(&self, receipt: &Receipt) {
        let mut told = self.told.turn(receipt).await;
        if let Some(news) = told.news(receipt) {
            self.tell_user_here(&receipt.user, None, Push::Receipt(news));
        }
    }

    pub(super) async fn readers(
        &self,
        actor: &Actor,
        ask: ListReaders,
    ) -> Result<ReaderPage, Rejection> {
        if !self.preferences(&actor.user).await?.read_receipts {
            return Err(Rejection::new(
                Code::Forbidden,
                "who keeps to itself what it has read does not see what others have; switch read_receipts on",
            ));
        }
        let (_, state) = self.member(ask.conversation, &actor.user).await?;
        let entry = self
            .visible_entry(actor, ask.conversation, ask.seq)
            .await?
            .filter(|entry| entry.body.is_countable())
            .ok_or_else(|| Rejection::not_found("message"))?;
        let limit = self.limits().page_of(ask.limit);
        if state.info.member_count > self.limits().counted_readers {
            return self.page_of_readers(&entry, ask.after, limit).await;
        }
        let all = self.all_readers(&entry).await?;
        let is_later = |user: &&UserId| ask.after.as_ref().is_none_or(|after| *user > after);
        let mut rest = all.iter().filter(is_later);
        let items: Vec<_> = rest.by_ref().take(limit).cloned().collect();
        let done = rest.next().is_none();
        Ok(ReaderPage {
            next_cursor: items.last().filter(|_| !done).cloned(),
            items,
            count: Some(u32::try_from(all.len()).unwrap_or(u32::MAX)),
            done,
        })
    }

    /// In a large group: as many members as make a page, and those of them who have read it.
    async fn page_of_readers(
        &self,
        entry: &Entry,
        after: Option<UserId>,
        limit: usize,
    ) -> Result<ReaderPage, Rejection> {
        let members = self
            .positions_in(entry.conversation, after.as_ref(), limit)
            .await?;
        let done = members.len() < limit;
        let last = members.last().map(|(member, _)| member.user.clone());
        Ok(ReaderPage {
            items: self.readers_among(entry, members).await?,
            count: None,
            next_cursor: last.filter(|_| !done),
            done,
        })
    }

    async fn all_readers(&self, entry: &Entry) -> Result<Vec<UserId>, Rejection> {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let members = self
                .positions_in(entry.conversation, after.as_ref(), ROWS)
                .await?;
            let last = members.len() < ROWS;
            after = members.last().map(|(member, _)| member.user.clone());
            all.extend(self.readers_among(entry, members).await?);
            if last {
                return Ok(all);
            }
        }
    }

    /// A page of members with the positions that are true now.
    async fn positions_in(
        &self,
        id: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<(Member, Position)>, Rejection> {
        let kept = self.positions.kept_in(id);
        let mut members = self.ports.positions.positions(id, after, limit).await?;
        for (member, position) in &mut members {
            if let Some(kept) = kept.get(&member.user) {
                *position = position.merge(*kept);
            }
        }
        Ok(members)
    }

    async fn readers_among(
        &self,
        entry: &Entry,
        members: Vec<(Member, Position)>,
    ) -> Result<Vec<UserId>, Rejection> {
        let has_read = |(member, position): &(Member, Position)| {
            member.user != entry.sender && member.since <= entry.seq && position.read >= entry.seq
        };
        let readers: Vec<_> = members
            .into_iter()
            .filter(has_read)
            .map(|(member, _)| member.user)
            .collect();
        let preferences = self.preferences_of(&readers).await?;
        let tells = |user: &UserId| preferences.get(user).is_some_and(|it| it.read_receipts);
        Ok(readers.into_iter().filter(tells).collect())
    }
}

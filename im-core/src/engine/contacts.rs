//! Contacts: asked for, answered, kept. What a wish comes to is decided on the rows of both users; they are written together,
//! and decided again when somebody was faster.

use std::sync::Arc;

use super::{
    Engine,
    nodes::{Changed, Letter, To},
    own::contended,
    registry::SessionEntry,
    relations::pair_of,
};
use crate::{
    Actor, Code, Own, OwnKey, OwnKind, OwnPage, OwnRow, OwnRows, Rejection, RowKey, UserId,
    port::OwnWrite,
    state::{ContactAsk, ContactChange, ContactFacts, Pair, Side, Whose},
};

/// How often a decision is made anew because a row changed meanwhile.
const ATTEMPTS: usize = 16;

/// What rows two users have about each other.
const KINDS: [OwnKind; 2] = [OwnKind::Contact, OwnKind::Request];

/// The rows of two users about each other, as they were read.
struct Between<'u> {
    me: &'u UserId,
    other: &'u UserId,
    rows: Vec<(UserId, OwnRow)>,
}

impl Between<'_> {
    /// Of `owner` about the other.
    fn side(&self, owner: &UserId) -> Side {
        let mut side = Side::default();
        for (_, row) in self.rows.iter().filter(|(user, _)| user == owner) {
            match &row.value {
                Some(Own::Contact(contact)) => side.contact = Some(contact.clone()),
                Some(Own::Request(request)) => {
                    let until = row.due_ms.unwrap_or(request.at_ms);
                    side.request = Some((request.clone(), until));
                }
                _ => {}
            }
        }
        side
    }

    fn pair(&self) -> Pair {
        Pair {
            mine: self.side(self.me),
            theirs: self.side(self.other),
        }
    }

    /// What a change writes, where the row is still as it was read.
    fn write(&self, change: ContactChange) -> OwnWrite {
        let users = |whose| match whose {
            Whose::Mine => (self.me, self.other),
            Whose::Theirs => (self.other, self.me),
        };
        let mut write = match change {
            ContactChange::Put(whose, value, due) => {
                let (owner, about) = users(whose);
                let mut write = OwnWrite::put(owner.clone(), about.into(), value);
                write.due_ms = due;
                write
            }
            ContactChange::Remove(whose, kind) => {
                let (owner, about) = users(whose);
                OwnWrite::remove(owner.clone(), OwnKey::new(kind, about.into()))
            }
        };
        let stands = self
            .rows
            .iter()
            .find(|(user, row)| *user == write.user && row.kind == write.key.kind);
        write.expected = Some(stands.map_or(0, |(_, row)| row.version));
        write
    }

    /// What I have of the other.
    fn mine(self) -> OwnRows {
        let of_mine = self.rows.into_iter().filter(|(user, _)| user == self.me);
        OwnRows {
            items: of_mine
                .map(|(_, row)| row)
                .filter(|row| row.value.is_some())
                .collect(),
        }
    }
}

impl Engine {
    /// Does what the actor wants with somebody; returns what it has of the other then, and what is gone.
    pub(super) async fn contact(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        other: &UserId,
        ask: ContactAsk,
    ) -> Result<OwnRows, Rejection> {
        self.check_other(actor, other)?;
        if matches!(ask, ContactAsk::Request { .. }) {
            self.check_exists(other).await?;
        }
        for _ in 0..ATTEMPTS {
            let between = self.between(&actor.user, other).await?;
            let facts = self.contact_facts(&actor.user, other, &ask).await?;
            let now = self.ports.runtime.now();
            let changes = between.pair().decide(&ask, facts, &self.limits(), now)?;
            if changes.is_empty() {
                return Ok(between.mine());
            }
            let writes = changes.into_iter().map(|change| between.write(change));
            let writes: Vec<_> = writes.collect();
            let owners: Vec<_> = writes.iter().map(|write| write.user.clone()).collect();
            let pair = pair_of(&actor.user, other);
            let written = {
                let _forget = self.relations.contacts.changing(&pair);
                self.write_own(session, writes).await?
            };
            let Some(rows) = written else { continue };
            let letter = Changed::Contact(actor.user.clone(), other.clone());
            self.write_to(To::All, &Letter::Changed(letter));
            if ask == ContactAsk::Delete {
                self.stop_watching(&actor.user).await;
            }
            let mine = owners
                .iter()
                .zip(rows)
                .filter(|(owner, _)| **owner == actor.user);
            return Ok(OwnRows {
                items: mine.map(|(_, row)| row).collect(),
            });
        }
        Err(contended())
    }

    async fn between<'u>(
        &self,
        me: &'u UserId,
        other: &'u UserId,
    ) -> Result<Between<'u>, Rejection> {
        let sides = [(me, other), (other, me)];
        let keys: Vec<_> = sides
            .into_iter()
            .flat_map(|(owner, about)| {
                KINDS.map(|kind| (owner.clone(), OwnKey::new(kind, about.into())))
            })
            .collect();
        let rows = self.ports.own.read(&keys).await?;
        Ok(Between { me, other, rows })
    }

    async fn contact_facts(
        &self,
        me: &UserId,
        other: &UserId,
        ask: &ContactAsk,
    ) -> Result<ContactFacts, Rejection> {
        let mut facts = ContactFacts::default();
        let (requests, accepts) = match ask {
            ContactAsk::Request { .. } => (true, true),
            ContactAsk::Accept => (false, true),
            ContactAsk::Reject
            | ContactAsk::Withdraw
            | ContactAsk::Delete
            | ContactAsk::Change { .. } => (false, false),
        };
        if !accepts {
            return Ok(facts);
        }
        facts.blocked = self.is_blocked(me, other).await?;
        for user in [me, other] {
            let contacts = self.ports.own.count(user, OwnKind::Contact).await?;
            facts.full |= contacts >= self.limits().contacts_per_user;
            facts.requested_out |= requests && self.has_many_requests(user).await?;
        }
        Ok(facts)
    }

    /// Whether somebody has as many open requests as one can have. Those whose time is over are cleared away first.
    async fn has_many_requests(&self, user: &UserId) -> Result<bool, Rejection> {
        let most = self.limits().contact_requests;
        if self.ports.own.count(user, OwnKind::Request).await? < most {
            return Ok(false);
        }
        let now = self.ports.runtime.now();
        let rows = self
            .ports
            .own
            .list(user, OwnKind::Request, None, most.saturating_mul(2))
            .await?;
        let is_over = |row: &OwnRow| row.due_ms.is_some_and(|until| until <= now);
        let (over, open): (Vec<_>, Vec<_>) = rows.into_iter().partition(is_over);
        let writes = over.into_iter().map(|row| {
            let key = OwnKey::new(OwnKind::Request, row.key);
            OwnWrite::remove(user.clone(), key).if_still(row.version)
        });
        let writes: Vec<_> = writes.collect();
        if !writes.is_empty() {
            // When one of them changed meanwhile, the next one who asks clears them away.
            self.write_own(None, writes).await?;
        }
        Ok(open.len() >= most)
    }

    /// A page of the requests whose time is not over.
    pub(super) async fn contact_requests(
        &self,
        actor: &Actor,
        after: Option<RowKey>,
        limit: Option<u32>,
    ) -> Result<OwnPage, Rejection> {
        let now = self.ports.runtime.now();
        let mut page = self
            .own_page(&actor.user, OwnKind::Request, after, limit)
            .await?;
        page.items
            .retain(|row| row.due_ms.is_none_or(|until| until > now));
        Ok(page)
    }

    /// Refuses what makes no sense with oneself.
    pub(super) fn check_other(&self, actor: &Actor, other: &UserId) -> Result<(), Rejection> {
        if *other == actor.user {
            return Err(Rejection::new(
                Code::InvalidRequest,
                "this needs somebody else than yourself",
            ));
        }
        Ok(())
    }

    /// Refuses somebody who does not exist.
    pub(super) async fn check_exists(&self, user: &UserId) -> Result<(), Rejection> {
        let unknown = self
            .authenticator
            .unknown(std::slice::from_ref(user))
            .await?;
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Rejection::new(
            Code::NotFound,
            format!("there is no user {user}; check the id"),
        ))
    }
}

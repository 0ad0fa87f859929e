//! How two users become contacts and cease to be, decided on the rows of both.
//!
//! There are four states: nothing, one asked the other, the one who asked was refused, and contacts. A request whose time
//! is over is nothing.

use crate::{
    Code, Contact, Direction, Limits, Own, OwnKind, Rejection, Request, Timestamp,
    state::content::check_text,
};

/// How long a label is, in characters.
const LABEL_CHARS: usize = 32;

/// Rows of one user about the other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Side {
    /// The contact, when they are contacts.
    pub contact: Option<Contact>,
    /// The request, with when it expires.
    pub request: Option<(Request, Timestamp)>,
}

/// What two users have of each other.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pair {
    /// Rows of the one who asks for something.
    pub mine: Side,
    /// Rows of the other.
    pub theirs: Side,
}

/// What one of two users wants.
#[derive(Clone, Debug, PartialEq)]
pub enum ContactAsk {
    /// Become contacts, by one's own request or by that of the other.
    Request {
        /// What to say with it.
        greeting: Option<String>,
    },
    /// Accept the other's request.
    Accept,
    /// Refuse the other's request.
    Reject,
    /// Take one's own request back.
    Withdraw,
    /// Be contacts no more.
    Delete,
    /// Keep the other otherwise.
    Change {
        /// Another name for it; an empty text clears.
        remark: Option<String>,
        /// Other labels for it.
        labels: Option<Vec<String>>,
    },
}

/// What a decision needs to know beside the rows.
#[derive(Clone, Copy, Debug, Default)]
pub struct ContactFacts {
    /// Whether one of the two has blocked the other.
    pub blocked: bool,
    /// Whether one of the two has as many contacts as one can have.
    pub full: bool,
    /// Whether one of the two has as many open requests as one can have.
    pub requested_out: bool,
}

/// Whose row changes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Whose {
    /// Of the one who asks.
    Mine,
    /// Of the other.
    Theirs,
}

/// One row to change.
#[derive(Clone, Debug, PartialEq)]
pub enum ContactChange {
    /// It gets this value, and is due then.
    Put(Whose, Own, Option<Timestamp>),
    /// It goes.
    Remove(Whose, OwnKind),
}

use ContactChange::{Put, Remove};
use Whose::{Mine, Theirs};

impl Pair {
    /// Decides what a wish comes to; nothing when things are as wished already.
    ///
    /// # Errors
    /// A [`Rejection`] when it cannot be.
    pub fn decide(
        &self,
        ask: &ContactAsk,
        facts: ContactFacts,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ContactChange>, Rejection> {
        match ask {
            ContactAsk::Request { greeting } => {
                check_text("greeting", greeting.as_ref(), limits.greeting_chars)?;
                self.request(greeting.as_ref(), facts, limits, now)
            }
            ContactAsk::Accept => self.accept(facts, limits, now),
            ContactAsk::Reject => self.reject(),
            ContactAsk::Withdraw => Ok(self.withdraw()),
            ContactAsk::Delete => Ok(self.delete()),
            ContactAsk::Change { remark, labels } => self.change(remark.as_ref(), labels, limits),
        }
    }

    /// My request or theirs, while it waits for an answer.
    fn open(&self, direction: Direction, now: Timestamp) -> bool {
        let request = self.mine.request.as_ref();
        request.is_some_and(|(request, until)| {
            request.direction == direction && !request.rejected && *until > now
        })
    }

    fn are_contacts(&self) -> bool {
        self.mine.contact.is_some() && self.theirs.contact.is_some()
    }

    fn request(
        &self,
        greeting: Option<&String>,
        facts: ContactFacts,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ContactChange>, Rejection> {
        if self.are_contacts() || self.open(Direction::Outgoing, now) {
            return Ok(Vec::new());
        }
        check_block(facts)?;
        if self.open(Direction::Incoming, now) {
            // Both want it.
            return self.become_contacts(facts, limits, now);
        }
        check_full(facts, limits)?;
        if facts.requested_out {
            let detail = format!(
                "one of you has {} open requests, as many as one can have; wait until some are answered",
                limits.contact_requests
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let until = now.plus(limits.contact_request());
        let request = |direction| {
            Own::Request(Request {
                direction,
                greeting: greeting.cloned().filter(|text| !text.is_empty()),
                at_ms: now,
                rejected: false,
            })
        };
        Ok(vec![
            Put(Mine, request(Direction::Outgoing), Some(until)),
            Put(Theirs, request(Direction::Incoming), Some(until)),
        ])
    }

    fn accept(
        &self,
        facts: ContactFacts,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ContactChange>, Rejection> {
        if self.are_contacts() {
            return Ok(Vec::new());
        }
        let Some((request, _)) = &self.mine.request else {
            return Err(Rejection::not_found("request"));
        };
        if request.direction == Direction::Outgoing {
            return Err(Rejection::not_found("request"));
        }
        if !self.open(Direction::Incoming, now) {
            return Err(Rejection::new(
                Code::Expired,
                "the request has expired; send one yourself",
            ));
        }
        check_block(facts)?;
        self.become_contacts(facts, limits, now)
    }

    fn become_contacts(
        &self,
        facts: ContactFacts,
        limits: &Limits,
        now: Timestamp,
    ) -> Result<Vec<ContactChange>, Rejection> {
        check_full(facts, limits)?;
        let contact = || {
            Own::Contact(Contact {
                since_ms: now,
                ..Contact::default()
            })
        };
        let mut changes = vec![Put(Mine, contact(), None), Put(Theirs, contact(), None)];
        changes.extend(self.without_requests());
        Ok(changes)
    }

    fn without_requests(&self) -> impl Iterator<Item = ContactChange> {
        let sides = [(Mine, &self.mine), (Theirs, &self.theirs)];
        let with = sides.into_iter().filter(|(_, side)| side.request.is_some());
        with.map(|(whose, _)| Remove(whose, OwnKind::Request))
            .collect::<Vec<_>>()
            .into_iter()
    }

    fn reject(&self) -> Result<Vec<ContactChange>, Rejection> {
        match (&self.mine.request, &self.theirs.request) {
            (Some((mine, _)), theirs) if mine.direction == Direction::Incoming => {
                let mut changes = vec![Remove(Mine, OwnKind::Request)];
                if let Some((theirs, until)) = theirs {
                    let rejected = Request {
                        rejected: true,
                        ..theirs.clone()
                    };
                    changes.push(Put(Theirs, Own::Request(rejected), Some(*until)));
                }
                Ok(changes)
            }
            // I did so before.
            (None, Some((theirs, _))) if theirs.rejected => Ok(Vec::new()),
            _ => Err(Rejection::not_found("request")),
        }
    }

    fn withdraw(&self) -> Vec<ContactChange> {
        let is_mine = |side: &Side, direction| {
            side.request
                .as_ref()
                .is_some_and(|(request, _)| request.direction == direction)
        };
        let mut changes = Vec::new();
        if is_mine(&self.mine, Direction::Outgoing) {
            changes.push(Remove(Mine, OwnKind::Request));
            if is_mine(&self.theirs, Direction::Incoming) {
                changes.push(Remove(Theirs, OwnKind::Request));
            }
        }
        changes
    }

    fn delete(&self) -> Vec<ContactChange> {
        let sides = [(Mine, &self.mine), (Theirs, &self.theirs)];
        let with = sides.into_iter().filter(|(_, side)| side.contact.is_some());
        with.map(|(whose, _)| Remove(whose, OwnKind::Contact))
            .collect()
    }

    fn change(
        &self,
        remark: Option<&String>,
        labels: &Option<Vec<String>>,
        limits: &Limits,
    ) -> Result<Vec<ContactChange>, Rejection> {
        check_text("remark", remark, limits.name_chars)?;
        for label in labels.iter().flatten() {
            check_text("label", Some(label), LABEL_CHARS)?;
            if label.trim().is_empty() {
                let detail = "a label must hold at least one visible character";
                return Err(Rejection::new(Code::InvalidRequest, detail));
            }
        }
        if labels.as_ref().map_or(0, Vec::len) > limits.labels_per_contact {
            let detail = format!("at most {} labels", limits.labels_per_contact);
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let Some(stands) = &self.mine.contact else {
            return Err(Rejection::not_found("contact"));
        };
        let mut contact = stands.clone();
        if let Some(remark) = remark {
            contact.remark = Some(remark.clone()).filter(|text| !text.is_empty());
        }
        if let Some(labels) = labels {
            contact.labels.clone_from(labels);
            contact.labels.sort();
            contact.labels.dedup();
        }
        if contact == *stands {
            return Ok(Vec::new());
        }
        Ok(vec![Put(Mine, Own::Contact(contact), None)])
    }
}

fn check_block(facts: ContactFacts) -> Result<(), Rejection> {
    if facts.blocked {
        return Err(Rejection::new(
            Code::Blocked,
            "one of you has blocked the other; lift that first",
        ));
    }
    Ok(())
}

fn check_full(facts: ContactFacts, limits: &Limits) -> Result<(), Rejection> {
    if facts.full {
        let detail = format!(
            "one of you has {} contacts, as many as one can have; delete one first",
            limits.contacts_per_user
        );
        return Err(Rejection::new(Code::TooMany, detail));
    }
    Ok(())
}

//! Sending notices: to users, or to everybody. For the host alone.

use std::{collections::BTreeSet, sync::Mutex};

use super::{
    Engine, lock,
    nodes::{Letter, To},
    own::contended,
    page::bytes_of,
    retry::hash,
};
use crate::{
    Actor, Code, Notice, NoticeSent, NoticeTexts, Own, OwnKey, OwnKind, OwnRow, Push, Rejection,
    RowKey, SendNotice, SentNotice, Timestamp, UserId,
    port::{Broadcast, NoticeToAll, OwnWrite, Urgency},
    state::{check_notice, filled},
    wire::Format,
};

/// The category of a notice that names none.
const SYSTEM: &str = "system";

/// When the last of its kind happened. No two of a node have the same moment, so that all have them in order.
#[derive(Default)]
pub(super) struct LastMoment(Mutex<Timestamp>);

impl LastMoment {
    pub(super) fn after(&self, now: Timestamp) -> Timestamp {
        let mut last = lock(&self.0);
        *last = now.max(Timestamp(last.0.saturating_add(1)));
        *last
    }
}

/// A notice to be told.
struct Telling {
    key: RowKey,
    at_ms: Timestamp,
    notice: Notice,
    until: Timestamp,
}

impl Engine {
    pub(super) async fn send_notice(
        &self,
        actor: &Actor,
        ask: SendNotice,
    ) -> Result<SentNotice, Rejection> {
        if ask.everyone != ask.users.is_empty() {
            let detail = "name users, or say that it is for everyone";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        self.check_users(&ask.users)?;
        let mut bytes = Vec::new();
        Format::MessagePack.write(&ask, &mut bytes);
        let fingerprint = hash(&bytes);
        let at_ms = self.notice_time();
        let first = self.sent_before(actor, &ask, fingerprint).await?;
        let is_retry = first.is_some();
        let sent = first.unwrap_or_else(|| NoticeSent {
            notice: Notice::key(at_ms, hash(format!("{actor:?} {bytes:?}").as_bytes())),
            fingerprint: format!("{fingerprint:016x}"),
            at_ms,
        });
        let answer = SentNotice {
            notice: sent.notice.clone(),
            at_ms: sent.at_ms,
        };
        if is_retry && !ask.everyone {
            return Ok(answer);
        }
        let notice = self.notice(&ask, sent.at_ms).await?;
        let telling = Telling {
            until: sent.at_ms.plus(self.shown_for(&ask)),
            key: sent.notice.clone(),
            at_ms: sent.at_ms,
            notice,
        };
        let note = OwnWrite::put(
            actor.user.clone(),
            (&ask.client_id).into(),
            Own::NoticeSent(sent),
        );
        // The same request at the same moment finds the first answer when it comes again.
        let note = note.if_still(0);
        if ask.everyone {
            let note = Some(note).filter(|_| !is_retry);
            self.tell_everyone(note, telling).await?;
        } else {
            self.tell_users(note, telling, ask.users).await?;
        }
        Ok(answer)
    }

    /// What became of the same request when it came before.
    async fn sent_before(
        &self,
        actor: &Actor,
        ask: &SendNotice,
        fingerprint: i64,
    ) -> Result<Option<NoticeSent>, Rejection> {
        let place = OwnKey::new(OwnKind::NoticeSent, (&ask.client_id).into());
        let row = self.own_row(&actor.user, place).await?;
        let Some(Own::NoticeSent(first)) = row.and_then(|row| row.value) else {
            return Ok(None);
        };
        if first.fingerprint != format!("{fingerprint:016x}") {
            let detail = "this client id was used for another notice; choose a new one";
            return Err(Rejection::new(Code::Conflict, detail));
        }
        Ok(Some(first))
    }

    fn shown_for(&self, ask: &SendNotice) -> std::time::Duration {
        let most = self.limits().notice_ms;
        std::time::Duration::from_millis(ask.expires_in_ms.map_or(most, |span| span.min(most)))
    }

    /// What is said.
    async fn notice(&self, ask: &SendNotice, at_ms: Timestamp) -> Result<Notice, Rejection> {
        let (category, texts) = self.said(ask).await?;
        check_notice(&category, &texts, &self.limits())?;
        if ask.data.as_ref().map_or(0, bytes_of) > self.limits().notice_bytes {
            let detail = format!(
                "data exceeds {} bytes; send less",
                self.limits().notice_bytes
            );
            return Err(Rejection::new(Code::TooLarge, detail));
        }
        Ok(Notice {
            category,
            texts,
            data: ask.data.clone(),
            at_ms,
            read: false,
        })
    }

    async fn said(&self, ask: &SendNotice) -> Result<(String, NoticeTexts), Rejection> {
        let category = ask.category.clone();
        let Some(name) = &ask.template else {
            let category = category.unwrap_or_else(|| SYSTEM.to_owned());
            return Ok((category, ask.texts.clone()));
        };
        if !ask.texts.is_empty() {
            let detail = "give texts or a template, not both";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        let template = self.ports.notices.template(name).await?;
        let template = template.ok_or_else(|| Rejection::not_found("template"))?;
        let texts = filled(&template.texts, &ask.values)?;
        Ok((category.unwrap_or(template.category), texts))
    }

    async fn tell_users(
        &self,
        note: OwnWrite,
        telling: Telling,
        users: Vec<UserId>,
    ) -> Result<(), Rejection> {
        if let Some(user) = self.authenticator.unknown(&users).await?.first() {
            let detail = format!("there is no user {user}; check the id");
            return Err(Rejection::new(Code::NotFound, detail));
        }
        let mut writes = vec![note];
        for user in users.into_iter().collect::<BTreeSet<_>>() {
            writes.extend(self.surplus(&user).await?);
            let value = Own::Notice(telling.notice.clone());
            writes.push(OwnWrite::put(user, telling.key.clone(), value).due(telling.until));
        }
        let written = self.write_own(None, writes).await?;
        written.map(drop).ok_or_else(contended)
    }

    /// The moment of a notice that is about to be sent.
    pub(super) fn notice_time(&self) -> Timestamp {
        self.last_notice.after(self.ports.runtime.now())
    }

    /// Removes the oldest notices of somebody who has as many as one keeps.
    pub(super) async fn surplus(&self, user: &UserId) -> Result<Vec<OwnWrite>, Rejection> {
        let most = self.limits().notices_per_user.max(1);
        let count = self.ports.own.count(user, OwnKind::Notice).await?;
        if count < most {
            return Ok(Vec::new());
        }
        let mut keys = Vec::new();
        loop {
            let after = keys.last();
            let rows = self
                .ports
                .own
                .list(user, OwnKind::Notice, after, 64)
                .await?;
            let last = rows.len() < 64;
            keys.extend(rows.into_iter().map(|row| row.key));
            if last {
                break;
            }
        }
        let oldest = keys.into_iter().skip(most - 1);
        let remove = |key| OwnWrite::remove(user.clone(), OwnKey::new(OwnKind::Notice, key));
        Ok(oldest.map(remove).collect())
    }

    /// One row, whatever the number of users; and a word to those who are here.
    async fn tell_everyone(
        &self,
        note: Option<OwnWrite>,
        telling: Telling,
    ) -> Result<(), Rejection> {
        let Telling {
            key,
            at_ms,
            notice,
            until,
        } = telling;
        self.ports.notices.forget_old(at_ms).await?;
        let most = self.limits().notices_to_all;
        let shown = self.ports.notices.to_all(None, most).await?;
        let is_there = shown.iter().any(|row| row.key == key);
        if is_there {
            return Ok(());
        }
        if shown.len() >= most {
            let detail = format!(
                "{most} notices to everybody are shown already; wait until one expires, or let them do so sooner"
            );
            return Err(Rejection::new(Code::TooMany, detail));
        }
        if let Some(note) = note {
            let written = self.write_own(None, vec![note]).await?;
            written.map(drop).ok_or_else(contended)?;
        }
        let to_all = NoticeToAll {
            key: key.clone(),
            notice: notice.clone(),
            until_ms: until,
        };
        self.ports.notices.tell_all(to_all).await?;
        let row = untouched(key, notice, until);
        let row = Box::new(row);
        self.write_to(To::All, &Letter::ForEveryone(row.clone()));
        let broadcast = Broadcast::new(Urgency::Live, vec![Push::OwnChanged(row)]);
        self.tell_all(&broadcast).await;
        Ok(())
    }
}

/// The row of a notice to everybody, for somebody who has not touched it.
pub(super) const fn untouched(key: RowKey, notice: Notice, until: Timestamp) -> OwnRow {
    OwnRow {
        kind: OwnKind::Notice,
        key,
        value: Some(Own::Notice(notice)),
        version: 0,
        due_ms: Some(until),
    }
}

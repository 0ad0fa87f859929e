//! Entries on their way into the database: inserting them, revising what stands, and finding out who was first.

use std::collections::{BTreeMap, HashSet};

use im_core::{Body, ClientId, ConversationId, Entry, Revision, Seq, UserId, port::Append};
use tracing::Span;
use uuid::Uuid;

use super::{
    block, chunk,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, conversation, int, seq, user, uuid},
};

/// An append with its bodies as bytes, so that the one who commits does not encode.
pub(super) struct Encoded {
    pub(super) append: Append,
    /// Of the request that asked for it.
    pub(super) span: Span,
    bodies: Vec<Vec<u8>>,
}

/// One entry as a row.
pub(super) struct EntryRow<'e> {
    entry: &'e Entry,
    fingerprint: i64,
    body: &'e [u8],
}

/// Rows in one statement. 512 rows of eight values stay below what each database can bind.
const ROWS: usize = 512;

/// Bytes of bodies in one statement. MySQL refuses packets above 16 MiB unless it is told otherwise.
const BYTES: usize = 2 * 1024 * 1024;

impl Encoded {
    pub(super) fn new(append: Append) -> Result<Self, SqlError> {
        let encode = |new: &im_core::port::NewEntry| rmp_serde::to_vec_named(&new.entry.body);
        let bodies = append
            .entries
            .iter()
            .map(encode)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            append,
            span: Span::current(),
            bodies,
        })
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = EntryRow<'_>> {
        let rows = self.append.entries.iter().zip(&self.bodies);
        rows.map(|(new, body)| EntryRow {
            entry: &new.entry,
            fingerprint: new.fingerprint,
            body,
        })
    }

    pub(super) fn last(&self) -> Seq {
        Seq(self.append.after.0 + self.append.entries.len() as u64)
    }
}

/// Rows cut into statements, by number and by size.
pub(super) fn statements<'r, 'e>(rows: &'r [EntryRow<'e>]) -> Vec<&'r [EntryRow<'e>]> {
    let mut statements = Vec::new();
    let mut rest = rows;
    while !rest.is_empty() {
        let mut bytes = 0;
        let fitting = rest.iter().take(ROWS).take_while(|row| {
            bytes += row.body.len();
            bytes <= BYTES
        });
        let (fitting, after) = rest.split_at(fitting.count().max(1));
        statements.push(fitting);
        rest = after;
    }
    statements
}

impl Connection {
    /// Whether these rows can go in as one statement, which is a transaction by itself.
    pub(super) fn takes_at_once(&mut self, rows: &[EntryRow<'_>]) -> bool {
        statements(rows).len() == 1
            && (self.postgres().is_some() || chunk::fine(rows.len()) == rows.len())
    }

    pub(super) async fn insert_entries(&mut self, rows: &[EntryRow<'_>]) -> Result<(), SqlError> {
        for rows in statements(rows) {
            if self.postgres().is_some() {
                self.insert_arrays(rows).await?;
                continue;
            }
            for chunk in chunk::pieces(rows, ROWS, chunk::fine) {
                let values: Vec<_> = chunk.iter().flat_map(EntryRow::values).collect();
                let insert = "INSERT INTO entry (conversation_id, seq, sender, client_id, ordinal, at_ms, \
                              fingerprint, body) VALUES [(?, ?, ?, ?, ?, ?, ?, ?)|, ]";
                self.execute(insert, chunk.len(), &values).await?;
            }
        }
        Ok(())
    }

    /// PostgreSQL takes any number of rows as arrays, in one prepared statement.
    async fn insert_arrays(&mut self, rows: &[EntryRow<'_>]) -> Result<(), SqlError> {
        let Some(postgres) = self.postgres() else {
            return Ok(());
        };
        fn of<'r, T>(rows: &'r [EntryRow<'_>], value: impl Fn(&'r EntryRow<'_>) -> T) -> Vec<T> {
            rows.iter().map(value).collect()
        }
        sqlx::query(
            "INSERT INTO entry (conversation_id, seq, sender, client_id, ordinal, at_ms, fingerprint, body) \
             SELECT * FROM UNNEST($1::uuid[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], \
             $7::bigint[], $8::bytea[])",
        )
        .bind(of::<Uuid>(rows, |row| *row.entry.conversation.as_uuid()))
        .bind(of::<i64>(rows, |row| int(row.entry.seq.0)))
        .bind(of::<&str>(rows, |row| row.entry.sender.as_str()))
        .bind(of::<&str>(rows, |row| row.entry.client_id.as_str()))
        .bind(of::<i64>(rows, |row| int(row.entry.ordinal)))
        .bind(of::<i64>(rows, |row| row.entry.at_ms.0))
        .bind(of::<i64>(rows, |row| row.fingerprint))
        .bind(of::<&[u8]>(rows, |row| row.body))
        .execute(postgres)
        .await?;
        Ok(())
    }

    /// Does what an entry does to earlier ones, and keeps what a message said before an edit until it is wiped.
    pub(super) async fn revise(&mut self, entry: &Entry) -> Result<(), SqlError> {
        let at = entry.conversation;
        if let Body::Edited { target, .. } = entry.body {
            let before = self.body_at(at, target).await?;
            if let Some(before) = before.as_ref().and_then(Body::as_message) {
                let was = rmp_serde::to_vec_named(&before.content)?;
                let insert =
                    "INSERT INTO revision (conversation_id, target, seq, was) VALUES (?, ?, ?, ?)";
                let values = [
                    uuid(at),
                    Value::Int(int(target.0)),
                    Value::Int(int(entry.seq.0)),
                    Value::Bytes(&was),
                ];
                self.execute(insert, 1, &values).await?;
            }
        }
        for revision in entry.revisions() {
            let target = revision.target();
            self.revise_at(entry, &revision, target).await?;
            if let Revision::Wipe { .. } = revision {
                let select = "SELECT seq FROM revision WHERE conversation_id = ? AND target = ?";
                let values = [uuid(at), Value::Int(int(target.0))];
                for row in self.query(select, 1, &values).await? {
                    self.revise_at(entry, &revision, seq(&row, 0)?).await?;
                }
                let delete = "DELETE FROM revision WHERE conversation_id = ? AND target = ?";
                self.execute(delete, 1, &values).await?;
            }
        }
        Ok(())
    }

    async fn body_at(&mut self, at: ConversationId, place: Seq) -> Result<Option<Body>, SqlError> {
        let values = [uuid(at), Value::Int(int(place.0))];
        let select = "SELECT body FROM entry WHERE conversation_id = ? AND seq = ?";
        let row = self.query(select, 1, &values).await?.pop();
        let decode = |row| Ok(rmp_serde::from_slice(&column::<Vec<u8>>(&row, 0)?)?);
        row.map(decode).transpose()
    }

    async fn revise_at(
        &mut self,
        by: &Entry,
        revision: &Revision,
        place: Seq,
    ) -> Result<(), SqlError> {
        let Some(body) = self.body_at(by.conversation, place).await? else {
            return Ok(());
        };
        let mut entry = Entry {
            seq: place,
            body,
            ..by.clone()
        };
        let searched = block::searched(&entry.body);
        if entry.revise(revision) {
            if block::searched(&entry.body) != searched {
                self.forget_block(by.conversation, entry.seq).await?;
            }
            let body = rmp_serde::to_vec_named(&entry.body)?;
            let update = "UPDATE entry SET body = ? WHERE conversation_id = ? AND seq = ?";
            let values = [
                Value::Bytes(&body),
                uuid(by.conversation),
                Value::Int(int(place.0)),
            ];
            self.execute(update, 1, &values).await?;
        }
        Ok(())
    }

    /// What stands in the way of appends, as far as it is committed.
    pub(super) async fn obstacles(&mut self, appends: &[&Encoded]) -> Result<Obstacles, SqlError> {
        let mut obstacles = Obstacles::default();
        let seqs: Vec<(ConversationId, i64)> = appends
            .iter()
            .flat_map(|encoded| {
                let append = &encoded.append;
                let after = int(append.after.0);
                [
                    (append.conversation, after),
                    (append.conversation, after + 1),
                ]
            })
            .collect();
        for (count, values) in chunk::keys(&seqs, |key| [uuid(key.0), Value::Int(key.1)]) {
            let select = "SELECT conversation_id, seq FROM entry WHERE [(conversation_id = ? AND seq = ?)| OR ]";
            for row in self.query(select, count, &values).await? {
                let key = conversation(&row, 0)?;
                let seq = seq(&row, 1)?;
                obstacles.seqs.insert((key, seq));
                let head = obstacles.heads.entry(key).or_default();
                *head = seq.max(*head);
            }
        }
        let entries: Vec<&Entry> = appends
            .iter()
            .flat_map(|encoded| encoded.append.entries.iter().map(|new| &new.entry))
            .collect();
        for (count, values) in chunk::keys(&entries, client_id_of) {
            let select = "SELECT conversation_id, sender, client_id FROM entry \
                          WHERE [(conversation_id = ? AND sender = ? AND client_id = ?)| OR ]";
            for row in self.query(select, count, &values).await? {
                let id = ClientId::new(column::<String>(&row, 2)?)?;
                obstacles
                    .ids
                    .insert((conversation(&row, 0)?, user(&row, 1)?, id));
            }
        }
        Ok(obstacles)
    }
}

/// Entries that are in the log and near the place of an append.
#[derive(Default)]
pub(super) struct Obstacles {
    seqs: HashSet<(ConversationId, Seq)>,
    ids: HashSet<(ConversationId, UserId, ClientId)>,
    /// Entries that were seen, as proofs for later.
    pub(super) heads: BTreeMap<ConversationId, Seq>,
}

impl Obstacles {
    pub(super) fn has_client_id_of(&self, append: &Append) -> bool {
        append.entries.iter().any(|new| {
            let entry = &new.entry;
            let key = (
                entry.conversation,
                entry.sender.clone(),
                entry.client_id.clone(),
            );
            self.ids.contains(&key)
        })
    }

    /// Whether the entry before is there and the place is free.
    pub(super) fn leave_room_for(&self, append: &Append) -> bool {
        let at = append.conversation;
        let follows = append.after == Seq::ZERO || self.seqs.contains(&(at, append.after));
        follows && !self.seqs.contains(&(at, append.after.next()))
    }
}

fn client_id_of(entry: &Entry) -> [Value<'_>; 3] {
    let (sender, id) = (entry.sender.as_str(), entry.client_id.as_str());
    [
        uuid(entry.conversation),
        Value::Text(sender),
        Value::Text(id),
    ]
}

impl EntryRow<'_> {
    fn values(&self) -> [Value<'_>; 8] {
        let entry = self.entry;
        [
            uuid(entry.conversation),
            Value::Int(int(entry.seq.0)),
            Value::Text(entry.sender.as_str()),
            Value::Text(entry.client_id.as_str()),
            Value::Int(int(entry.ordinal)),
            Value::Int(entry.at_ms.0),
            Value::Int(self.fingerprint),
            Value::Bytes(self.body),
        ]
    }
}

//! What entries leave beside the log, in SQL. Written in the transaction of the entries; read by `annotation`, `tally`,
//! `alarm` and `door`.

use im_core::{
    Entry, Seq, Timestamp,
    state::{MarkKind, Trace},
};

use super::{
    connection::{Connection, Value},
    error::SqlError,
    stored::{int, uuid},
};

/// `user_id` of a mention is empty when everybody is called. An alarm that is not lit yet rings at the end of time.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE mark (conversation_id {uuid}, target bigint NOT NULL, kind bigint NOT NULL, user_id {id}, \
     value {id}, PRIMARY KEY (conversation_id, target, kind, user_id, value)) {clustered}",
    "CREATE TABLE thread_entry (conversation_id {uuid}, root bigint NOT NULL, seq bigint NOT NULL, \
     PRIMARY KEY (conversation_id, root, seq)) {clustered}",
    "CREATE TABLE mention (conversation_id {uuid}, seq bigint NOT NULL, user_id {id}, \
     PRIMARY KEY (conversation_id, seq, user_id)) {clustered}",
    "CREATE TABLE gone (conversation_id {uuid}, seq bigint NOT NULL, PRIMARY KEY (conversation_id, seq)) {clustered}",
    "CREATE TABLE alarm (conversation_id {uuid}, seq bigint NOT NULL, sender {id}, at_ms bigint NOT NULL, \
     burn_ms bigint NOT NULL, PRIMARY KEY (conversation_id, seq)) {clustered}",
    "CREATE INDEX alarm_at ON alarm (at_ms, conversation_id, seq)",
    "CREATE TABLE ban (conversation_id {uuid}, user_id {id}, until_ms bigint NOT NULL, \
     PRIMARY KEY (conversation_id, user_id)) {clustered}",
    "CREATE TABLE deletion (user_id {id}, conversation_id {uuid}, seq bigint NOT NULL, version bigint NOT NULL, \
     PRIMARY KEY (user_id, conversation_id, seq)) {clustered}",
];

/// Messages whose text is not complete.
pub(super) const OPEN_MESSAGES: &[&str] = &[
    "CREATE TABLE open_message (conversation_id {uuid}, seq bigint NOT NULL, until_ms bigint NOT NULL, \
     PRIMARY KEY (conversation_id, seq)) {clustered}",
    "CREATE INDEX open_message_until ON open_message (until_ms, conversation_id, seq)",
];

/// A kind as the tables have it.
pub(super) const fn kind_code(kind: MarkKind) -> i64 {
    match kind {
        MarkKind::Reaction => 0,
        MarkKind::Vote => 1,
    }
}

impl Connection {
    /// Writes what an entry leaves.
    pub(super) async fn leave_traces(
        &mut self,
        entry: &Entry,
        traces: &[Trace],
    ) -> Result<(), SqlError> {
        let (at, seq) = (uuid(entry.conversation), Value::Int(int(entry.seq.0)));
        let mut clock = None;
        for trace in traces {
            match trace {
                Trace::Alarm(when) => clock.get_or_insert((Timestamp::FOREVER, 0)).0 = *when,
                Trace::Burn(span) => clock.get_or_insert((Timestamp::FOREVER, 0)).1 = *span,
                Trace::Ban(user, until) => {
                    let upsert = "INSERT INTO ban (conversation_id, user_id, until_ms) VALUES (?, ?, ?) \
                                  ON CONFLICT (conversation_id, user_id) DO UPDATE SET until_ms = excluded.until_ms";
                    let values = [at, Value::Text(user.as_str()), Value::Int(until.0)];
                    self.execute(upsert, 1, &values).await?;
                }
                Trace::Unban(user) => {
                    let delete = "DELETE FROM ban WHERE conversation_id = ? AND user_id = ?";
                    let values = [at, Value::Text(user.as_str())];
                    self.execute(delete, 1, &values).await?;
                }
                Trace::Open(until) => {
                    let insert = "INSERT INTO open_message (conversation_id, seq, until_ms) VALUES (?, ?, ?)";
                    self.execute(insert, 1, &[at, seq, Value::Int(until.0)])
                        .await?;
                }
                Trace::Ended(target) => {
                    let delete = "DELETE FROM open_message WHERE conversation_id = ? AND seq = ?";
                    let values = [at, Value::Int(int(target.0))];
                    self.execute(delete, 1, &values).await?;
                }
                Trace::Gone(target) => self.forget(at, *target).await?,
                Trace::Mark {
                    target,
                    user,
                    kind,
                    value,
                    on,
                } => {
                    let text = if *on {
                        "INSERT INTO mark (conversation_id, target, kind, user_id, value) \
                         VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
                    } else {
                        "DELETE FROM mark WHERE conversation_id = ? AND target = ? AND kind = ? \
                         AND user_id = ? AND value = ?"
                    };
                    let values = [
                        at,
                        Value::Int(int(target.0)),
                        Value::Int(kind_code(*kind)),
                        Value::Text(user.as_str()),
                        Value::Text(value),
                    ];
                    self.execute(text, 1, &values).await?;
                }
                Trace::Unmark { target, user, kind } => {
                    let delete = "DELETE FROM mark WHERE conversation_id = ? AND target = ? AND kind = ? \
                                  AND user_id = ?";
                    let values = [
                        at,
                        Value::Int(int(target.0)),
                        Value::Int(kind_code(*kind)),
                        Value::Text(user.as_str()),
                    ];
                    self.execute(delete, 1, &values).await?;
                }
                Trace::Mention(user) => {
                    let insert =
                        "INSERT INTO mention (conversation_id, seq, user_id) VALUES (?, ?, ?)";
                    let user = user.as_ref().map_or("", |user| user.as_str());
                    let values = [at, seq, Value::Text(user)];
                    self.execute(insert, 1, &values).await?;
                }
                Trace::Thread(root) => {
                    let insert =
                        "INSERT INTO thread_entry (conversation_id, root, seq) VALUES (?, ?, ?)";
                    let values = [at, Value::Int(int(root.0)), seq];
                    self.execute(insert, 1, &values).await?;
                }
            }
        }
        if let Some((when, burn)) = clock {
            let insert = "INSERT INTO alarm (conversation_id, seq, sender, at_ms, burn_ms) VALUES (?, ?, ?, ?, ?)";
            let sender = Value::Text(entry.sender.as_str());
            let values = [at, seq, sender, Value::Int(when.0), Value::Int(int(burn))];
            self.execute(insert, 1, &values).await?;
        }
        Ok(())
    }

    /// Removes what was attached to a message whose content is gone, and notes that it is.
    async fn forget(&mut self, at: Value<'_>, target: Seq) -> Result<(), SqlError> {
        let values = [at, Value::Int(int(target.0))];
        for text in [
            "DELETE FROM mark WHERE conversation_id = ? AND target = ?",
            "DELETE FROM mention WHERE conversation_id = ? AND seq = ?",
            "DELETE FROM alarm WHERE conversation_id = ? AND seq = ?",
            "DELETE FROM open_message WHERE conversation_id = ? AND seq = ?",
            "INSERT INTO gone (conversation_id, seq) VALUES (?, ?) ON CONFLICT DO NOTHING",
        ] {
            self.execute(text, 1, &values).await?;
        }
        Ok(())
    }
}

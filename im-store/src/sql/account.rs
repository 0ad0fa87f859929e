//! Accounts and their identifiers in SQL.

use async_trait::async_trait;
use im_core::{
    Identifier, IdentifierKind, StoreError, Timestamp, UserId,
    port::{Account, AccountStore, Attached, Created},
};

use super::{
    SqlStore,
    connection::{Connection, Value},
    error::SqlError,
    stored::{column, user},
};

/// The tables of accounts that are more than a password.
pub(super) const TABLES: &[&str] = &[
    "CREATE TABLE identifier (kind bigint NOT NULL, name {name}, user_id {id}, since_ms bigint NOT NULL, \
     PRIMARY KEY (kind, name))",
    "CREATE INDEX identifier_user ON identifier (user_id, kind, name)",
    "CREATE TABLE one_time_code (id {hash}, code {hash}, expires_at_ms bigint NOT NULL, tries bigint NOT NULL, \
     PRIMARY KEY (id))",
    "CREATE INDEX one_time_code_expiry ON one_time_code (expires_at_ms)",
    "CREATE TABLE real_name (user_id {id}, state bigint NOT NULL, evidence {hash}, at_ms bigint NOT NULL, \
     PRIMARY KEY (user_id))",
    "CREATE TABLE erasure (user_id {id}, begun_at_ms bigint NOT NULL, due_ms bigint NOT NULL, \
     conversation_id {uuid}, seq bigint NOT NULL, PRIMARY KEY (user_id))",
    "CREATE INDEX erasure_due ON erasure (due_ms)",
    "CREATE INDEX join_request_user ON join_request (user_id, conversation_id)",
];

const ACCOUNT: &str = "SELECT user_id, password_hash, fingerprint, created_at_ms FROM account \
    WHERE user_id = ?";

const OWNER: &str = "SELECT user_id FROM identifier WHERE kind = ? AND name = ?";

const IDENTIFIERS: &str = "SELECT kind, name FROM identifier WHERE user_id = ? ORDER BY kind, name";

const LOCKED: &str = "SELECT user_id FROM account WHERE user_id = ? FOR UPDATE";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[ACCOUNT, OWNER, IDENTIFIERS, LOCKED];

/// Kinds by their number in the database. New ones are added at the end.
const KINDS: [IdentifierKind; 3] = [
    IdentifierKind::Email,
    IdentifierKind::Phone,
    IdentifierKind::Subject,
];

fn key(identifier: &Identifier) -> [Value<'_>; 2] {
    let kind = KINDS.iter().position(|kind| *kind == identifier.kind());
    let kind = i64::try_from(kind.unwrap_or_default()).unwrap_or_default();
    [Value::Int(kind), Value::Text(identifier.as_str())]
}

/// `false` when somebody has it.
async fn insert_identifier(
    connection: &mut Connection,
    user: &UserId,
    identifier: &Identifier,
    now: Timestamp,
) -> Result<bool, SqlError> {
    let [kind, name] = key(identifier);
    let values = [kind, name, Value::Text(user.as_str()), Value::Int(now.0)];
    let insert = "INSERT INTO identifier (kind, name, user_id, since_ms) VALUES (?, ?, ?, ?) \
                  ON CONFLICT DO NOTHING";
    Ok(connection.execute(insert, 1, &values).await? > 0)
}

/// `None` when somebody has the name.
async fn insert_account(
    connection: &mut Connection,
    account: &Account,
    identifier: Option<&Identifier>,
) -> Result<Option<Created>, SqlError> {
    let name = Value::Text(account.user.as_str());
    let erased = "SELECT user_id FROM erasure WHERE user_id = ?";
    if !connection.query(erased, 1, &[name]).await?.is_empty() {
        return Ok(Some(Created::Erased));
    }
    if !connection.query(LOCKED, 1, &[name]).await?.is_empty() {
        return Ok(None);
    }
    if let Some(identifier) = identifier
        && !insert_identifier(connection, &account.user, identifier, account.created_at_ms).await?
    {
        return Ok(Some(Created::IdentifierTaken));
    }
    let insert = "INSERT INTO account (user_id, password_hash, fingerprint, created_at_ms) \
                  VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values = [
        name,
        Value::Text(account.password_hash.as_deref().unwrap_or_default()),
        Value::Int(account.fingerprint),
        Value::Int(account.created_at_ms.0),
    ];
    if connection.execute(insert, 1, &values).await? > 0 {
        return Ok(Some(Created::Stored));
    }
    // Somebody was faster between the look and the insertion.
    if let Some(identifier) = identifier {
        let delete = "DELETE FROM identifier WHERE kind = ? AND name = ?";
        connection.execute(delete, 1, &key(identifier)).await?;
    }
    Ok(None)
}

async fn attach_identifier(
    connection: &mut Connection,
    user_id: &UserId,
    identifier: &Identifier,
    now: Timestamp,
) -> Result<Attached, SqlError> {
    let name = Value::Text(user_id.as_str());
    if connection.query(LOCKED, 1, &[name]).await?.is_empty() {
        return Ok(Attached::NoAccount);
    }
    if let Some(row) = connection.query(OWNER, 1, &key(identifier)).await?.pop() {
        let is_own = user(&row, 0)? == *user_id;
        return Ok(if is_own {
            Attached::Stored
        } else {
            Attached::Taken
        });
    }
    if !insert_identifier(connection, user_id, identifier, now).await? {
        return Ok(Attached::Taken);
    }
    if identifier.kind().is_single() {
        let [kind, text] = key(identifier);
        let delete = "DELETE FROM identifier WHERE user_id = ? AND kind = ? AND name <> ?";
        connection.execute(delete, 1, &[name, kind, text]).await?;
    }
    Ok(Attached::Stored)
}

impl SqlStore {
    async fn create_account(
        &self,
        account: &Account,
        identifier: Option<&Identifier>,
    ) -> Result<Created, SqlError> {
        loop {
            let inserting = self.core.transaction(|connection, _| {
                Box::pin(insert_account(connection, account, identifier))
            });
            if let Some(created) = inserting.await? {
                return Ok(created);
            }
            // Once more when it is gone by now: it is being erased, or somebody deletes accounts by hand.
            if let Some(taken) = self.find_account(&account.user).await? {
                return Ok(Created::Taken(taken));
            }
        }
    }

    async fn find_account(&self, id: &UserId) -> Result<Option<Account>, SqlError> {
        let row = self
            .core
            .query(ACCOUNT, 1, &[Value::Text(id.as_str())])
            .await?
            .pop();
        let Some(row) = row else { return Ok(None) };
        let hash: String = column(&row, 1)?;
        Ok(Some(Account {
            user: user(&row, 0)?,
            password_hash: Some(hash).filter(|hash| !hash.is_empty()),
            fingerprint: column(&row, 2)?,
            created_at_ms: Timestamp(column(&row, 3)?),
        }))
    }

    async fn replace_password(
        &self,
        user: &UserId,
        former: Option<&str>,
        hash: &str,
    ) -> Result<bool, SqlError> {
        let (new, name) = (Value::Text(hash), Value::Text(user.as_str()));
        let changed = match former {
            Some(former) => {
                let update =
                    "UPDATE account SET password_hash = ? WHERE user_id = ? AND password_hash = ?";
                let values = [new, name, Value::Text(former)];
                self.core.write(update, &values).await?
            }
            None => {
                let update = "UPDATE account SET password_hash = ? WHERE user_id = ?";
                self.core.write(update, &[new, name]).await?
            }
        };
        Ok(changed > 0)
    }

    async fn find_owner(&self, identifier: &Identifier) -> Result<Option<UserId>, SqlError> {
        let rows = self.core.query(OWNER, 1, &key(identifier)).await?;
        rows.first().map(|row| user(row, 0)).transpose()
    }

    async fn find_identifiers(&self, user: &UserId) -> Result<Vec<Identifier>, SqlError> {
        let values = [Value::Text(user.as_str())];
        let mut found = Vec::new();
        for row in self.core.query(IDENTIFIERS, 1, &values).await? {
            let kind = usize::try_from(column::<i64>(&row, 0)?).ok();
            // A kind of a newer build is nothing that this one could use.
            if let Some(kind) = kind.and_then(|n| KINDS.get(n)) {
                found.push(Identifier::stored(*kind, column(&row, 1)?));
            }
        }
        Ok(found)
    }
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn create(
        &self,
        account: Account,
        identifier: Option<Identifier>,
    ) -> Result<Created, StoreError> {
        let creating = self.create_account(&account, identifier.as_ref()).await;
        creating.map_err(|error| error.during("creating an account"))
    }

    async fn account(&self, user: &UserId) -> Result<Option<Account>, StoreError> {
        let finding = self.find_account(user).await;
        finding.map_err(|error| error.during("reading an account"))
    }

    async fn set_password(
        &self,
        user: &UserId,
        former: Option<&str>,
        hash: String,
    ) -> Result<bool, StoreError> {
        let replacing = self.replace_password(user, former, &hash).await;
        replacing.map_err(|error| error.during("replacing a password"))
    }

    async fn attach(
        &self,
        user: &UserId,
        identifier: Identifier,
        now: Timestamp,
    ) -> Result<Attached, StoreError> {
        let attaching = self.core.transaction(|connection, _| {
            Box::pin(attach_identifier(connection, user, &identifier, now))
        });
        let attached = attaching.await;
        attached.map_err(|error| error.during("giving an account an identifier"))
    }

    async fn owner(&self, identifier: &Identifier) -> Result<Option<UserId>, StoreError> {
        let finding = self.find_owner(identifier).await;
        finding.map_err(|error| error.during("finding an account"))
    }

    async fn identifiers(&self, user: &UserId) -> Result<Vec<Identifier>, StoreError> {
        let finding = self.find_identifiers(user).await;
        finding.map_err(|error| error.during("reading identifiers"))
    }
}

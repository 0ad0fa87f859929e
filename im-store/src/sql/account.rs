//! Accounts in SQL.

use async_trait::async_trait;
use im_core::{
    StoreError, Timestamp, UserId,
    port::{Account, AccountStore, Created},
};

use super::{
    SqlStore,
    connection::Value,
    error::SqlError,
    stored::{column, user},
};

const ACCOUNT: &str = "SELECT user_id, password_hash, fingerprint, created_at_ms FROM account \
    WHERE user_id = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[ACCOUNT];

impl SqlStore {
    async fn create_account(&self, account: &Account) -> Result<Created, SqlError> {
        let insert = "INSERT INTO account (user_id, password_hash, fingerprint, created_at_ms) \
                      VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
        let values = [
            Value::Text(account.user.as_str()),
            Value::Text(&account.password_hash),
            Value::Int(account.fingerprint),
            Value::Int(account.created_at_ms.0),
        ];
        loop {
            if self.core.write(insert, &values).await? > 0 {
                return Ok(Created::Stored);
            }
            // Once more when it is gone by now: somebody deletes accounts by hand.
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
        Ok(Some(Account {
            user: user(&row, 0)?,
            password_hash: column(&row, 1)?,
            fingerprint: column(&row, 2)?,
            created_at_ms: Timestamp(column(&row, 3)?),
        }))
    }
}

#[async_trait]
impl AccountStore for SqlStore {
    async fn create(&self, account: Account) -> Result<Created, StoreError> {
        let creating = self.create_account(&account).await;
        creating.map_err(|error| error.during("creating an account"))
    }

    async fn account(&self, user: &UserId) -> Result<Option<Account>, StoreError> {
        let finding = self.find_account(user).await;
        finding.map_err(|error| error.during("reading an account"))
    }
}

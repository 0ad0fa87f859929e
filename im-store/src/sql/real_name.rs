//! Checks of real names in SQL.

use async_trait::async_trait;
use im_core::{
    StoreError, Timestamp, UserId,
    port::{RealName, RealNameState, RealNameStore},
};

use super::{SqlStore, connection::Value, error::SqlError, stored::column};

const REAL_NAME: &str = "SELECT state, evidence, at_ms FROM real_name WHERE user_id = ?";

/// The statements whose plans are checked.
#[cfg(test)]
pub(super) const HOT: &[&str] = &[REAL_NAME];

const fn number(state: RealNameState) -> i64 {
    match state {
        RealNameState::Pending => 0,
        RealNameState::Rejected => 1,
        RealNameState::Verified => 2,
    }
}

const fn state(number: i64) -> RealNameState {
    match number {
        2 => RealNameState::Verified,
        1 => RealNameState::Rejected,
        _ => RealNameState::Pending,
    }
}

impl SqlStore {
    async fn find_real_name(&self, user: &UserId) -> Result<Option<RealName>, SqlError> {
        let values = [Value::Text(user.as_str())];
        let Some(row) = self.core.query(REAL_NAME, 1, &values).await?.pop() else {
            return Ok(None);
        };
        let evidence: Vec<u8> = column(&row, 1)?;
        Ok(Some(RealName {
            state: state(column(&row, 0)?),
            evidence: evidence.try_into().unwrap_or_default(),
            at_ms: Timestamp(column(&row, 2)?),
        }))
    }

    async fn change_real_name(
        &self,
        user: &UserId,
        from: Option<RealNameState>,
        to: &RealName,
    ) -> Result<bool, SqlError> {
        let name = Value::Text(user.as_str());
        let state = Value::Int(number(to.state));
        let (evidence, at) = (Value::Bytes(&to.evidence), Value::Int(to.at_ms.0));
        let changed = match from {
            None => {
                let insert = "INSERT INTO real_name (user_id, state, evidence, at_ms) VALUES (?, ?, ?, ?) \
                              ON CONFLICT DO NOTHING";
                let values = [name, state, evidence, at];
                self.core.write(insert, &values).await?
            }
            Some(from) => {
                let update = "UPDATE real_name SET state = ?, evidence = ?, at_ms = ? \
                              WHERE user_id = ? AND state = ?";
                let values = [state, evidence, at, name, Value::Int(number(from))];
                self.core.write(update, &values).await?
            }
        };
        Ok(changed > 0)
    }
}

#[async_trait]
impl RealNameStore for SqlStore {
    async fn real_name(&self, user: &UserId) -> Result<Option<RealName>, StoreError> {
        let finding = self.find_real_name(user).await;
        finding.map_err(|error| error.during("reading the check of a real name"))
    }

    async fn set_real_name(
        &self,
        user: &UserId,
        from: Option<RealNameState>,
        to: RealName,
    ) -> Result<bool, StoreError> {
        let changing = self.change_real_name(user, from, &to).await;
        changing.map_err(|error| error.during("storing the check of a real name"))
    }
}

//! Rows whose time is over. Nobody is shown them any more; here they are cleared away.

use super::Engine;
use crate::{OwnKey, OwnKind, Rejection, port::OwnWrite};

impl Engine {
    /// Clears away at most `limit` rows whose time is over; returns how many it was.
    pub(crate) async fn clear_expired(&self, limit: usize) -> Result<usize, Rejection> {
        let now = self.ports.runtime.now();
        let mut cleared = 0;
        for (user, row) in self.ports.own.due(now, limit).await? {
            if row.kind != OwnKind::Request && row.kind != OwnKind::Notice {
                continue;
            }
            let key = OwnKey::new(row.kind, row.key);
            // Whoever has it changed in the meantime has given it another time.
            let write = OwnWrite::remove(user, key).if_still(row.version);
            cleared += usize::from(self.write_own(None, vec![write]).await?.is_some());
        }
        self.ports.notices.forget_old(now).await?;
        Ok(cleared)
    }
}

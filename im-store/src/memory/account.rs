//! Accounts in memory: passwords, identifiers, codes, checks of real names.

use std::collections::{BTreeMap, HashMap};

use async_trait::async_trait;
use im_core::{
    Identifier, StoreError, Timestamp, UserId,
    port::{
        Account, AccountStore, Attached, CODE_TRIES, CodeHash, CodeStore, Created, OneTimeCode,
        RealName, RealNameState, RealNameStore,
    },
};

use super::MemoryStore;

#[derive(Default)]
pub(super) struct Accounts {
    accounts: HashMap<UserId, Account>,
    owners: BTreeMap<Identifier, UserId>,
    codes: HashMap<[u8; 32], (OneTimeCode, u32)>,
    real_names: HashMap<UserId, RealName>,
}

impl Accounts {
    /// Forgets a user.
    pub(super) fn remove(&mut self, user: &UserId) {
        self.accounts.remove(user);
        self.owners.retain(|_, owner| owner != user);
        self.real_names.remove(user);
    }
}

#[async_trait]
impl AccountStore for MemoryStore {
    async fn create(
        &self,
        account: Account,
        identifier: Option<Identifier>,
    ) -> Result<Created, StoreError> {
        let mut state = self.state();
        if state.erasures.contains_key(&account.user) {
            return Ok(Created::Erased);
        }
        let accounts = &mut state.accounts;
        if let Some(taken) = accounts.accounts.get(&account.user) {
            return Ok(Created::Taken(taken.clone()));
        }
        if let Some(identifier) = identifier {
            if accounts.owners.contains_key(&identifier) {
                return Ok(Created::IdentifierTaken);
            }
            accounts.owners.insert(identifier, account.user.clone());
        }
        accounts.accounts.insert(account.user.clone(), account);
        Ok(Created::Stored)
    }

    async fn account(&self, user: &UserId) -> Result<Option<Account>, StoreError> {
        Ok(self.state().accounts.accounts.get(user).cloned())
    }

    async fn set_password(
        &self,
        user: &UserId,
        former: Option<&str>,
        hash: String,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(account) = state.accounts.accounts.get_mut(user) else {
            return Ok(false);
        };
        if former.is_some() && account.password_hash.as_deref() != former {
            return Ok(false);
        }
        account.password_hash = Some(hash);
        Ok(true)
    }

    async fn attach(
        &self,
        user: &UserId,
        identifier: Identifier,
        _: Timestamp,
    ) -> Result<Attached, StoreError> {
        let mut state = self.state();
        let accounts = &mut state.accounts;
        if !accounts.accounts.contains_key(user) {
            return Ok(Attached::NoAccount);
        }
        if let Some(owner) = accounts.owners.get(&identifier) {
            let is_own = owner == user;
            return Ok(if is_own {
                Attached::Stored
            } else {
                Attached::Taken
            });
        }
        if identifier.kind().is_single() {
            let kind = identifier.kind();
            accounts
                .owners
                .retain(|other, owner| owner != user || other.kind() != kind);
        }
        accounts.owners.insert(identifier, user.clone());
        Ok(Attached::Stored)
    }

    async fn owner(&self, identifier: &Identifier) -> Result<Option<UserId>, StoreError> {
        Ok(self.state().accounts.owners.get(identifier).cloned())
    }

    async fn identifiers(&self, user: &UserId) -> Result<Vec<Identifier>, StoreError> {
        let state = self.state();
        let all = state.accounts.owners.iter();
        let own = all.filter(|(_, owner)| *owner == user);
        Ok(own.map(|(identifier, _)| identifier.clone()).collect())
    }
}

#[async_trait]
impl CodeStore for MemoryStore {
    async fn give(&self, code: OneTimeCode, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let codes = &mut state.accounts.codes;
        codes.retain(|_, (code, _)| code.expires_at_ms > now);
        codes.insert(code.id, (code, 0));
        Ok(())
    }

    async fn attempt(
        &self,
        id: [u8; 32],
        code: CodeHash,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let codes = &mut state.accounts.codes;
        let Some((stands, tries)) = codes.get_mut(&id) else {
            return Ok(false);
        };
        let matches = stands.code.matches(&code);
        if stands.expires_at_ms <= now || *tries >= CODE_TRIES {
            return Ok(false);
        }
        *tries += 1;
        if matches {
            codes.remove(&id);
        }
        Ok(matches)
    }
}

#[async_trait]
impl RealNameStore for MemoryStore {
    async fn real_name(&self, user: &UserId) -> Result<Option<RealName>, StoreError> {
        Ok(self.state().accounts.real_names.get(user).copied())
    }

    async fn set_real_name(
        &self,
        user: &UserId,
        from: Option<RealNameState>,
        to: RealName,
    ) -> Result<bool, StoreError> {
        let mut state = self.state();
        let real_names = &mut state.accounts.real_names;
        let stands = real_names.get(user).map(|stands| stands.state);
        if stands == from {
            real_names.insert(user.clone(), to);
        }
        Ok(stands == from)
    }
}

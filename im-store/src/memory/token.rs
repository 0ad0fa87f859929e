//! Refresh tokens and server keys in memory.

use std::collections::{BTreeMap, HashMap, HashSet};

use async_trait::async_trait;
use im_core::{
    DeviceId, StoreError, Timestamp, UserId,
    port::{
        Extent, REPEAT, REVOCATIONS_LAST, Redeemed, RefreshToken, Revocation, Revoked, ServerKey,
        TokenStore,
    },
};
use uuid::Uuid;

use super::{MemoryStore, State};

#[derive(Default)]
pub(super) struct Tokens {
    tokens: HashMap<[u8; 32], RefreshToken>,
    spent: HashSet<[u8; 32]>,
    /// Families that are alive, with their owners.
    alive: HashMap<Uuid, UserId>,
    families: HashMap<UserId, HashSet<Uuid>>,
    revoked: BTreeMap<Revoked, Timestamp>,
}

impl Tokens {
    /// Forgets the user's families of which every token has expired.
    fn forget_expired(&mut self, user: &UserId, now: Timestamp) {
        let tokens = self.tokens.values();
        let good = tokens.filter(|token| token.expires_at_ms > now);
        let kept: HashSet<Uuid> = good.map(|token| token.family).collect();
        self.tokens
            .retain(|_, token| token.user != *user || kept.contains(&token.family));
        self.spent.retain(|hash| self.tokens.contains_key(hash));
        self.alive
            .retain(|family, owner| owner != user || kept.contains(family));
        if let Some(families) = self.families.get_mut(user) {
            families.retain(|family| kept.contains(family));
        }
    }

    fn revoke(&mut self, family: Uuid, now: Timestamp) {
        self.note(Revoked::Family(family), now);
        let owner = self.alive.remove(&family);
        let families = owner.and_then(|owner| self.families.get_mut(&owner));
        if let Some(families) = families {
            families.remove(&family);
        }
    }

    /// Deletes a user's tokens. `false` when there were none.
    pub(super) fn remove(&mut self, user: &UserId) -> bool {
        let count = self.tokens.len();
        self.tokens.retain(|_, token| token.user != *user);
        self.spent.retain(|hash| self.tokens.contains_key(hash));
        self.alive.retain(|_, owner| owner != user);
        self.families.remove(user);
        let is_own = |of: &Revoked| matches!(of, Revoked::Device(owner, _) if owner == user);
        self.revoked.retain(|of, _| !is_own(of));
        self.tokens.len() < count
    }

    fn note(&mut self, of: Revoked, now: Timestamp) {
        self.revoked.retain(|_, at| at.plus(REVOCATIONS_LAST) > now);
        let at = self.revoked.entry(of).or_insert(now);
        *at = now.max(*at);
    }
}

#[async_trait]
impl TokenStore for MemoryStore {
    async fn insert(&self, token: RefreshToken, now: Timestamp) -> Result<(), StoreError> {
        let mut state = self.state();
        let tokens = &mut state.tokens;
        tokens.forget_expired(&token.user, now);
        let families = tokens.families.entry(token.user.clone()).or_default();
        families.insert(token.family);
        tokens.alive.insert(token.family, token.user.clone());
        tokens.tokens.insert(token.hash, token);
        Ok(())
    }

    async fn redeem(
        &self,
        hash: [u8; 32],
        next: [u8; 32],
        expires_at_ms: Timestamp,
        now: Timestamp,
    ) -> Result<Redeemed, StoreError> {
        let mut state = self.state();
        let State { tokens, .. } = &mut *state;
        let Some(token) = tokens.tokens.get(&hash).cloned() else {
            return Ok(Redeemed::Unknown);
        };
        if token.expires_at_ms <= now || !tokens.alive.contains_key(&token.family) {
            return Ok(Redeemed::Unknown);
        }
        if !tokens.spent.insert(hash) {
            let successor = tokens.tokens.get(&next).filter(|successor| {
                successor.family == token.family
                    && !tokens.spent.contains(&next)
                    && expires_at_ms < successor.expires_at_ms.plus(REPEAT)
            });
            if let Some(successor) = successor {
                return Ok(Redeemed::Repeated(successor.clone()));
            }
            tokens.revoke(token.family, now);
            return Ok(Redeemed::Reused(token));
        }
        let successor = RefreshToken {
            hash: next,
            expires_at_ms,
            ..token.clone()
        };
        tokens.tokens.insert(next, successor);
        Ok(Redeemed::Rotated(token))
    }

    async fn revoke_family(&self, family: Uuid, now: Timestamp) -> Result<(), StoreError> {
        self.state().tokens.revoke(family, now);
        Ok(())
    }

    async fn revoke_user(
        &self,
        user: &UserId,
        extent: &Extent,
        now: Timestamp,
    ) -> Result<Vec<Uuid>, StoreError> {
        let mut state = self.state();
        let tokens = &mut state.tokens;
        let families = tokens.families.get(user).cloned().unwrap_or_default();
        let on_device = |family: &Uuid, device: &DeviceId| {
            let mut all = tokens.tokens.values();
            all.any(|token| token.family == *family && token.device == *device)
        };
        let is_meant = |family: &Uuid| match extent {
            Extent::All => true,
            Extent::AllBut(spared) => family != spared,
            Extent::Device(device) => on_device(family, device),
        };
        let revoked: Vec<_> = families.into_iter().filter(is_meant).collect();
        for family in &revoked {
            tokens.revoke(*family, now);
        }
        match extent {
            Extent::All => tokens.note(Revoked::User(user.clone()), now),
            Extent::AllBut(_) => {}
            Extent::Device(device) => {
                tokens.note(Revoked::Device(user.clone(), device.clone()), now);
            }
        }
        Ok(revoked)
    }

    async fn revocations(&self, now: Timestamp) -> Result<Vec<Revocation>, StoreError> {
        let state = self.state();
        let all = state.tokens.revoked.iter();
        let known = all.filter(|(_, at)| at.plus(REVOCATIONS_LAST) > now);
        let revocation = |(of, at): (&Revoked, &Timestamp)| Revocation {
            of: of.clone(),
            at_ms: *at,
        };
        Ok(known.map(revocation).collect())
    }

    async fn put_key(&self, key: ServerKey) -> Result<(), StoreError> {
        self.state().keys.insert(key.name.clone(), key);
        Ok(())
    }

    async fn key(&self, hash: [u8; 32]) -> Result<Option<ServerKey>, StoreError> {
        let state = self.state();
        let mut keys = state.keys.values();
        Ok(keys.find(|key| key.hash == hash).cloned())
    }
}

//! Bans, requests and invite links in memory.

use async_trait::async_trait;
use im_core::{
    ConversationId, Invite, JoinRequest, StoreError, Timestamp, UserId,
    port::{Banned, DoorStore, InviteStore},
};

use super::MemoryStore;

#[async_trait]
impl DoorStore for MemoryStore {
    async fn banned(
        &self,
        conversation: ConversationId,
        users: &[UserId],
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError> {
        let mut bans = self.state().traces.bans_of(conversation, now);
        bans.retain(|ban| users.contains(&ban.user));
        Ok(bans)
    }

    async fn bans(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<Banned>, StoreError> {
        let mut bans = self.state().traces.bans_of(conversation, now);
        bans.retain(|ban| after.is_none_or(|after| ban.user > *after));
        bans.truncate(limit);
        Ok(bans)
    }

    async fn put_request(&self, request: JoinRequest) -> Result<(), StoreError> {
        let key = (request.conversation, request.user.clone());
        self.state().requests.insert(key, request);
        Ok(())
    }

    async fn requests(
        &self,
        conversation: ConversationId,
        after: Option<&UserId>,
        limit: usize,
    ) -> Result<Vec<JoinRequest>, StoreError> {
        let state = self.state();
        let all = state.requests.values();
        let page = all.filter(|request| {
            request.conversation == conversation && after.is_none_or(|after| request.user > *after)
        });
        Ok(page.take(limit).cloned().collect())
    }

    async fn requested(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<Vec<UserId>, StoreError> {
        let state = self.state();
        let asked = |user: &&UserId| {
            let key = (conversation, (*user).clone());
            state.requests.contains_key(&key)
        };
        Ok(users.iter().filter(asked).cloned().collect())
    }

    async fn remove_requests(
        &self,
        conversation: ConversationId,
        users: &[UserId],
    ) -> Result<usize, StoreError> {
        let mut state = self.state();
        let removed = users.iter().filter_map(|user| {
            let key = (conversation, user.clone());
            state.requests.remove(&key)
        });
        Ok(removed.count())
    }

    async fn count_requests(
        &self,
        conversation: ConversationId,
        most: usize,
    ) -> Result<usize, StoreError> {
        let state = self.state();
        let all = state.requests.keys().filter(|(at, _)| *at == conversation);
        Ok(all.take(most).count())
    }
}

#[async_trait]
impl InviteStore for MemoryStore {
    async fn put(&self, invite: Invite) -> Result<(), StoreError> {
        let mut state = self.state();
        state.invites.insert(invite.code.clone(), invite);
        Ok(())
    }

    async fn invites(
        &self,
        conversation: ConversationId,
        limit: usize,
    ) -> Result<Vec<Invite>, StoreError> {
        let state = self.state();
        let all = state.invites.values();
        let mut own: Vec<Invite> = all
            .filter(|invite| invite.conversation == conversation)
            .cloned()
            .collect();
        own.sort_by(|a, b| (b.created_at_ms, &b.code).cmp(&(a.created_at_ms, &a.code)));
        own.truncate(limit);
        Ok(own)
    }

    async fn invite(&self, code: &str) -> Result<Option<Invite>, StoreError> {
        Ok(self.state().invites.get(code).cloned())
    }

    async fn spend(&self, code: &str, now: Timestamp) -> Result<bool, StoreError> {
        let mut state = self.state();
        let Some(invite) = state.invites.get_mut(code) else {
            return Ok(false);
        };
        if invite.expires_at_ms.is_some_and(|end| end <= now) || invite.uses_left == Some(0) {
            return Ok(false);
        }
        invite.uses_left = invite.uses_left.map(|uses| uses - 1);
        Ok(true)
    }

    async fn give_back(&self, code: &str) -> Result<(), StoreError> {
        let mut state = self.state();
        let invite = state.invites.get_mut(code);
        if let Some(uses) = invite.and_then(|invite| invite.uses_left.as_mut()) {
            *uses += 1;
        }
        Ok(())
    }

    async fn remove(&self, conversation: ConversationId, code: &str) -> Result<bool, StoreError> {
        let mut state = self.state();
        let is_own = state
            .invites
            .get(code)
            .is_some_and(|invite| invite.conversation == conversation);
        if is_own {
            state.invites.remove(code);
        }
        Ok(is_own)
    }
}

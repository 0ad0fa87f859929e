//! From a command to the part of the engine that executes it.

use std::sync::Arc;

use super::{Engine, positions::Mark, registry::SessionEntry, slot::Stored};
use crate::{
    Actor, Block, Changed, ClientId, Code, Command, ConversationId, ConversationView, Done, Pong,
    Rejection, Reply, Sent, state::Ask,
};

impl Engine {
    /// Executes a command for an actor, from a session or without one.
    pub(crate) async fn execute(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        self.check_rate(&actor, &command)?;
        if let Command::SendMessage(ask) = command {
            let (id, client_id) = (ask.conversation, ask.client_id.clone());
            let sent = self.say(actor, id, client_id, Ask::Send(ask)).await?;
            return Ok(Reply::SendMessage(sent));
        }
        // In a box: there is a future for every message under way, and it need not have room for all of these.
        Box::pin(self.execute_other(actor, session, command)).await
    }

    async fn execute_other(
        self: Arc<Self>,
        actor: Actor,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        let session = session.as_ref();
        Ok(match command {
            Command::AddMembers(ask) => {
                self.check_users(&ask.users)?;
                Reply::AddMembers(self.change(actor, ask.conversation, Ask::Add(ask)).await?)
            }
            Command::BlockUser(ask) => Reply::BlockUser(
                self.set_block(
                    &actor,
                    session,
                    Block {
                        user: ask.user,
                        blocked: true,
                    },
                )
                .await?,
            ),
            Command::ChangeInfo(ask) => {
                Reply::ChangeInfo(self.change(actor, ask.conversation, Ask::Info(ask)).await?)
            }
            Command::ChangeRole(ask) => {
                Reply::ChangeRole(self.change(actor, ask.conversation, Ask::Role(ask)).await?)
            }
            Command::ChangeSettings(ask) => {
                Reply::ChangeSettings(self.settings(&actor, session, ask).await?)
            }
            Command::CloseSession(_) => Reply::CloseSession(Done {}),
            Command::CreateConversation(ask) => {
                self.check_users(&ask.members)?;
                Reply::CreateConversation(self.begin(actor, Ask::Create(ask)).await?)
            }
            Command::EditMessage(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::EditMessage(self.say(actor, id, client_id, Ask::Edit(ask)).await?)
            }
            Command::GetConversation(ask) => {
                Reply::GetConversation(self.view(ask.conversation, &actor.user).await?)
            }
            Command::GetPresence(ask) => {
                Reply::GetPresence(self.presence_of(&actor, ask.users).await?)
            }
            Command::GetProfiles(ask) => Reply::GetProfiles(self.profiles(ask).await?),
            Command::History(ask) => Reply::History(self.history(&actor, session, ask).await?),
            Command::JoinGroup(ask) => {
                Reply::JoinGroup(self.change(actor, ask.conversation, Ask::Join(ask)).await?)
            }
            Command::KickMembers(ask) => {
                self.check_users(&ask.users)?;
                Reply::KickMembers(self.change(actor, ask.conversation, Ask::Kick(ask)).await?)
            }
            Command::LeaveGroup(ask) => Reply::LeaveGroup(
                self.change(actor, ask.conversation, Ask::Leave(ask))
                    .await?,
            ),
            Command::ListBlocks(_) => Reply::ListBlocks(self.blocks(&actor).await?),
            Command::ListConversations(ask) => {
                Reply::ListConversations(self.list(&actor, ask).await?)
            }
            Command::ListMembers(ask) => Reply::ListMembers(self.members(&actor, ask).await?),
            Command::MarkDelivered(ask) => Reply::MarkDelivered(
                self.mark(&actor, ask.conversation, Mark::Delivered(ask.seq))
                    .await?,
            ),
            Command::MarkRead(ask) => Reply::MarkRead(
                self.mark(&actor, ask.conversation, Mark::Read(ask.seq))
                    .await?,
            ),
            Command::OpenDirect(ask) => {
                Reply::OpenDirect(self.begin(actor, Ask::Direct(ask.user)).await?)
            }
            Command::OpenSession(_) => {
                return Err(Rejection::new(
                    Code::InvalidRequest,
                    "this session is open; open another link for another",
                ));
            }
            Command::Ping(_) => Reply::Ping(Pong {
                server_time_ms: self.ports.runtime.now(),
            }),
            Command::RecallMessage(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::RecallMessage(self.say(actor, id, client_id, Ask::Recall(ask)).await?)
            }
            Command::SearchMessages(ask) => Reply::SearchMessages(self.search(&actor, ask).await?),
            Command::SendMessage(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::SendMessage(self.say(actor, id, client_id, Ask::Send(ask)).await?)
            }
            Command::SubscribePresence(ask) => {
                Reply::SubscribePresence(self.watch(&actor, session, ask.users).await?)
            }
            Command::SyncPull(ask) => Reply::SyncPull(self.sync(&actor, session, ask).await?),
            Command::Typing(ask) => Reply::Typing(self.typing(&actor, ask.conversation).await?),
            Command::UnblockUser(ask) => Reply::UnblockUser(
                self.set_block(
                    &actor,
                    session,
                    Block {
                        user: ask.user,
                        blocked: false,
                    },
                )
                .await?,
            ),
            Command::UnsubscribePresence(ask) => {
                Reply::UnsubscribePresence(self.unwatch(session, &ask.users)?)
            }
            Command::UpdateProfile(ask) => Reply::UpdateProfile(self.update(&actor, ask).await?),
            Command::UpsertUser(ask) => Reply::UpsertUser(self.upsert(&actor, ask).await?),
        })
    }

    async fn say(
        self: Arc<Self>,
        actor: Actor,
        conversation: ConversationId,
        client_id: ClientId,
        ask: Ask,
    ) -> Result<Sent, Rejection> {
        let Stored { seq, at_ms } = self.ask(actor, ask).await?;
        Ok(Sent {
            conversation,
            client_id,
            seq,
            at_ms,
        })
    }

    async fn change(
        self: Arc<Self>,
        actor: Actor,
        conversation: ConversationId,
        ask: Ask,
    ) -> Result<Changed, Rejection> {
        let Stored { seq, .. } = self.ask(actor, ask).await?;
        Ok(Changed { conversation, seq })
    }

    async fn begin(self: Arc<Self>, actor: Actor, ask: Ask) -> Result<ConversationView, Rejection> {
        let (user, id) = (actor.user.clone(), ask.conversation(&actor.user));
        self.clone().ask(actor, ask).await?;
        self.view(id, &user).await
    }
}

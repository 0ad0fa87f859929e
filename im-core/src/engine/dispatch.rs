//! From a command to the part of the engine that executes it.

use std::sync::Arc;

use super::{Engine, caller::Caller, positions::Mark, registry::SessionEntry};
use crate::{
    Block, Code, Command, Done, OwnKind, Pong, Rejection, Reply,
    state::{Ask, ContactAsk, Enter},
};

impl Engine {
    pub(super) async fn execute_other(
        self: Arc<Self>,
        actor: Caller,
        session: Option<Arc<SessionEntry>>,
        command: Command,
    ) -> Result<Reply, Rejection> {
        let session = session.as_ref();
        Ok(match command {
            Command::AcceptContact(ask) => Reply::AcceptContact(
                self.contact(&actor, session, &ask.user, ContactAsk::Accept)
                    .await?,
            ),
            Command::AddText(ask) => {
                let added = self.add_text(actor.actor, session.cloned(), ask).await?;
                Reply::AddText(added)
            }
            Command::FinishMessage(ask) => {
                Reply::FinishMessage(self.finish(actor.actor, ask).await?)
            }
            Command::AddFavourite(ask) => {
                Reply::AddFavourite(self.add_favourite(&actor, session, ask).await?)
            }
            Command::ChangeContact(ask) => {
                let change = ContactAsk::Change {
                    remark: ask.remark,
                    labels: ask.labels,
                };
                Reply::ChangeContact(self.contact(&actor, session, &ask.user, change).await?)
            }
            Command::ChangePreferences(ask) => {
                Reply::ChangePreferences(self.change_preferences(&actor, session, ask).await?)
            }
            Command::DeleteContact(ask) => Reply::DeleteContact(
                self.contact(&actor, session, &ask.user, ContactAsk::Delete)
                    .await?,
            ),
            Command::FollowUser(ask) => {
                Reply::FollowUser(self.follow(&actor, session, &ask.user).await?)
            }
            Command::GetPreferences(_) => {
                Reply::GetPreferences(self.own_preferences(&actor).await?)
            }
            Command::ListContacts(ask) => Reply::ListContacts(
                self.own_page(&actor.user, OwnKind::Contact, ask.after, ask.limit)
                    .await?,
            ),
            Command::ListFavourites(ask) => {
                Reply::ListFavourites(self.favourites(&actor, ask).await?)
            }
            Command::ListFollowers(ask) => Reply::ListFollowers(
                self.own_page(&actor.user, OwnKind::Follower, ask.after, ask.limit)
                    .await?,
            ),
            Command::ListFollows(ask) => Reply::ListFollows(
                self.own_page(&actor.user, OwnKind::Follow, ask.after, ask.limit)
                    .await?,
            ),
            Command::ListReaders(ask) => Reply::ListReaders(self.readers(&actor, ask).await?),
            Command::ListContactRequests(ask) => Reply::ListContactRequests(
                self.contact_requests(&actor, ask.after, ask.limit).await?,
            ),
            Command::RejectContact(ask) => Reply::RejectContact(
                self.contact(&actor, session, &ask.user, ContactAsk::Reject)
                    .await?,
            ),
            Command::RemoveFavourite(ask) => {
                Reply::RemoveFavourite(self.remove_favourite(&actor, session, ask).await?)
            }
            Command::RequestContact(ask) => {
                let request = ContactAsk::Request {
                    greeting: ask.greeting,
                };
                Reply::RequestContact(self.contact(&actor, session, &ask.user, request).await?)
            }
            Command::UnfollowUser(ask) => {
                Reply::UnfollowUser(self.unfollow(&actor, session, &ask.user).await?)
            }
            Command::WithdrawContact(ask) => Reply::WithdrawContact(
                self.contact(&actor, session, &ask.user, ContactAsk::Withdraw)
                    .await?,
            ),
            Command::DeleteNotice(ask) => {
                Reply::DeleteNotice(self.delete_notice(&actor, session, ask).await?)
            }
            Command::DeleteTemplate(ask) => Reply::DeleteTemplate(self.delete_template(ask).await?),
            Command::ListNotices(ask) => Reply::ListNotices(self.notices(&actor, ask).await?),
            Command::ListTemplates(ask) => Reply::ListTemplates(self.templates(ask).await?),
            Command::PutTemplate(ask) => Reply::PutTemplate(self.put_template(ask).await?),
            Command::ChangeSystemSettings(ask) => {
                Reply::ChangeSystemSettings(self.change_system_settings(ask).await?)
            }
            Command::FileReport(ask) => Reply::FileReport(self.file_report(&actor, ask).await?),
            Command::GetReport(ask) => Reply::GetReport(Box::new(self.report(ask).await?)),
            Command::ListReports(ask) => Reply::ListReports(self.reports(ask).await?),
            Command::SettleReport(ask) => {
                Reply::SettleReport(self.settle_report(&actor, ask).await?)
            }
            Command::GetSystemSettings(_) => {
                Reply::GetSystemSettings(self.system_settings().await?)
            }
            Command::ReadAudit(ask) => Reply::ReadAudit(self.audit(ask).await?),
            Command::ReadAllNotices(_) => {
                Reply::ReadAllNotices(self.read_notices(&actor, session, None).await?)
            }
            Command::ReadNotices(ask) => Reply::ReadNotices(
                self.read_notices(&actor, session, Some(ask.notices))
                    .await?,
            ),
            Command::SendNotice(ask) => Reply::SendNotice(self.send_notice(&actor, ask).await?),
            Command::AdminDismiss(ask) => Reply::AdminDismiss(
                self.change(actor, ask.conversation, Ask::AdminDismiss(ask))
                    .await?,
            ),
            Command::AdminRecall(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::AdminRecall(
                    self.say(actor, id, client_id, Ask::AdminRecall(ask))
                        .await?,
                )
            }
            Command::DemoteUser(ask) => Reply::DemoteUser(self.demote(&actor, ask.user).await?),
            Command::InspectUser(ask) => {
                Reply::InspectUser(Box::new(self.inspect_user(ask.user).await?))
            }
            Command::LiftRestriction(ask) => Reply::LiftRestriction(self.lift(ask).await?),
            Command::ListStandings(ask) => Reply::ListStandings(self.standings(ask).await?),
            Command::PromoteUser(ask) => Reply::PromoteUser(self.promote(ask.user).await?),
            Command::RestrictUser(ask) => Reply::RestrictUser(self.restrict(ask).await?),
            Command::SignOutUser(ask) => Reply::SignOutUser(self.sign_out_user(&ask.user).await?),
            Command::AddMembers(ask) => {
                self.check_users(&ask.users)?;
                Reply::AddMembers(self.change(actor, ask.conversation, Ask::Add(ask)).await?)
            }
            Command::ChangePermissions(ask) => Reply::ChangePermissions(
                self.change(actor, ask.conversation, Ask::Permissions(ask))
                    .await?,
            ),
            Command::DismissGroup(ask) => Reply::DismissGroup(
                self.change(actor, ask.conversation, Ask::Dismiss(ask))
                    .await?,
            ),
            Command::MuteMembers(ask) => {
                self.check_users(&ask.users)?;
                Reply::MuteMembers(self.change(actor, ask.conversation, Ask::Mute(ask)).await?)
            }
            Command::PinMessage(ask) => {
                Reply::PinMessage(self.change(actor, ask.conversation, Ask::Pin(ask)).await?)
            }
            Command::RenameMember(ask) => Reply::RenameMember(
                self.change(actor, ask.conversation, Ask::Rename(ask))
                    .await?,
            ),
            Command::UnbanUsers(ask) => {
                self.check_users(&ask.users)?;
                Reply::UnbanUsers(
                    self.change(actor, ask.conversation, Ask::Unban(ask))
                        .await?,
                )
            }
            Command::UnmuteMembers(ask) => {
                self.check_users(&ask.users)?;
                Reply::UnmuteMembers(
                    self.change(actor, ask.conversation, Ask::Unmute(ask))
                        .await?,
                )
            }
            Command::UnpinMessage(ask) => Reply::UnpinMessage(
                self.change(actor, ask.conversation, Ask::Unpin(ask))
                    .await?,
            ),
            Command::ApproveRequests(ask) => {
                Reply::ApproveRequests(self.approve(actor, ask).await?)
            }
            Command::CastVote(ask) => Reply::CastVote(self.cast_vote(actor, ask).await?),
            Command::CreateInvite(ask) => {
                Reply::CreateInvite(self.create_invite(&actor, ask).await?)
            }
            Command::DeleteMessages(ask) => {
                Reply::DeleteMessages(self.delete_messages(&actor, session, ask).await?)
            }
            Command::ForgetDevice(ask) => {
                Reply::ForgetDevice(self.forget_device(&actor, ask.device).await?)
            }
            Command::ForwardMessages(ask) => {
                Reply::ForwardMessages(self.forward(actor, ask).await?)
            }
            Command::GetMessages(ask) => Reply::GetMessages(self.messages(&actor, ask).await?),
            Command::JoinByInvite(ask) => {
                Reply::JoinByInvite(self.join_by_invite(actor, ask).await?)
            }
            Command::ListAnnotations(ask) => {
                Reply::ListAnnotations(self.annotations(&actor, ask).await?)
            }
            Command::ListBans(ask) => Reply::ListBans(self.bans(&actor, ask).await?),
            Command::ListEdits(ask) => Reply::ListEdits(self.edits(&actor, ask).await?),
            Command::ListInvites(ask) => Reply::ListInvites(self.invites(&actor, ask).await?),
            Command::ListMarkers(ask) => Reply::ListMarkers(self.markers(&actor, ask).await?),
            Command::ListRequests(ask) => Reply::ListRequests(self.requests(&actor, ask).await?),
            Command::ListThread(ask) => Reply::ListThread(self.thread(&actor, ask).await?),
            Command::PreviewInvite(ask) => Reply::PreviewInvite(self.preview_invite(ask).await?),
            Command::React(ask) => Reply::React(self.react(actor, ask).await?),
            Command::RejectRequests(ask) => Reply::RejectRequests(self.reject(&actor, ask).await?),
            Command::RequestJoin(ask) => Reply::RequestJoin(self.request_join(&actor, ask).await?),
            Command::RevokeInvite(ask) => {
                Reply::RevokeInvite(self.revoke_invite(&actor, ask).await?)
            }
            Command::SayNow(ask) => Reply::SayNow(self.say_now(&actor, ask).await?),
            Command::WithdrawRequest(ask) => {
                Reply::WithdrawRequest(self.withdraw_request(&actor, ask).await?)
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
                Reply::ChangeSettings(Box::new(self.settings(&actor, session, ask).await?))
            }
            Command::CloseSession(_) => Reply::CloseSession(Done {}),
            Command::CountUnread(ask) => {
                Reply::CountUnread(self.count_all_unread(&actor, session, ask).await?)
            }
            Command::CreateConversation(ask) => {
                self.check_users(&ask.members)?;
                Reply::CreateConversation(Box::new(self.begin(actor, Ask::Create(ask)).await?))
            }
            Command::DeleteDraft(ask) => {
                Reply::DeleteDraft(self.delete_draft(&actor, session, ask).await?)
            }
            Command::EditMessage(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::EditMessage(self.say(actor, id, client_id, Ask::Edit(ask)).await?)
            }
            Command::GetConversation(ask) => {
                Reply::GetConversation(Box::new(self.view(ask.conversation, &actor.user).await?))
            }
            Command::GetPresence(ask) => {
                Reply::GetPresence(self.presence_of(&actor, ask.users).await?)
            }
            Command::GetProfiles(ask) => Reply::GetProfiles(self.profiles(ask).await?),
            Command::History(ask) => Reply::History(self.history(&actor, session, ask).await?),
            Command::JoinGroup(ask) => {
                let enter = Enter {
                    join: ask,
                    invited: false,
                };
                let id = enter.join.conversation;
                Reply::JoinGroup(self.change(actor, id, Ask::Join(enter)).await?)
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
            Command::ListDevices(ask) => {
                Reply::ListDevices(self.list_devices(&actor, session, ask).await?)
            }
            Command::ListDrafts(ask) => Reply::ListDrafts(
                self.own_page(&actor.user, OwnKind::Draft, ask.after, ask.limit)
                    .await?,
            ),
            Command::ListMembers(ask) => Reply::ListMembers(self.members(&actor, ask).await?),
            Command::ListScheduled(ask) => Reply::ListScheduled(
                self.own_page(&actor.user, OwnKind::Scheduled, ask.after, ask.limit)
                    .await?,
            ),
            Command::MarkDelivered(ask) => Reply::MarkDelivered(
                self.mark(&actor, ask.conversation, Mark::Delivered(ask.seq))
                    .await?,
            ),
            Command::MarkRead(ask) => Reply::MarkRead(
                self.mark(&actor, ask.conversation, Mark::Read(ask.seq))
                    .await?,
            ),
            Command::OpenDirect(ask) => {
                Reply::OpenDirect(Box::new(self.begin(actor, Ask::Direct(ask.user)).await?))
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
            Command::PutDraft(ask) => Reply::PutDraft(self.put_draft(&actor, session, ask).await?),
            Command::RecallMessage(ask) => {
                let (id, client_id) = (ask.conversation, ask.client_id.clone());
                Reply::RecallMessage(self.say(actor, id, client_id, Ask::Recall(ask)).await?)
            }
            Command::ScheduleMessage(ask) => {
                Reply::ScheduleMessage(self.schedule(&actor, session, ask).await?)
            }
            Command::SearchMessages(ask) => Reply::SearchMessages(self.search(&actor, ask).await?),
            Command::SendMessage(ask) => {
                if ask.streaming {
                    self.check_streams(&actor, &ask).await?;
                }
                self.send_message(actor, ask).await?
            }
            Command::SetPresence(ask) => {
                Reply::SetPresence(self.attend(session, ask.availability)?)
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
            Command::UnscheduleMessage(ask) => {
                Reply::UnscheduleMessage(self.unschedule(&actor, session, ask).await?)
            }
            Command::UnsubscribePresence(ask) => {
                Reply::UnsubscribePresence(self.unwatch(session, &ask.users)?)
            }
            Command::UpdateProfile(ask) => {
                Reply::UpdateProfile(Box::new(self.update(&actor, ask).await?))
            }
            Command::UpsertUser(ask) => Reply::UpsertUser(Box::new(self.upsert(ask).await?)),
        })
    }
}

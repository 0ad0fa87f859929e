//! What a command does to what is stored, and where.

use crate::{
    ClientId, Command, ConversationId, UserId,
    state::{Ask, Enter},
};

/// What a command does to what is stored.
pub(super) enum Nature {
    /// A conversation decides it, and it ends in an entry.
    Decided(Box<Ask>),
    /// It stores something, of one's own in this conversation where there is one.
    Writes(Option<ConversationId>),
    /// Nothing.
    Reads,
}

/// Whom a command is for: its method, where it is, and under which client id. What a hook must leave as it is.
pub(crate) fn place(
    command: &Command,
    user: &UserId,
) -> (&'static str, Option<ConversationId>, Option<ClientId>) {
    let (conversation, client_id) = match nature(command) {
        Nature::Decided(ask) => (Some(ask.conversation(user)), ask.client_id().cloned()),
        Nature::Writes(conversation) => (conversation, None),
        Nature::Reads => (None, None),
    };
    (command.method(), conversation, client_id)
}

pub(super) fn nature(command: &Command) -> Nature {
    let ask = match command {
        Command::ApproveRequests(ask) => Ask::Approve(ask.clone()),
        Command::AdminDismiss(ask) => Ask::AdminDismiss(ask.clone()),
        Command::AdminRecall(ask) => Ask::AdminRecall(ask.clone()),
        Command::ChangePermissions(ask) => Ask::Permissions(ask.clone()),
        Command::DismissGroup(ask) => Ask::Dismiss(ask.clone()),
        Command::MuteMembers(ask) => Ask::Mute(ask.clone()),
        Command::PinMessage(ask) => Ask::Pin(ask.clone()),
        Command::RenameMember(ask) => Ask::Rename(ask.clone()),
        Command::UnbanUsers(ask) => Ask::Unban(ask.clone()),
        Command::UnmuteMembers(ask) => Ask::Unmute(ask.clone()),
        Command::UnpinMessage(ask) => Ask::Unpin(ask.clone()),
        Command::AddMembers(ask) => Ask::Add(ask.clone()),
        Command::ChangeInfo(ask) => Ask::Info(ask.clone()),
        Command::ChangeRole(ask) => Ask::Role(ask.clone()),
        Command::CreateConversation(ask) => Ask::Create(ask.clone()),
        Command::EditMessage(ask) => Ask::Edit(ask.clone()),
        Command::FinishMessage(ask) => Ask::Finish(ask.clone()),
        Command::JoinGroup(ask) => Ask::Join(Enter {
            join: ask.clone(),
            invited: false,
        }),
        Command::KickMembers(ask) => Ask::Kick(ask.clone()),
        Command::LeaveGroup(ask) => Ask::Leave(ask.clone()),
        Command::OpenDirect(ask) => Ask::Direct(ask.user.clone()),
        Command::RecallMessage(ask) => Ask::Recall(ask.clone()),
        Command::SendMessage(ask) => Ask::Send(ask.clone()),
        Command::DeleteDraft(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::PutDraft(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::ScheduleMessage(ask) => {
            return Nature::Writes(Some(ask.message.conversation));
        }
        Command::ChangeSettings(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::MarkDelivered(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::MarkRead(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::CastVote(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::React(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::DeleteMessages(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::ForwardMessages(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::AddText(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::SayNow(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::RequestJoin(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::WithdrawRequest(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::RejectRequests(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::CreateInvite(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::RevokeInvite(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::AddFavourite(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::RemoveFavourite(ask) => return Nature::Writes(Some(ask.conversation)),
        Command::AcceptContact(_)
        | Command::JoinByInvite(_)
        | Command::DemoteUser(_)
        | Command::LiftRestriction(_)
        | Command::PromoteUser(_)
        | Command::RestrictUser(_)
        | Command::SignOutUser(_)
        | Command::DeleteNotice(_)
        | Command::DeleteTemplate(_)
        | Command::PutTemplate(_)
        | Command::ReadAllNotices(_)
        | Command::ReadNotices(_)
        | Command::SendNotice(_)
        | Command::BlockUser(_)
        | Command::ChangeContact(_)
        | Command::ChangePreferences(_)
        | Command::DeleteContact(_)
        | Command::FollowUser(_)
        | Command::ForgetDevice(_)
        | Command::RejectContact(_)
        | Command::RequestContact(_)
        | Command::UnfollowUser(_)
        | Command::WithdrawContact(_)
        | Command::UnblockUser(_)
        | Command::UnscheduleMessage(_)
        | Command::UpdateProfile(_)
        | Command::ChangeSystemSettings(_)
        | Command::FileReport(_)
        | Command::SettleReport(_)
        | Command::UpsertUser(_) => return Nature::Writes(None),
        Command::CloseSession(_)
        | Command::CountUnread(_)
        | Command::InspectUser(_)
        | Command::ListStandings(_)
        | Command::GetMessages(_)
        | Command::ListAnnotations(_)
        | Command::ListBans(_)
        | Command::ListContactRequests(_)
        | Command::ListEdits(_)
        | Command::ListInvites(_)
        | Command::ListMarkers(_)
        | Command::ListNotices(_)
        | Command::ListTemplates(_)
        | Command::GetReport(_)
        | Command::GetSystemSettings(_)
        | Command::ListReports(_)
        | Command::ReadAudit(_)
        | Command::ListThread(_)
        | Command::PreviewInvite(_)
        | Command::GetConversation(_)
        | Command::GetPreferences(_)
        | Command::ListContacts(_)
        | Command::ListFavourites(_)
        | Command::ListFollowers(_)
        | Command::ListFollows(_)
        | Command::ListReaders(_)
        | Command::ListRequests(_)
        | Command::GetPresence(_)
        | Command::GetProfiles(_)
        | Command::History(_)
        | Command::ListBlocks(_)
        | Command::ListConversations(_)
        | Command::ListDevices(_)
        | Command::ListDrafts(_)
        | Command::ListMembers(_)
        | Command::ListScheduled(_)
        | Command::OpenSession(_)
        | Command::Ping(_)
        | Command::SearchMessages(_)
        | Command::SetPresence(_)
        | Command::SubscribePresence(_)
        | Command::SyncPull(_)
        | Command::Typing(_)
        | Command::UnsubscribePresence(_) => return Nature::Reads,
    };
    Nature::Decided(Box::new(ask))
}

//! The texts of a command that others will read.

use super::Command;
use crate::Content;

impl Command {
    /// Shows every text that others will read: of messages, edits and open messages, names, announcements, descriptions, reasons,
    /// greetings and profiles. What the application defines itself is not among them: custom contents, `extra`, addresses of pictures.
    pub fn for_each_text(&mut self, visit: &mut dyn FnMut(&mut String)) {
        let texts: [&mut Option<String>; 3] = match self {
            Self::SendMessage(ask) => return of_content(&mut ask.content, visit),
            Self::ScheduleMessage(ask) => return of_content(&mut ask.message.content, visit),
            Self::SayNow(ask) => return of_content(&mut ask.content, visit),
            Self::EditMessage(ask) => return of_content(&mut ask.content, visit),
            Self::FinishMessage(ask) => {
                let content = ask.content.iter_mut();
                return content.for_each(|content| of_content(content, visit));
            }
            Self::AddText(ask) => return visit(&mut ask.text),
            Self::CreateConversation(ask) => [&mut ask.name, &mut None, &mut None],
            Self::ChangeInfo(ask) => [
                &mut ask.changes.name,
                &mut ask.changes.announcement,
                &mut ask.changes.description,
            ],
            Self::RequestContact(ask) => [&mut ask.greeting, &mut None, &mut None],
            Self::RequestJoin(ask) => [&mut ask.greeting, &mut None, &mut None],
            Self::RenameMember(ask) => [&mut ask.nickname, &mut None, &mut None],
            Self::ForwardMessages(ask) => [&mut ask.title, &mut None, &mut None],
            Self::KickMembers(ask) => [&mut ask.reason, &mut None, &mut None],
            Self::UpdateProfile(ask) => [&mut ask.nickname, &mut ask.bio, &mut None],
            Self::UpsertUser(ask) => [&mut ask.nickname, &mut ask.bio, &mut None],
            Self::AddMembers(_)
            | Self::AdminDismiss(_)
            | Self::AdminRecall(_)
            | Self::DemoteUser(_)
            | Self::InspectUser(_)
            | Self::LiftRestriction(_)
            | Self::ListStandings(_)
            | Self::PromoteUser(_)
            | Self::RestrictUser(_)
            | Self::SignOutUser(_)
            | Self::ApproveRequests(_)
            | Self::CastVote(_)
            | Self::ChangePermissions(_)
            | Self::CountUnread(_)
            | Self::CreateInvite(_)
            | Self::DeleteMessages(_)
            | Self::DeleteNotice(_)
            | Self::DeleteTemplate(_)
            | Self::DismissGroup(_)
            | Self::GetMessages(_)
            | Self::JoinByInvite(_)
            | Self::ListAnnotations(_)
            | Self::ListBans(_)
            | Self::ListContactRequests(_)
            | Self::ListEdits(_)
            | Self::ListInvites(_)
            | Self::ListMarkers(_)
            | Self::ListNotices(_)
            | Self::ListTemplates(_)
            | Self::ReadAudit(_)
            | Self::ChangeSystemSettings(_)
            | Self::GetSystemSettings(_)
            | Self::FileReport(_)
            | Self::GetReport(_)
            | Self::ListReports(_)
            | Self::SettleReport(_)
            | Self::ListThread(_)
            | Self::MuteMembers(_)
            | Self::PinMessage(_)
            | Self::PreviewInvite(_)
            | Self::PutTemplate(_)
            | Self::React(_)
            | Self::ReadAllNotices(_)
            | Self::ReadNotices(_)
            | Self::RejectRequests(_)
            | Self::RevokeInvite(_)
            | Self::SearchMessages(_)
            | Self::SendNotice(_)
            | Self::UnbanUsers(_)
            | Self::UnmuteMembers(_)
            | Self::UnpinMessage(_)
            | Self::WithdrawRequest(_)
            | Self::BlockUser(_)
            | Self::AcceptContact(_)
            | Self::ChangeContact(_)
            | Self::ChangePreferences(_)
            | Self::DeleteContact(_)
            | Self::FollowUser(_)
            | Self::RejectContact(_)
            | Self::UnfollowUser(_)
            | Self::WithdrawContact(_)
            | Self::GetPreferences(_)
            | Self::ListContacts(_)
            | Self::ListFavourites(_)
            | Self::ListFollowers(_)
            | Self::ListFollows(_)
            | Self::ListReaders(_)
            | Self::ListRequests(_)
            | Self::AddFavourite(_)
            | Self::RemoveFavourite(_)
            | Self::ChangeRole(_)
            | Self::ChangeSettings(_)
            | Self::CloseSession(_)
            | Self::DeleteDraft(_)
            | Self::ForgetDevice(_)
            | Self::GetConversation(_)
            | Self::GetPresence(_)
            | Self::GetProfiles(_)
            | Self::History(_)
            | Self::JoinGroup(_)
            | Self::LeaveGroup(_)
            | Self::ListBlocks(_)
            | Self::ListConversations(_)
            | Self::ListDevices(_)
            | Self::ListDrafts(_)
            | Self::ListMembers(_)
            | Self::ListScheduled(_)
            | Self::MarkDelivered(_)
            | Self::MarkRead(_)
            | Self::OpenDirect(_)
            | Self::OpenSession(_)
            | Self::Ping(_)
            | Self::PutDraft(_)
            | Self::RecallMessage(_)
            | Self::SetPresence(_)
            | Self::SubscribePresence(_)
            | Self::SyncPull(_)
            | Self::Typing(_)
            | Self::UnblockUser(_)
            | Self::UnscheduleMessage(_)
            | Self::UnsubscribePresence(_) => return,
        };
        texts.into_iter().flatten().for_each(visit);
    }
}

fn of_content(content: &mut Content, visit: &mut dyn FnMut(&mut String)) {
    content.texts_mut().into_iter().for_each(visit);
}

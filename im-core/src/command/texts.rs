//! The texts of a command that others will read.

use super::Command;
use crate::Content;

impl Command {
    /// Shows every text that others will read: of messages and edits, names, announcements, descriptions, reasons and
    /// profiles. What the application defines itself is not among them: custom contents, `extra`, addresses of pictures.
    pub fn for_each_text(&mut self, visit: &mut dyn FnMut(&mut String)) {
        let texts: [&mut Option<String>; 3] = match self {
            Self::SendMessage(ask) => return of_content(&mut ask.content, visit),
            Self::ScheduleMessage(ask) => return of_content(&mut ask.message.content, visit),
            Self::EditMessage(ask) => return of_content(&mut ask.content, visit),
            Self::CreateConversation(ask) => [&mut ask.name, &mut None, &mut None],
            Self::ChangeInfo(ask) => [
                &mut ask.changes.name,
                &mut ask.changes.announcement,
                &mut ask.changes.description,
            ],
            Self::KickMembers(ask) => [&mut ask.reason, &mut None, &mut None],
            Self::UpdateProfile(ask) => [&mut ask.nickname, &mut ask.bio, &mut None],
            Self::UpsertUser(ask) => [&mut ask.nickname, &mut ask.bio, &mut None],
            Self::AddMembers(_)
            | Self::BlockUser(_)
            | Self::ChangeRole(_)
            | Self::ChangeSettings(_)
            | Self::CloseSession(_)
            | Self::DeleteDraft(_)
            | Self::GetConversation(_)
            | Self::GetPresence(_)
            | Self::GetProfiles(_)
            | Self::History(_)
            | Self::JoinGroup(_)
            | Self::LeaveGroup(_)
            | Self::ListBlocks(_)
            | Self::ListConversations(_)
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
    match content {
        Content::Text { text } => visit(text),
        Content::Custom { .. } | Content::Unknown => {}
    }
}

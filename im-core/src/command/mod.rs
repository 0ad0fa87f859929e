//! Everything that can be asked of the engine: one definition for the in-process API, every link and REST.
//!
//! A command is a plain struct; the table below gives it its method name, the type of its reply, who may ask it, and in which
//! allowance it is counted.

mod access;
mod admin;
mod contact;
mod conversation;
mod device;
mod door;
mod draft;
mod favourite;
mod group;
mod message;
mod notice;
mod own;
mod passing;
mod presence;
mod reaction;
mod report;
mod scheduled;
mod search;
mod session;
mod standing;
mod stream;
mod sync;
mod system;
mod texts;
mod user;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use access::{Access, Allowance};
pub use admin::{AuditPage, ReadAudit};
pub use contact::{
    AcceptContact, BlockUser, Blocks, ChangeContact, DeleteContact, FollowUser, ListBlocks,
    ListContactRequests, ListContacts, ListFollowers, ListFollows, RejectContact, RequestContact,
    UnblockUser, UnfollowUser, WithdrawContact,
};
pub use conversation::{
    ChangeSettings, ConversationPage, CountUnread, CreateConversation, GetConversation,
    ListConversations, ListMembers, MarkDelivered, MarkRead, MemberPage, OpenDirect, Typing,
    UnreadTotals, Which,
};
pub use device::{DeviceView, Devices, ForgetDevice, ListDevices};
pub use door::*;
pub use draft::{DeleteDraft, ListDrafts, PutDraft};
pub use favourite::{AddFavourite, FavouriteItem, FavouritePage, ListFavourites, RemoveFavourite};
pub use group::*;
pub use message::{
    EditMessage, History, HistoryPage, Landmark, ListReaders, ReaderPage, RecallMessage,
    SendMessage, Sent,
};
pub use notice::{
    DeleteNotice, DeleteTemplate, ListNotices, ListTemplates, NoticePage, PutTemplate,
    ReadAllNotices, ReadNotices, SendNotice, SentNotice, TemplatePage,
};
pub use own::{OwnPage, OwnRows};
pub use passing::*;
pub use presence::{GetPresence, Presences, SetPresence, SubscribePresence, UnsubscribePresence};
pub use reaction::*;
pub use report::*;
pub use scheduled::{ListScheduled, ScheduleMessage, UnscheduleMessage};
pub use search::{SearchMessages, SearchPage};
pub use session::{CloseSession, OpenSession, Ping, Pong, SessionOpened};
pub use standing::{
    AdminDismiss, AdminRecall, DemoteUser, InspectUser, InspectedUser, LiftRestriction,
    ListStandings, PromoteUser, RestrictUser, SignOutUser, StandingPage,
};
pub use stream::{AddText, FinishMessage, TextAdded, TextGrew};
pub use sync::{SyncItem, SyncPage, SyncPull};
pub use system::{ChangeSystemSettings, GetSystemSettings, SystemSettings};
pub use user::{
    ChangePreferences, GetPreferences, GetProfiles, Profiles, UpdateProfile, UpsertUser,
};

use crate::{ConversationView, Invite, OwnRow, Profile, Receipt, Report, UserStanding};

/// A command with its method and reply.
pub trait Call: Clone + Send + Sync + 'static {
    /// What the engine answers.
    type Reply: Send + 'static;
    /// The name on the wire.
    const METHOD: &'static str;
    /// The command as a value of the closed list.
    fn into_command(self) -> Command;
    /// The reply out of the closed list; `None` when it is another command's.
    fn reply_of(reply: Reply) -> Option<Self::Reply>;
}

/// An answer without content: the command is done.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Done {}

/// What a variant of [`Reply`] holds: the reply, or a box of it.
macro_rules! held {
    ($reply:ty) => { $reply };
    ($reply:ty, $held:ident) => { $held<$reply> };
}

/// A reply out of what holds it.
macro_rules! out_of {
    ($reply:ident) => {
        $reply
    };
    ($reply:ident, $held:ident) => {
        *$reply
    };
}

// Every request under way has room for the largest reply, and moves it: `as Box` keeps that small.
macro_rules! commands {
    ($($variant:ident($params:ty) -> $reply:ty $(as $held:ident)? = $method:literal, $access:ident, $allowance:ident;)*) => {
        /// Something that is asked of the engine.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant holds the struct that documents it")]
        pub enum Command { $($variant($params)),* }

        /// What the engine answers: one variant for each [`Command`].
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant holds the struct that documents it")]
        pub enum Reply { $($variant(held!($reply $(, $held)?))),* }

        /// Every method name.
        pub const METHODS: &[&str] = &[$($method),*];

        impl Command {
            /// The name on the wire.
            #[must_use]
            pub const fn method(&self) -> &'static str {
                match self { $(Self::$variant(_) => $method),* }
            }

            /// Who may ask it.
            #[must_use]
            pub const fn access(&self) -> Access {
                match self { $(Self::$variant(_) => Access::$access),* }
            }

            /// In which allowance of its user it is counted.
            #[must_use]
            pub const fn allowance(&self) -> Allowance {
                match self { $(Self::$variant(_) => Allowance::$allowance),* }
            }

            /// Who may ask `method`; `None` when there is no such method.
            #[must_use]
            pub fn access_of(method: &str) -> Option<Access> {
                match method {
                    $($method => Some(Access::$access),)*
                    _ => None,
                }
            }

            /// Reads the parameters of `method`; `None` when there is no such method.
            pub fn decode<'de, D: Deserializer<'de>>(method: &str, params: D) -> Option<Result<Self, D::Error>> {
                match method {
                    $($method => Some(<$params>::deserialize(params).map(Self::$variant)),)*
                    _ => None,
                }
            }

            /// Reads the reply to this command.
            pub fn decode_reply<'de, D: Deserializer<'de>>(method: &str, reply: D) -> Option<Result<Reply, D::Error>> {
                match method {
                    $($method => Some(<held!($reply $(, $held)?)>::deserialize(reply).map(Reply::$variant)),)*
                    _ => None,
                }
            }
        }

        impl Serialize for Command {
            /// The parameters alone; the method is the frame's.
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(params) => params.serialize(serializer)),* }
            }
        }

        impl Serialize for Reply {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self { $(Self::$variant(reply) => reply.serialize(serializer)),* }
            }
        }

        $(impl Call for $params {
            type Reply = $reply;
            const METHOD: &'static str = $method;
            fn into_command(self) -> Command {
                Command::$variant(self)
            }
            #[allow(clippy::wildcard_enum_match_arm, reason = "any other variant is another command's")]
            fn reply_of(reply: Reply) -> Option<$reply> {
                match reply { Reply::$variant(reply) => Some(out_of!(reply $(, $held)?)), _ => None }
            }
        })*
    };
}

commands! {
    AcceptContact(AcceptContact) -> OwnRows = "contact.accept", Write, Requests;
    AddFavourite(AddFavourite) -> OwnRow = "favourite.add", Write, Requests;
    AddMembers(AddMembers) -> Changed = "group.add", Write, Sends;
    AddText(AddText) -> TextAdded = "message.delta", Write, Deltas;
    AdminDismiss(AdminDismiss) -> Changed = "admin.dismiss", Administer, Requests;
    AdminRecall(AdminRecall) -> Sent = "admin.recall", Administer, Requests;
    ApproveRequests(ApproveRequests) -> Changed = "group.approve", Write, Sends;
    BlockUser(BlockUser) -> Done = "contact.block", Write, Requests;
    CastVote(CastVote) -> Changed = "message.vote", Write, Sends;
    ChangeContact(ChangeContact) -> OwnRows = "contact.change", Write, Requests;
    ChangeInfo(ChangeInfo) -> Changed = "group.info", Write, Sends;
    ChangePermissions(ChangePermissions) -> Changed = "group.permissions", Write, Sends;
    ChangePreferences(ChangePreferences) -> OwnRow = "user.change_settings", Write, Requests;
    ChangeRole(ChangeRole) -> Changed = "group.role", Write, Sends;
    ChangeSettings(ChangeSettings) -> ConversationView as Box = "conversation.settings", Write, Requests;
    ChangeSystemSettings(ChangeSystemSettings) -> SystemSettings = "admin.change_settings", Administer, Requests;
    CountUnread(CountUnread) -> UnreadTotals = "conversation.unread", Read, Requests;
    CloseSession(CloseSession) -> Done = "session.close", Open, Free;
    CreateConversation(CreateConversation) -> ConversationView as Box = "conversation.create", Write, Sends;
    CreateInvite(CreateInvite) -> Invite = "group.invite", Write, Sends;
    DeleteContact(DeleteContact) -> OwnRows = "contact.delete", Write, Requests;
    DeleteDraft(DeleteDraft) -> Done = "draft.delete", Write, Requests;
    DeleteMessages(DeleteMessages) -> Done = "message.delete", Write, Requests;
    DeleteNotice(DeleteNotice) -> Done = "notice.delete", Write, Requests;
    DeleteTemplate(DeleteTemplate) -> Done = "notice.delete_template", Operate, Requests;
    DemoteUser(DemoteUser) -> UserStanding = "admin.demote", Administer, Requests;
    DismissGroup(DismissGroup) -> Changed = "group.dismiss", Write, Sends;
    EditMessage(EditMessage) -> Sent = "message.edit", Write, Sends;
    FinishMessage(FinishMessage) -> Sent = "message.finish", Write, Sends;
    FileReport(FileReport) -> ReportFiled = "report.file", Write, Requests;
    FollowUser(FollowUser) -> OwnRows = "contact.follow", Write, Sends;
    ForgetDevice(ForgetDevice) -> Done = "device.forget", Write, Requests;
    ForwardMessages(ForwardMessages) -> Sent = "message.forward", Write, Sends;
    GetConversation(GetConversation) -> ConversationView as Box = "conversation.get", Read, Requests;
    GetMessages(GetMessages) -> Messages = "message.get", Read, Requests;
    GetPreferences(GetPreferences) -> OwnRow = "user.settings", Read, Requests;
    GetPresence(GetPresence) -> Presences = "presence.get", Read, Requests;
    GetProfiles(GetProfiles) -> Profiles = "user.get", Read, Requests;
    GetReport(GetReport) -> ReportDetails as Box = "admin.report", Inspect, Requests;
    GetSystemSettings(GetSystemSettings) -> SystemSettings = "admin.settings", Inspect, Requests;
    History(History) -> HistoryPage = "message.history", Read, Requests;
    InspectUser(InspectUser) -> InspectedUser as Box = "admin.user", Inspect, Requests;
    JoinByInvite(JoinByInvite) -> Changed = "group.enter", Write, Sends;
    JoinGroup(JoinGroup) -> Changed = "group.join", Write, Sends;
    KickMembers(KickMembers) -> Changed = "group.kick", Write, Sends;
    LeaveGroup(LeaveGroup) -> Changed = "group.leave", Write, Sends;
    LiftRestriction(LiftRestriction) -> UserStanding = "admin.lift", Administer, Requests;
    ListAnnotations(ListAnnotations) -> Annotations = "message.annotations", Read, Requests;
    ListBans(ListBans) -> Bans = "group.bans", Read, Requests;
    ListBlocks(ListBlocks) -> Blocks = "contact.blocks", Read, Requests;
    ListContactRequests(ListContactRequests) -> OwnPage = "contact.requests", Read, Requests;
    ListContacts(ListContacts) -> OwnPage = "contact.list", Read, Requests;
    ListConversations(ListConversations) -> ConversationPage = "conversation.list", Read, Requests;
    ListDevices(ListDevices) -> Devices = "device.list", Read, Requests;
    ListDrafts(ListDrafts) -> OwnPage = "draft.list", Read, Requests;
    ListEdits(ListEdits) -> Edits = "message.edits", Read, Requests;
    ListFavourites(ListFavourites) -> FavouritePage = "favourite.list", Read, Requests;
    ListFollowers(ListFollowers) -> OwnPage = "contact.followers", Read, Requests;
    ListFollows(ListFollows) -> OwnPage = "contact.follows", Read, Requests;
    ListInvites(ListInvites) -> Invites = "group.invites", Read, Requests;
    ListMarkers(ListMarkers) -> MarkerPage = "message.markers", Read, Requests;
    ListMembers(ListMembers) -> MemberPage = "conversation.members", Read, Requests;
    ListNotices(ListNotices) -> NoticePage = "notice.list", Read, Requests;
    ListScheduled(ListScheduled) -> OwnPage = "message.scheduled", Read, Requests;
    ListReaders(ListReaders) -> ReaderPage = "message.readers", Read, Requests;
    ListReports(ListReports) -> ReportPage = "admin.reports", Inspect, Requests;
    ListRequests(ListRequests) -> RequestPage = "group.requests", Read, Requests;
    ListStandings(ListStandings) -> StandingPage = "admin.users", Inspect, Requests;
    ListTemplates(ListTemplates) -> TemplatePage = "notice.templates", Inspect, Requests;
    ListThread(ListThread) -> ThreadPage = "message.thread", Read, Requests;
    MarkDelivered(MarkDelivered) -> Receipt = "conversation.delivered", Write, Requests;
    MarkRead(MarkRead) -> Receipt = "conversation.read", Write, Requests;
    MuteMembers(MuteMembers) -> Changed = "group.mute", Write, Sends;
    OpenDirect(OpenDirect) -> ConversationView as Box = "conversation.direct", Write, Sends;
    OpenSession(OpenSession) -> SessionOpened = "session.open", Open, Requests;
    PinMessage(PinMessage) -> Changed = "message.pin", Write, Sends;
    Ping(Ping) -> Pong = "session.ping", Open, Free;
    PreviewInvite(PreviewInvite) -> InvitePreview = "group.preview", Read, Requests;
    PromoteUser(PromoteUser) -> UserStanding = "admin.promote", Administer, Requests;
    PutDraft(PutDraft) -> OwnRow = "draft.put", Write, Requests;
    PutTemplate(PutTemplate) -> Done = "notice.put_template", Operate, Requests;
    React(React) -> Changed = "message.react", Write, Sends;
    ReadAllNotices(ReadAllNotices) -> Done = "notice.read_all", Write, Requests;
    ReadAudit(ReadAudit) -> AuditPage = "admin.audit", Inspect, Requests;
    ReadNotices(ReadNotices) -> Done = "notice.read", Write, Requests;
    RecallMessage(RecallMessage) -> Sent = "message.recall", Write, Sends;
    ScheduleMessage(ScheduleMessage) -> OwnRow = "message.schedule", Write, Sends;
    RejectContact(RejectContact) -> OwnRows = "contact.reject", Write, Requests;
    RejectRequests(RejectRequests) -> Done = "group.reject", Write, Sends;
    RemoveFavourite(RemoveFavourite) -> Done = "favourite.remove", Write, Requests;
    RenameMember(RenameMember) -> Changed = "group.nickname", Write, Sends;
    RequestContact(RequestContact) -> OwnRows = "contact.request", Write, Sends;
    RequestJoin(RequestJoin) -> Done = "group.request", Write, Sends;
    RevokeInvite(RevokeInvite) -> Done = "group.revoke_invite", Write, Sends;
    RestrictUser(RestrictUser) -> UserStanding = "admin.restrict", Administer, Requests;
    SayNow(SayNow) -> Done = "message.now", Write, Sends;
    SearchMessages(SearchMessages) -> SearchPage = "message.search", Read, Requests;
    SendMessage(SendMessage) -> Sent = "message.send", Write, Sends;
    SendNotice(SendNotice) -> SentNotice = "notice.send", Operate, Requests;
    SetPresence(SetPresence) -> Done = "presence.set", Read, Requests;
    SettleReport(SettleReport) -> Report = "admin.settle_report", Administer, Requests;
    SignOutUser(SignOutUser) -> Done = "admin.sign_out", Administer, Requests;
    SubscribePresence(SubscribePresence) -> Presences = "presence.subscribe", Read, Requests;
    SyncPull(SyncPull) -> SyncPage = "sync.pull", Read, Requests;
    Typing(Typing) -> Done = "conversation.typing", Write, Requests;
    UnbanUsers(UnbanUsers) -> Changed = "group.unban", Write, Sends;
    UnblockUser(UnblockUser) -> Done = "contact.unblock", Write, Requests;
    UnscheduleMessage(UnscheduleMessage) -> Done = "message.unschedule", Write, Requests;
    UnfollowUser(UnfollowUser) -> OwnRows = "contact.unfollow", Write, Requests;
    UnmuteMembers(UnmuteMembers) -> Changed = "group.unmute", Write, Sends;
    UnpinMessage(UnpinMessage) -> Changed = "message.unpin", Write, Sends;
    UnsubscribePresence(UnsubscribePresence) -> Done = "presence.unsubscribe", Read, Requests;
    UpdateProfile(UpdateProfile) -> Profile as Box = "user.update", Write, Requests;
    UpsertUser(UpsertUser) -> Profile as Box = "user.upsert", Operate, Requests;
    WithdrawContact(WithdrawContact) -> OwnRows = "contact.withdraw", Write, Requests;
    WithdrawRequest(WithdrawRequest) -> Done = "group.withdraw", Write, Sends;
}

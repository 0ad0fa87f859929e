//! Everything that can be asked of the engine: one definition for the in-process API, every link and REST.
//!
//! A command is a plain struct; the table below gives it its method name and the type of its reply.

mod contact;
mod conversation;
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
mod scheduled;
mod search;
mod session;
mod stream;
mod sync;
mod texts;
mod user;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
pub use presence::{GetPresence, Presences, SubscribePresence, UnsubscribePresence};
pub use reaction::*;
pub use scheduled::{ListScheduled, ScheduleMessage, UnscheduleMessage};
pub use search::{SearchMessages, SearchPage};
pub use session::{CloseSession, OpenSession, Ping, Pong, SessionOpened};
pub use stream::{AddText, FinishMessage, TextAdded, TextGrew};
pub use sync::{SyncItem, SyncPage, SyncPull};
pub use user::{
    ChangePreferences, GetPreferences, GetProfiles, Profiles, UpdateProfile, UpsertUser,
};

use crate::{ConversationView, Invite, OwnRow, Profile, Receipt};

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

macro_rules! commands {
    ($($variant:ident($params:ty) -> $reply:ty = $method:literal;)*) => {
        /// Something that is asked of the engine.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant holds the struct that documents it")]
        pub enum Command { $($variant($params)),* }

        /// What the engine answers: one variant for each [`Command`].
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant holds the struct that documents it")]
        pub enum Reply { $($variant($reply)),* }

        /// Every method name.
        pub const METHODS: &[&str] = &[$($method),*];

        impl Command {
            /// The name on the wire.
            #[must_use]
            pub const fn method(&self) -> &'static str {
                match self { $(Self::$variant(_) => $method),* }
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
                    $($method => Some(<$reply>::deserialize(reply).map(Reply::$variant)),)*
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
                match reply { Reply::$variant(reply) => Some(reply), _ => None }
            }
        })*
    };
}

commands! {
    AcceptContact(AcceptContact) -> OwnRows = "contact.accept";
    AddFavourite(AddFavourite) -> OwnRow = "favourite.add";
    AddMembers(AddMembers) -> Changed = "group.add";
    AddText(AddText) -> TextAdded = "message.delta";
    ApproveRequests(ApproveRequests) -> Changed = "group.approve";
    BlockUser(BlockUser) -> Done = "contact.block";
    CastVote(CastVote) -> Changed = "message.vote";
    ChangeContact(ChangeContact) -> OwnRows = "contact.change";
    ChangeInfo(ChangeInfo) -> Changed = "group.info";
    ChangePermissions(ChangePermissions) -> Changed = "group.permissions";
    ChangePreferences(ChangePreferences) -> OwnRow = "user.change_settings";
    ChangeRole(ChangeRole) -> Changed = "group.role";
    ChangeSettings(ChangeSettings) -> ConversationView = "conversation.settings";
    CountUnread(CountUnread) -> UnreadTotals = "conversation.unread";
    CloseSession(CloseSession) -> Done = "session.close";
    CreateConversation(CreateConversation) -> ConversationView = "conversation.create";
    CreateInvite(CreateInvite) -> Invite = "group.invite";
    DeleteContact(DeleteContact) -> OwnRows = "contact.delete";
    DeleteDraft(DeleteDraft) -> Done = "draft.delete";
    DeleteMessages(DeleteMessages) -> Done = "message.delete";
    DeleteNotice(DeleteNotice) -> Done = "notice.delete";
    DeleteTemplate(DeleteTemplate) -> Done = "notice.delete_template";
    DismissGroup(DismissGroup) -> Changed = "group.dismiss";
    EditMessage(EditMessage) -> Sent = "message.edit";
    FinishMessage(FinishMessage) -> Sent = "message.finish";
    FollowUser(FollowUser) -> OwnRows = "contact.follow";
    ForwardMessages(ForwardMessages) -> Sent = "message.forward";
    GetConversation(GetConversation) -> ConversationView = "conversation.get";
    GetMessages(GetMessages) -> Messages = "message.get";
    GetPreferences(GetPreferences) -> OwnRow = "user.settings";
    GetPresence(GetPresence) -> Presences = "presence.get";
    GetProfiles(GetProfiles) -> Profiles = "user.get";
    History(History) -> HistoryPage = "message.history";
    JoinByInvite(JoinByInvite) -> Changed = "group.enter";
    JoinGroup(JoinGroup) -> Changed = "group.join";
    KickMembers(KickMembers) -> Changed = "group.kick";
    LeaveGroup(LeaveGroup) -> Changed = "group.leave";
    ListAnnotations(ListAnnotations) -> Annotations = "message.annotations";
    ListBans(ListBans) -> Bans = "group.bans";
    ListBlocks(ListBlocks) -> Blocks = "contact.blocks";
    ListContactRequests(ListContactRequests) -> OwnPage = "contact.requests";
    ListContacts(ListContacts) -> OwnPage = "contact.list";
    ListConversations(ListConversations) -> ConversationPage = "conversation.list";
    ListDrafts(ListDrafts) -> OwnPage = "draft.list";
    ListEdits(ListEdits) -> Edits = "message.edits";
    ListFavourites(ListFavourites) -> FavouritePage = "favourite.list";
    ListFollowers(ListFollowers) -> OwnPage = "contact.followers";
    ListFollows(ListFollows) -> OwnPage = "contact.follows";
    ListInvites(ListInvites) -> Invites = "group.invites";
    ListMarkers(ListMarkers) -> MarkerPage = "message.markers";
    ListMembers(ListMembers) -> MemberPage = "conversation.members";
    ListNotices(ListNotices) -> NoticePage = "notice.list";
    ListScheduled(ListScheduled) -> OwnPage = "message.scheduled";
    ListReaders(ListReaders) -> ReaderPage = "message.readers";
    ListRequests(ListRequests) -> RequestPage = "group.requests";
    ListTemplates(ListTemplates) -> TemplatePage = "notice.templates";
    ListThread(ListThread) -> ThreadPage = "message.thread";
    MarkDelivered(MarkDelivered) -> Receipt = "conversation.delivered";
    MarkRead(MarkRead) -> Receipt = "conversation.read";
    MuteMembers(MuteMembers) -> Changed = "group.mute";
    OpenDirect(OpenDirect) -> ConversationView = "conversation.direct";
    OpenSession(OpenSession) -> SessionOpened = "session.open";
    PinMessage(PinMessage) -> Changed = "message.pin";
    Ping(Ping) -> Pong = "session.ping";
    PreviewInvite(PreviewInvite) -> InvitePreview = "group.preview";
    PutDraft(PutDraft) -> OwnRow = "draft.put";
    PutTemplate(PutTemplate) -> Done = "notice.put_template";
    React(React) -> Changed = "message.react";
    ReadAllNotices(ReadAllNotices) -> Done = "notice.read_all";
    ReadNotices(ReadNotices) -> Done = "notice.read";
    RecallMessage(RecallMessage) -> Sent = "message.recall";
    ScheduleMessage(ScheduleMessage) -> OwnRow = "message.schedule";
    RejectContact(RejectContact) -> OwnRows = "contact.reject";
    RejectRequests(RejectRequests) -> Done = "group.reject";
    RemoveFavourite(RemoveFavourite) -> Done = "favourite.remove";
    RenameMember(RenameMember) -> Changed = "group.nickname";
    RequestContact(RequestContact) -> OwnRows = "contact.request";
    RequestJoin(RequestJoin) -> Done = "group.request";
    RevokeInvite(RevokeInvite) -> Done = "group.revoke_invite";
    SayNow(SayNow) -> Done = "message.now";
    SearchMessages(SearchMessages) -> SearchPage = "message.search";
    SendMessage(SendMessage) -> Sent = "message.send";
    SendNotice(SendNotice) -> SentNotice = "notice.send";
    SubscribePresence(SubscribePresence) -> Presences = "presence.subscribe";
    SyncPull(SyncPull) -> SyncPage = "sync.pull";
    Typing(Typing) -> Done = "conversation.typing";
    UnbanUsers(UnbanUsers) -> Changed = "group.unban";
    UnblockUser(UnblockUser) -> Done = "contact.unblock";
    UnscheduleMessage(UnscheduleMessage) -> Done = "message.unschedule";
    UnfollowUser(UnfollowUser) -> OwnRows = "contact.unfollow";
    UnmuteMembers(UnmuteMembers) -> Changed = "group.unmute";
    UnpinMessage(UnpinMessage) -> Changed = "message.unpin";
    UnsubscribePresence(UnsubscribePresence) -> Done = "presence.unsubscribe";
    UpdateProfile(UpdateProfile) -> Profile = "user.update";
    UpsertUser(UpsertUser) -> Profile = "user.upsert";
    WithdrawContact(WithdrawContact) -> OwnRows = "contact.withdraw";
    WithdrawRequest(WithdrawRequest) -> Done = "group.withdraw";
}

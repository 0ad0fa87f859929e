//! Everything that can be asked of the engine: one definition for the in-process API, every link and REST.
//!
//! A command is a plain struct; the table below gives it its method name and the type of its reply.

mod contact;
mod conversation;
mod draft;
mod favourite;
mod group;
mod message;
mod own;
mod presence;
mod scheduled;
mod session;
mod sync;
mod texts;
mod user;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use contact::{
    AcceptContact, BlockUser, Blocks, ChangeContact, DeleteContact, FollowUser, ListBlocks,
    ListContacts, ListFollowers, ListFollows, ListRequests, RejectContact, RequestContact,
    UnblockUser, UnfollowUser, WithdrawContact,
};
pub use conversation::{
    ChangeSettings, ConversationPage, CreateConversation, GetConversation, ListConversations,
    ListMembers, MarkDelivered, MarkRead, MemberPage, OpenDirect, Typing,
};
pub use draft::{DeleteDraft, ListDrafts, PutDraft};
pub use favourite::{AddFavourite, FavouriteItem, FavouritePage, ListFavourites, RemoveFavourite};
pub use group::{AddMembers, ChangeInfo, ChangeRole, Changed, JoinGroup, KickMembers, LeaveGroup};
pub use message::{
    EditMessage, History, HistoryPage, ListReaders, ReaderPage, RecallMessage, SendMessage, Sent,
};
pub use own::{OwnPage, OwnRows};
pub use presence::{GetPresence, Presences, SubscribePresence, UnsubscribePresence};
pub use scheduled::{ListScheduled, ScheduleMessage, UnscheduleMessage};
pub use session::{CloseSession, OpenSession, Ping, Pong, SessionOpened};
pub use sync::{SyncItem, SyncPage, SyncPull};
pub use user::{
    ChangePreferences, GetPreferences, GetProfiles, Profiles, UpdateProfile, UpsertUser,
};

use crate::{ConversationView, OwnRow, Profile, Receipt};

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
    BlockUser(BlockUser) -> Done = "contact.block";
    ChangeContact(ChangeContact) -> OwnRows = "contact.change";
    ChangeInfo(ChangeInfo) -> Changed = "group.info";
    ChangePreferences(ChangePreferences) -> OwnRow = "user.change_settings";
    ChangeRole(ChangeRole) -> Changed = "group.role";
    ChangeSettings(ChangeSettings) -> ConversationView = "conversation.settings";
    CloseSession(CloseSession) -> Done = "session.close";
    CreateConversation(CreateConversation) -> ConversationView = "conversation.create";
    DeleteContact(DeleteContact) -> OwnRows = "contact.delete";
    DeleteDraft(DeleteDraft) -> Done = "draft.delete";
    EditMessage(EditMessage) -> Sent = "message.edit";
    FollowUser(FollowUser) -> OwnRows = "contact.follow";
    GetConversation(GetConversation) -> ConversationView = "conversation.get";
    GetPreferences(GetPreferences) -> OwnRow = "user.settings";
    GetPresence(GetPresence) -> Presences = "presence.get";
    GetProfiles(GetProfiles) -> Profiles = "user.get";
    History(History) -> HistoryPage = "message.history";
    JoinGroup(JoinGroup) -> Changed = "group.join";
    KickMembers(KickMembers) -> Changed = "group.kick";
    LeaveGroup(LeaveGroup) -> Changed = "group.leave";
    ListBlocks(ListBlocks) -> Blocks = "contact.blocks";
    ListContacts(ListContacts) -> OwnPage = "contact.list";
    ListConversations(ListConversations) -> ConversationPage = "conversation.list";
    ListDrafts(ListDrafts) -> OwnPage = "draft.list";
    ListFavourites(ListFavourites) -> FavouritePage = "favourite.list";
    ListFollowers(ListFollowers) -> OwnPage = "contact.followers";
    ListFollows(ListFollows) -> OwnPage = "contact.follows";
    ListMembers(ListMembers) -> MemberPage = "conversation.members";
    ListScheduled(ListScheduled) -> OwnPage = "message.scheduled";
    ListReaders(ListReaders) -> ReaderPage = "message.readers";
    ListRequests(ListRequests) -> OwnPage = "contact.requests";
    MarkDelivered(MarkDelivered) -> Receipt = "conversation.delivered";
    MarkRead(MarkRead) -> Receipt = "conversation.read";
    OpenDirect(OpenDirect) -> ConversationView = "conversation.direct";
    OpenSession(OpenSession) -> SessionOpened = "session.open";
    Ping(Ping) -> Pong = "session.ping";
    PutDraft(PutDraft) -> OwnRow = "draft.put";
    RecallMessage(RecallMessage) -> Sent = "message.recall";
    ScheduleMessage(ScheduleMessage) -> OwnRow = "message.schedule";
    RejectContact(RejectContact) -> OwnRows = "contact.reject";
    RemoveFavourite(RemoveFavourite) -> Done = "favourite.remove";
    RequestContact(RequestContact) -> OwnRows = "contact.request";
    SendMessage(SendMessage) -> Sent = "message.send";
    SubscribePresence(SubscribePresence) -> Presences = "presence.subscribe";
    SyncPull(SyncPull) -> SyncPage = "sync.pull";
    Typing(Typing) -> Done = "conversation.typing";
    UnblockUser(UnblockUser) -> Done = "contact.unblock";
    UnscheduleMessage(UnscheduleMessage) -> Done = "message.unschedule";
    UnfollowUser(UnfollowUser) -> OwnRows = "contact.unfollow";
    UnsubscribePresence(UnsubscribePresence) -> Done = "presence.unsubscribe";
    UpdateProfile(UpdateProfile) -> Profile = "user.update";
    UpsertUser(UpsertUser) -> Profile = "user.upsert";
    WithdrawContact(WithdrawContact) -> OwnRows = "contact.withdraw";
}

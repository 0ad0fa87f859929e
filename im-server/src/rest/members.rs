//! Who is in a conversation, and who may what.

use std::sync::Arc;

use axum::extract::State;
use im_core::{
    AddMembers, ChangePermissions, ChangeRole, Changed, JoinGroup, KickMembers, LeaveGroup,
    ListMembers, MemberPage, MuteMembers, RenameMember, Timestamp, UnmuteMembers,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{NewMembers, NewNickname, NewPermissions, NewRole, Silence},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key, Users},
    json::Json,
    path::{ConversationPath, MemberPath, RolePath, UserPage},
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list, add, kick))
        .routes(routes!(change_role))
        .routes(routes!(join))
        .routes(routes!(leave))
        .routes(routes!(mute, unmute))
        .routes(routes!(rename))
        .routes(routes!(change_permissions))
}

/// How to remove.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Removal {
    /// Why; shown to all.
    reason: Option<String>,
    /// Until when they cannot come back, in milliseconds since 1970; absent when they can at once.
    #[param(value_type = Option<i64>)]
    banned_until_ms: Option<Timestamp>,
}

/// The members of a conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}/members", tag = "members", params(ConversationPath, UserPage),
    responses((status = 200, body = MemberPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromQuery(page): FromQuery<UserPage>,
) -> Answer<MemberPage> {
    let command = ListMembers {
        conversation: path.id,
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Add users to a group. Those who are in already are skipped.
#[utoipa::path(post, path = "/v1/conversations/{id}/members", tag = "members", params(ConversationPath, Key),
    request_body = NewMembers, responses((status = 200, body = Changed)))]
async fn add(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(NewMembers { users }): FromBody<NewMembers>,
) -> Answer<Changed> {
    let command = AddMembers {
        conversation: path.id,
        client_id,
        users,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Remove members from a group. Those who are not in are skipped.
#[utoipa::path(delete, path = "/v1/conversations/{id}/members", tag = "members", params(ConversationPath, Users, Removal, Key),
    responses((status = 200, body = Changed)))]
async fn kick(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Users { user: users }: Users,
    FromQuery(Removal {
        reason,
        banned_until_ms,
    }): FromQuery<Removal>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = KickMembers {
        conversation: path.id,
        client_id,
        users,
        reason,
        banned_until_ms,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Give a member another role.
#[utoipa::path(put, path = "/v1/conversations/{id}/members/{user}/role", tag = "members", params(MemberPath, Key),
    request_body = NewRole, responses((status = 200, body = Changed)))]
async fn change_role(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MemberPath>,
    Key(client_id): Key,
    FromBody(NewRole { role }): FromBody<NewRole>,
) -> Answer<Changed> {
    let command = ChangeRole {
        conversation: path.id,
        client_id,
        user: path.user,
        role,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Enter an open group.
#[utoipa::path(post, path = "/v1/conversations/{id}/join", tag = "members", params(ConversationPath, Key),
    responses((status = 200, body = Changed)))]
async fn join(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = JoinGroup {
        conversation: path.id,
        client_id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Leave a group. The owner hands over first, unless nobody else is left.
#[utoipa::path(post, path = "/v1/conversations/{id}/leave", tag = "members", params(ConversationPath, Key),
    responses((status = 200, body = Changed)))]
async fn leave(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = LeaveGroup {
        conversation: path.id,
        client_id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Silence members of a lower role.
#[utoipa::path(post, path = "/v1/conversations/{id}/silences", tag = "members", params(ConversationPath, Key),
    request_body = Silence, responses((status = 200, body = Changed)))]
async fn mute(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(Silence { users, until_ms }): FromBody<Silence>,
) -> Answer<Changed> {
    let command = MuteMembers {
        conversation: path.id,
        client_id,
        users,
        until_ms,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Let members speak again.
#[utoipa::path(delete, path = "/v1/conversations/{id}/silences", tag = "members", params(ConversationPath, Users, Key),
    responses((status = 200, body = Changed)))]
async fn unmute(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Users { user: users }: Users,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = UnmuteMembers {
        conversation: path.id,
        client_id,
        users,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Change how a member is called here.
#[utoipa::path(put, path = "/v1/conversations/{id}/members/{user}/nickname", tag = "members", params(MemberPath, Key),
    request_body = NewNickname, responses((status = 200, body = Changed)))]
async fn rename(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MemberPath>,
    Key(client_id): Key,
    FromBody(NewNickname { nickname }): FromBody<NewNickname>,
) -> Answer<Changed> {
    let command = RenameMember {
        conversation: path.id,
        client_id,
        user: path.user,
        nickname,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Change what a role may do.
#[utoipa::path(put, path = "/v1/conversations/{id}/permissions/{role}", tag = "members", params(RolePath, Key),
    request_body = NewPermissions, responses((status = 200, body = Changed)))]
async fn change_permissions(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<RolePath>,
    Key(client_id): Key,
    FromBody(NewPermissions { permissions }): FromBody<NewPermissions>,
) -> Answer<Changed> {
    let command = ChangePermissions {
        conversation: path.id,
        client_id,
        role: path.role,
        permissions,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

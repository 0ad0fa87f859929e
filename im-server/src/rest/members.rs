//! Who is in a conversation, and who may what.

use std::sync::Arc;

use axum::{Json, extract::State};
use im_core::{
    AddMembers, ChangeRole, Changed, JoinGroup, KickMembers, LeaveGroup, ListMembers, MemberPage,
    UserId,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{NewMembers, NewRole},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key, Users},
    path::{ConversationPath, MemberPath},
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list, add, kick))
        .routes(routes!(change_role))
        .routes(routes!(join))
        .routes(routes!(leave))
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<UserId>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// How to remove.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Removal {
    /// Why; shown to all.
    reason: Option<String>,
}

/// The members of a conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}/members", tag = "members", params(ConversationPath, Page),
    responses((status = 200, body = MemberPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromQuery(page): FromQuery<Page>,
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
    FromQuery(Removal { reason }): FromQuery<Removal>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = KickMembers {
        conversation: path.id,
        client_id,
        users,
        reason,
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

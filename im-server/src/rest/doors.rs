//! How one gets into a group, and how one is kept out: requests, invite links, bans.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    ApproveRequests, Bans, Changed, CreateInvite, Done, Invite, InvitePreview, Invites,
    JoinByInvite, ListBans, ListInvites, ListRequests, PreviewInvite, RejectRequests, RequestJoin,
    RequestPage, RevokeInvite, UnbanUsers, WithdrawRequest,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{Asking, NewInvite, NewMembers},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key, Users},
    json::Json,
    path::{ConversationInvitePath, ConversationPath, InvitePath, UserPage},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(requests, request, withdraw))
        .routes(routes!(approve))
        .routes(routes!(reject))
        .routes(routes!(invites, invite))
        .routes(routes!(revoke))
        .routes(routes!(preview))
        .routes(routes!(enter))
        .routes(routes!(bans, unban))
}

/// Who asks to be let in.
#[utoipa::path(get, path = "/v1/conversations/{id}/requests", tag = "doors", params(ConversationPath, UserPage),
    responses((status = 200, body = RequestPage)))]
async fn requests(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromQuery(page): FromQuery<UserPage>,
) -> Answer<RequestPage> {
    let command = ListRequests {
        conversation: path.id,
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Ask to be let in. Asking again replaces the greeting.
#[utoipa::path(put, path = "/v1/conversations/{id}/requests", tag = "doors", params(ConversationPath),
    request_body = Asking, responses((status = 200, body = Done)))]
async fn request(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(Asking { greeting }): FromBody<Asking>,
) -> Answer<Done> {
    let command = RequestJoin {
        conversation: path.id,
        greeting,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Take one's request back. Idempotent.
#[utoipa::path(delete, path = "/v1/conversations/{id}/requests", tag = "doors", params(ConversationPath),
    responses((status = 200, body = Done)))]
async fn withdraw(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
) -> Answer<Done> {
    let command = WithdrawRequest {
        conversation: path.id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Let in those who asked.
#[utoipa::path(post, path = "/v1/conversations/{id}/requests/approve", tag = "doors", params(ConversationPath, Key),
    request_body = NewMembers, responses((status = 200, body = Changed)))]
async fn approve(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(NewMembers { users }): FromBody<NewMembers>,
) -> Answer<Changed> {
    let command = ApproveRequests {
        conversation: path.id,
        client_id,
        users,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Do not let in those who asked. Idempotent.
#[utoipa::path(post, path = "/v1/conversations/{id}/requests/reject", tag = "doors", params(ConversationPath),
    request_body = NewMembers, responses((status = 200, body = Done)))]
async fn reject(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(NewMembers { users }): FromBody<NewMembers>,
) -> Answer<Done> {
    let command = RejectRequests {
        conversation: path.id,
        users,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// The links of a group.
#[utoipa::path(get, path = "/v1/conversations/{id}/invites", tag = "doors", params(ConversationPath),
    responses((status = 200, body = Invites)))]
async fn invites(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
) -> Answer<Invites> {
    let command = ListInvites {
        conversation: path.id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Make a link that lets users in.
#[utoipa::path(post, path = "/v1/conversations/{id}/invites", tag = "doors", params(ConversationPath),
    request_body = NewInvite, responses((status = 201, body = Invite)))]
async fn invite(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(body): FromBody<NewInvite>,
) -> Result<(StatusCode, Json<Invite>), Problem> {
    let command = CreateInvite {
        conversation: path.id,
        expires_at_ms: body.expires_at_ms,
        uses: body.uses,
    };
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// Make a link useless. Idempotent.
#[utoipa::path(delete, path = "/v1/conversations/{id}/invites/{code}", tag = "doors", params(ConversationInvitePath),
    responses((status = 200, body = Done)))]
async fn revoke(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationInvitePath>,
) -> Answer<Done> {
    let command = RevokeInvite {
        conversation: path.id,
        code: path.code,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// What a link leads to.
#[utoipa::path(get, path = "/v1/invites/{code}", tag = "doors", params(InvitePath),
    responses((status = 200, body = InvitePreview)))]
async fn preview(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(InvitePath { code }): FromPath<InvitePath>,
) -> Answer<InvitePreview> {
    Ok(Json(app.im.call(&actor, PreviewInvite { code }).await?))
}

/// Enter by a link.
#[utoipa::path(post, path = "/v1/invites/{code}/enter", tag = "doors", params(InvitePath, Key),
    responses((status = 200, body = Changed)))]
async fn enter(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(InvitePath { code }): FromPath<InvitePath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = JoinByInvite { client_id, code };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Who cannot come in.
#[utoipa::path(get, path = "/v1/conversations/{id}/bans", tag = "doors", params(ConversationPath, UserPage),
    responses((status = 200, body = Bans)))]
async fn bans(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromQuery(page): FromQuery<UserPage>,
) -> Answer<Bans> {
    let command = ListBans {
        conversation: path.id,
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Let users come in again.
#[utoipa::path(delete, path = "/v1/conversations/{id}/bans", tag = "doors", params(ConversationPath, Users, Key),
    responses((status = 200, body = Changed)))]
async fn unban(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Users { user: users }: Users,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = UnbanUsers {
        conversation: path.id,
        client_id,
        users,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

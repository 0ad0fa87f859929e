//! What admins do about users, and about what users say. Who is an admin is decided by the engine.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    AdminDismiss, AdminRecall, Changed, DemoteUser, InspectUser, InspectedUser, LiftRestriction,
    ListStandings, PromoteUser, RestrictUser, RestrictionKind, Sent, SignOutUser, StandingPage,
    Timestamp, UserId, UserStanding,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    json::Json,
    path::{ConversationPath, MessagePath, UserPage, UserPath},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(inspect))
        .routes(routes!(restrict, lift))
        .routes(routes!(promote, demote))
        .routes(routes!(sign_out))
        .routes(routes!(dismiss))
        .routes(routes!(recall))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct RestrictionPath {
    /// Which user.
    #[param(value_type = String)]
    user: UserId,
    /// What is taken.
    #[param(inline)]
    kind: RestrictionKind,
}

/// How something is taken.
#[derive(Deserialize, ToSchema)]
struct Taken {
    /// Until when, in milliseconds since 1970; absent for ever.
    #[serde(default)]
    until_ms: Option<Timestamp>,
    /// Why, in 200 characters; shown to the user. Not with `disabled`.
    #[serde(default)]
    reason: Option<String>,
}

/// The admins and whoever is restricted. For admins and back ends, as all under `/v1/admin`.
#[utoipa::path(get, path = "/v1/admin/users", tag = "admin", params(UserPage), responses((status = 200, body = StandingPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<UserPage>,
) -> Answer<StandingPage> {
    let command = ListStandings {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// A user: profile, standing, devices.
#[utoipa::path(get, path = "/v1/admin/users/{user}", tag = "admin", params(UserPath),
    responses((status = 200, body = InspectedUser)))]
async fn inspect(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(UserPath { user }): FromPath<UserPath>,
) -> Answer<InspectedUser> {
    Ok(Json(app.im.call(&actor, InspectUser { user }).await?))
}

/// Take something from a user, in the place of a restriction of the same kind.
#[utoipa::path(put, path = "/v1/admin/users/{user}/restrictions/{kind}", tag = "admin", params(RestrictionPath),
    request_body = Taken, responses((status = 200, body = UserStanding)))]
async fn restrict(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<RestrictionPath>,
    FromBody(body): FromBody<Taken>,
) -> Answer<UserStanding> {
    let command = RestrictUser {
        user: path.user,
        kind: path.kind,
        until_ms: body.until_ms,
        reason: body.reason,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Give back what was taken.
#[utoipa::path(delete, path = "/v1/admin/users/{user}/restrictions/{kind}", tag = "admin", params(RestrictionPath),
    responses((status = 200, body = UserStanding)))]
async fn lift(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(RestrictionPath { user, kind }): FromPath<RestrictionPath>,
) -> Answer<UserStanding> {
    let command = LiftRestriction { user, kind };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Make a user an admin.
#[utoipa::path(put, path = "/v1/admin/users/{user}/admin", tag = "admin", params(UserPath),
    responses((status = 200, body = UserStanding)))]
async fn promote(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(UserPath { user }): FromPath<UserPath>,
) -> Answer<UserStanding> {
    Ok(Json(app.im.call(&actor, PromoteUser { user }).await?))
}

/// Make an admin a user like all others. Not the last one, except by a back end.
#[utoipa::path(delete, path = "/v1/admin/users/{user}/admin", tag = "admin", params(UserPath),
    responses((status = 200, body = UserStanding)))]
async fn demote(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(UserPath { user }): FromPath<UserPath>,
) -> Answer<UserStanding> {
    Ok(Json(app.im.call(&actor, DemoteUser { user }).await?))
}

/// End all sessions and sign-ins of a user.
#[utoipa::path(delete, path = "/v1/admin/users/{user}/sessions", tag = "admin", params(UserPath),
    responses((status = 204)))]
async fn sign_out(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(UserPath { user }): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, SignOutUser { user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End any group or channel for everybody.
#[utoipa::path(delete, path = "/v1/admin/conversations/{id}", tag = "admin", params(ConversationPath, Key),
    responses((status = 200, body = Changed)))]
async fn dismiss(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = AdminDismiss {
        conversation: path.id,
        client_id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Recall any message, whoever said it.
#[utoipa::path(delete, path = "/v1/admin/conversations/{id}/messages/{seq}", tag = "admin", params(MessagePath, Key),
    responses((status = 200, body = Sent)))]
async fn recall(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
) -> Answer<Sent> {
    let command = AdminRecall {
        conversation: path.id,
        seq: path.seq,
        client_id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

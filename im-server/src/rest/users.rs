//! Users and their profiles.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use im_core::{
    Actor, Deed, DeviceId, GetProfiles, Profile, Profiles, Rejection, Scopes, UpdateProfile,
    UpsertUser, UserId, port::RealNameState,
};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::{Caller, Credential},
    extract::{FromBody, FromPath, Users},
    json::Json,
    own_account::patiently,
    path::UserPath,
    problem::Problem,
};
use crate::{
    accounts::{IssuedToken, WantedToken},
    app::App,
};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(several))
        .routes(routes!(me, update_me))
        .routes(routes!(one, upsert, erase))
        .routes(routes!(decide_real_name))
        .routes(routes!(issue_token))
}

/// A token to issue.
#[derive(Deserialize, ToSchema)]
struct NewToken {
    /// On which device; a new one when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    device: Option<DeviceId>,
    /// For how long, in milliseconds; 15 minutes when absent, at most a day.
    #[serde(default)]
    ttl_ms: Option<u64>,
    /// What it is good for: `read`, `write` and `admin`, with spaces between; `read write` when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    scopes: Option<Scopes>,
}

/// Profiles of those who have one.
#[utoipa::path(get, path = "/v1/users", tag = "users", params(Users), responses((status = 200, body = Profiles)))]
async fn several(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Users { user: users }: Users,
) -> Answer<Profiles> {
    Ok(Json(app.im.call(&actor, GetProfiles { users }).await?))
}

/// One's own profile.
#[utoipa::path(get, path = "/v1/users/me", tag = "users", responses((status = 200, body = Profile)))]
async fn me(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<Profile> {
    let user = actor.user.clone();
    profile(&app, &actor, user).await
}

/// Change one's own profile. Absent means unchanged, an empty text clears.
#[utoipa::path(patch, path = "/v1/users/me", tag = "users", request_body = UpdateProfile,
    responses((status = 200, body = Profile)))]
async fn update_me(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromBody(changes): FromBody<UpdateProfile>,
) -> Answer<Profile> {
    Ok(Json(app.im.call(&actor, changes).await?))
}

/// A profile.
#[utoipa::path(get, path = "/v1/users/{user}", tag = "users", params(UserPath), responses((status = 200, body = Profile)))]
async fn one(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<Profile> {
    profile(&app, &actor, path.user).await
}

/// Create a user of the host application, or replace its profile. Needs a server key.
#[utoipa::path(put, path = "/v1/users/{user}", tag = "users", params(UserPath), request_body = UpdateProfile,
    responses((status = 200, body = Profile)))]
async fn upsert(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromPath(path): FromPath<UserPath>,
    FromBody(body): FromBody<UpdateProfile>,
) -> Answer<Profile> {
    let actor = credential.actor_about(&path.user);
    let command = UpsertUser::from_profile(path.user, body);
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Issue an access token for a user of the host application. Needs a server key.
#[utoipa::path(post, path = "/v1/users/{user}/tokens", tag = "users", params(UserPath), request_body = NewToken,
    responses((status = 201, body = IssuedToken)))]
async fn issue_token(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromPath(path): FromPath<UserPath>,
    FromBody(body): FromBody<NewToken>,
) -> Result<(StatusCode, Json<IssuedToken>), Problem> {
    credential.require_service()?;
    let wanted = WantedToken {
        user: path.user,
        device: body.device,
        ttl: body.ttl_ms.map(Duration::from_millis),
        scopes: body.scopes,
    };
    let issued = app.accounts.issue(wanted).await?;
    Ok((StatusCode::CREATED, Json(issued)))
}

async fn profile(app: &App, actor: &Actor, user: UserId) -> Answer<Profile> {
    let found = app
        .im
        .call(actor, GetProfiles { users: vec![user] })
        .await?;
    let profile = found.items.into_iter().next();
    profile
        .map(Json)
        .ok_or_else(|| Rejection::not_found("user").into())
}

/// Erase a user, of this server or of the host application. For admins and back ends. `202` when it takes longer; it goes on by
/// itself.
#[utoipa::path(delete, path = "/v1/users/{user}", tag = "users", params(UserPath),
    responses((status = 204), (status = 202)))]
async fn erase(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromPath(path): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    let actor = credential.actor_about(&path.user);
    let deed = Deed {
        method: "user.erase",
        about: path.user.clone(),
        params: json!({}),
    };
    patiently(async move {
        // In boxes, because erasing is nested deeply.
        let erasing = Box::pin(async {
            app.im.check_erasable(&actor, &path.user).await?;
            app.accounts.erase(&path.user).await
        });
        Box::pin(app.im.administer(&actor, deed, erasing)).await
    })
    .await
}

/// What somebody says who looked at a document.
#[derive(Deserialize, ToSchema)]
struct Verdict {
    /// Whether the name is believed.
    verified: bool,
}

/// Decide about a real name that is pending. For admins and back ends.
#[utoipa::path(put, path = "/v1/users/{user}/real-name", tag = "users", params(UserPath), request_body = Verdict,
    responses((status = 204)))]
async fn decide_real_name(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromPath(path): FromPath<UserPath>,
    FromBody(body): FromBody<Verdict>,
) -> Result<StatusCode, Problem> {
    let actor = credential.actor_about(&path.user);
    let deed = Deed {
        method: "user.real_name",
        about: path.user.clone(),
        params: json!({"verified": body.verified}),
    };
    let state = if body.verified {
        RealNameState::Verified
    } else {
        RealNameState::Rejected
    };
    let deciding = app.accounts.decide_real_name(&path.user, state);
    app.im.administer(&actor, deed, deciding).await?;
    Ok(StatusCode::NO_CONTENT)
}

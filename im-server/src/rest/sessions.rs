//! Signing in, staying signed in, signing out. A session here is a signed-in device, on any number of links.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{Code, DeviceId, Scope, UserId};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::{Address, Credential},
    extract::{FromBody, FromQuery, MAX_PUBLIC_BODY},
    json::Json,
    problem::Problem,
};
use crate::{
    accounts::{Attempt, Name, Password, SignedIn, parse_identifier},
    app::App,
    secret::Secret,
};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(sign_in))
        .routes(routes!(sign_in_by_code))
        .routes(routes!(refresh))
        .routes(routes!(sign_out))
}

/// Who wants to sign in: by user name, or by an e-mail address or phone number that the account has.
#[derive(Deserialize, ToSchema)]
struct SignIn {
    /// The user name.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    user: Option<UserId>,
    /// Instead of `user`: an e-mail address or a phone number.
    #[serde(default)]
    identifier: Option<String>,
    /// The password.
    #[schema(value_type = String, format = Password)]
    password: Password,
    /// Which device this is; a new one when absent. Keep it, so that the device stays the same.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    device: Option<DeviceId>,
}

/// Who wants to sign in with a code.
#[derive(Deserialize, ToSchema)]
struct SignInByCode {
    /// Where the code was sent to.
    identifier: String,
    /// The code.
    #[schema(value_type = String)]
    code: Secret,
    /// Which device this is; a new one when absent. Keep it, so that the device stays the same.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    device: Option<DeviceId>,
}

/// A refresh token to use.
#[derive(Deserialize, ToSchema)]
struct Refresh {
    /// What signing in or the last refresh gave.
    refresh_token: String,
}

/// What to end.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct SignOut {
    /// Also all other devices of the user.
    #[serde(default)]
    everywhere: bool,
}

/// Sign in.
#[utoipa::path(post, path = "/v1/sessions", tag = "sessions", security(()), request_body = SignIn,
    responses((status = 201, body = SignedIn)))]
async fn sign_in(
    State(app): State<Arc<App>>,
    Address(address): Address,
    FromBody(body): FromBody<SignIn, MAX_PUBLIC_BODY>,
) -> Result<(StatusCode, Json<SignedIn>), Problem> {
    app.throttle.admit_address(address).await?;
    let name = match (body.user, body.identifier) {
        (Some(user), None) => Name::User(user),
        (None, Some(text)) => Name::Identifier(parse_identifier(&text)?),
        (Some(_), Some(_)) | (None, None) => {
            let detail = "body: name either user or identifier";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
    };
    app.throttle.admit_user(name.as_str(), address).await?;
    let attempt = Attempt {
        name,
        password: body.password,
        device: body.device,
        address,
    };
    let signed_in = app.accounts.sign_in(attempt).await?;
    Ok((StatusCode::CREATED, Json(signed_in)))
}

/// Sign in with a code that was sent for `sign_in`.
#[utoipa::path(post, path = "/v1/sessions/code", tag = "sessions", security(()), request_body = SignInByCode,
    responses((status = 201, body = SignedIn)))]
async fn sign_in_by_code(
    State(app): State<Arc<App>>,
    Address(address): Address,
    FromBody(body): FromBody<SignInByCode, MAX_PUBLIC_BODY>,
) -> Result<(StatusCode, Json<SignedIn>), Problem> {
    app.throttle.admit_address(address).await?;
    let identifier = parse_identifier(&body.identifier)?;
    app.throttle
        .admit_user(identifier.as_str(), address)
        .await?;
    let signing_in = app
        .accounts
        .sign_in_by_code(&identifier, &body.code, body.device);
    Ok((StatusCode::CREATED, Json(signing_in.await?)))
}

/// Replace a refresh token, and get a new access token. A retry within 30 seconds gets the same refresh token again, as
/// long as that one was not used. Otherwise a used refresh token ends the whole sign-in.
#[utoipa::path(post, path = "/v1/sessions/refresh", tag = "sessions", security(()), request_body = Refresh,
    responses((status = 200, body = SignedIn)))]
async fn refresh(
    State(app): State<Arc<App>>,
    Address(address): Address,
    FromBody(body): FromBody<Refresh, MAX_PUBLIC_BODY>,
) -> Answer<SignedIn> {
    app.throttle.admit_address(address).await?;
    Ok(Json(app.accounts.refresh(&body.refresh_token).await?))
}

/// Sign out. Links that were opened with a token of this sign-in, or for its device, are closed.
#[utoipa::path(delete, path = "/v1/sessions/current", tag = "sessions", params(SignOut), responses((status = 204)))]
async fn sign_out(
    State(app): State<Arc<App>>,
    credential: Credential,
    FromQuery(query): FromQuery<SignOut>,
) -> Result<StatusCode, Problem> {
    match (credential, query.everywhere) {
        (Credential::User(claims), false) => app.accounts.sign_out(&claims).await?,
        (Credential::User(claims), true) => {
            claims.actor().require(Scope::Write)?;
            app.accounts.sign_out_everywhere(&claims.sub).await?;
        }
        (Credential::Service(Some(user)), true) => app.accounts.sign_out_everywhere(&user).await?,
        (Credential::Service(_), _) => {
            let detail = "a server key has no session: name a user in the header Im-User and say everywhere=true";
            return Err(Problem::new(Code::InvalidRequest, detail));
        }
    }
    Ok(StatusCode::NO_CONTENT)
}

//! Registering, and getting in again. Signing in is of `sessions`.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{ClientId, Code, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Routes,
    caller::Address,
    extract::{FromBody, GivenKey, MAX_PUBLIC_BODY},
    json::Json,
    problem::Problem,
};
use crate::{
    accounts::{NewAccount, Password, parse_identifier},
    app::App,
    config::Registration,
    secret::Secret,
};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(register))
        .routes(routes!(reset_password))
}

/// An account that was made.
#[derive(Serialize, ToSchema)]
struct Registered {
    /// The name to sign in with.
    #[schema(value_type = String)]
    user: UserId,
}

/// Make an account.
#[utoipa::path(post, path = "/v1/accounts", tag = "accounts", params(GivenKey), security(()), request_body = NewAccount,
    responses((status = 201, body = Registered)))]
async fn register(
    State(app): State<Arc<App>>,
    Address(address): Address,
    GivenKey(key): GivenKey,
    FromBody(new): FromBody<NewAccount, MAX_PUBLIC_BODY>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    match app.entrance.registration() {
        Registration::Open => {}
        Registration::Closed => {
            let detail = "this server does not take registrations; ask its operator for an account";
            return Err(Problem::new(Code::Forbidden, detail));
        }
    }
    app.throttle.admit_address(address).await?;
    let user = new.user.clone();
    app.accounts
        .register(new, key.as_ref().map(ClientId::as_str))
        .await?;
    Ok((StatusCode::CREATED, Json(Registered { user })))
}

/// A new password for whoever got a code.
#[derive(Deserialize, ToSchema)]
struct ResetPassword {
    /// Where the code was sent to.
    identifier: String,
    /// The code that was sent for `reset_password`.
    #[schema(value_type = String)]
    code: Secret,
    /// The new password: 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    password: Password,
}

/// Set a new password with a code. All sign-ins of the account end.
#[utoipa::path(post, path = "/v1/accounts/password", tag = "accounts", security(()), request_body = ResetPassword,
    responses((status = 204)))]
async fn reset_password(
    State(app): State<Arc<App>>,
    Address(address): Address,
    FromBody(body): FromBody<ResetPassword, MAX_PUBLIC_BODY>,
) -> Result<StatusCode, Problem> {
    app.throttle.admit_address(address).await?;
    let identifier = parse_identifier(&body.identifier)?;
    app.throttle
        .admit_user(identifier.as_str(), address)
        .await?;
    app.accounts
        .reset_password(&identifier, &body.code, body.password)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

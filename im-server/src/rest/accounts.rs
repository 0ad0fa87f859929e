//! Registering. Signing in is of `sessions`.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use im_core::{ClientId, Code, UserId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Routes,
    caller::Address,
    extract::{FromBody, GivenKey, MAX_PUBLIC_BODY},
    problem::Problem,
};
use crate::{accounts::NewAccount, app::App, config::Registration};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(register))
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
    match app.registration {
        Registration::Open => {}
        Registration::Closed => {
            let detail = "this server does not take registrations; ask its operator for an account";
            return Err(Problem::new(Code::Forbidden, detail));
        }
    }
    app.throttle.admit_address(address, app.uptime())?;
    let user = new.user.clone();
    app.accounts
        .register(new, key.as_ref().map(ClientId::as_str))
        .await?;
    Ok((StatusCode::CREATED, Json(Registered { user })))
}

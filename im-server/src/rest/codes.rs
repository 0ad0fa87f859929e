//! One-time codes.

use std::{sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use im_core::{Code, port::CODES_LAST};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Routes,
    caller::{Address, Perhaps},
    extract::{FromBody, MAX_PUBLIC_BODY},
    json::Json,
    problem::Problem,
};
use crate::{accounts::parse_identifier, app::App, codes::Purpose, config::Registration};

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(give))
}

/// A code to send.
#[derive(Deserialize, ToSchema)]
struct NewCode {
    /// What it is for. For `verify` a token is needed.
    purpose: Purpose,
    /// An e-mail address, or a phone number such as `+4915112345678`.
    identifier: String,
}

/// A code is on its way, if there is somebody whom it helps.
#[derive(Serialize, ToSchema)]
struct CodeGiven {
    /// How long it can be used, in milliseconds.
    expires_in_ms: u64,
}

/// Have a code sent. The answer is the same whether or not an account has the address: to an address without an account
/// nothing is sent for `sign_in` and `reset_password`, to one with an account nothing for `register`.
#[utoipa::path(post, path = "/v1/codes", tag = "accounts", security((), ("bearer" = [])), request_body = NewCode,
    responses((status = 202, body = CodeGiven)))]
async fn give(
    State(app): State<Arc<App>>,
    Address(address): Address,
    Perhaps(claims): Perhaps,
    FromBody(body): FromBody<NewCode, MAX_PUBLIC_BODY>,
) -> Result<(StatusCode, Json<CodeGiven>), Problem> {
    let identifier = parse_identifier(&body.identifier)?;
    let claims = match (body.purpose, claims) {
        (Purpose::Verify, None) => return Err(crate::tokens::unauthenticated().into()),
        (Purpose::Verify, claims) => claims,
        (Purpose::Register, _) if app.entrance.registration() == Registration::Closed => {
            let detail = "this server does not take registrations; ask its operator for an account";
            return Err(Problem::new(Code::Forbidden, detail));
        }
        (Purpose::Register | Purpose::ResetPassword | Purpose::SignIn, _) => None,
    };
    app.throttle
        .admit_code(identifier.as_str(), address)
        .await?;
    let user = claims.as_ref().map(|claims| &claims.sub);
    app.accounts
        .give_code(body.purpose, identifier, user)
        .await?;
    let expires_in_ms = milliseconds(CODES_LAST);
    Ok((StatusCode::ACCEPTED, Json(CodeGiven { expires_in_ms })))
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

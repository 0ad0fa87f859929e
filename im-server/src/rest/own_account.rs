//! One's own account: looking at it, its password, its addresses, its real name, its end.

use std::{future::Future, sync::Arc, time::Duration};

use axum::{extract::State, http::StatusCode};
use im_core::Rejection;
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::{Address, Own},
    extract::FromBody,
    json::Json,
    problem::Problem,
};
use crate::{
    accounts::{OwnAccount, Password, parse_identifier},
    app::App,
    real_name::{Document, RealNameView},
    secret::Secret,
};

/// How long a caller waits for an erasure. It goes on after that.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(own, erase))
        .routes(routes!(change_password))
        .routes(routes!(attach))
        .routes(routes!(show_document))
}

/// A change of a password.
#[derive(Deserialize, ToSchema)]
struct ChangePassword {
    /// The password that stands.
    #[schema(value_type = String, format = Password)]
    old: Password,
    /// The one to be: 8 to 128 characters.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    new: Password,
}

/// An address to be found by.
#[derive(Deserialize, ToSchema)]
struct NewIdentifier {
    /// An e-mail address or a phone number.
    identifier: String,
    /// The code that was sent there for `verify`.
    #[schema(value_type = String)]
    code: Secret,
    /// The password of an account that has one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// The end of an account.
#[derive(Deserialize, ToSchema)]
struct Erase {
    /// The password of an account that has one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// One's own account.
#[utoipa::path(get, path = "/v1/accounts/me", tag = "accounts", responses((status = 200, body = OwnAccount)))]
async fn own(State(app): State<Arc<App>>, Own(claims): Own) -> Answer<OwnAccount> {
    Ok(Json(app.accounts.own(&claims.sub).await?))
}

/// Erase one's account: profile, devices, tokens, and the content of everything that one said. The name is not given
/// again. `202` when it takes longer; it goes on by itself.
#[utoipa::path(delete, path = "/v1/accounts/me", tag = "accounts", request_body = Erase,
    responses((status = 204), (status = 202)))]
async fn erase(
    State(app): State<Arc<App>>,
    Own(claims): Own,
    Address(address): Address,
    FromBody(body): FromBody<Erase>,
) -> Result<StatusCode, Problem> {
    let checking = app.accounts.check_own(&claims.sub, body.password, address);
    checking.await?;
    let actor = claims.actor();
    app.im.check_erasable(&actor, &claims.sub).await?;
    patiently(async move { app.accounts.erase(&claims.sub).await }).await
}

/// Waits for an erasure as long as a caller should.
pub(super) async fn patiently(
    erasing: impl Future<Output = Result<(), Rejection>> + Send + 'static,
) -> Result<StatusCode, Problem> {
    // A task of its own, so that a caller who hangs up does not stop it.
    let erasing = tokio::spawn(erasing);
    match tokio::time::timeout(PATIENCE, erasing).await {
        Ok(Ok(erased)) => erased
            .map(|()| StatusCode::NO_CONTENT)
            .map_err(Problem::from),
        Ok(Err(_)) => Err(Problem::internal()),
        Err(_) => Ok(StatusCode::ACCEPTED),
    }
}

/// Change one's password. The sign-in that asks goes on, all others end.
#[utoipa::path(post, path = "/v1/accounts/me/password", tag = "accounts", request_body = ChangePassword,
    responses((status = 204)))]
async fn change_password(
    State(app): State<Arc<App>>,
    Own(claims): Own,
    Address(address): Address,
    FromBody(body): FromBody<ChangePassword>,
) -> Result<StatusCode, Problem> {
    app.throttle
        .admit_user(claims.sub.as_str(), address)
        .await?;
    let passwords = (body.old, body.new);
    app.accounts
        .change_password(&claims, passwords, address)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Have one's account found by an address, which a code proves. It takes the place of the former of its kind.
#[utoipa::path(put, path = "/v1/accounts/me/identifiers", tag = "accounts", request_body = NewIdentifier,
    responses((status = 200, body = OwnAccount)))]
async fn attach(
    State(app): State<Arc<App>>,
    Own(claims): Own,
    Address(address): Address,
    FromBody(body): FromBody<NewIdentifier>,
) -> Answer<OwnAccount> {
    let identifier = parse_identifier(&body.identifier)?;
    app.throttle
        .admit_user(claims.sub.as_str(), address)
        .await?;
    let proof = (&identifier, &body.code);
    let attaching = app.accounts.attach(&claims, body.password, proof, address);
    Ok(Json(attaching.await?))
}

/// Have one's real name checked. The document is not kept.
#[utoipa::path(post, path = "/v1/accounts/me/real-name", tag = "accounts", request_body = Document,
    responses((status = 200, body = RealNameView)))]
async fn show_document(
    State(app): State<Arc<App>>,
    Own(claims): Own,
    Address(address): Address,
    FromBody(document): FromBody<Document>,
) -> Answer<RealNameView> {
    app.throttle
        .admit_user(claims.sub.as_str(), address)
        .await?;
    let showing = app.accounts.show_document(&claims.sub, document);
    Ok(Json(showing.await?))
}

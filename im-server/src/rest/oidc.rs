//! Signing in at an identity provider: the way there and back, both by the browser.

use std::sync::Arc;

use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use im_core::{DeviceId, Scope};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::{Address, Own},
    extract::{FromBody, FromPath, FromQuery},
    json::Json,
    problem::Problem,
};
use crate::{
    accounts::{Password, SignedIn},
    app::App,
    oidc::{FLOW_TTL, Purpose, Returned},
};

/// The cookie that keeps the way back to the browser that went.
const COOKIE: &str = "im_sso";

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(start))
        .routes(routes!(callback))
        .routes(routes!(link))
}

/// Which identity provider.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ProviderPath {
    /// Its name in the configuration.
    provider: String,
}

/// Who is on the way.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Departure {
    /// Which device this is; a new one when absent.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    device: Option<DeviceId>,
}

/// Who comes back.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Return {
    /// What this server sent along.
    state: String,
    /// What the provider gave; absent when it refused.
    #[serde(default)]
    code: Option<String>,
}

/// Go to an identity provider to sign in. For a browser: the answer leads there, with a cookie for the way back.
#[utoipa::path(get, path = "/v1/oidc/{provider}/start", tag = "sessions", security(()),
    params(ProviderPath, Departure), responses((status = 303, description = "The provider's page is there.")))]
async fn start(
    State(app): State<Arc<App>>,
    Address(address): Address,
    FromPath(path): FromPath<ProviderPath>,
    FromQuery(query): FromQuery<Departure>,
) -> Result<Response, Problem> {
    app.throttle.admit_address(address).await?;
    let purpose = Purpose::SignIn(query.device);
    let started = app.single_sign_on.start(&path.provider, purpose).await?;
    let headers = [
        (header::LOCATION, value(&started.location)?),
        (header::SET_COOKIE, value(&cookie(&app, &started.binding))?),
    ];
    Ok((StatusCode::SEE_OTHER, headers).into_response())
}

/// An identity to be found by.
#[derive(Deserialize, ToSchema)]
struct NewLink {
    /// The password of an account that has one.
    #[serde(default)]
    #[schema(value_type = Option<String>, format = Password)]
    password: Option<Password>,
}

/// Where to go.
#[derive(Serialize, ToSchema)]
struct Destination {
    /// The provider's page.
    location: String,
}

/// Have one's account found by an identity of a provider too. The answer comes with a cookie for the way back: open its
/// location in the same browser, within ten minutes.
#[utoipa::path(post, path = "/v1/oidc/{provider}/link", tag = "accounts", params(ProviderPath), request_body = NewLink,
    responses((status = 200, body = Destination)))]
async fn link(
    State(app): State<Arc<App>>,
    Own(claims): Own,
    Address(address): Address,
    FromPath(path): FromPath<ProviderPath>,
    FromBody(body): FromBody<NewLink>,
) -> Result<Response, Problem> {
    // Whoever comes back is signed in, with all that this gives.
    for scope in Scope::ALL {
        claims.actor().require(scope)?;
    }
    app.throttle
        .admit_user(claims.sub.as_str(), address)
        .await?;
    let checking = app.accounts.check_own(&claims.sub, body.password, address);
    checking.await?;
    let purpose = Purpose::Link(Box::new(claims));
    let started = app.single_sign_on.start(&path.provider, purpose).await?;
    let headers = [(header::SET_COOKIE, value(&cookie(&app, &started.binding))?)];
    let location = started.location;
    Ok((headers, Json(Destination { location })).into_response())
}

/// Come back from an identity provider. Works once, within ten minutes, in the browser that went.
#[utoipa::path(get, path = "/v1/oidc/{provider}/callback", tag = "sessions", security(()),
    params(ProviderPath, Return), responses((status = 200, body = SignedIn)))]
async fn callback(
    State(app): State<Arc<App>>,
    Address(address): Address,
    headers: HeaderMap,
    FromPath(path): FromPath<ProviderPath>,
    FromQuery(query): FromQuery<Return>,
) -> Answer<SignedIn> {
    app.throttle.admit_address(address).await?;
    let returned = Returned {
        state: &query.state,
        code: query.code.as_deref(),
        binding: binding(&headers),
    };
    let identified = app.single_sign_on.finish(&path.provider, returned).await?;
    Ok(Json(app.accounts.sign_in_by_subject(identified).await?))
}

fn value(text: &str) -> Result<HeaderValue, Problem> {
    HeaderValue::from_str(text).map_err(|_| Problem::internal())
}

/// `Lax`, because the provider's page leads back by a link from elsewhere.
fn cookie(app: &App, binding: &str) -> String {
    let public = app.public_url.as_ref().map(ToString::to_string);
    let public = public.unwrap_or_default();
    let secure = if public.starts_with("https://") {
        "; Secure"
    } else {
        ""
    };
    let seconds = FLOW_TTL.as_secs();
    format!("{COOKIE}={binding}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
}

fn binding(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get_all(header::COOKIE).iter();
    let pairs = all.filter_map(|value| value.to_str().ok());
    let mut pairs = pairs.flat_map(|value| value.split(';'));
    pairs.find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

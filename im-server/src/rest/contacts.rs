//! Who may not reach whom.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use im_core::{BlockUser, Blocks, ListBlocks, UnblockUser};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromPath, path::UserPath, problem::Problem};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(block, unblock))
}

/// Whom the caller has blocked.
#[utoipa::path(get, path = "/v1/contacts/blocks", tag = "contacts", responses((status = 200, body = Blocks)))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<Blocks> {
    Ok(Json(app.im.call(&actor, ListBlocks {}).await?))
}

/// Stop direct messages from and to somebody, and hide presence from them.
#[utoipa::path(put, path = "/v1/contacts/blocks/{user}", tag = "contacts", params(UserPath), responses((status = 204)))]
async fn block(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, BlockUser { user: path.user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift a block.
#[utoipa::path(delete, path = "/v1/contacts/blocks/{user}", tag = "contacts", params(UserPath), responses((status = 204)))]
async fn unblock(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, UnblockUser { user: path.user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

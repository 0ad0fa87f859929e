//! Messages that one wants to find again.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{AddFavourite, FavouritePage, ListFavourites, OwnRow, RemoveFavourite};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromPath, FromQuery},
    json::Json,
    path::{MessagePath, RowPage},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(add, remove))
}

/// The caller's favourites, with the messages as they are now.
#[utoipa::path(get, path = "/v1/favourites", tag = "favourites", params(RowPage),
    responses((status = 200, body = FavouritePage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<FavouritePage> {
    let command = ListFavourites {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Pick a message, to find it again.
#[utoipa::path(put, path = "/v1/favourites/{id}/{seq}", tag = "favourites", params(MessagePath),
    responses((status = 200, body = OwnRow)))]
async fn add(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
) -> Answer<OwnRow> {
    let command = AddFavourite {
        conversation: path.id,
        seq: path.seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Forget a favourite. The message stays.
#[utoipa::path(delete, path = "/v1/favourites/{id}/{seq}", tag = "favourites", params(MessagePath),
    responses((status = 204)))]
async fn remove(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
) -> Result<StatusCode, Problem> {
    let command = RemoveFavourite {
        conversation: path.id,
        seq: path.seq,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

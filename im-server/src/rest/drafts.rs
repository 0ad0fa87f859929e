//! Drafts: what is not said yet, on every device.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{DeleteDraft, ListDrafts, OwnPage, OwnRow, PutDraft};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::NewDraft,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery},
    json::Json,
    path::{ConversationPath, RowPage},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(put, delete))
}

/// The caller's drafts, by conversation.
#[utoipa::path(get, path = "/v1/drafts", tag = "drafts", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListDrafts {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Keep what the caller is about to say in a conversation, in place of what was kept.
#[utoipa::path(put, path = "/v1/conversations/{id}/draft", tag = "drafts", params(ConversationPath),
    request_body = NewDraft, responses((status = 200, body = OwnRow)))]
async fn put(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(body): FromBody<NewDraft>,
) -> Answer<OwnRow> {
    let command = PutDraft {
        conversation: path.id,
        content: body.content,
        reply_to: body.reply_to,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Forget a draft: it was said, or thrown away.
#[utoipa::path(delete, path = "/v1/conversations/{id}/draft", tag = "drafts", params(ConversationPath),
    responses((status = 204)))]
async fn delete(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
) -> Result<StatusCode, Problem> {
    let command = DeleteDraft {
        conversation: path.id,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

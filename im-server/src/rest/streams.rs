//! Messages whose text comes piece by piece.

use std::sync::Arc;

use axum::extract::State;
use im_core::{AddText, Content, FinishMessage, Sent, TextAdded};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromBody, FromPath, Key},
    json::Json,
    path::MessagePath,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(add_text))
        .routes(routes!(finish))
}

/// Text to add.
#[derive(Deserialize, ToSchema)]
struct Piece {
    /// How many characters (Unicode code points) of the message stand before it.
    offset: u64,
    /// What comes next.
    text: String,
}

/// What a message says in the end.
#[derive(Deserialize, ToSchema)]
struct FinalContent {
    /// Text or Markdown. When absent: the text that the server got.
    #[serde(default)]
    content: Option<Content>,
}

/// Add text to an open message of one's own.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages/{seq}/text", tag = "messages", params(MessagePath),
    request_body = Piece, responses((status = 200, body = TextAdded)))]
async fn add_text(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    FromBody(Piece { offset, text }): FromBody<Piece>,
) -> Answer<TextAdded> {
    let command = AddText {
        conversation: path.id,
        seq: path.seq,
        offset,
        text,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// End an open message of one's own: what it says now is stored.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages/{seq}/finish", tag = "messages",
    params(MessagePath, Key), request_body = FinalContent, responses((status = 200, body = Sent)))]
async fn finish(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
    FromBody(FinalContent { content }): FromBody<FinalContent>,
) -> Answer<Sent> {
    let command = FinishMessage {
        conversation: path.id,
        client_id,
        seq: path.seq,
        content,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

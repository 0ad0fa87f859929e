//! Messages: send, change, take back, look back.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use im_core::{
    EditMessage, History, HistoryPage, Landmark, RecallMessage, SendMessage, Sent, Seq, Timestamp,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::NewMessage,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    path::{ConversationPath, MessagePath},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(history, send))
        .routes(routes!(edit, recall))
}

/// Which entries: one place to begin at. Without one: the latest.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Window {
    /// Only later ones, from there on forwards.
    #[param(value_type = Option<u64>)]
    after_seq: Option<Seq>,
    /// Only earlier ones, from there on backwards.
    #[param(value_type = Option<u64>)]
    before_seq: Option<Seq>,
    /// Half of them before this one, it and the others from there on.
    #[param(value_type = Option<u64>)]
    around_seq: Option<Seq>,
    /// From the first one on that was accepted at this moment or later.
    #[param(value_type = Option<i64>)]
    at_ms: Option<Timestamp>,
    /// From a place on that the server knows: `first_unread`.
    #[param(value_type = Option<String>)]
    from: Option<Landmark>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// Entries of a conversation, in seq order.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages", tag = "messages", params(ConversationPath, Window),
    responses((status = 200, body = HistoryPage)))]
async fn history(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromQuery(window): FromQuery<Window>,
) -> Answer<HistoryPage> {
    let command = History {
        conversation: path.id,
        after_seq: window.after_seq,
        before_seq: window.before_seq,
        around_seq: window.around_seq,
        at_ms: window.at_ms,
        from: window.from,
        limit: window.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say something. The answer comes when it is stored.
#[utoipa::path(post, path = "/v1/conversations/{id}/messages", tag = "messages", params(ConversationPath, Key),
    request_body = NewMessage, responses((status = 201, body = Sent)))]
async fn send(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(NewMessage { content }): FromBody<NewMessage>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let command = SendMessage {
        conversation: path.id,
        client_id,
        content,
    };
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// Give one's own message another content.
#[utoipa::path(patch, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", params(MessagePath, Key),
    request_body = NewMessage, responses((status = 200, body = Sent)))]
async fn edit(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
    FromBody(NewMessage { content }): FromBody<NewMessage>,
) -> Answer<Sent> {
    let command = EditMessage {
        conversation: path.id,
        client_id,
        target: path.seq,
        content,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Take a message back: its content is gone for everybody.
#[utoipa::path(delete, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", params(MessagePath, Key),
    responses((status = 200, body = Sent)))]
async fn recall(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
) -> Answer<Sent> {
    let command = RecallMessage {
        conversation: path.id,
        client_id,
        target: path.seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

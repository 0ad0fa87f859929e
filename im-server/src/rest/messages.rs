//! Messages: send, change, take back, look back.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use im_core::{
    EditMessage, History, HistoryPage, ListReaders, ReaderPage, RecallMessage, SendMessage, Sent,
    Seq, UserId,
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
        .routes(routes!(readers))
}

/// Which entries. Without a bound: the latest.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Window {
    /// Only later ones, from there on forwards.
    #[param(value_type = Option<u64>)]
    after_seq: Option<Seq>,
    /// Only earlier ones, from there on backwards.
    #[param(value_type = Option<u64>)]
    before_seq: Option<Seq>,
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
    FromQuery(Window {
        after_seq,
        before_seq,
        limit,
    }): FromQuery<Window>,
) -> Answer<HistoryPage> {
    let command = History {
        conversation: path.id,
        after_seq,
        before_seq,
        limit,
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

/// Which page of readers.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ReadersAfter {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<UserId>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// Who has read a message, as far as they let others know.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}/readers", tag = "messages",
    params(MessagePath, ReadersAfter), responses((status = 200, body = ReaderPage)))]
async fn readers(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    FromQuery(page): FromQuery<ReadersAfter>,
) -> Answer<ReaderPage> {
    let command = ListReaders {
        conversation: path.id,
        seq: path.seq,
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

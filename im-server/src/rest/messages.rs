//! Messages: send, change, take back, look back.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    Changed, DeleteMessages, Done, EditMessage, Edits, ForwardMessages, GetMessages, History,
    HistoryPage, Landmark, ListEdits, ListReaders, Messages, PinMessage, ReaderPage, RecallMessage,
    SayNow, Sent, Seq, Timestamp, UnpinMessage, UserId,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{Forwarding, NewContent, NewMessage, SomeMessages},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key, Seqs},
    json::Json,
    path::{ConversationPath, MessagePath},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(history, send))
        .routes(routes!(edit, recall))
        .routes(routes!(readers))
        .routes(routes!(edits))
        .routes(routes!(some))
        .routes(routes!(forward))
        .routes(routes!(delete))
        .routes(routes!(say_now))
        .routes(routes!(pin, unpin))
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
    FromBody(body): FromBody<NewMessage>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let command = body.to(path.id, client_id);
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// Give one's own message another content.
#[utoipa::path(patch, path = "/v1/conversations/{id}/messages/{seq}", tag = "messages", params(MessagePath, Key),
    request_body = NewContent, responses((status = 200, body = Sent)))]
async fn edit(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
    FromBody(NewContent { content }): FromBody<NewContent>,
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

/// What a message said before each of its edits.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}/edits", tag = "messages", params(MessagePath),
    responses((status = 200, body = Edits)))]
async fn edits(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
) -> Answer<Edits> {
    let command = ListEdits {
        conversation: path.id,
        target: path.seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Some entries, as they are now.
#[utoipa::path(get, path = "/v1/conversations/{id}/entries", tag = "messages", params(ConversationPath, Seqs),
    responses((status = 200, body = Messages)))]
async fn some(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Seqs { seq: seqs }: Seqs,
) -> Answer<Messages> {
    let command = GetMessages {
        conversation: path.id,
        seqs,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say again what was said elsewhere.
#[utoipa::path(post, path = "/v1/conversations/{id}/forwards", tag = "messages", params(ConversationPath, Key),
    request_body = Forwarding, responses((status = 201, body = Sent)))]
async fn forward(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(body): FromBody<Forwarding>,
) -> Result<(StatusCode, Json<Sent>), Problem> {
    let command = ForwardMessages {
        conversation: path.id,
        client_id,
        from: body.from,
        seqs: body.seqs,
        merged: body.merged,
        title: body.title,
    };
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// Delete messages for oneself alone.
#[utoipa::path(post, path = "/v1/conversations/{id}/deletions", tag = "messages", params(ConversationPath),
    request_body = SomeMessages, responses((status = 200, body = Done)))]
async fn delete(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(SomeMessages { seqs }): FromBody<SomeMessages>,
) -> Answer<Done> {
    let command = DeleteMessages {
        conversation: path.id,
        seqs,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say something to those who are there, once at most; it is never stored.
#[utoipa::path(post, path = "/v1/conversations/{id}/now", tag = "messages", params(ConversationPath),
    request_body = NewContent, responses((status = 200, body = Done)))]
async fn say_now(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(NewContent { content }): FromBody<NewContent>,
) -> Answer<Done> {
    let command = SayNow {
        conversation: path.id,
        content,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Pin a message.
#[utoipa::path(put, path = "/v1/conversations/{id}/pins/{seq}", tag = "messages", params(MessagePath, Key),
    responses((status = 200, body = Changed)))]
async fn pin(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = PinMessage {
        conversation: path.id,
        client_id,
        target: path.seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Unpin a message.
#[utoipa::path(delete, path = "/v1/conversations/{id}/pins/{seq}", tag = "messages", params(MessagePath, Key),
    responses((status = 200, body = Changed)))]
async fn unpin(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = UnpinMessage {
        conversation: path.id,
        client_id,
        target: path.seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

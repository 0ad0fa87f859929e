//! What members attach to messages: reactions, votes, threads.

use std::sync::Arc;

use axum::extract::State;
use im_core::{
    Annotations, CastVote, Changed, ListAnnotations, ListMarkers, ListThread, MarkerPage, React,
    Seq, ThreadPage, UserId,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::Choice,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Seqs},
    json::Json,
    path::{ConversationPath, MessagePath, ReactionPath},
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(react, take_back))
        .routes(routes!(vote))
        .routes(routes!(markers))
        .routes(routes!(thread))
}

/// What is attached to messages. Those with nothing are left out.
#[utoipa::path(get, path = "/v1/conversations/{id}/annotations", tag = "annotations", params(ConversationPath, Seqs),
    responses((status = 200, body = Annotations)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Seqs { seq: seqs }: Seqs,
) -> Answer<Annotations> {
    let command = ListAnnotations {
        conversation: path.id,
        seqs,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// React to a message. Idempotent.
#[utoipa::path(put, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "annotations",
    params(ReactionPath), responses((status = 200, body = Changed)))]
async fn react(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ReactionPath>,
) -> Answer<Changed> {
    Ok(Json(app.im.call(&actor, reaction(path, true)).await?))
}

/// Take a reaction back. Idempotent.
#[utoipa::path(delete, path = "/v1/conversations/{id}/messages/{seq}/reactions/{emoji}", tag = "annotations",
    params(ReactionPath), responses((status = 200, body = Changed)))]
async fn take_back(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ReactionPath>,
) -> Answer<Changed> {
    Ok(Json(app.im.call(&actor, reaction(path, false)).await?))
}

fn reaction(path: ReactionPath, on: bool) -> React {
    React {
        conversation: path.id,
        target: path.seq,
        emoji: path.emoji,
        on,
    }
}

/// Choose in a poll. Replaces what the caller chose before.
#[utoipa::path(put, path = "/v1/conversations/{id}/messages/{seq}/vote", tag = "annotations", params(MessagePath),
    request_body = Choice, responses((status = 200, body = Changed)))]
async fn vote(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    FromBody(Choice { options }): FromBody<Choice>,
) -> Answer<Changed> {
    let command = CastVote {
        conversation: path.id,
        target: path.seq,
        options,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Of what, and which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Marked {
    /// With what; or name an option.
    emoji: Option<String>,
    /// Which option of a poll; the first is 0.
    option: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<UserId>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// Who reacted with something, or chose an option.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}/markers", tag = "annotations",
    params(MessagePath, Marked), responses((status = 200, body = MarkerPage)))]
async fn markers(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    FromQuery(page): FromQuery<Marked>,
) -> Answer<MarkerPage> {
    let command = ListMarkers {
        conversation: path.id,
        target: path.seq,
        emoji: page.emoji,
        option: page.option,
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Which part of a thread.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Part {
    /// The last of the page before.
    #[param(value_type = Option<u64>)]
    after_seq: Option<Seq>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// The messages of a thread.
#[utoipa::path(get, path = "/v1/conversations/{id}/messages/{seq}/thread", tag = "annotations",
    params(MessagePath, Part), responses((status = 200, body = ThreadPage)))]
async fn thread(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<MessagePath>,
    FromQuery(part): FromQuery<Part>,
) -> Answer<ThreadPage> {
    let command = ListThread {
        conversation: path.id,
        root: path.seq,
        after_seq: part.after_seq,
        limit: part.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

//! Messages that are sent later.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{ClientId, ListScheduled, OwnPage, OwnRow, ScheduleMessage, UnscheduleMessage};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::NewScheduled,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    json::Json,
    path::{ConversationPath, RowPage},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list))
        .routes(routes!(schedule))
        .routes(routes!(unschedule))
}

/// Which scheduled message.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct ScheduledPath {
    /// Its client id.
    #[param(value_type = String)]
    client_id: ClientId,
}

/// What the caller has scheduled, by client id.
#[utoipa::path(get, path = "/v1/scheduled", tag = "messages", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListScheduled {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Have a message sent at a later time, under the idempotency key as its client id.
#[utoipa::path(post, path = "/v1/conversations/{id}/scheduled", tag = "messages", params(ConversationPath, Key),
    request_body = NewScheduled, responses((status = 201, body = OwnRow)))]
async fn schedule(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(body): FromBody<NewScheduled>,
) -> Result<(StatusCode, Json<OwnRow>), Problem> {
    let command = ScheduleMessage {
        message: body.message.to(path.id, client_id),
        at_ms: body.at_ms,
    };
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// Have a scheduled message not be sent.
#[utoipa::path(delete, path = "/v1/scheduled/{client_id}", tag = "messages", params(ScheduledPath),
    responses((status = 204)))]
async fn unschedule(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ScheduledPath>,
) -> Result<StatusCode, Problem> {
    let command = UnscheduleMessage {
        client_id: path.client_id,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

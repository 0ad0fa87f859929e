//! Finding messages.

use std::sync::Arc;

use axum::extract::State;
use im_core::{ConversationId, SearchCursor, SearchMessages, SearchPage, Timestamp, UserId};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{Answer, Routes, caller::Caller, extract::FromQuery, json::Json};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(search))
}

/// What to look for: at least one of `text`, `sender` and `kind`.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Wanted {
    /// Part of what messages say; neither case nor width matters.
    text: Option<String>,
    /// Only here. When absent: everywhere that the caller is a member.
    #[param(value_type = Option<String>, format = Uuid)]
    conversation: Option<ConversationId>,
    /// Only of this sender.
    #[param(value_type = Option<String>)]
    sender: Option<UserId>,
    /// Only contents of this kind.
    kind: Option<String>,
    /// Only from this moment on.
    #[param(value_type = Option<i64>)]
    after_ms: Option<Timestamp>,
    /// Only before this moment.
    #[param(value_type = Option<i64>)]
    before_ms: Option<Timestamp>,
    /// Where to go on: `next_cursor` of the page before, with all else the same.
    #[param(value_type = Option<String>)]
    cursor: Option<SearchCursor>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
}

/// Find messages that the caller may see, newest first.
#[utoipa::path(get, path = "/v1/search", tag = "messages", params(Wanted), responses((status = 200, body = SearchPage)))]
async fn search(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(wanted): FromQuery<Wanted>,
) -> Answer<SearchPage> {
    let command = SearchMessages {
        text: wanted.text,
        conversation: wanted.conversation,
        sender: wanted.sender,
        kind: wanted.kind,
        after_ms: wanted.after_ms,
        before_ms: wanted.before_ms,
        cursor: wanted.cursor,
        limit: wanted.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

//! Long poll, for bots: what is new, as soon as there is something.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use im_core::{Block, Cursor, OwnRow, SyncItem, SyncPage};
use im_transport::updates::Ask;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Opener,
    extract::{FromBody, FromQuery},
    json::Json,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(poll, poll_with_body))
}

/// Where to go on, and how long to wait.
#[derive(Deserialize, IntoParams, ToSchema)]
#[into_params(parameter_in = Query)]
struct Poll {
    /// The `next_cursor` of the last answer, or a cursor of `sync.pull`. Without it the answer comes at once and says where
    /// things stand.
    #[param(value_type = Option<String>)]
    #[schema(value_type = Option<String>)]
    after: Option<Cursor>,
    /// How many seconds to wait when there is nothing new; 25 when absent.
    #[param(maximum = 50)]
    #[schema(maximum = 50)]
    wait_s: Option<u64>,
    /// At most so many entries; 50 when absent.
    #[param(minimum = 1)]
    #[schema(minimum = 1)]
    limit: Option<u32>,
}

impl From<Poll> for Ask {
    fn from(poll: Poll) -> Self {
        Self {
            after: poll.after,
            wait: poll.wait_s.map(Duration::from_secs),
            limit: poll.limit,
        }
    }
}

/// What is new.
#[derive(Serialize, ToSchema)]
struct Updates {
    /// What to ask with next, once this answer is taken in.
    #[schema(value_type = String)]
    next_cursor: Cursor,
    /// The history is another one than the cursor speaks of: forget everything, this is page one of a new one.
    reset: bool,
    /// Conversations with something new.
    items: Vec<SyncItem>,
    /// Blocks that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    blocks: Vec<Block>,
    /// Rows of the user's own that changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    own: Vec<OwnRow>,
    /// Whether this is all: else the next poll is answered at once.
    done: bool,
}

impl From<SyncPage> for Updates {
    fn from(page: SyncPage) -> Self {
        let SyncPage {
            cursor,
            reset,
            items,
            blocks,
            own,
            done,
        } = page;
        Self {
            next_cursor: cursor,
            reset,
            items,
            blocks,
            own,
            done,
        }
    }
}

/// Wait for what is new after a cursor. While a user polls it is online, on a device `updates` of the class `bot`.
#[utoipa::path(get, path = "/v1/updates", tag = "sync", params(Poll), responses((status = 200, body = Updates)))]
async fn poll(
    State(app): State<Arc<App>>,
    Opener(identity): Opener,
    FromQuery(poll): FromQuery<Poll>,
) -> Answer<Updates> {
    Ok(Json(app.updates.next(&identity, poll.into()).await?.into()))
}

/// As the GET, for who is in so many conversations that the cursor is too long for a URL.
#[utoipa::path(post, path = "/v1/updates", tag = "sync", request_body = Poll, responses((status = 200, body = Updates)))]
async fn poll_with_body(
    State(app): State<Arc<App>>,
    Opener(identity): Opener,
    FromBody(poll): FromBody<Poll>,
) -> Answer<Updates> {
    Ok(Json(app.updates.next(&identity, poll.into()).await?.into()))
}

//! Who is there. Watching somebody needs a session, so it is only on links.

use std::sync::Arc;

use axum::{Json, extract::State};
use im_core::{GetPresence, Presences};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromQuery, UserList},
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default().routes(routes!(presence))
}

/// Whose presence.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct ByUsers {
    /// User ids, separated by commas.
    #[param(value_type = String, example = "alice,bob")]
    users: UserList,
}

/// The presence of users that share a conversation with the caller. Others look offline.
#[utoipa::path(get, path = "/v1/presence", tag = "presence", params(ByUsers), responses((status = 200, body = Presences)))]
async fn presence(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(query): FromQuery<ByUsers>,
) -> Answer<Presences> {
    Ok(Json(
        app.im
            .call(
                &actor,
                GetPresence {
                    users: query.users.0,
                },
            )
            .await?,
    ))
}

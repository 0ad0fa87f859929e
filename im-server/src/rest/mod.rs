//! REST under `/v1`: one file per resource, each handler a few lines: parse, call the engine, answer.
//!
//! No handler decides who may do what, and none knows a store.

mod accounts;
mod admin;
mod annotations;
mod body;
mod caller;
mod capabilities;
mod codes;
mod contacts;
mod conversations;
mod cors;
mod devices;
mod doors;
mod drafts;
mod envelope;
mod extract;
mod favourites;
mod health;
mod json;
mod live;
mod members;
mod messages;
mod notices;
mod oidc;
mod openapi;
mod own_account;
mod path;
mod presence;
mod problem;
mod reports;
mod scheduled;
mod search;
mod sessions;
mod settings;
mod standings;
mod streams;
mod sync;
mod system;
mod table;
mod tickets;
mod updates;
mod users;

use std::sync::Arc;

use axum::{Extension, Router, middleware};
use im_core::Code;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use caller::Peer;
pub(crate) use cors::Cors;
use json::Json;
use problem::Problem;

use crate::app::App;

/// A JSON answer, or why there is none.
type Answer<T> = Result<Json<T>, Problem>;

/// The routes of a resource.
type Routes = OpenApiRouter<Arc<App>>;

/// Everything that the server answers.
pub(crate) fn router(app: Arc<App>) -> Router {
    let (routes, document) = openapi::document(resources()).split_for_parts();
    routes
        .fallback(|| async {
            Problem::new(
                Code::NotFound,
                "there is nothing at this path; see /openapi.json",
            )
        })
        .method_not_allowed_fallback(|| async {
            Problem::new(
                Code::UnknownMethod,
                "this path does not take this method; see /openapi.json",
            )
        })
        .layer(Extension(openapi::Text::of(&document)))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), cors::cors))
        .layer(middleware::from_fn_with_state(
            Arc::clone(app.watch.requests()),
            envelope::envelope,
        ))
        .with_state(app)
}

fn resources() -> Routes {
    OpenApiRouter::default()
        .merge(accounts::routes())
        .merge(admin::routes())
        .merge(annotations::routes())
        .merge(capabilities::routes())
        .merge(codes::routes())
        .merge(contacts::routes())
        .merge(conversations::routes())
        .merge(devices::routes())
        .merge(drafts::routes())
        .merge(favourites::routes())
        .merge(doors::routes())
        .merge(health::routes())
        .merge(live::routes())
        .merge(members::routes())
        .merge(messages::routes())
        .merge(oidc::routes())
        .merge(notices::routes())
        .merge(openapi::routes())
        .merge(own_account::routes())
        .merge(presence::routes())
        .merge(reports::routes())
        .merge(scheduled::routes())
        .merge(search::routes())
        .merge(sessions::routes())
        .merge(settings::routes())
        .merge(streams::routes())
        .merge(standings::routes())
        .merge(sync::routes())
        .merge(system::routes())
        .merge(tickets::routes())
        .merge(updates::routes())
        .merge(users::routes())
}

//! Who is whose contact, who follows whom, and who may not reach whom.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    AcceptContact, BlockUser, Blocks, ChangeContact, DeleteContact, FollowUser, ListBlocks,
    ListContactRequests, ListContacts, ListFollowers, ListFollows, OwnPage, OwnRows, RejectContact,
    RequestContact, UnblockUser, UnfollowUser, WithdrawContact,
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{ContactChanges, Greeting},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery},
    json::Json,
    path::{RowPage, UserPath},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(contacts))
        .routes(routes!(change, delete))
        .routes(routes!(requests))
        .routes(routes!(request, withdraw))
        .routes(routes!(accept))
        .routes(routes!(reject))
        .routes(routes!(follows))
        .routes(routes!(follow, unfollow))
        .routes(routes!(followers))
        .routes(routes!(list))
        .routes(routes!(block, unblock))
}

/// The caller's contacts.
#[utoipa::path(get, path = "/v1/contacts", tag = "contacts", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn contacts(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListContacts {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Keep a contact under another name or other labels. Absent means unchanged.
#[utoipa::path(patch, path = "/v1/contacts/users/{user}", tag = "contacts", params(UserPath),
    request_body = ContactChanges, responses((status = 200, body = OwnRows)))]
async fn change(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
    FromBody(body): FromBody<ContactChanges>,
) -> Answer<OwnRows> {
    let command = ChangeContact {
        user: path.user,
        remark: body.remark,
        labels: body.labels,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// End being contacts, for both.
#[utoipa::path(delete, path = "/v1/contacts/users/{user}", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn delete(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = DeleteContact { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Requests to and from the caller.
#[utoipa::path(get, path = "/v1/contacts/requests", tag = "contacts", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn requests(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListContactRequests {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Ask somebody to be a contact.
#[utoipa::path(put, path = "/v1/contacts/requests/{user}", tag = "contacts", params(UserPath),
    request_body = Greeting, responses((status = 200, body = OwnRows)))]
async fn request(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
    FromBody(body): FromBody<Greeting>,
) -> Answer<OwnRows> {
    let command = RequestContact {
        user: path.user,
        greeting: body.greeting,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Take one's own request back.
#[utoipa::path(delete, path = "/v1/contacts/requests/{user}", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn withdraw(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = WithdrawContact { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Accept somebody's request.
#[utoipa::path(post, path = "/v1/contacts/requests/{user}/accept", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn accept(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = AcceptContact { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Refuse somebody's request.
#[utoipa::path(post, path = "/v1/contacts/requests/{user}/reject", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn reject(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = RejectContact { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Whom the caller follows.
#[utoipa::path(get, path = "/v1/contacts/follows", tag = "contacts", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn follows(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListFollows {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Follow somebody.
#[utoipa::path(put, path = "/v1/contacts/follows/{user}", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn follow(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = FollowUser { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Stop following somebody.
#[utoipa::path(delete, path = "/v1/contacts/follows/{user}", tag = "contacts", params(UserPath), responses((status = 200, body = OwnRows)))]
async fn unfollow(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<OwnRows> {
    let command = UnfollowUser { user: path.user };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Who follows the caller.
#[utoipa::path(get, path = "/v1/contacts/followers", tag = "contacts", params(RowPage), responses((status = 200, body = OwnPage)))]
async fn followers(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<OwnPage> {
    let command = ListFollowers {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Whom the caller has blocked.
#[utoipa::path(get, path = "/v1/contacts/blocks", tag = "contacts", responses((status = 200, body = Blocks)))]
async fn list(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<Blocks> {
    Ok(Json(app.im.call(&actor, ListBlocks {}).await?))
}

/// Stop direct messages from and to somebody, and hide presence from them.
#[utoipa::path(put, path = "/v1/contacts/blocks/{user}", tag = "contacts", params(UserPath), responses((status = 204)))]
async fn block(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, BlockUser { user: path.user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lift a block.
#[utoipa::path(delete, path = "/v1/contacts/blocks/{user}", tag = "contacts", params(UserPath), responses((status = 204)))]
async fn unblock(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, UnblockUser { user: path.user }).await?;
    Ok(StatusCode::NO_CONTENT)
}

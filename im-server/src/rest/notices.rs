//! Notices: what the host says to users. Back ends send them and keep templates; users list, read and delete them.

use std::{collections::BTreeMap, sync::Arc};

use axum::{extract::State, http::StatusCode};
use im_core::{
    DeleteNotice, DeleteTemplate, ListNotices, ListTemplates, NoticePage, NoticeTemplate,
    NoticeTexts, PutTemplate, ReadAllNotices, ReadNotices, RowKey, SendNotice, SentNotice,
    TemplatePage, UserId,
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    json::Json,
    path::RowPage,
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list, send))
        .routes(routes!(read))
        .routes(routes!(read_all))
        .routes(routes!(delete))
        .routes(routes!(templates))
        .routes(routes!(put_template, delete_template))
}

/// Which notices.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Notices {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<RowKey>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
    /// Only those that were not read.
    #[serde(default)]
    unread: bool,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct NoticePath {
    /// Which notice, by its key.
    #[param(value_type = String)]
    notice: RowKey,
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
struct TemplatePath {
    /// Which template.
    #[param(value_type = String)]
    name: RowKey,
}

/// Something to say to users.
#[derive(Deserialize, ToSchema)]
struct NewNotice {
    /// To whom.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    users: Vec<UserId>,
    /// Instead: to everybody.
    #[serde(default)]
    everyone: bool,
    /// What it is about.
    #[serde(default)]
    category: Option<String>,
    /// What it says, by language.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, im_core::NoticeText>)]
    texts: NoticeTexts,
    /// Instead: the template that says it.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    template: Option<RowKey>,
    /// What to put into the places of the template, by name.
    #[serde(default)]
    values: BTreeMap<String, String>,
    /// Whatever else the application wants to know, as JSON.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    data: Option<serde_json::Value>,
    /// For how long it is shown, in milliseconds.
    #[serde(default)]
    expires_in_ms: Option<u64>,
}

/// A template without its name.
#[derive(Deserialize, ToSchema)]
struct NewTemplate {
    /// What its notices are about.
    category: String,
    /// What they say, by language, with places such as `{name}`.
    #[schema(value_type = BTreeMap<String, im_core::NoticeText>)]
    texts: NoticeTexts,
}

/// Notices that were read.
#[derive(Deserialize, ToSchema)]
struct Read {
    /// Which, by their keys.
    #[schema(value_type = Vec<String>)]
    notices: Vec<RowKey>,
}

/// The caller's notices, the latest first.
#[utoipa::path(get, path = "/v1/notices", tag = "notices", params(Notices), responses((status = 200, body = NoticePage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<Notices>,
) -> Answer<NoticePage> {
    let command = ListNotices {
        after: page.cursor,
        limit: page.limit,
        unread: page.unread,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say something to users, or to everybody. Needs a server key.
#[utoipa::path(post, path = "/v1/notices", tag = "notices", params(Key), request_body = NewNotice,
    responses((status = 201, body = SentNotice)))]
async fn send(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Key(client_id): Key,
    FromBody(body): FromBody<NewNotice>,
) -> Result<(StatusCode, Json<SentNotice>), Problem> {
    let command = SendNotice {
        client_id,
        users: body.users,
        everyone: body.everyone,
        category: body.category,
        texts: body.texts,
        template: body.template,
        values: body.values,
        data: body.data,
        expires_in_ms: body.expires_in_ms,
    };
    let sent = app.im.call(&actor, command).await?;
    Ok((StatusCode::CREATED, Json(sent)))
}

/// Say that notices were read.
#[utoipa::path(post, path = "/v1/notices/read", tag = "notices", request_body = Read, responses((status = 204)))]
async fn read(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromBody(body): FromBody<Read>,
) -> Result<StatusCode, Problem> {
    let command = ReadNotices {
        notices: body.notices,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Say that all notices were read.
#[utoipa::path(post, path = "/v1/notices/read-all", tag = "notices", responses((status = 204)))]
async fn read_all(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
) -> Result<StatusCode, Problem> {
    app.im.call(&actor, ReadAllNotices {}).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a notice, for the caller alone.
#[utoipa::path(delete, path = "/v1/notices/{notice}", tag = "notices", params(NoticePath), responses((status = 204)))]
async fn delete(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<NoticePath>,
) -> Result<StatusCode, Problem> {
    let command = DeleteNotice {
        notice: path.notice,
    };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The templates. Needs a server key.
#[utoipa::path(get, path = "/v1/notice-templates", tag = "notices", params(RowPage),
    responses((status = 200, body = TemplatePage)))]
async fn templates(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<RowPage>,
) -> Answer<TemplatePage> {
    let command = ListTemplates {
        after: page.cursor,
        limit: page.limit,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Make a template, or replace the one of this name. Needs a server key.
#[utoipa::path(put, path = "/v1/notice-templates/{name}", tag = "notices", params(TemplatePath),
    request_body = NewTemplate, responses((status = 204)))]
async fn put_template(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<TemplatePath>,
    FromBody(body): FromBody<NewTemplate>,
) -> Result<StatusCode, Problem> {
    let template = NoticeTemplate {
        name: path.name,
        category: body.category,
        texts: body.texts,
    };
    app.im.call(&actor, PutTemplate { template }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Delete a template. What was sent by it stays. Needs a server key.
#[utoipa::path(delete, path = "/v1/notice-templates/{name}", tag = "notices", params(TemplatePath),
    responses((status = 204)))]
async fn delete_template(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<TemplatePath>,
) -> Result<StatusCode, Problem> {
    let command = DeleteTemplate { name: path.name };
    app.im.call(&actor, command).await?;
    Ok(StatusCode::NO_CONTENT)
}

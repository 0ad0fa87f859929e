//! Conversations: begin, list, keep, and how far one has come. Who is in is of `members`, what is said of `messages`.

use std::sync::Arc;

use axum::{extract::State, http::StatusCode};
use im_core::{
    ChangeInfo, ChangeSettings, Changed, ConversationId, ConversationPage, ConversationView,
    CountUnread, CreateConversation, DismissGroup, GetConversation, InfoPatch, ListConversations,
    MarkDelivered, MarkRead, OpenDirect, Receipt, SettingsPatch, Typing, UnreadTotals, Which,
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    Answer, Routes,
    body::{NewGroup, UpTo},
    caller::Caller,
    extract::{FromBody, FromPath, FromQuery, Key},
    json::Json,
    path::{ConversationPath, UserPath},
    problem::Problem,
};
use crate::app::App;

pub(super) fn routes() -> Routes {
    OpenApiRouter::default()
        .routes(routes!(list, create))
        .routes(routes!(direct))
        .routes(routes!(count_unread))
        .routes(routes!(view, change_info, dismiss))
        .routes(routes!(change_settings))
        .routes(routes!(mark_read))
        .routes(routes!(mark_delivered))
        .routes(routes!(typing))
}

/// Which page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct Page {
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<ConversationId>,
    /// At most so many; 50 when absent.
    limit: Option<u32>,
    /// Which of them; those that are neither archived nor hidden when absent.
    #[param(inline)]
    which: Option<Which>,
}

/// The caller's conversations.
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(Page),
    responses((status = 200, body = ConversationPage)))]
async fn list(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromQuery(page): FromQuery<Page>,
) -> Answer<ConversationPage> {
    let command = ListConversations {
        after: page.cursor,
        limit: page.limit,
        which: page.which,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// What is unread in all conversations of the caller.
#[utoipa::path(get, path = "/v1/conversations/unread", tag = "conversations",
    responses((status = 200, body = UnreadTotals)))]
async fn count_unread(State(app): State<Arc<App>>, Caller(actor): Caller) -> Answer<UnreadTotals> {
    Ok(Json(app.im.call(&actor, CountUnread::default()).await?))
}

/// Begin a group that the caller owns.
#[utoipa::path(post, path = "/v1/conversations", tag = "conversations", params(Key), request_body = NewGroup,
    responses((status = 201, body = ConversationView)))]
async fn create(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    Key(client_id): Key,
    FromBody(body): FromBody<NewGroup>,
) -> Result<(StatusCode, Json<ConversationView>), Problem> {
    let NewGroup {
        name,
        members,
        joining,
        history,
        preset,
    } = body;
    let command = CreateConversation {
        client_id,
        name,
        members,
        joining,
        history,
        preset,
    };
    Ok((
        StatusCode::CREATED,
        Json(app.im.call(&actor, command).await?),
    ))
}

/// The direct conversation with somebody; begins it when there is none yet.
#[utoipa::path(put, path = "/v1/conversations/direct/{user}", tag = "conversations", params(UserPath),
    responses((status = 200, body = ConversationView)))]
async fn direct(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<UserPath>,
) -> Answer<ConversationView> {
    Ok(Json(
        app.im.call(&actor, OpenDirect { user: path.user }).await?,
    ))
}

/// One conversation.
#[utoipa::path(get, path = "/v1/conversations/{id}", tag = "conversations", params(ConversationPath),
    responses((status = 200, body = ConversationView)))]
async fn view(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
) -> Answer<ConversationView> {
    Ok(Json(
        app.im
            .call(
                &actor,
                GetConversation {
                    conversation: path.id,
                },
            )
            .await?,
    ))
}

/// Change a group's name, picture or texts. Absent means unchanged, an empty text clears.
#[utoipa::path(patch, path = "/v1/conversations/{id}", tag = "conversations", params(ConversationPath, Key),
    request_body = InfoPatch, responses((status = 200, body = Changed)))]
async fn change_info(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
    FromBody(changes): FromBody<InfoPatch>,
) -> Answer<Changed> {
    let command = ChangeInfo {
        conversation: path.id,
        client_id,
        changes,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Change how the caller keeps a conversation, on all its devices.
#[utoipa::path(patch, path = "/v1/conversations/{id}/settings", tag = "conversations", params(ConversationPath),
    request_body = SettingsPatch, responses((status = 200, body = ConversationView)))]
async fn change_settings(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(changes): FromBody<SettingsPatch>,
) -> Answer<ConversationView> {
    let command = ChangeSettings {
        conversation: path.id,
        changes,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say that everything up to a seq was read.
#[utoipa::path(put, path = "/v1/conversations/{id}/read", tag = "conversations", params(ConversationPath),
    request_body = UpTo, responses((status = 200, body = Receipt)))]
async fn mark_read(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(UpTo { seq }): FromBody<UpTo>,
) -> Answer<Receipt> {
    let command = MarkRead {
        conversation: path.id,
        seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say that everything up to a seq reached a device.
#[utoipa::path(put, path = "/v1/conversations/{id}/delivered", tag = "conversations", params(ConversationPath),
    request_body = UpTo, responses((status = 200, body = Receipt)))]
async fn mark_delivered(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    FromBody(UpTo { seq }): FromBody<UpTo>,
) -> Answer<Receipt> {
    let command = MarkDelivered {
        conversation: path.id,
        seq,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

/// Say that the caller is writing. Repeat it while it lasts.
#[utoipa::path(post, path = "/v1/conversations/{id}/typing", tag = "conversations", params(ConversationPath),
    responses((status = 204)))]
async fn typing(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
) -> Result<StatusCode, Problem> {
    app.im
        .call(
            &actor,
            Typing {
                conversation: path.id,
            },
        )
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// End a group for everybody. Its members keep what was said.
#[utoipa::path(delete, path = "/v1/conversations/{id}", tag = "conversations", params(ConversationPath, Key),
    responses((status = 200, body = Changed)))]
async fn dismiss(
    State(app): State<Arc<App>>,
    Caller(actor): Caller,
    FromPath(path): FromPath<ConversationPath>,
    Key(client_id): Key,
) -> Answer<Changed> {
    let command = DismissGroup {
        conversation: path.id,
        client_id,
    };
    Ok(Json(app.im.call(&actor, command).await?))
}

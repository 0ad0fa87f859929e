//! A web application of your own that gets chat: its users, its log-in and its routes stay as they are.
//!
//! ```sh
//! cargo run -p examples --bin 02-embed-in-axum
//! curl -s localhost:3000/login -H 'content-type: application/json' -d '{"user": "alice", "password": "wonderland"}'
//! curl -s localhost:3000/unread -H "authorization: Bearer $TOKEN"
//! cargo run -p examples --bin 03-echo-bot -- ws://127.0.0.1:3000/chat $TOKEN
//! ```
//!
//! The users are `alice` (password `wonderland`) and `bob` (password `builder`); `TOKEN` is what the log-in answers.
//! Everything is in memory.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use axum::{
    Json, Router,
    extract::{Request, State},
    http::{HeaderMap, StatusCode},
    response::IntoResponse,
    routing::{get, post},
};
use im_core::{
    Actor, Code, Im, ListConversations, Rejection, UserId,
    port::{Authenticator, Identity, SignOut},
};
use im_store::MemoryStore;
use im_transport::ws::{Options, WebSocketServer};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What the application has had all along: users, and who is logged in.
#[derive(Clone)]
struct Users {
    passwords: Arc<HashMap<UserId, &'static str>>,
    logins: Arc<Mutex<HashMap<String, UserId>>>,
}

impl Users {
    fn log_in(&self, user: UserId, password: &str) -> Option<String> {
        // A real application compares hashes.
        if self.passwords.get(&user) != Some(&password) {
            return None;
        }
        let token = Uuid::new_v4().to_string();
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.insert(token.clone(), user);
        Some(token)
    }

    fn user_of(&self, token: &str) -> Option<UserId> {
        let logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.get(token).cloned()
    }
}

/// The engine asks the application who somebody is. There is no second table of users.
#[async_trait]
impl Authenticator for Users {
    async fn authenticate(&self, token: &str) -> Result<Identity, Rejection> {
        let user = self
            .user_of(token)
            .ok_or_else(|| Rejection::new(Code::Unauthenticated, "log in first"))?;
        Ok(Identity {
            actor: Actor::user(user),
            expires_at_ms: None,
            sign_in: None,
            checked_at: None,
        })
    }

    /// A log-in of this application is not for one device, so all of them end.
    async fn sign_out(&self, user: &UserId, _: SignOut<'_>) -> Result<Vec<Uuid>, Rejection> {
        let mut logins = self.logins.lock().unwrap_or_else(PoisonError::into_inner);
        logins.retain(|_, owner| owner != user);
        Ok(Vec::new())
    }

    async fn unknown(&self, users: &[UserId]) -> Result<Vec<UserId>, Rejection> {
        let is_unknown = |user: &&UserId| !self.passwords.contains_key(*user);
        Ok(users.iter().filter(is_unknown).cloned().collect())
    }
}

#[derive(Clone)]
struct App {
    users: Users,
    im: Im,
    chat: WebSocketServer,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let passwords = [("alice", "wonderland"), ("bob", "builder")];
    let passwords = passwords.map(|(user, password)| Ok((UserId::new(user)?, password)));
    let users = Users {
        passwords: Arc::new(
            passwords
                .into_iter()
                .collect::<Result<_, im_core::InvalidId>>()?,
        ),
        logins: Arc::default(),
    };
    let im = Im::builder(MemoryStore::new(), users.clone()).build();
    let chat = WebSocketServer::new(im.clone(), Options::default());

    let routes = Router::new()
        .route("/login", post(log_in))
        .route("/unread", get(unread))
        .route("/chat", get(chat_socket))
        .with_state(App { users, im, chat });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    Ok(axum::serve(listener, routes).await?)
}

#[derive(Deserialize)]
struct LogIn {
    user: UserId,
    password: String,
}

#[derive(Serialize)]
struct LoggedIn {
    token: String,
}

/// The application's own log-in.
async fn log_in(State(app): State<App>, Json(form): Json<LogIn>) -> impl IntoResponse {
    match app.users.log_in(form.user, &form.password) {
        Some(token) => Ok(Json(LoggedIn { token })),
        None => Err(StatusCode::UNAUTHORIZED),
    }
}

#[derive(Serialize)]
struct Unread {
    unread: u64,
}

/// A route of the application that asks the engine something, as the user who is logged in.
async fn unread(State(app): State<App>, headers: HeaderMap) -> Result<Json<Unread>, StatusCode> {
    let token = headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let token = token.and_then(|value| value.strip_prefix("Bearer "));
    let user = token
        .and_then(|token| app.users.user_of(token))
        .ok_or(StatusCode::UNAUTHORIZED)?;
    let ask = ListConversations {
        after: None,
        limit: Some(200),
        which: None,
    };
    let page = app.im.call(&Actor::user(user), ask).await;
    let page = page.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
    let unread = page
        .items
        .iter()
        .map(|conversation| conversation.unread)
        .sum();
    Ok(Json(Unread { unread }))
}

/// The way in for chat clients. The token comes in the `Authorization` header or in `session.open`; where the
/// application has checked a cookie already, `upgrade_as` takes its word.
async fn chat_socket(State(app): State<App>, mut request: Request) -> impl IntoResponse {
    app.chat.upgrade(&mut request)
}

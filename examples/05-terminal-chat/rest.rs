//! The two routes that a chat client needs before it has a session: register, sign in.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, StatusCode, Uri, client::conn::http1, header};
use hyper_util::rt::TokioIo;
use im_core::{Code, DeviceId, Rejection, UserId};
use im_transport::client::TokenSource;
use serde_json::{Value, json};
use tokio::net::TcpStream;

/// Who signs in, and where.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) password: String,
    pub(crate) device: DeviceId,
}

/// A server, by the authority of its URL: `127.0.0.1:8080`.
#[derive(Clone)]
pub(crate) struct Rest {
    authority: String,
}

impl Rest {
    pub(crate) fn new(url: &str) -> Result<Self, Rejection> {
        let bad = || {
            Rejection::new(
                Code::InvalidRequest,
                format!("{url:?} must be like http://127.0.0.1:8080"),
            )
        };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        match (uri.scheme_str(), uri.authority()) {
            (Some("http"), Some(authority)) => Ok(Self {
                authority: authority.to_string(),
            }),
            _ => Err(bad()),
        }
    }

    pub(crate) fn websocket(&self) -> String {
        format!("ws://{}/v1/ws", self.authority)
    }

    /// Makes the account, unless the name is taken: then signing in shows whether by us.
    pub(crate) async fn register(&self, account: &Account) -> Result<(), Rejection> {
        let form = json!({"user": account.user, "password": account.password});
        match self.post("/v1/accounts", &form).await {
            Err(rejection) if rejection.code != Code::Conflict => Err(rejection),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    /// A fresh access token for each link.
    pub(crate) fn tokens(&self, account: Account) -> TokenSource {
        let rest = self.clone();
        TokenSource::from_fn(move || {
            let (rest, account) = (rest.clone(), account.clone());
            async move { rest.sign_in(&account).await }
        })
    }

    async fn sign_in(&self, account: &Account) -> Result<String, Rejection> {
        let Account {
            user,
            password,
            device,
        } = account;
        let form = json!({"user": user, "password": password, "device": device});
        let signed_in = self.post("/v1/sessions", &form).await?;
        let token = signed_in["access_token"].as_str();
        token
            .map(str::to_owned)
            .ok_or_else(|| away("it gave no token"))
    }

    /// One request on a connection of its own. A server that does not answer is worth another try.
    async fn post(&self, path: &str, body: &Value) -> Result<Value, Rejection> {
        let request = Request::post(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body.to_string())))
            .map_err(away)?;
        let port = if self.authority.contains(':') {
            ""
        } else {
            ":80"
        };
        let tcp = TcpStream::connect(format!("{}{port}", self.authority))
            .await
            .map_err(away)?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(tcp)).await.map_err(away)?;
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(away)?;
        let status = response.status();
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(away)?
            .to_bytes();
        if matches!(status, StatusCode::OK | StatusCode::CREATED) {
            serde_json::from_slice(&body).map_err(away)
        } else {
            // A problem has the fields of a rejection, and more.
            Err(serde_json::from_slice(&body).unwrap_or_else(|_| away(status)))
        }
    }
}

fn away(why: impl std::fmt::Display) -> Rejection {
    Rejection::new(
        Code::Unavailable,
        format!("the server does not answer: {why}"),
    )
}

//! REST as `curl` speaks it.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, header::HeaderMap};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::net::TcpStream;

use super::within;

/// Somebody's requests to a server.
#[derive(Clone)]
pub(crate) struct Rest {
    address: SocketAddr,
    token: Option<String>,
    acting_for: Option<String>,
}

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// Null when there is no body.
    pub(crate) body: Value,
}

impl Answer {
    /// The stable code of a problem.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

impl Rest {
    pub(crate) const fn new(address: SocketAddr, token: Option<String>) -> Self {
        Self {
            address,
            token,
            acting_for: None,
        }
    }

    /// As a back end that says in whose name it asks.
    pub(crate) fn acting_for(self, user: &str) -> Self {
        Self {
            acting_for: Some(user.to_owned()),
            ..self
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.request("GET", path, &[], Vec::new()).await
    }

    /// A write with a JSON body.
    pub(crate) async fn send(&self, verb: &str, path: &str, body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        self.request(verb, path, &json, body.to_string().into())
            .await
    }

    /// A write with a JSON body and an idempotency key.
    pub(crate) async fn send_once(
        &self,
        verb: &str,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Answer {
        let headers = [
            ("content-type", "application/json"),
            ("idempotency-key", key),
        ];
        self.request(verb, path, &headers, body.to_string().into())
            .await
    }

    /// Anything.
    pub(crate) async fn request(
        &self,
        verb: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let stream = within("a connection", TcpStream::connect(self.address)).await;
        let io = TokioIo::new(stream.unwrap());
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let connection = tokio::spawn(connection);
        let mut request = Request::builder()
            .method(verb)
            .uri(path)
            .header("host", self.address.to_string());
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        if let Some(user) = &self.acting_for {
            request = request.header("im-user", user);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body))).unwrap();
        let response = within("a response", sender.send_request(request)).await;
        let (parts, body) = response.unwrap().into_parts();
        let bytes = within("a body", body.collect()).await.unwrap().to_bytes();
        connection.abort();
        let body = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        }
    }
}

//! Asking identity providers: small JSON over HTTPS, in bounded time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::{Method, Request, header};
use serde::de::DeserializeOwned;

use crate::https::{self, HttpsClient};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer at most: some publish dozens of keys with their certificates.
const MAX_BODY: usize = 256 * 1024;

/// Why a provider cannot be asked. For the log; holds nothing that was sent.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("the address cannot be used")]
    Address(#[from] hyper::http::Error),
    #[error("it cannot be reached")]
    Unreachable(#[from] hyper_util::client::legacy::Error),
    #[error("it answered {0}")]
    Status(u16),
    #[error("its answer broke off or was too large")]
    Body(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error("its answer is not what was asked for")]
    Shape(#[from] serde_json::Error),
    #[error("it did not answer in time")]
    Timeout,
}

/// Asks a provider.
#[derive(Clone)]
pub(super) struct HttpClient(HttpsClient);

impl HttpClient {
    pub(super) fn new() -> Self {
        Self(https::client())
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, url: &str) -> Result<T, Failed> {
        let request = Request::get(url)
            .header(header::ACCEPT, "application/json")
            .body(Full::default())?;
        self.ask(request).await
    }

    /// Sends a form, with credentials when there are any.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        form: String,
        authorization: Option<String>,
    ) -> Result<T, Failed> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(url)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(authorization) = authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        self.ask(request.body(Full::from(form))?).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: Request<Full<Bytes>>) -> Result<T, Failed> {
        let asking = async {
            let answer = self.0.request(request).await?;
            let status = answer.status();
            if !status.is_success() {
                return Err(Failed::Status(status.as_u16()));
            }
            let body = Limited::new(answer.into_body(), MAX_BODY).collect().await;
            let bytes = body.map_err(Failed::Body)?.to_bytes();
            Ok(serde_json::from_slice(&bytes)?)
        };
        tokio::time::timeout(PATIENCE, asking)
            .await
            .map_err(|_| Failed::Timeout)?
    }
}

//! Why a request for a WebSocket is not let in, for the host to say in its own words or in ours.

use std::borrow::Cow;

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Response, StatusCode,
    header::{CONNECTION, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE},
};
use im_core::{Code, Rejection};

/// A request that is no WebSocket, or none that may be opened.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{status}: {rejection}")]
pub struct Refused {
    /// The status that RFC 6455 and RFC 9110 want.
    pub status: StatusCode,
    /// What is wrong, and what to do.
    pub rejection: Rejection,
}

impl Refused {
    pub(super) fn new(
        status: StatusCode,
        code: Code,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            status,
            rejection: Rejection::new(code, detail),
        }
    }

    pub(super) fn bad(detail: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::InvalidRequest, detail)
    }

    pub(super) fn no_upgrade(detail: &'static str) -> Self {
        Self::new(StatusCode::UPGRADE_REQUIRED, Code::InvalidRequest, detail)
    }

    /// The headers that an answer with this status must have, whatever its body.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if self.status == StatusCode::UPGRADE_REQUIRED {
            headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        }
        headers
    }

    /// An answer in plain text, for hosts that have no form of their own for refusals.
    #[must_use]
    pub fn into_response(self) -> Response<Full<Bytes>> {
        let mut headers = self.headers();
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        headers.insert(CONTENT_TYPE, text);
        let mut response = Response::new(Full::from(self.rejection.detail.into_owned()));
        *response.status_mut() = self.status;
        *response.headers_mut() = headers;
        response
    }
}

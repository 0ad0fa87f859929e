//! Refusals as RFC 9457 problems, and the only place where a code gets its HTTP status.

use std::borrow::Cow;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use im_core::{Code, Rejection};
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request was refused (RFC 9457, `application/problem+json`).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct Problem {
    /// A URI for `code`.
    #[serde(rename = "type")]
    #[schema(example = "urn:im:problem:not_found")]
    kind: String,
    /// `code` for people.
    title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// A sentence that says what to do.
    #[schema(value_type = String)]
    detail: Cow<'static, str>,
    /// The stable name of the reason.
    #[schema(value_type = String, example = "not_found")]
    code: Code,
    /// Whether the same request may succeed later without a change.
    retryable: bool,
    /// When to try again, in milliseconds, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
    /// Names this request in the server's log.
    request_id: String,
}

/// The status of each code.
fn status_of(code: Code) -> StatusCode {
    match code {
        Code::InvalidRequest | Code::InvalidFrame => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::Forbidden
        | Code::Blocked
        | Code::Banned
        | Code::ContactsOnly
        | Code::DeviceLimit
        | Code::AccountBanned
        | Code::AccountDisabled
        | Code::Frozen
        | Code::Muted => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
        Code::Conflict | Code::Expired | Code::Gap | Code::OwnerMustTransfer => {
            StatusCode::CONFLICT
        }
        Code::Recalled | Code::Dismissed => StatusCode::GONE,
        Code::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::ContentRejected | Code::UnsupportedContent | Code::TooMany => {
            StatusCode::UNPROCESSABLE_ENTITY
        }
        Code::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Code::Unavailable | Code::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        // A code that the engine got and this list did not; the test below fails for it.
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        let code = rejection.code;
        let mut title = code.as_str().replace('_', " ");
        title[..1].make_ascii_uppercase();
        Self {
            kind: format!("urn:im:problem:{code}"),
            title,
            status: status_of(code).as_u16(),
            detail: rejection.detail,
            code,
            retryable: code.is_retryable(),
            retry_after_ms: rejection.retry_after_ms,
            request_id: String::new(),
        }
    }
}

impl Problem {
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        Rejection::new(code, detail).into()
    }

    /// The body is of a media type that is not JSON.
    pub(crate) fn unsupported_media_type() -> Self {
        let detail = "the body must be JSON: send Content-Type: application/json";
        Self::new(Code::InvalidFrame, detail).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
    }

    /// The body did not arrive in time.
    pub(crate) fn timeout() -> Self {
        Self::new(
            Code::Unavailable,
            "the body did not arrive in time; send it again",
        )
        .with_status(StatusCode::REQUEST_TIMEOUT)
    }

    /// A handler panicked: our fault, and not the client's to understand.
    pub(crate) fn internal() -> Self {
        let detail = "the server failed; try again, and tell its operator the request_id when that does not help";
        Self::new(Code::Unavailable, detail).with_status(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self
    }

    /// The whole response, keeping what `headers` say. The envelope calls this, because it knows the request id.
    pub(super) fn render(mut self, mut headers: HeaderMap, request_id: &str) -> Response {
        request_id.clone_into(&mut self.request_id);
        let mut response = Response::new(Body::from(
            serde_json::to_vec(&self).expect("a problem is JSON"),
        ));
        *response.status_mut() = self.status();
        headers.remove(header::CONTENT_LENGTH);
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if self.status() == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(span) = self.retry_after_ms {
            // Whole seconds, never too early.
            headers.insert(header::RETRY_AFTER, HeaderValue::from(span.div_ceil(1000)));
        }
        *response.headers_mut() = headers;
        response
    }

    /// The stable name of the reason.
    pub(super) const fn code(&self) -> Code {
        self.code
    }

    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl IntoResponse for Problem {
    /// A response without body, with the problem beside it.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn every_code_has_a_status_of_its_own_kind() {
        for code in Code::ALL {
            let status = status_of(*code);
            assert!(
                status != StatusCode::INTERNAL_SERVER_ERROR,
                "{code} has no status"
            );
            let retry = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
            assert_eq!(retry, code.is_retryable(), "{code}");
        }
    }

    #[test]
    fn a_problem_says_when_to_come_back() {
        let rejection =
            Rejection::new(Code::RateLimited, "slow down").retry_after(Duration::from_millis(1500));

        let response = Problem::from(rejection).render(HeaderMap::new(), "r1");

        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert_eq!(
            response.headers()[header::CONTENT_TYPE],
            "application/problem+json"
        );
    }
}

//! A refusal over HTTP, for hosts that have no form of their own: an RFC 9457 problem with what a client needs of it.

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Response, StatusCode,
    header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE},
};
use im_core::{Code, Rejection};

/// The answer.
pub(crate) fn response(rejection: &Rejection) -> Response<Full<Bytes>> {
    let status = status_of(rejection.code);
    let mut problem = serde_json::json!({
        "type": format!("urn:im:problem:{}", rejection.code),
        "status": status.as_u16(),
        "code": rejection.code,
        "detail": rejection.detail,
        "retryable": rejection.code.is_retryable(),
    });
    let mut response = Response::default();
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if let Some(span) = rejection.retry_after_ms {
        problem["retry_after_ms"] = span.into();
        headers.insert(RETRY_AFTER, HeaderValue::from(span.div_ceil(1_000)));
    }
    response.map(|_: Full<Bytes>| Full::from(problem.to_string()))
}

/// What a client reads in a refusal, whoever wrote it.
pub(crate) fn read(status: StatusCode, body: &[u8]) -> Rejection {
    let problem: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let code = serde_json::from_value(problem["code"].clone());
    let detail = problem["detail"].as_str();
    Rejection {
        code: code.unwrap_or_else(|_| code_of(status)),
        detail: detail.map_or_else(
            || format!("the server answers {status}").into(),
            |detail| detail.to_owned().into(),
        ),
        retry_after_ms: problem["retry_after_ms"].as_u64(),
    }
}

/// As coarse as links need it.
fn status_of(code: Code) -> StatusCode {
    let exact = [
        (Code::Conflict, StatusCode::CONFLICT),
        (Code::InvalidFrame, StatusCode::BAD_REQUEST),
        (Code::InvalidRequest, StatusCode::BAD_REQUEST),
        (Code::NotFound, StatusCode::NOT_FOUND),
        (Code::RateLimited, StatusCode::TOO_MANY_REQUESTS),
        (Code::TooLarge, StatusCode::PAYLOAD_TOO_LARGE),
        (Code::Unauthenticated, StatusCode::UNAUTHORIZED),
    ];
    match exact.into_iter().find(|(known, _)| *known == code) {
        Some((_, status)) => status,
        None if code.is_retryable() => StatusCode::SERVICE_UNAVAILABLE,
        None => StatusCode::FORBIDDEN,
    }
}

fn code_of(status: StatusCode) -> Code {
    match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Code::TooLarge,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => Code::RateLimited,
        status if status.is_server_error() => Code::Unavailable,
        _ => Code::InvalidRequest,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn a_refusal_is_read_as_it_was_written() {
        let span = Duration::from_millis(1_500);
        for rejection in [
            Rejection::new(Code::DeviceLimit, "another device has the place"),
            Rejection::new(Code::RateLimited, "slow down").retry_after(span),
        ] {
            let response = response(&rejection);
            let status = response.status();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(read(status, &body), rejection);
        }
    }

    #[test]
    fn whoever_writes_another_form_is_understood_by_the_status() {
        assert_eq!(read(StatusCode::NOT_FOUND, b"<html>").code, Code::NotFound);
        assert_eq!(read(StatusCode::BAD_GATEWAY, b"").code, Code::Unavailable);
        assert_eq!(
            read(StatusCode::IM_A_TEAPOT, b"[]").code,
            Code::InvalidRequest
        );
    }
}

//! JSON answers.

use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::problem::Problem;

/// Bytes with which an answer begins. Most need no more.
const FIRST: usize = 512;
/// Bytes beyond an answer's length that it may hold.
const SLACK: usize = 16 * 1024;

/// A JSON answer. Until the other side has read it, it holds little more than its length: not what a buffer comes to that
/// doubles until it is large enough.
pub(super) struct Json<T>(pub(super) T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let mut bytes = Vec::with_capacity(FIRST);
        if let Err(error) = serde_json::to_writer(&mut bytes, &self.0) {
            tracing::error!(%error, "an answer cannot be written as JSON");
            return Problem::internal().into_response();
        }
        let mut response = Response::new(Body::from(fitted(bytes)));
        let kind = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
        response
    }
}

/// The same bytes in a buffer of about their length. Copied: what is more than half full an allocator shrinks in place, and gives
/// nothing back.
fn fitted(bytes: Vec<u8>) -> Bytes {
    if bytes.capacity() - bytes.len() > SLACK {
        Bytes::copy_from_slice(&bytes)
    } else {
        bytes.into()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn what_is_answered_is_the_value_however_long_it_is() {
        for long in [0, 1, 600, SLACK, 300_000] {
            let value = ["x".repeat(long), "é\"".repeat(long / 2)];

            let response = Json(&value).into_response();

            assert_eq!(response.headers()[header::CONTENT_TYPE], "application/json");
            let body = response.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(body, serde_json::to_vec(&value).unwrap());
        }
    }

    #[test]
    fn a_long_answer_holds_little_more_than_its_length() {
        let mut doubled = Vec::with_capacity(1 << 20);
        doubled.resize(600 * 1024, b'x');

        let held = Vec::from(fitted(doubled));

        assert_eq!(held, vec![b'x'; 600 * 1024]);
        assert!(held.capacity() <= held.len() + SLACK, "{}", held.capacity());
    }

    #[test]
    fn what_cannot_be_written_is_a_failure_of_ours() {
        let keys_that_are_no_texts = std::collections::BTreeMap::from([([1, 2], 3)]);

        let response = Json(keys_that_are_no_texts).into_response();

        assert_eq!(response.status(), 500);
    }
}

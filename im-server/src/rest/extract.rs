//! Reading requests: path, query, body and idempotency key, each with a problem when it is not as it should be.
//!
//! Who is asking is in `caller`. Handlers name the caller first, so that nobody learns anything without a token.

use std::time::Duration;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
    http::{HeaderMap, header, request::Parts},
};
use http_body_util::BodyExt as _;
use im_core::{ClientId, Code, Seq, UserId};
use serde::de::{DeserializeOwned, IgnoredAny};

use utoipa::{
    IntoParams,
    openapi::{
        Required, Type,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::ObjectBuilder,
    },
};

use super::problem::Problem;

/// Bytes of a body at most, for callers that are known: as of a message on a link.
const MAX_BODY: usize = 512 * 1024;

/// Bytes of a body at most, for callers that are not.
pub(super) const MAX_PUBLIC_BODY: usize = 8 * 1024;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// What the path says.
pub(super) struct FromPath<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for FromPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(
                Code::InvalidRequest,
                format!("path: {}", error.body_text()),
            )),
        }
    }
}

/// What the query says.
pub(super) struct FromQuery<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for FromQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(value)) => Ok(Self(value)),
            Err(error) => Err(Problem::new(
                Code::InvalidRequest,
                format!("query: {}", error.body_text()),
            )),
        }
    }
}

/// The idempotency key of a write: what the `Idempotency-Key` header says, or else a random one. Who takes it names it in
/// the `params` of its route too, which puts it into the document.
pub(super) struct Key(pub(super) ClientId);

impl<S: Send + Sync> FromRequestParts<S> for Key {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        Ok(Self(
            idempotency_key(&parts.headers)?.unwrap_or_else(ClientId::random),
        ))
    }
}

impl IntoParams for Key {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key_parameter()]
    }
}

/// The idempotency key where its absence matters.
pub(super) struct GivenKey(pub(super) Option<ClientId>);

impl<S: Send + Sync> FromRequestParts<S> for GivenKey {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        idempotency_key(&parts.headers).map(Self)
    }
}

impl IntoParams for GivenKey {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        vec![key_parameter()]
    }
}

fn key_parameter() -> Parameter {
    let text = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(64))
        .pattern(Some(r"^\S+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "A text that is the same in every retry of this request. Random when absent.",
        ))
        .schema(Some(text))
        .build()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<ClientId>, Problem> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(value.as_bytes()).unwrap_or_default();
    ClientId::new(text).map(Some).map_err(|_| {
        let detail = "header Idempotency-Key: must be 1 to 64 printable characters without spaces";
        Problem::new(Code::InvalidRequest, detail)
    })
}

/// The body as JSON.
pub(super) struct FromBody<T, const MAX: usize = MAX_BODY>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned, const MAX: usize> FromRequest<S> for FromBody<T, MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        if !is_json(&parts.headers) {
            return Err(Problem::unsupported_media_type());
        }
        let bytes = read::<MAX>(&parts.headers, body).await?;
        parse(&bytes).map(Self)
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let refused = |error: serde_json::Error| {
        let code = if error.is_data() {
            Code::InvalidRequest
        } else {
            Code::InvalidFrame
        };
        Problem::new(code, format!("body: {error}"))
    };
    // Serde would read an array as the fields in their order, which no client means and no document says.
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        serde_json::from_slice::<IgnoredAny>(bytes).map_err(refused)?;
        let detail = "body: must be a JSON object";
        return Err(Problem::new(Code::InvalidRequest, detail));
    }
    serde_json::from_slice(bytes).map_err(refused)
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(kind) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
    else {
        return false;
    };
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
}

async fn read<const MAX: usize>(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Problem> {
    let too_large = || {
        Problem::new(
            Code::TooLarge,
            format!("the body must not exceed {MAX} bytes"),
        )
    };
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|text| text.parse::<usize>().ok());
    if announced.is_some_and(|length| length > MAX) {
        return Err(too_large());
    }
    match tokio::time::timeout(BODY_TIMEOUT, gather::<MAX>(body)).await {
        Ok(Ok(Some(bytes))) => Ok(bytes),
        Ok(Ok(None)) => Err(too_large()),
        Ok(Err(_)) => Err(Problem::new(Code::InvalidFrame, "the body broke off")),
        Err(_) => Err(Problem::timeout()),
    }
}

/// The whole body; `None` when it is longer than `MAX`. Its pieces are put together as they come: kept apart, a piece of
/// one byte costs forty.
async fn gather<const MAX: usize>(mut body: Body) -> Result<Option<Vec<u8>>, axum::Error> {
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        let needed = whole.len() + piece.len();
        if needed > MAX {
            return Ok(None);
        }
        if needed > whole.capacity() {
            // By doubling, but never beyond what there may be.
            let room = (2 * whole.capacity()).clamp(needed, MAX);
            whole.reserve_exact(room - whole.len());
        }
        whole.extend_from_slice(&piece);
    }
    Ok(Some(whole))
}

/// The users that a query names, each in a `user` of its own: an id may hold a comma.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Users {
    /// Which users: repeat the parameter for each of them.
    #[param(value_type = Vec<String>, style = Form, explode, min_items = 1, example = json!(["alice", "bob"]))]
    pub(super) user: Vec<UserId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Users {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let user = repeated(parts, state, "user", |id| {
            UserId::new(id).map_err(|error| error.to_string())
        })
        .await?;
        Ok(Self { user })
    }
}

/// The entries that a query names, each in a `seq` of its own.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct Seqs {
    /// Which entries: repeat the parameter for each of them.
    #[param(value_type = Vec<u64>, style = Form, explode, min_items = 1, example = json!([4, 7]))]
    pub(super) seq: Vec<Seq>,
}

impl<S: Send + Sync> FromRequestParts<S> for Seqs {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let seq = repeated(parts, state, "seq", |text| {
            text.parse().map(Seq).map_err(|_| "must be a number".into())
        })
        .await?;
        Ok(Self { seq })
    }
}

/// The values of a parameter that a query repeats; at least one.
async fn repeated<S: Send + Sync, T>(
    parts: &mut Parts,
    state: &S,
    name: &str,
    read: impl Fn(String) -> Result<T, String>,
) -> Result<Vec<T>, Problem> {
    let refused = |detail: String| Problem::new(Code::InvalidRequest, detail);
    let query = FromQuery::<Vec<(String, String)>>::from_request_parts(parts, state);
    let values = query
        .await?
        .0
        .into_iter()
        .filter(|(other, _)| other == name)
        .map(|(_, text)| read(text).map_err(|error| refused(format!("query: {name}: {error}"))))
        .collect::<Result<Vec<_>, _>>()?;
    if values.is_empty() {
        let detail = format!("query: name at least one {name}, as in ?{name}=…&{name}=…");
        return Err(refused(detail));
    }
    Ok(values)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use bytes::Bytes;
    use futures_util::stream;
    use http_body_util::StreamBody;
    use hyper::body::Frame;

    use super::*;

    /// A body that comes in pieces of one byte.
    fn drizzle(count: usize) -> Body {
        let piece = || Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x")));
        Body::new(StreamBody::new(stream::iter(
            (0..count).map(move |_| piece()),
        )))
    }

    #[tokio::test]
    async fn a_body_in_the_smallest_pieces_takes_no_more_room_than_in_one() {
        let whole = gather::<1_000>(drizzle(1_000)).await.unwrap().unwrap();

        assert_eq!(whole.len(), 1_000);
        assert!(whole.capacity() <= 1_000);
    }

    #[tokio::test]
    async fn a_body_is_not_read_beyond_its_bound() {
        assert!(gather::<1_000>(drizzle(1_001)).await.unwrap().is_none());
    }
}

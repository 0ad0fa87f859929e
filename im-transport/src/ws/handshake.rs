//! The HTTP half of a WebSocket, on both sides: what a request must say, and what the answer proves.
//!
//! Getting at the socket behind the answer is in [`super::server`] and [`super::dial`].

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    HeaderMap, Method, Request, Response, StatusCode,
    header::{
        AUTHORIZATION, CONNECTION, HOST, HeaderName, HeaderValue, ORIGIN, SEC_WEBSOCKET_ACCEPT,
        SEC_WEBSOCKET_EXTENSIONS, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION,
        UPGRADE,
    },
};
use im_core::Code;
use ring::digest;

use super::{
    encoding::{self, Format},
    options::Origins,
    refused::Refused,
};

/// A request that is let in.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) format: Format,
    /// The bearer token of the request, if it has one.
    pub(super) token: Option<Box<str>>,
    proof: String,
    subprotocol: Option<&'static str>,
}

impl Accepted {
    pub(super) fn response(&self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        let proof = HeaderValue::from_str(&self.proof).expect("base64 is printable");
        headers.insert(SEC_WEBSOCKET_ACCEPT, proof);
        if let Some(name) = self.subprotocol {
            headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(name));
        }
        response
    }
}

/// Checks a request for a WebSocket (RFC 6455, 4.2.1), its subprotocol, and whose page it comes from.
pub(super) fn accept<B>(request: &Request<B>, origins: &Origins) -> Result<Accepted, Refused> {
    let headers = request.headers();
    if request.method() != Method::GET {
        return Err(Refused::new(
            StatusCode::METHOD_NOT_ALLOWED,
            Code::InvalidRequest,
            "a WebSocket begins with GET",
        ));
    }
    if !fastwebsockets::upgrade::is_upgrade_request(request) {
        return Err(Refused::no_upgrade(
            "this path is a WebSocket: send the headers Connection: Upgrade and Upgrade: websocket",
        ));
    }
    if text(headers, &SEC_WEBSOCKET_VERSION) != Some("13") {
        return Err(Refused::no_upgrade(
            "only version 13 of WebSocket is spoken here",
        ));
    }
    let key = text(headers, &SEC_WEBSOCKET_KEY)
        .filter(|key| STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16))
        .ok_or_else(|| Refused::bad("Sec-WebSocket-Key must be 16 bytes in base64"))?;
    if is_foreign(request, origins) {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            Code::Forbidden,
            FOREIGN,
        ));
    }
    let (format, subprotocol) = negotiate(headers)?;
    Ok(Accepted {
        format,
        token: bearer(headers).map(Into::into),
        proof: proof_of(key),
        subprotocol,
    })
}

/// What a page is told that may not connect.
pub(crate) const FOREIGN: &str = "pages of this origin may not connect; the operator can allow it";

/// Whether a request comes from a page that may not connect.
pub(crate) fn is_foreign<B>(request: &Request<B>, origins: &Origins) -> bool {
    let headers = request.headers();
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let host = text(headers, &HOST).or(request.uri().authority().map(|host| host.as_str()));
    let is_allowed = |origin| origins.allow(origin, host);
    !origin.to_str().is_ok_and(is_allowed)
}

/// The first subprotocol of the client's list that we know. Who offers none speaks JSON.
fn negotiate(headers: &HeaderMap) -> Result<(Format, Option<&'static str>), Refused> {
    let mut offered = false;
    for line in headers.get_all(SEC_WEBSOCKET_PROTOCOL) {
        for name in line.to_str().unwrap_or_default().split(',') {
            offered = true;
            if let Some(format) = encoding::by_name(name.trim()) {
                return Ok((format, Some(encoding::name(format))));
            }
        }
    }
    if offered {
        return Err(Refused::bad(
            "no known subprotocol is offered; offer im.v1.json or im.v1.msgpack, or none for JSON",
        ));
    }
    Ok((Format::Json, None))
}

/// The token of `Authorization: Bearer`, as the door reads it.
#[must_use]
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = text(headers, &AUTHORIZATION)?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What the server answers to a key, to prove that it speaks WebSocket (RFC 6455, 4.2.2, 5.4).
pub(super) fn proof_of(key: &str) -> String {
    let mut hash = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    hash.update(key.as_bytes());
    hash.update(b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
    STANDARD.encode(hash.finish())
}

/// Whether a server's answer to `key` is that of a WebSocket that speaks `format` (RFC 6455, 4.1), without an extension,
/// because none is asked for.
pub(super) fn is_accepted<B>(response: &Response<B>, key: &str, format: Format) -> bool {
    let headers = response.headers();
    response.status() == StatusCode::SWITCHING_PROTOCOLS
        && text(headers, &UPGRADE).is_some_and(|it| it.eq_ignore_ascii_case("websocket"))
        && names_upgrade(headers)
        && !headers.contains_key(SEC_WEBSOCKET_EXTENSIONS)
        && text(headers, &SEC_WEBSOCKET_ACCEPT) == Some(&proof_of(key))
        && text(headers, &SEC_WEBSOCKET_PROTOCOL) == Some(encoding::name(format))
}

/// Whether `Connection`, which is a list, has `Upgrade` in it.
fn names_upgrade(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(CONNECTION).iter();
    lines
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|option| option.trim().eq_ignore_ascii_case("upgrade"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &str)]) -> Request<()> {
        let mut request = Request::builder()
            .header("host", "chat.example")
            .header("connection", "keep-alive, Upgrade")
            .header("upgrade", "WebSocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        for (name, value) in headers {
            request
                .headers_mut()
                .unwrap()
                .insert(*name, value.parse().unwrap());
        }
        request.body(()).unwrap()
    }

    fn status(request: &Request<()>) -> u16 {
        match accept(request, &Origins::SameHost) {
            Ok(accepted) => accepted.response().status().as_u16(),
            Err(refused) => refused.into_response().status().as_u16(),
        }
    }

    #[test]
    fn the_example_of_rfc_6455_gets_its_proof() {
        let accepted = accept(&request(&[]), &Origins::SameHost).unwrap();

        let response = accepted.response();

        assert_eq!(response.status(), 101);
        let proof = &response.headers()["sec-websocket-accept"];
        assert_eq!(proof, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        assert!(!response.headers().contains_key("sec-websocket-protocol"));
        assert_eq!(accepted.format, Format::Json);
    }

    #[test]
    fn the_first_known_subprotocol_is_chosen() {
        let offers = [
            ("im.v1.msgpack", Some(Format::MessagePack)),
            ("im.v9, im.v1.json, im.v1.msgpack", Some(Format::Json)),
            ("mqtt", None),
            ("", None),
        ];
        for (offer, expected) in offers {
            let request = request(&[("sec-websocket-protocol", offer)]);
            let accepted = accept(&request, &Origins::SameHost).ok();
            assert_eq!(accepted.as_ref().map(|it| it.format), expected, "{offer}");
            if let Some(format) = expected {
                let response = accepted.unwrap().response();
                let name = &response.headers()["sec-websocket-protocol"];
                assert_eq!(name, encoding::name(format));
            } else {
                assert_eq!(status(&request), 400);
            }
        }
    }

    #[test]
    fn what_is_no_websocket_is_told_what_is_missing() {
        assert_eq!(status(&request(&[("upgrade", "h2c")])), 426);
        assert_eq!(status(&request(&[("connection", "close")])), 426);
        assert_eq!(status(&request(&[("sec-websocket-version", "8")])), 426);
        assert_eq!(status(&request(&[("sec-websocket-key", "short")])), 400);
        let mut post = request(&[]);
        *post.method_mut() = Method::POST;
        assert_eq!(status(&post), 405);
    }

    #[test]
    fn a_foreign_page_is_refused_and_a_program_is_not() {
        assert_eq!(status(&request(&[])), 101);
        assert_eq!(status(&request(&[("origin", "https://chat.example")])), 101);
        assert_eq!(status(&request(&[("origin", "https://evil.example")])), 403);
        assert_eq!(status(&request(&[("origin", "null")])), 403);
    }

    #[test]
    fn an_answer_is_accepted_only_as_a_whole() {
        let key = "dGhlIHNhbXBsZSBub25jZQ==";
        let request = request(&[("sec-websocket-protocol", "im.v1.json")]);
        let accepted = accept(&request, &Origins::SameHost).unwrap();
        let accepts = |change: fn(&mut HeaderMap)| {
            let mut response = accepted.response();
            change(response.headers_mut());
            is_accepted(&response, key, Format::Json)
        };

        assert!(accepts(|_| {}));
        assert!(accepts(|headers| {
            let list = HeaderValue::from_static("keep-alive, upgrade");
            headers.insert(CONNECTION, list);
        }));
        assert!(!accepts(|headers| drop(headers.remove(CONNECTION))));
        assert!(!accepts(|headers| {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }));
        assert!(!accepts(|headers| {
            let extension = HeaderValue::from_static("permessage-deflate");
            headers.insert(SEC_WEBSOCKET_EXTENSIONS, extension);
        }));
    }

    #[test]
    fn a_bearer_token_is_found_whatever_its_case() {
        let request = request(&[("authorization", "bearer abc.def")]);
        let accepted = accept(&request, &Origins::SameHost).unwrap();
        assert_eq!(accepted.token.as_deref(), Some("abc.def"));
    }
}

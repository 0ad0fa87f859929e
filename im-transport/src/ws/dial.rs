//! From a stream to a link: HTTP's request for a WebSocket, and what the answer proves.
//!
//! By hand on hyper's client: that of fastwebsockets prints to standard error when a server hangs up, and keeps the
//! status with which a server refuses to itself.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, StatusCode, Uri,
    client::conn::http1,
    header::{
        CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use hyper_util::rt::TokioIo;
use im_core::{CallError, Code, Rejection, wire::Format};

use super::{encoding, handshake, upgraded};
use crate::{
    client::{Dialed, Stream, framing::Framing},
    link::stream::Other,
};

/// Shakes hands on a stream.
pub(crate) async fn dial(url: &Uri, format: Format, stream: Stream) -> Result<Dialed, CallError> {
    let lost = |error: &dyn std::error::Error| {
        tracing::debug!(%url, "cannot connect: {error}");
        CallError::Lost
    };
    let host = url.host().ok_or(CallError::Lost)?;

    let key = fastwebsockets::handshake::generate_key();
    // The connection's task ends by itself: with the upgrade, or when the sender is dropped.
    let mut sender = match stream {
        Stream::Raw(tcp) => {
            let begun = http1::handshake(TokioIo::new(tcp)).await;
            let (sender, connection) = begun.map_err(|error| lost(&error))?;
            tokio::spawn(connection.with_upgrades());
            sender
        }
        Stream::Tls(tls) => {
            let other: Other = tls;
            let begun = http1::handshake(TokioIo::new(other)).await;
            let (sender, connection) = begun.map_err(|error| lost(&error))?;
            tokio::spawn(connection.with_upgrades());
            sender
        }
    };
    let authority = url.authority().map_or(host, |it| it.as_str());
    let request = Request::get(url.path_and_query().map_or("/", |it| it.as_str()))
        // Without the user info that a URL may have: it is not for logs on the way.
        .header(HOST, authority.rsplit('@').next().unwrap_or(authority))
        .header(CONNECTION, "Upgrade")
        .header(UPGRADE, "websocket")
        .header(SEC_WEBSOCKET_VERSION, "13")
        .header(SEC_WEBSOCKET_KEY, &key)
        .header(SEC_WEBSOCKET_PROTOCOL, encoding::name(format))
        .body(Empty::<Bytes>::new())
        .map_err(|error| lost(&error))?;
    let response = sender
        .send_request(request)
        .await
        .map_err(|error| lost(&error))?;
    if !handshake::is_accepted(&response, &key, format) {
        return Err(refusal(url, response.status()));
    }
    let upgraded = hyper::upgrade::on(response)
        .await
        .map_err(|error| lost(&error))?;
    let (reader, writer, early) = upgraded::take(upgraded);
    Ok(Dialed {
        early,
        framing: Framing::web_socket(),
        reader,
        writer,
    })
}

/// What an answer that is no WebSocket means: come back later, or never.
fn refusal(url: &Uri, status: StatusCode) -> CallError {
    let code = match status {
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => return CallError::Lost,
        status if status.is_server_error() => return CallError::Lost,
        _ => Code::InvalidRequest,
    };
    let detail = format!("{url} is no WebSocket of ours: it answers {status}");
    CallError::Rejected(Rejection::new(code, detail))
}

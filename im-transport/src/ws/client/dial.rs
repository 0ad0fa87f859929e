//! From a URL to a socket on which frames can be exchanged.
//!
//! By hand on hyper's client: that of fastwebsockets prints to standard error when a server hangs up, and keeps the
//! status with which a server refuses to itself.

use bytes::Bytes;
use http_body_util::Empty;
use hyper::{
    Request, StatusCode, Uri,
    header::{
        CONNECTION, HOST, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
    },
};
use hyper_util::rt::TokioIo;
use im_core::{CallError, Code, Rejection};
use tokio::net::TcpStream;

use crate::ws::{
    encoding::{self, Format},
    handshake,
    stream::{self, Reader, Writer},
};

/// Connects and shakes hands; also returns what the server has sent beyond that.
pub(super) async fn dial(url: &Uri, format: Format) -> Result<(Reader, Writer, Bytes), CallError> {
    let lost = |error: &dyn std::error::Error| {
        tracing::debug!(%url, "cannot connect: {error}");
        CallError::Lost
    };
    let host = url.host().ok_or(CallError::Lost)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let tcp = TcpStream::connect((host, url.port_u16().unwrap_or(80)))
        .await
        .map_err(|error| lost(&error))?;

    let key = fastwebsockets::handshake::generate_key();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(tcp))
        .await
        .map_err(|error| lost(&error))?;
    // Ends by itself: with the upgrade, or when the sender is dropped.
    tokio::spawn(connection.with_upgrades());
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
    Ok(stream::take(upgraded))
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

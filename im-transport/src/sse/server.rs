//! The door for any HTTP service on hyper 1: a request for events opens a session, posts ask on it.

use std::{convert::Infallible, error::Error, sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use http_body_util::{BodyExt, LengthLimitError, Limited, combinators::UnsyncBoxBody};
use hyper::{
    Request, Response,
    body::Body,
    header::{CONTENT_TYPE, HeaderValue},
};
use im_core::{
    Actor, Code, Im, Rejection,
    figures::{Figure, Figures},
    port::Identity,
};
use tokio::time::timeout;

use super::{
    link::NoTurn,
    replies::Replies,
    shared::{Shared, no_link},
    stream::EventStream,
    wanted::Wanted,
};
use crate::{
    Bounds, problem,
    ws::{Options, bearer, handshake},
};

/// What this door answers with.
pub type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// Opens sessions of an engine over server-sent events; clone to share.
///
/// A client opens the stream with `?device=…`, a bearer token in `Authorization` or a single-use ticket in the query. The
/// first event answers `session.open`, the second names the link; what it asks it posts to that, one frame a line, and
/// each reply is a line of the answer. It posts something at least once per heartbeat, as over a WebSocket.
///
/// With axum:
///
/// ```
/// # use im_transport::sse::EventsServer;
/// use axum::{Router, extract::{Path, Request}, routing::{get, post}};
///
/// fn routes(server: EventsServer) -> Router {
///     let posts = server.clone();
///     Router::new()
///         .route("/v1/events", get(async move |request: Request| server.open(&request).await))
///         .route(
///             "/v1/events/{link}",
///             post(async move |Path(link): Path<String>, request: Request| posts.post(&link, request).await),
///         )
/// }
/// ```
#[derive(Clone, Debug)]
pub struct EventsServer {
    shared: Arc<Shared>,
}

impl EventsServer {
    /// A door to `im`. Of the options those about WebSocket frames mean nothing here.
    #[must_use]
    pub fn new(im: Im, options: Options) -> Self {
        Self {
            shared: Arc::new(Shared::new(im, options)),
        }
    }

    /// Answers a request for events: with the stream, or with a problem that says what is wrong.
    ///
    /// # Cancel safety
    /// Dropping the future may spend a single-use ticket; it opens nothing.
    #[must_use = "the answer has to be sent"]
    pub fn open<B>(&self, request: &Request<B>) -> impl Future<Output = Answer> + Send + use<B> {
        let opened = self.opened(self.wanted(request), None);
        async move { answer(opened.await) }
    }

    /// [`open`](Self::open) for a host that answers in a form of its own when it refuses.
    ///
    /// # Errors
    /// `forbidden` for a page of a foreign origin, `invalid_request` without a device, and why there is no session.
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    pub fn try_open<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Result<Response<EventStream>, Rejection>> + Send + use<B> {
        self.opened(self.wanted(request), None)
    }

    /// [`open`](Self::open) for a user whom the host has authenticated: tokens are not looked at.
    ///
    /// # Cancel safety
    /// As [`open`](Self::open).
    #[must_use = "the answer has to be sent"]
    pub fn open_as<B>(
        &self,
        request: &Request<B>,
        identity: Identity,
    ) -> impl Future<Output = Answer> + Send + use<B> {
        let opened = self.opened(self.wanted(request), Some(identity));
        async move { answer(opened.await) }
    }

    /// Answers a post to `link`, whose user and authority are those of the token in `Authorization: Bearer`.
    ///
    /// # Cancel safety
    /// Dropping the future asks nothing.
    #[must_use = "the answer has to be sent"]
    pub async fn post<B>(&self, link: &str, request: Request<B>) -> Answer
    where
        B: Body<Data: Buf, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let identity = match bearer(request.headers()) {
            Some(token) => self.shared.im.authenticate(token).await,
            None => Err(Rejection::new(
                Code::Unauthenticated,
                "a post needs the token of its link's user: send Authorization: Bearer",
            )),
        };
        answer(match identity {
            Ok(identity) => self.try_post_as(link, &identity.actor, request).await,
            Err(rejection) => Err(rejection),
        })
    }

    /// [`post`](Self::post) for a user whom the host has authenticated, and a host that answers in a form of its own when
    /// it refuses.
    ///
    /// # Errors
    /// `not_found` when there is no such link or it is somebody else's, `too_large`, `rate_limited` when too many posts are
    /// answered at a time; what is wrong with a frame is said by its reply.
    ///
    /// # Cancel safety
    /// As [`post`](Self::post).
    pub async fn try_post_as<B>(
        &self,
        link: &str,
        actor: &Actor,
        request: Request<B>,
    ) -> Result<Response<Replies>, Rejection>
    where
        B: Body<Data: Buf, Error: Into<Box<dyn Error + Send + Sync>>>,
    {
        let bounds = &self.shared.bounds;
        self.check_origin(&request)?;
        let link = self.shared.links.find(link);
        let link = link
            .filter(|link| link.actor == *actor)
            .ok_or_else(no_link)?;
        let frames = read(request.into_body(), bounds).await?;
        let turn = link.turn(bounds.in_flight).map_err(|why| match why {
            NoTurn::Over => no_link(),
            NoTurn::Busy => {
                let detail = "too many posts to this link at a time; put several frames into one, a line each";
                Rejection::new(Code::RateLimited, detail).retry_after(Duration::from_millis(100))
            }
        })?;
        let replies = Replies::new(turn, link, frames, bounds.queue_bytes);
        let mut response = Response::new(replies);
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(CONTENT_TYPE, json);
        Ok(response)
    }

    /// Streams that are there.
    #[must_use]
    pub fn streams(&self) -> usize {
        self.shared.links.count()
    }

    fn check_origin<B>(&self, request: &Request<B>) -> Result<(), Rejection> {
        if handshake::is_foreign(request, &self.shared.origins) {
            return Err(Rejection::new(Code::Forbidden, handshake::FOREIGN));
        }
        Ok(())
    }

    fn wanted<B>(&self, request: &Request<B>) -> Result<Wanted, Rejection> {
        self.check_origin(request)?;
        Wanted::read(request.uri().query(), request.headers())
    }

    fn opened(
        &self,
        wanted: Result<Wanted, Rejection>,
        identity: Option<Identity>,
    ) -> impl Future<Output = Result<Response<EventStream>, Rejection>> + Send + use<> {
        let shared = self.shared.clone();
        async move { shared.open(wanted?, identity).await }
    }
}

impl Figures for EventsServer {
    fn figures(&self) -> Vec<Figure> {
        self.shared.links.counted().figures("events")
    }
}

/// The whole body, within the bounds of a message.
async fn read<B>(body: B, bounds: &Bounds) -> Result<Bytes, Rejection>
where
    B: Body<Data: Buf, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let most = bounds.max_message;
    let body = Limited::new(body, most as usize).collect();
    match timeout(bounds.message_timeout, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(Rejection::new(
            Code::TooLarge,
            format!("a post must not exceed {most} bytes"),
        )),
        Ok(Err(_)) => Err(Rejection::new(Code::InvalidFrame, "the body broke off")),
        Err(_) => Err(Rejection::new(
            Code::Unavailable,
            "the body did not arrive in time; send it again",
        )),
    }
}

fn answer<B>(outcome: Result<Response<B>, Rejection>) -> Answer
where
    B: Body<Data = Bytes, Error = Infallible> + Send + 'static,
{
    match outcome {
        Ok(response) => response.map(BodyExt::boxed_unsync),
        Err(rejection) => problem::response(&rejection).map(BodyExt::boxed_unsync),
    }
}

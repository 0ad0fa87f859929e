//! Joins a link to a session: who may ask what when, requests in, replies out, and how many at a time.
//!
//! The same for every transport. Bytes, sockets, and time-outs are not here; nor is any rule about who may do what,
//! which is the engine's.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use futures_util::{StreamExt as _, stream::FuturesUnordered};
use im_core::{
    Actor, Attachment, CloseReason, Code, Command, Im, OpenSession, Rejection, Reply,
    SessionOpened,
    port::{BoxFuture, Identity, Outlet},
    wire::{self, Request, RequestId},
};

use crate::link::Link;

/// Bytes of requests that run at a time, as they came: beyond them no more are read until one is answered. A request
/// may exceed them alone. Two contents of the longest kind: until it is stored, the engine holds some copies of each.
const IN_FLIGHT_BYTES: u32 = 128 * 1024;

/// What the link brought along before its first frame, to say who is there.
#[derive(Clone, Debug)]
pub(crate) enum Credential {
    /// Nothing: the first frame has the token.
    None,
    /// A bearer token, unless the first frame has one.
    Token(Box<str>),
    /// The host has authenticated the user; a token in the first frame is not looked at.
    Identity(Box<Identity>),
}

/// What the link has to do after a frame or a reply.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Flow {
    /// Nothing in particular.
    Continue,
    /// Grant what an authenticated peer is granted.
    Opened,
    /// Count it: the frame asked for nothing that the engine does.
    Wasted,
    /// End after what was sent.
    Close(CloseReason),
}

/// The state of one link's session. Its requests run inside of the link's own task.
pub(crate) struct Drive {
    im: Im,
    stage: Stage,
    /// Absent while nothing runs, so that an idle session does not pay for it.
    in_flight: Option<FuturesUnordered<InFlight>>,
    /// Bytes of the requests that run; there is one of these per connection, so it is small.
    in_flight_bytes: u32,
    max_in_flight: u32,
}

enum Stage {
    /// Waits for `session.open`.
    Fresh(Claim),
    /// The engine looks at the token.
    Opening {
        id: Option<RequestId>,
        attach: BoxFuture<Result<Attachment, (Rejection, Claim)>>,
    },
    /// Shared with its branches while they ask.
    Open(Arc<Attachment>),
    /// Dropped with everything that ran.
    Over,
}

impl Drive {
    pub(crate) fn new(im: Im, credential: Credential, max_in_flight: usize) -> Self {
        Self {
            im,
            stage: Stage::Fresh(Claim::new(credential)),
            in_flight: None,
            in_flight_bytes: 0,
            max_in_flight: narrow(max_in_flight),
        }
    }

    /// Opens the session of a link that is not there before: what asks for it is no frame.
    ///
    /// # Cancel safety
    /// Dropping the future opens nothing.
    pub(crate) async fn open(
        self,
        open: OpenSession,
        outlet: Arc<dyn Outlet>,
    ) -> Result<Self, Rejection> {
        let Stage::Fresh(claim) = self.stage else {
            return Err(Rejection::new(
                Code::Conflict,
                "the session is open already",
            ));
        };
        let attached = attach(self.im.clone(), claim, open, outlet).await;
        let attachment = attached.map_err(|(rejection, _)| rejection)?;
        Ok(Self {
            stage: Stage::Open(Arc::new(attachment)),
            ..self
        })
    }

    /// A drive on the same open session, for frames that are answered apart from all others.
    pub(crate) fn branch(&self, max_in_flight: usize) -> Option<Self> {
        let Stage::Open(attachment) = &self.stage else {
            return None;
        };
        Some(Self {
            im: self.im.clone(),
            stage: Stage::Open(attachment.clone()),
            in_flight: None,
            in_flight_bytes: 0,
            max_in_flight: narrow(max_in_flight),
        })
    }

    /// Takes no more frames. What runs goes on, and does not keep the session.
    pub(crate) fn take_no_more(&mut self) {
        self.stage = Stage::Over;
    }

    /// Takes one frame from the peer. To be called only while [`Drive::is_ready`].
    ///
    /// What a request asks for is begun before this returns: the order of the frames is the order of the sends.
    pub(crate) fn handle_frame(
        &mut self,
        bytes: &[u8],
        link: &mut impl Link,
        cx: &mut Context<'_>,
    ) -> Flow {
        let Request { id, command } = wire::read_request(link.format(), bytes);
        let command = match command {
            Ok(command) => command,
            Err(rejection) => {
                // Answered even without an id: who wrote the frame has to learn what was wrong with it.
                self.refuse(link, id.as_ref(), rejection);
                return Flow::Wasted;
            }
        };
        match (&mut self.stage, command) {
            (Stage::Open(_), Command::OpenSession(_)) => {
                let rejection = Rejection::new(Code::Conflict, "the session is open already");
                self.refuse(link, id.as_ref(), rejection);
                Flow::Wasted
            }
            (Stage::Open(attachment), command) => {
                let mut request = InFlight {
                    bytes: narrow(bytes.len()),
                    id,
                    future: Box::pin(attachment.execute(command)),
                };
                match Pin::new(&mut request).poll(cx) {
                    Poll::Ready((_, answer)) => reply(&self.im, link, answer),
                    Poll::Pending => {
                        self.in_flight_bytes = self.in_flight_bytes.saturating_add(request.bytes);
                        self.in_flight.get_or_insert_default().push(request);
                        Flow::Continue
                    }
                }
            }
            (Stage::Fresh(claim), Command::OpenSession(open)) => {
                let claim = std::mem::replace(claim, Claim::new(Credential::None));
                let outlet = link.outlet();
                self.stage = Stage::Opening {
                    id,
                    attach: Box::pin(attach(self.im.clone(), claim, open, outlet)),
                };
                self.poll(link, cx)
            }
            (Stage::Fresh(_) | Stage::Opening { .. } | Stage::Over, _) => {
                let detail = "the session is not open; send session.open with a token first";
                self.refuse(
                    link,
                    id.as_ref(),
                    Rejection::new(Code::Unauthenticated, detail),
                );
                Flow::Wasted
            }
        }
    }

    /// Sends the replies that are ready, and arranges for a wake-up for the others.
    pub(crate) fn poll(&mut self, link: &mut impl Link, cx: &mut Context<'_>) -> Flow {
        if let Stage::Opening { attach, .. } = &mut self.stage {
            return match attach.as_mut().poll(cx) {
                Poll::Pending => Flow::Continue,
                Poll::Ready(result) => self.opened(result, link),
            };
        }
        let Some(in_flight) = &mut self.in_flight else {
            return Flow::Continue;
        };
        let mut flow = Flow::Continue;
        while let Poll::Ready(next) = in_flight.poll_next_unpin(cx) {
            let Some((bytes, answer)) = next else {
                self.in_flight = None;
                break;
            };
            self.in_flight_bytes = self.in_flight_bytes.saturating_sub(bytes);
            if let close @ Flow::Close(_) = reply(&self.im, link, answer) {
                flow = close;
            }
        }
        flow
    }

    fn opened(
        &mut self,
        result: Result<Attachment, (Rejection, Claim)>,
        link: &mut impl Link,
    ) -> Flow {
        let Stage::Opening { id, .. } = std::mem::replace(&mut self.stage, Stage::Over) else {
            return Flow::Continue;
        };
        match result {
            Ok(attachment) => {
                let opened = attachment.opened().clone();
                self.stage = Stage::Open(Arc::new(attachment));
                reply(&self.im, link, (id, Ok(Reply::OpenSession(opened))));
                Flow::Opened
            }
            Err((rejection, claim)) => {
                let code = rejection.code;
                self.refuse(link, id.as_ref(), rejection);
                // A bad token never gets better, and another guess costs the peer another connection. Anything else
                // may be tried again until the link's own deadline for opening.
                if code == Code::Unauthenticated {
                    return Flow::Close(CloseReason::Unauthenticated);
                }
                if matches!(code, Code::AccountBanned | Code::AccountDisabled) {
                    return Flow::Close(CloseReason::Banned);
                }
                self.stage = Stage::Fresh(claim);
                Flow::Continue
            }
        }
    }

    /// Answers what the engine did not hear of.
    fn refuse(&self, link: &mut impl Link, id: Option<&RequestId>, rejection: Rejection) {
        self.im.count_refusal(rejection.code);
        link.send(|format, out| wire::write_reply(format, id, &Err(rejection), out));
    }

    /// Ends the session: what runs is dropped, and the engine hears that the device is gone.
    pub(crate) fn end(&mut self) {
        self.stage = Stage::Over;
        self.in_flight = None;
        self.in_flight_bytes = 0;
    }

    /// Whether another frame may come: not while the session is being opened, and not beyond the bound of requests.
    pub(crate) fn is_ready(&self) -> bool {
        match &self.stage {
            Stage::Fresh(_) => true,
            Stage::Opening { .. } | Stage::Over => false,
            Stage::Open(_) => self.in_flight.as_ref().is_none_or(|requests| {
                requests.len() < self.max_in_flight as usize
                    && self.in_flight_bytes < IN_FLIGHT_BYTES
            }),
        }
    }

    /// Bytes of the requests that run.
    pub(crate) const fn in_flight_bytes(&self) -> usize {
        self.in_flight_bytes as usize
    }

    /// Whether a reply is still to come.
    pub(crate) fn is_busy(&self) -> bool {
        self.in_flight.is_some() || self.is_opening()
    }

    pub(crate) fn is_opening(&self) -> bool {
        matches!(self.stage, Stage::Opening { .. })
    }

    /// Whom the session acts for, once it is open.
    pub(crate) fn actor(&self) -> Option<&Actor> {
        match &self.stage {
            Stage::Open(attachment) => Some(attachment.actor()),
            Stage::Fresh(_) | Stage::Opening { .. } | Stage::Over => None,
        }
    }

    /// How the session was opened, once it was.
    pub(crate) fn session(&self) -> Option<&SessionOpened> {
        match &self.stage {
            Stage::Open(attachment) => Some(attachment.opened()),
            Stage::Fresh(_) | Stage::Opening { .. } | Stage::Over => None,
        }
    }
}

/// What an attempt to open the session starts from.
struct Claim {
    credential: Credential,
    /// The last token that was found good, and for whom: when the engine then refuses for a while, another attempt with
    /// the same token does not redeem it again, because a ticket is good only once.
    proven: Option<Box<(Box<str>, Identity)>>,
}

impl Claim {
    fn new(credential: Credential) -> Self {
        Self {
            credential,
            proven: None,
        }
    }

    async fn identity(&mut self, im: &Im, token: Option<&str>) -> Result<Identity, Rejection> {
        let token = match (&self.credential, token) {
            (Credential::Identity(identity), _) => return Ok((**identity).clone()),
            (_, Some(token)) => token,
            (Credential::Token(token), None) => token,
            (Credential::None, None) => {
                let detail =
                    "session.open needs a token: neither the frame nor the link brought one";
                return Err(Rejection::new(Code::Unauthenticated, detail));
            }
        };
        if let Some(proven) = &self.proven
            && *proven.0 == *token
        {
            return Ok(proven.1.clone());
        }
        let identity = im.authenticate(token).await?;
        self.proven = Some(Box::new((token.into(), identity.clone())));
        Ok(identity)
    }
}

async fn attach(
    im: Im,
    mut claim: Claim,
    open: OpenSession,
    outlet: Arc<dyn Outlet>,
) -> Result<Attachment, (Rejection, Claim)> {
    let attached = match claim.identity(&im, open.token.as_deref()).await {
        Ok(identity) => im.attach(identity, &open, outlet).await,
        Err(rejection) => Err(rejection),
    };
    attached.map_err(|rejection| (rejection, claim))
}

type Answer = (Option<RequestId>, Result<Reply, Rejection>);

/// A request that the engine works on.
struct InFlight {
    /// How long its frame was: the engine holds what was in it.
    bytes: u32,
    id: Option<RequestId>,
    future: BoxFuture<Result<Reply, Rejection>>,
}

impl Future for InFlight {
    type Output = (u32, Answer);

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = std::task::ready!(self.future.as_mut().poll(cx));
        Poll::Ready((self.bytes, (self.id.take(), result)))
    }
}

/// In half of the room; what does not fit into it is as much as fits.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn reply(im: &Im, link: &mut impl Link, (id, result): Answer) -> Flow {
    if let Err(rejection) = &result {
        im.count_refusal(rejection.code);
    }
    let asked_to_close = matches!(result, Ok(Reply::CloseSession(_)));
    // Who sends no id wants no reply.
    if let Some(id) = &id {
        link.send(|format, out| wire::write_reply(format, Some(id), &result, out));
    }
    if asked_to_close {
        Flow::Close(CloseReason::Asked)
    } else {
        Flow::Continue
    }
}

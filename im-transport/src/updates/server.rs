//! The door for polls: in process, or for any HTTP service on hyper 1.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Request, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue},
};
use im_core::{CloseReason, Code, Cursor, Im, Rejection, Scope, SyncPage, port::Identity};
use tokio::time::{Instant, timeout_at};

use super::{
    Ask, Options,
    desk::{Desks, Found, Visit},
};
use crate::{problem, ws::bearer};

/// Answers long polls; clone to share.
///
/// ```
/// use im_core::{Actor, Im, TrustEveryone, port::Identity};
/// use im_store::MemoryStore;
/// use im_transport::updates::{Ask, Options, Updates};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let im = Im::builder(MemoryStore::new(), TrustEveryone).build();
/// let updates = Updates::new(im.clone(), Options::default());
/// let bot = im.authenticate("bot").await?;
///
/// let now = updates.next(&bot, Ask::default()).await?;
/// let alice = im.connect("alice", "phone").await?;
/// alice.send(&im.direct("alice", "bot").await?, "hello").await?;
///
/// let ask = Ask { after: Some(now.cursor), ..Ask::default() };
/// let page = updates.next(&bot, ask).await?;
/// assert_eq!(page.items.len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Updates {
    desks: Arc<Desks>,
    im: Im,
    options: Arc<Options>,
}

impl Updates {
    /// Polls of `im`.
    #[must_use]
    pub fn new(im: Im, options: Options) -> Self {
        Self {
            desks: Arc::default(),
            im,
            options: Arc::new(options),
        }
    }

    /// What the device lacks after its cursor: at once when there is something, else as soon as there is, and when nothing
    /// comes an empty page after a while. Ends at once, with an empty page, when the engine shuts down.
    ///
    /// # Errors
    /// `rate_limited` when too many polls of the user wait, `invalid_request`, and what opening a session and `sync.pull`
    /// are refused with.
    ///
    /// # Cancel safety
    /// Nothing is lost: the next poll with the same cursor is answered the same.
    pub async fn next(&self, identity: &Identity, ask: Ask) -> Result<SyncPage, Rejection> {
        let wait = ask.wait(&self.options)?;
        identity.actor.require(Scope::Read)?;
        self.im.check_in(&identity.actor).await?;
        let Options {
            waiters_per_user,
            linger,
            ..
        } = *self.options;
        let visit = self
            .desks
            .visit(&identity.actor.user, waiters_per_user, linger)?;
        match ask.after {
            None => self.present(&visit, identity).await,
            Some(cursor) => {
                let until = Instant::now() + wait;
                self.await_news(&visit, identity, (cursor, ask.limit), until)
                    .await
            }
        }
    }

    /// Answers a `GET` with `after`, `wait_s` and `limit` in its query, and a bearer token in `Authorization`.
    ///
    /// # Cancel safety
    /// As [`next`](Self::next).
    #[must_use = "the answer has to be sent"]
    pub fn answer<B>(
        &self,
        request: &Request<B>,
    ) -> impl Future<Output = Response<Full<Bytes>>> + Send + use<B> {
        let token = bearer(request.headers()).map(str::to_owned);
        let query = request.uri().query().unwrap_or_default();
        let (updates, ask) = (self.clone(), Ask::from_query(query));
        let page = async move {
            let token = token.ok_or_else(|| {
                let detail = "a poll needs a token: send Authorization: Bearer";
                Rejection::new(Code::Unauthenticated, detail)
            })?;
            let identity = updates.im.authenticate(&token).await?;
            updates.next(&identity, ask?).await
        };
        async move {
            match page.await {
                Ok(page) => written(&page),
                Err(rejection) => problem::response(&rejection),
            }
        }
    }

    /// Where things stand, and nothing of what was before.
    async fn present(&self, visit: &Visit, identity: &Identity) -> Result<SyncPage, Rejection> {
        let mut cursor = None;
        loop {
            let page = self.pull(visit, identity, cursor, Some(0)).await?;
            if page.done {
                return Ok(SyncPage {
                    items: Vec::new(),
                    blocks: Vec::new(),
                    own: Vec::new(),
                    ..page
                });
            }
            cursor = Some(page.cursor);
        }
    }

    async fn await_news(
        &self,
        visit: &Visit,
        identity: &Identity,
        (mut cursor, limit): (Cursor, Option<u32>),
        until: Instant,
    ) -> Result<SyncPage, Rejection> {
        loop {
            let (Found::Own(poller) | Found::Earlier(poller)) =
                visit.poller(&self.im, identity).await?;
            // Before looking, so that nothing is missed in between.
            let mut rings = poller.listen();
            let page = self.pull(visit, identity, Some(cursor), limit).await?;
            let over = poller.over();
            drop(poller);
            if has_news(&page) || over == Some(CloseReason::GoingAway) {
                return Ok(page);
            }
            let rang = match over {
                Some(_) => Ok(Ok(())),
                None => timeout_at(until, rings.changed()).await,
            };
            let over = rings.borrow().over;
            match (rang, over) {
                (Err(_), _) | (_, Some(CloseReason::GoingAway)) => return Ok(page),
                (_, Some(CloseReason::Displaced)) => {
                    let detail =
                        "another session took the place of this poll's; poll again to take it back";
                    return Err(Rejection::new(Code::Conflict, detail));
                }
                // News; or the session ended, with its token for example: another one is opened with this poll's.
                _ => cursor = page.cursor,
            }
        }
    }

    /// Pulls once. Where the session was opened by an earlier poll and its token has ended since, another is opened.
    async fn pull(
        &self,
        visit: &Visit,
        identity: &Identity,
        cursor: Option<Cursor>,
        limit: Option<u32>,
    ) -> Result<SyncPage, Rejection> {
        if let Found::Earlier(poller) = visit.poller(&self.im, identity).await? {
            let answer = poller.pull(cursor.clone(), limit).await;
            let has_ended = |rejection: &Rejection| {
                rejection.code == Code::Unauthenticated && poller.over().is_some()
            };
            if !answer.as_ref().is_err_and(has_ended) {
                return answer;
            }
        }
        let (Found::Own(poller) | Found::Earlier(poller)) =
            visit.poller(&self.im, identity).await?;
        poller.pull(cursor, limit).await
    }
}

fn has_news(page: &SyncPage) -> bool {
    let is_empty = page.items.is_empty() && page.blocks.is_empty() && page.own.is_empty();
    page.reset || !page.done || !is_empty
}

/// As JSON; `cursor` is called `next_cursor` there, as in every list over HTTP.
fn written(page: &SyncPage) -> Response<Full<Bytes>> {
    let mut value = serde_json::to_value(page).unwrap_or_default();
    if let Some(fields) = value.as_object_mut() {
        let cursor = fields.remove("cursor").unwrap_or_default();
        fields.insert("next_cursor".to_owned(), cursor);
    }
    let mut response = Response::new(Full::from(value.to_string()));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Debug for Updates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Updates")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

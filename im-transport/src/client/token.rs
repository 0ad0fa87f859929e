//! Where a client's tokens come from.

use std::{fmt, sync::Arc};

use im_core::{Credential, Rejection, port::BoxFuture};

/// Where the token of a connector comes from.
///
/// A text is one token: when it ends, so does the session, with [`CloseReason::Unauthenticated`]. A source is asked again,
/// and the session goes on; it ends when the server refuses what the source gave, or when the source itself refuses.
///
/// [`CloseReason::Unauthenticated`]: im_core::CloseReason::Unauthenticated
#[derive(Clone)]
pub struct TokenSource(Source);

#[derive(Clone)]
enum Source {
    Asked(Arc<dyn Fn() -> BoxFuture<Result<String, Rejection>> + Send + Sync>),
    Fixed(String),
}

impl TokenSource {
    /// Asks for a token each time that a link is opened, also when the last one has ended.
    ///
    /// ```
    /// use im_transport::client::TokenSource;
    ///
    /// let tokens = TokenSource::from_fn(|| async { Ok("a fresh token".to_owned()) });
    /// ```
    pub fn from_fn<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<String, Rejection>> + Send + 'static,
    {
        Self(Source::Asked(Arc::new(move || Box::pin(ask()))))
    }

    pub(crate) async fn token(&self) -> Result<String, Rejection> {
        match &self.0 {
            Source::Asked(ask) => ask().await,
            Source::Fixed(token) => Ok(token.clone()),
        }
    }

    pub(crate) const fn credential(&self) -> Credential {
        match self.0 {
            Source::Asked(_) => Credential::Renewable,
            Source::Fixed(_) => Credential::Fixed,
        }
    }
}

impl<T: Into<String>> From<T> for TokenSource {
    fn from(token: T) -> Self {
        Self(Source::Fixed(token.into()))
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}

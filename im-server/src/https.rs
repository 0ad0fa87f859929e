//! Asking other servers, over TLS.

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};

/// Asks over HTTPS, and over HTTP where the configuration allowed it. Follows no redirects.
pub(crate) type HttpsClient = Client<HttpsConnector<HttpConnector>, Full<Bytes>>;

/// Trusts whom the system trusts, which may know a company's own authority; or else whom browsers do.
pub(crate) fn client() -> HttpsClient {
    let ring = rustls::crypto::ring::default_provider;
    let builder = HttpsConnectorBuilder::new();
    let connector = match builder.with_provider_and_native_roots(ring()) {
        Ok(builder) => builder.https_or_http().enable_http1().build(),
        Err(error) => {
            tracing::debug!(%error, "the system trusts nobody; going by the built-in list");
            HttpsConnectorBuilder::new()
                .with_provider_and_webpki_roots(ring())
                .expect("ring knows the protocol versions that are asked for")
                .https_or_http()
                .enable_http1()
                .build()
        }
    };
    Client::builder(TokioExecutor::new()).build(connector)
}

//! The client's side: whose certificates it takes for those of a server.

use std::{
    fmt, io,
    path::Path,
    sync::{Arc, LazyLock},
};

use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{InvalidDnsNameError, ServerName},
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::files::{self, TlsError};

/// A socket over which TLS is spoken, from the client's side.
pub(crate) type ClientStream = tokio_rustls::client::TlsStream<TcpStream>;

/// Whom a client trusts to say who a server is. Default: [`Trust::web`].
#[derive(Clone)]
pub struct Trust(Arc<ClientConfig>);

static WEB: LazyLock<Trust> = LazyLock::new(|| {
    let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned();
    Trust::roots(roots.collect())
});

impl Trust {
    /// The authorities that browsers trust, as of the build.
    #[must_use]
    pub fn web() -> Self {
        WEB.clone()
    }

    /// The authorities in a PEM file, or a server's own certificate that it signed itself, and nobody else.
    ///
    /// # Errors
    /// [`TlsError`] names the file, and what to do.
    pub fn file(path: impl AsRef<Path>) -> Result<Self, TlsError> {
        let path = path.as_ref();
        let mut roots = RootCertStore::empty();
        for certificate in files::certificates(path)? {
            roots
                .add(certificate)
                .map_err(|source| TlsError::Unusable {
                    path: path.to_owned(),
                    source,
                })?;
        }
        Ok(Self::roots(roots))
    }

    fn roots(roots: RootCertStore) -> Self {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocol versions that are asked for")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }

    /// Shakes hands with a server that must be `host`: a name or an address, without brackets.
    pub(crate) async fn connect(&self, host: &str, tcp: TcpStream) -> io::Result<ClientStream> {
        let invalid =
            |error: InvalidDnsNameError| io::Error::new(io::ErrorKind::InvalidInput, error);
        let name = ServerName::try_from(host.to_owned()).map_err(invalid)?;
        TlsConnector::from(self.0.clone()).connect(name, tcp).await
    }
}

impl Default for Trust {
    fn default() -> Self {
        Self::web()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trust")
    }
}

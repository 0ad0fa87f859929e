//! The server's side: a certificate with its key, read again when its files change.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    Error, InconsistentKeys, ServerConfig,
    crypto::{CryptoProvider, ring},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::files::{self, TlsError};

/// A socket over which TLS is spoken, from the server's side.
pub type ServerStream = tokio_rustls::server::TlsStream<TcpStream>;

/// A certificate with its key, in two PEM files, which a server shows to who connects; clone to share.
///
/// Certificates end, and are replaced while servers run: [`look`](Self::look) every few seconds, and
/// [`reload`](Self::reload) when somebody says so. Who is connected stays connected; who comes gets the new one. Files that
/// cannot be used change nothing.
///
/// ```no_run
/// # async fn doc(server: im_transport::tcp::TcpServer) -> Result<(), Box<dyn std::error::Error>> {
/// use im_transport::{tcp, tls::Certificate};
///
/// let certificate = Certificate::open("/etc/im/chain.pem", "/etc/im/key.pem")?;
/// let listener = tokio::net::TcpListener::bind("0.0.0.0:8443").await?;
/// tcp::serve_tls(listener, server, certificate).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Certificate {
    acceptor: TlsAcceptor,
    files: Arc<Files>,
    shown: Arc<Shown>,
}

/// Where it comes from.
struct Files {
    certificate: PathBuf,
    key: PathBuf,
    /// What was read last, also when it could not be used.
    seen: Mutex<[Stamp; 2]>,
}

/// By what it is seen that a file has changed.
type Stamp = Option<(SystemTime, u64)>;

/// What is shown now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Certificate {
    /// Reads the files, at once. `certificate` has the server's own one first, then those of its issuers.
    ///
    /// # Errors
    /// [`TlsError`] names the file, and what to do.
    pub fn open(
        certificate: impl Into<PathBuf>,
        key: impl Into<PathBuf>,
    ) -> Result<Self, TlsError> {
        let (certificate, key) = (certificate.into(), key.into());
        // Before they are read: what is written meanwhile is read once more.
        let seen = Mutex::new([stamp(&certificate), stamp(&key)]);
        let provider = Arc::new(ring::default_provider());
        let pair = pair(&certificate, &key, &provider)?;
        let shown = Arc::new(Shown(RwLock::new(pair)));
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the protocol versions that are asked for")
            .with_no_client_auth()
            .with_cert_resolver(shown.clone());
        Ok(Self {
            acceptor: Arc::new(config).into(),
            files: Arc::new(Files {
                certificate,
                key,
                seen,
            }),
            shown,
        })
    }

    /// Reads the files again when one of them has changed. What came of it is logged.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: what was begun is finished.
    pub async fn look(&self) {
        self.blocking(|this| {
            let mut seen = this.files.seen();
            let now = this.files.stamps();
            if now != *seen {
                *seen = now;
                this.read_again();
            }
        })
        .await;
    }

    /// Reads the files again. What came of it is logged.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing: what was begun is finished.
    pub async fn reload(&self) {
        self.blocking(|this| {
            let mut seen = this.files.seen();
            *seen = this.files.stamps();
            this.read_again();
        })
        .await;
    }

    /// Shakes hands on an accepted socket.
    ///
    /// # Errors
    /// What the socket says; `InvalidData` for a peer that speaks no TLS, or none in common.
    ///
    /// # Cancel safety
    /// Dropping the future closes the socket.
    pub async fn accept(&self, tcp: TcpStream) -> io::Result<ServerStream> {
        // The handshake is some small flights, and frames are written whole. If it cannot be set they still arrive.
        let _ = tcp.set_nodelay(true);
        self.acceptor.accept(tcp).await
    }

    /// [`accept`](Self::accept) in bounded time; who fails is nobody that a server must hear of.
    pub(crate) async fn accept_within(
        &self,
        tcp: TcpStream,
        span: Duration,
    ) -> Option<ServerStream> {
        match tokio::time::timeout(span, self.accept(tcp)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!("a TLS handshake failed: {error}");
                None
            }
            Err(_) => {
                tracing::debug!("a TLS handshake took too long");
                None
            }
        }
    }

    fn read_again(&self) {
        let Files {
            certificate, key, ..
        } = &*self.files;
        let provider = self.acceptor.config().crypto_provider();
        match pair(certificate, key, provider) {
            Ok(pair) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = pair;
                tracing::info!(path = %certificate.display(), "the certificate is read again");
            }
            Err(error) => {
                let source = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(
                    source,
                    "{error}; the certificate from before is shown until then"
                );
            }
        }
    }

    /// Files are read where waiting for them holds up nobody.
    async fn blocking(&self, work: impl FnOnce(&Self) + Send + 'static) {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        // Else the runtime is about to end, and nobody comes any more.
        if let Err(broken) = done
            && let Ok(panic) = broken.try_into_panic()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl Files {
    fn stamps(&self) -> [Stamp; 2] {
        [stamp(&self.certificate), stamp(&self.key)]
    }

    /// Locked while the files are read, so that the last who read them has the last of both.
    fn seen(&self) -> MutexGuard<'_, [Stamp; 2]> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Some(shown.clone())
    }
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("certificate", &self.files.certificate)
            .field("key", &self.files.key)
            .finish_non_exhaustive()
    }
}

fn pair(
    certificate: &Path,
    key: &Path,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let chain = files::certificates(certificate)?;
    let private = files::key(key)?;
    let pair = CertifiedKey::from_der(chain, private, provider).map_err(|source| {
        if source == Error::InconsistentKeys(InconsistentKeys::KeyMismatch) {
            return TlsError::Mismatch {
                certificate: certificate.to_owned(),
                key: key.to_owned(),
            };
        }
        TlsError::Unusable {
            path: certificate.to_owned(),
            source,
        }
    })?;
    Ok(Arc::new(pair))
}

/// None for a file that is not there: it has changed when it is.
fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len()))
}

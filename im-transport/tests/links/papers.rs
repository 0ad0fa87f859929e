//! What a server needs to prove who it is: a certificate that is made for the test, and a key.

use std::{fs, io, path::PathBuf, sync::Arc};

use im_transport::tls::{Certificate, Trust};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A folder with a certificate and its key, for 127.0.0.1.
pub(crate) struct Papers(TempDir);

impl Papers {
    pub(crate) fn new() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        papers.renew();
        papers
    }

    /// Puts another pair into the place of the first.
    pub(crate) fn renew(&self) {
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
        fs::write(self.certificate_file(), cert.pem()).unwrap();
        fs::write(self.key_file(), signing_key.serialize_pem()).unwrap();
    }

    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.0.path().join("certificate.pem")
    }

    pub(crate) fn key_file(&self) -> PathBuf {
        self.0.path().join("key.pem")
    }

    /// For the server.
    pub(crate) fn certificate(&self) -> Certificate {
        Certificate::open(self.certificate_file(), self.key_file()).unwrap()
    }

    /// For our client.
    pub(crate) fn trust(&self) -> Trust {
        Trust::file(self.certificate_file()).unwrap()
    }

    /// The certificate that is in the folder now.
    pub(crate) fn shown(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(&fs::read(self.certificate_file()).unwrap()).unwrap()
    }

    /// Shakes hands by hand, trusting what is in the folder now.
    pub(crate) async fn shake(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.shown()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::IpAddress(IpAddr::V4(Ipv4Addr::from([127, 0, 0, 1])));
        TlsConnector::from(Arc::new(config))
            .connect(name, tcp)
            .await
    }
}

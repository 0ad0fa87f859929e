//! What a server needs to prove who it is: a certificate that a private authority issues for the test, and a key.

use std::{fs, io, path::PathBuf, sync::Arc};

use im_transport::tls::{Certificate, Trust};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, IpAddr, Ipv4Addr, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A folder with a certificate and its key, for 127.0.0.1, and the certificate of the authority that issued it.
pub(crate) struct Papers(TempDir);

impl Papers {
    pub(crate) fn new() -> Self {
        let papers = Self(tempfile::tempdir().unwrap());
        papers.renew();
        papers
    }

    /// Puts another pair into the place of the first, by another authority.
    pub(crate) fn renew(&self) {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let name = &mut authority.distinguished_name;
        name.push(DnType::CommonName, "a private authority");
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap());
        let (authority, key) = (authority.unwrap(), KeyPair::generate().unwrap());
        let names = vec!["127.0.0.1".to_owned(), "localhost".to_owned()];
        let certificate = CertificateParams::new(names).unwrap();
        let certificate = certificate.signed_by(&key, &authority).unwrap();
        fs::write(self.authority_file(), authority.pem()).unwrap();
        fs::write(self.certificate_file(), certificate.pem()).unwrap();
        fs::write(self.key_file(), key.serialize_pem()).unwrap();
    }

    pub(crate) fn authority_file(&self) -> PathBuf {
        self.0.path().join("authority.pem")
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
        Trust::file(self.authority_file()).unwrap()
    }

    /// Shakes hands by hand, trusting the authority that is in the folder now.
    pub(crate) async fn shake(&self, tcp: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        let authority = fs::read(self.authority_file()).unwrap();
        let authority = CertificateDer::from_pem_slice(&authority).unwrap();
        roots.add(authority).unwrap();
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

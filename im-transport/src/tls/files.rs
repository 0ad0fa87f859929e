//! Reading certificates and keys from PEM files; and what is wrong with one, in a sentence that says what to do.

use std::{
    fs::File,
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use rustls::pki_types::{
    CertificateDer, PrivateKeyDer,
    pem::{self, PemObject},
};

/// Bytes of a file at most: the list of all authorities that browsers trust has a quarter of it.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// It cannot be read, or is far too large.
    #[error("{} cannot be read; name a PEM file that this process may read", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It is no PEM.
    #[error("{} is not in PEM: {reason}; convert it, or copy it again as a whole", path.display())]
    NotPem {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// There is no certificate in it.
    #[error("{} has no certificate in it; put the server's certificate there in PEM, then those of its issuers", path.display())]
    NoCertificate {
        /// Which file.
        path: PathBuf,
    },
    /// There is no key in it.
    #[error("{} has no private key in it that can be used; put the certificate's key there in PEM, without a passphrase", path.display())]
    NoKey {
        /// Which file.
        path: PathBuf,
    },
    /// Certificate and key are no pair.
    #[error(
        "the key in {} is not that of the first certificate in {}; put a pair there, and the server's own certificate before those of its issuers",
        key.display(), certificate.display()
    )]
    Mismatch {
        /// The file of the certificate.
        certificate: PathBuf,
        /// The file of the key.
        key: PathBuf,
    },
    /// The certificate or the key is of a kind that is not known here, or broken inside.
    #[error("the certificate in {} cannot be used with its key; use one of ECDSA (P-256, P-384), Ed25519 or RSA", path.display())]
    Unusable {
        /// The file of the certificate.
        path: PathBuf,
        /// What rustls said.
        source: rustls::Error,
    },
}

/// All certificates of a file; at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    let found = found.map_err(|error| not_pem(path, &error))?;
    if found.is_empty() {
        return Err(TlsError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(found)
}

/// The first private key of a file.
pub(super) fn key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    let bytes = read(path)?;
    let first = PrivateKeyDer::pem_slice_iter(&bytes).next();
    let first = first.ok_or_else(|| TlsError::NoKey {
        path: path.to_owned(),
    })?;
    first.map_err(|error| not_pem(path, &error))
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    let read = || {
        let mut bytes = Vec::new();
        File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(io::Error::other("it has more than 1 MiB"));
        }
        Ok(bytes)
    };
    read().map_err(|source| TlsError::Read {
        path: path.to_owned(),
        source,
    })
}

/// Without what the parser found: it may be a piece of a key.
fn not_pem(path: &Path, error: &pem::Error) -> TlsError {
    let reason = match error {
        pem::Error::MissingSectionEnd { .. } => "a section has no end",
        pem::Error::IllegalSectionStart { .. } => "a section has no proper beginning",
        pem::Error::Base64Decode(_) => "a section is not base64",
        pem::Error::Io(_) | pem::Error::NoItemsFound | pem::Error::SectionTooLarge | _ => {
            "it cannot be understood"
        }
    };
    TlsError::NotPem {
        path: path.to_owned(),
        reason,
    }
}

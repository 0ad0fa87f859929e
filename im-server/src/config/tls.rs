//! Where the server's certificate is.

use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// A certificate with its key, in files that are read again when they change.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TlsFiles {
    /// The server's own certificate, then those of its issuers, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM, without a passphrase.
    pub key: PathBuf,
}

/// What one source says about them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of TlsFiles")]
pub struct TlsSettings {
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

impl TlsSettings {
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            certificate: self.certificate.or(below.certificate),
            key: self.key.or(below.key),
        }
    }

    pub(super) fn complete(self) -> Result<Option<TlsFiles>, ConfigError> {
        match (self.certificate, self.key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
            (None, None) => Ok(None),
            (Some(_), None) => {
                let reason = "is missing; name the file with the key of `tls.certificate`";
                Err(ConfigError::new("tls.key", reason))
            }
            (None, Some(_)) => {
                let reason = "is missing; name the file with the certificate of `tls.key`";
                Err(ConfigError::new("tls.certificate", reason))
            }
        }
    }
}

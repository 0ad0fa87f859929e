//! How a server is watched: figures, traces, a log in files. Nothing of it is on by default.

use std::{net::SocketAddr, num::NonZeroU32, path::PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::secret::Secret;

/// Shortest token that figures are shown for, in characters: as hard to guess as 128 bits in base64.
const TOKEN_CHARS: usize = 22;

/// Who is shown figures.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Metrics {
    /// Where `GET /metrics` is answered, apart from what clients use. Default: nowhere. Port 0 takes a free one.
    pub listen: Option<SocketAddr>,
    /// What a scraper has to present as bearer token. Where others than this machine can reach `listen`, there must be one.
    pub token: Option<Secret>,
}

/// Where traces are sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traces {
    /// A collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`. Default: none, and nothing is traced.
    pub endpoint: Option<String>,
    /// One of how many requests is traced. Default 100.
    pub one_in: Option<NonZeroU32>,
}

/// A log in files, as JSON lines, beside the one on stderr.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogFile {
    /// The file that is written to. Default: none.
    pub path: Option<PathBuf>,
    /// MiB after which a file is put aside. Default 64.
    pub max_mib: Option<NonZeroU32>,
    /// How many files that were put aside are kept. Default 7, so that the log takes half a GiB at most.
    pub keep: Option<u32>,
}

impl Metrics {
    /// Refuses to show figures to everybody on a network.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_short = |token: &Secret| token.expose().chars().count() < TOKEN_CHARS;
        if self.token.as_ref().is_some_and(is_short) {
            let reason =
                "must have at least 22 characters; make one with `openssl rand -base64 24`";
            return Err(ConfigError::new("metrics.token", reason));
        }
        let is_open = |listen: &SocketAddr| !listen.ip().is_loopback();
        if self.listen.as_ref().is_some_and(is_open) && self.token.is_none() {
            let reason = "others than this machine can reach it: set `metrics.token` too, or listen on 127.0.0.1";
            return Err(ConfigError::new("metrics.listen", reason));
        }
        Ok(())
    }

    pub(super) fn or(self, below: Self) -> Self {
        Self {
            listen: self.listen.or(below.listen),
            token: self.token.or(below.token),
        }
    }
}

impl Traces {
    /// Refuses what is no address.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let is_address =
            |text: &String| text.starts_with("https://") || text.starts_with("http://");
        if self.endpoint.as_ref().is_none_or(is_address) {
            return Ok(());
        }
        let reason = "must be an address such as http://127.0.0.1:4318";
        Err(ConfigError::new("traces.endpoint", reason))
    }

    pub(super) fn or(self, below: Self) -> Self {
        Self {
            endpoint: self.endpoint.or(below.endpoint),
            one_in: self.one_in.or(below.one_in),
        }
    }

    /// The share of requests that is traced.
    pub(crate) fn share(&self) -> f64 {
        1.0 / f64::from(self.one_in.map_or(100, NonZeroU32::get))
    }
}

impl LogFile {
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            path: self.path.or(below.path),
            max_mib: self.max_mib.or(below.max_mib),
            keep: self.keep.or(below.keep),
        }
    }

    /// Bytes after which a file is put aside.
    pub(crate) fn max_bytes(&self) -> u64 {
        u64::from(self.max_mib.map_or(64, NonZeroU32::get)) * 1024 * 1024
    }

    /// Files that were put aside and are kept.
    pub(crate) fn kept(&self) -> u32 {
        self.keep.unwrap_or(7)
    }
}

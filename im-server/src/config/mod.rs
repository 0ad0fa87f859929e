//! What can be set: its meaning, its default, and from where it comes. Flags go before environment, environment before
//! file, file before default.

mod cluster;
mod file;
mod oidc;
mod origin;
mod settings;
mod tcp;
mod tls;
mod watching;

use std::{net::SocketAddr, path::PathBuf};

use im_core::{Limits, LoginPolicy};

pub use self::cluster::{Cluster, ClusterSettings};
pub use self::oidc::OidcProvider;
pub(crate) use self::oidc::is_safe;
pub use self::origin::{AllowedOrigins, Origin, PublicUrl};
pub use self::settings::{
    ClientAddress, CodeSending, LogFormat, Mode, RealNameChecks, Registration, Settings,
};
pub use self::tcp::PublicTcpUrl;
pub use self::tls::{TlsFiles, TlsSettings};
pub use self::watching::{LogFile, Metrics, Traces};
use crate::{secret::Secret, throttle::RateLimits};

/// Where the server listens unless it is told otherwise: this machine only, so that a first try is not on the network.
const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// Everything that the server needs to know, complete and checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Whose web pages may open a WebSocket and use REST. Default: those of the server's own host. Those of `public_url`
    /// always may.
    pub allowed_origins: AllowedOrigins,
    /// Where the address of a client is found.
    pub client_address: ClientAddress,
    /// The other nodes on the same database. Default: none, the server is alone.
    pub cluster: Option<Cluster>,
    /// Who sends one-time codes. Default: nobody.
    pub code_sender: CodeSending,
    /// Where the server keeps what it makes. Default `./im-data`.
    pub data_dir: PathBuf,
    /// The database. May hold a password. Default `sqlite://<data_dir>/im.db`.
    pub database_url: Secret,
    /// Bounds of the engine.
    pub limits: Limits,
    /// Where to listen; port 0 takes a free one. Default `127.0.0.1:8080`.
    pub listen: SocketAddr,
    /// What to log, as `tracing` filters are written. Default `info`.
    pub log: String,
    /// A log in files, beside the one on stderr. Default: none.
    pub log_file: LogFile,
    /// How logs are written.
    pub log_format: LogFormat,
    /// How many devices of each class may have sessions at a time. Default: any number.
    pub login_policy: LoginPolicy,
    /// Connections that may be open, WebSockets, TCP links and others; the newest beyond it are closed as they come. Default 50,000:
    /// below the file descriptors of common services, and 2 GB when each holds what it may before it signs in.
    pub max_connections: usize,
    /// Who is shown figures. Default: nobody.
    pub metrics: Metrics,
    /// What the server is for. Default: production.
    pub mode: Mode,
    /// Identity providers that users sign in at. Default: none. They need `public_url`.
    pub oidc: Vec<OidcProvider>,
    /// How clients reach the TCP links from outside, such as `tcps://im.example.org:5223`. Default: the host of `public_url` and
    /// the port of `tcp_listen`, where no proxy is between.
    pub public_tcp_url: Option<PublicTcpUrl>,
    /// How clients reach this server from outside, such as `https://im.example.org`. Default: not known.
    pub public_url: Option<PublicUrl>,
    /// How often somebody may sign in.
    pub rate_limits: RateLimits,
    /// Who checks real names. Default: nobody.
    pub real_names: RealNameChecks,
    /// Who may make an account.
    pub registration: Registration,
    /// Where to listen for TCP links; port 0 takes a free one. Default: nowhere.
    pub tcp_listen: Option<SocketAddr>,
    /// The server's certificate with its key: with it all listeners speak TLS, and nothing else. Default: none, for behind
    /// a proxy.
    pub tls: Option<TlsFiles>,
    /// What access tokens are signed with. Default: the secret in the data directory, made at first start.
    pub token_secret: Option<Secret>,
    /// Where traces are sent. Default: nowhere.
    pub traces: Traces,
    /// The words that are looked for in texts, and what to do about each. Default: none are.
    pub words_file: Option<PathBuf>,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct ConfigError {
    /// Key and place: `listen (environment IM_LISTEN)`, or file, line and column.
    pub place: String,
    /// What is wrong, and what would be right.
    pub reason: String,
}

impl ConfigError {
    pub(crate) fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }
}

impl Config {
    /// Puts a configuration together. `environment` looks up a variable.
    ///
    /// # Errors
    /// [`ConfigError`] names the key and the place of a value that cannot be used.
    pub fn load(
        flags: Settings,
        file: Option<PathBuf>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let above = flags.or(Settings::from_environment(&environment)?);
        let path = file.map_or_else(
            || file::find(above.data_dir.as_deref()),
            |path| Ok(Some(path)),
        )?;
        let mut settings = match path {
            Some(path) => above.or(file::read(&path)?),
            None => above,
        };
        let oidc = settings.oidc.into_iter();
        settings.oidc = oidc
            .map(|provider| provider.completed(&environment))
            .collect::<Result<_, _>>()?;
        Self::complete(settings)
    }

    fn complete(settings: Settings) -> Result<Self, ConfigError> {
        let data_dir = settings
            .data_dir
            .unwrap_or_else(|| PathBuf::from("im-data"));
        let database_url = settings.database_url.unwrap_or_else(|| {
            Secret::new(format!("sqlite://{}", data_dir.join("im.db").display()))
        });
        let cluster = settings.cluster.completed(&database_url)?;
        let mut limits: Limits = settings::typed("limits", with_rates(settings.limits))?;
        for rate in [
            &mut limits.sends_per_second,
            &mut limits.requests_per_second,
            &mut limits.deltas_per_second,
        ] {
            *rate = rate.filter(|rate| *rate > 0);
        }
        let login_policy = settings::typed("login_policy", settings.login_policy)?;
        let rate_limits = settings::typed("rate_limits", settings.rate_limits)?;
        let tls = settings.tls.complete()?;
        settings.metrics.check()?;
        settings.traces.check()?;
        let config = Self {
            allowed_origins: settings.allowed_origins.unwrap_or_default(),
            client_address: settings.client_address.unwrap_or_default(),
            cluster,
            code_sender: settings.code_sender.unwrap_or_default(),
            data_dir,
            database_url,
            limits,
            listen: settings
                .listen
                .unwrap_or_else(|| DEFAULT_LISTEN.parse().expect("the default is an address")),
            log: settings.log.unwrap_or_else(|| "info".to_owned()),
            log_file: settings.log_file,
            log_format: settings.log_format.unwrap_or_default(),
            login_policy,
            max_connections: settings.max_connections.unwrap_or(50_000),
            metrics: settings.metrics,
            mode: settings.mode.unwrap_or_default(),
            oidc: settings.oidc,
            public_tcp_url: settings.public_tcp_url,
            public_url: settings.public_url,
            rate_limits,
            real_names: settings.real_names.unwrap_or_default(),
            registration: settings.registration.unwrap_or_default(),
            tcp_listen: settings.tcp_listen,
            tls,
            token_secret: settings.token_secret,
            traces: settings.traces,
            words_file: settings.words_file,
        };
        config.check_links()?;
        Ok(config)
    }
}

/// The engine has no limits of its own on how often somebody asks; a server that is open to the world has. 0 switches
/// one off.
fn with_rates(mut limits: toml::Table) -> toml::Table {
    let rates = [
        ("sends_per_second", 10),
        ("requests_per_second", 50),
        ("deltas_per_second", 100),
    ];
    for (key, rate) in rates {
        limits.entry(key).or_insert(toml::Value::Integer(rate));
    }
    limits
}

impl Default for Config {
    /// What a server has that is told nothing.
    fn default() -> Self {
        Self::complete(Settings::default()).expect("the defaults are valid")
    }
}

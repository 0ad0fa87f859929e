//! One source of settings: every one of them, each there or not.

use std::{net::SocketAddr, path::PathBuf, str::FromStr};

use im_core::{Limits, LoginPolicy};
use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use super::{
    AllowedOrigins, ClusterSettings, ConfigError, LogFile, Metrics, OidcProvider, PublicTcpUrl,
    PublicUrl, Traces, tls::TlsSettings,
};
use crate::{secret::Secret, throttle::RateLimits};

/// Settings of one source. What is absent is taken from the next one.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Config")]
pub struct Settings {
    pub allowed_origins: Option<AllowedOrigins>,
    pub client_address: Option<ClientAddress>,
    /// Merged key by key.
    #[serde(default)]
    pub cluster: ClusterSettings,
    pub code_sender: Option<CodeSending>,
    pub data_dir: Option<PathBuf>,
    pub database_url: Option<Secret>,
    /// Merged key by key, so that one source may set some and another the rest.
    #[serde(default, deserialize_with = "checked::<_, Limits>")]
    pub limits: toml::Table,
    pub listen: Option<SocketAddr>,
    pub log: Option<String>,
    #[serde(default)]
    pub log_file: LogFile,
    pub log_format: Option<LogFormat>,
    /// Merged class by class.
    #[serde(default, deserialize_with = "checked::<_, LoginPolicy>")]
    pub login_policy: toml::Table,
    pub max_connections: Option<usize>,
    #[serde(default)]
    pub metrics: Metrics,
    pub mode: Option<Mode>,
    /// In the file alone.
    #[serde(default)]
    pub oidc: Vec<OidcProvider>,
    pub public_tcp_url: Option<PublicTcpUrl>,
    pub public_url: Option<PublicUrl>,
    /// Merged key by key.
    #[serde(default, deserialize_with = "checked::<_, RateLimits>")]
    pub rate_limits: toml::Table,
    pub real_names: Option<RealNameChecks>,
    pub registration: Option<Registration>,
    pub tcp_listen: Option<SocketAddr>,
    /// Merged key by key.
    #[serde(default)]
    pub tls: TlsSettings,
    pub token_secret: Option<Secret>,
    #[serde(default)]
    pub traces: Traces,
    pub words_file: Option<PathBuf>,
}

/// Where the address of a client is found.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum ClientAddress {
    /// On the other end of the connection.
    #[default]
    Peer,
    /// In the last entry of `X-Forwarded-For`. Only behind a proxy that sets it, or clients choose their address.
    XForwardedFor,
}

/// Who sends one-time codes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum CodeSending {
    /// Nobody, unless the host brings a sender.
    #[default]
    None,
    /// The log has them instead of the addressee. For development.
    Log,
}

/// What the server is for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// People use it: settings that are safe for developers alone stop the start.
    #[default]
    Production,
    /// Somebody tries it out.
    Development,
}

/// Who checks real names.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum RealNameChecks {
    /// Nobody, unless the host brings a verifier.
    #[default]
    None,
    /// An example that believes documents whose number begins with `TEST-`. For development.
    Test,
}

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines: one object a line.
    Json,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub enum Registration {
    /// Everybody.
    #[default]
    Open,
    /// The operator, by `im-server user add`. Back ends with a server key bring their own users in any case.
    Closed,
}

macro_rules! from_text {
    ($($name:ident { $($text:literal => $variant:ident),* })*) => {
        $(impl FromStr for $name {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(format!(concat!("must be one of" $(, " `", $text, "`")*, ", not `{}`"), text)),
                }
            }
        })*
    };
}

from_text! {
    ClientAddress { "peer" => Peer, "x-forwarded-for" => XForwardedFor }
    CodeSending { "none" => None, "log" => Log }
    Mode { "production" => Production, "development" => Development }
    RealNameChecks { "none" => None, "test" => Test }
    LogFormat { "text" => Text, "json" => Json }
    Registration { "open" => Open, "closed" => Closed }
}

impl Settings {
    /// The settings of the environment: `IM_` and the key in capitals; `IM_LIMITS_` and the like for those in tables; lists are separated by commas.
    pub(super) fn from_environment(
        lookup: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let environment = Environment(lookup);
        Ok(Self {
            allowed_origins: environment.parsed("allowed_origins")?,
            client_address: environment.parsed("client_address")?,
            cluster: ClusterSettings::from_environment(&environment),
            code_sender: environment.parsed("code_sender")?,
            data_dir: environment.text("data_dir").map(PathBuf::from),
            database_url: environment.text("database_url").map(Secret::new),
            limits: environment.table::<Limits>("limits", &keys_of(&Limits::default()))?,
            listen: environment.parsed("listen")?,
            log: environment.text("log"),
            log_file: LogFile {
                path: environment.text("log_file_path").map(PathBuf::from),
                max_mib: environment.parsed("log_file_max_mib")?,
                keep: environment.parsed("log_file_keep")?,
            },
            log_format: environment.parsed("log_format")?,
            login_policy: environment
                .table::<LoginPolicy>("login_policy", &keys_of(&LoginPolicy::default()))?,
            max_connections: environment.parsed("max_connections")?,
            metrics: Metrics {
                listen: environment.parsed("metrics_listen")?,
                token: environment.text("metrics_token").map(Secret::new),
            },
            mode: environment.parsed("mode")?,
            oidc: Vec::new(),
            public_tcp_url: environment.parsed("public_tcp_url")?,
            public_url: environment.parsed("public_url")?,
            rate_limits: environment
                .table::<RateLimits>("rate_limits", &keys_of(&RateLimits::default()))?,
            real_names: environment.parsed("real_names")?,
            registration: environment.parsed("registration")?,
            tcp_listen: environment.parsed("tcp_listen")?,
            tls: TlsSettings {
                certificate: environment.text("tls_certificate").map(PathBuf::from),
                key: environment.text("tls_key").map(PathBuf::from),
            },
            token_secret: environment.text("token_secret").map(Secret::new),
            traces: Traces {
                endpoint: environment.text("traces_endpoint"),
                one_in: environment.parsed("traces_one_in")?,
            },
            words_file: environment.text("words_file").map(PathBuf::from),
        })
    }

    /// These settings, and where one is absent that of `below`.
    pub(super) fn or(self, below: Self) -> Self {
        Self {
            allowed_origins: self.allowed_origins.or(below.allowed_origins),
            client_address: self.client_address.or(below.client_address),
            cluster: self.cluster.or(below.cluster),
            code_sender: self.code_sender.or(below.code_sender),
            data_dir: self.data_dir.or(below.data_dir),
            database_url: self.database_url.or(below.database_url),
            limits: merged(self.limits, below.limits),
            listen: self.listen.or(below.listen),
            log: self.log.or(below.log),
            log_file: self.log_file.or(below.log_file),
            log_format: self.log_format.or(below.log_format),
            login_policy: merged(self.login_policy, below.login_policy),
            max_connections: self.max_connections.or(below.max_connections),
            metrics: self.metrics.or(below.metrics),
            mode: self.mode.or(below.mode),
            oidc: if self.oidc.is_empty() {
                below.oidc
            } else {
                self.oidc
            },
            public_tcp_url: self.public_tcp_url.or(below.public_tcp_url),
            public_url: self.public_url.or(below.public_url),
            rate_limits: merged(self.rate_limits, below.rate_limits),
            real_names: self.real_names.or(below.real_names),
            registration: self.registration.or(below.registration),
            tcp_listen: self.tcp_listen.or(below.tcp_listen),
            tls: self.tls.or(below.tls),
            token_secret: self.token_secret.or(below.token_secret),
            traces: self.traces.or(below.traces),
            words_file: self.words_file.or(below.words_file),
        }
    }
}

/// Reads a table as what it stands for.
pub(super) fn typed<T: DeserializeOwned>(key: &str, table: toml::Table) -> Result<T, ConfigError> {
    T::deserialize(table).map_err(|error| ConfigError::new(key, sentence(&error)))
}

fn merged(above: toml::Table, mut below: toml::Table) -> toml::Table {
    below.extend(above);
    below
}

/// Reads a table and checks that it is a `T`, while the file still knows the place.
fn checked<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<toml::Table, D::Error> {
    let table = toml::Table::deserialize(deserializer)?;
    T::deserialize(table.clone()).map_err(|error| serde::de::Error::custom(sentence(&error)))?;
    Ok(table)
}

/// An error of toml in one line.
fn sentence(error: &toml::de::Error) -> String {
    error.to_string().trim().replace('\n', " ")
}

/// The keys of a struct. JSON, because TOML leaves out what is absent by default.
fn keys_of(value: &impl serde::Serialize) -> Vec<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::Object(fields)) => fields.into_iter().map(|(key, _)| key).collect(),
        Ok(_) | Err(_) => Vec::new(),
    }
}

/// Looks up variables by the keys of settings.
pub(super) struct Environment<'a, F>(&'a F);

impl<F: Fn(&str) -> Option<String>> Environment<'_, F> {
    pub(super) fn text(&self, key: &str) -> Option<String> {
        (self.0)(&variable(key)).filter(|text| !text.is_empty())
    }

    fn parsed<T: FromStr<Err: ToString>>(&self, key: &str) -> Result<Option<T>, ConfigError> {
        self.text(key)
            .map(|text| {
                text.parse().map_err(|error: T::Err| {
                    ConfigError::new(place(key), format!("`{text}`: {}", error.to_string()))
                })
            })
            .transpose()
    }

    fn table<T: DeserializeOwned>(
        &self,
        name: &str,
        keys: &[String],
    ) -> Result<toml::Table, ConfigError> {
        let mut table = toml::Table::new();
        for key in keys {
            let path = format!("{name}_{key}");
            let Some(text) = self.text(&path) else {
                continue;
            };
            // Most are numbers, a few are switches or words.
            let number = text.parse().map(toml::Value::Integer);
            let switch = || text.parse().map(toml::Value::Boolean);
            let value = number.or_else(|_| switch());
            let value = value.unwrap_or_else(|_| toml::Value::String(text.clone()));
            let one = toml::Table::from_iter([(key.clone(), value)]);
            T::deserialize(one.clone())
                .map_err(|error| ConfigError::new(place(&path), sentence(&error)))?;
            table.extend(one);
        }
        Ok(table)
    }
}

fn variable(key: &str) -> String {
    format!("IM_{}", key.to_ascii_uppercase())
}

fn place(key: &str) -> String {
    format!("{key} (environment {})", variable(key))
}

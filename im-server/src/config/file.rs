//! The configuration file.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{ConfigError, Settings};

const NAME: &str = "im.toml";

/// The file that is used when none is named: `im.toml` in the data directory, or else here.
pub(super) fn find(data_dir: Option<&Path>) -> Result<Option<PathBuf>, ConfigError> {
    let data_dir = data_dir.unwrap_or_else(|| Path::new("im-data"));
    for candidate in [data_dir.join(NAME), PathBuf::from(NAME)] {
        let exists = candidate.try_exists();
        if exists
            .map_err(|error| ConfigError::new(candidate.display().to_string(), error.to_string()))?
        {
            return Ok(Some(candidate));
        }
    }
    Ok(None)
}

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<Settings, ConfigError> {
    let name = path.display().to_string();
    let text =
        fs::read_to_string(path).map_err(|error| ConfigError::new(&name, error.to_string()))?;
    Settings::parse(&name, &text)
}

impl Settings {
    /// Reads the text of a file; `name` is what the file is called where it is wrong.
    ///
    /// # Errors
    /// Says where, and what is expected there, and repeats no value: it may be a secret.
    pub fn parse(name: &str, text: &str) -> Result<Self, ConfigError> {
        toml::from_str(text).map_err(|error| {
            let place = match error.span() {
                Some(span) => {
                    let (line, column) = line_and_column(text, span.start);
                    format!("{name}, line {line}, column {column}")
                }
                None => name.to_owned(),
            };
            // Only the key: a value may be a secret.
            let key = error
                .span()
                .and_then(|span| key_at(text, span.start))
                .map_or_else(String::new, |key| format!("`{key}`: "));
            ConfigError::new(place, format!("{key}{}", error.message()))
        })
    }
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = &text[..text.floor_char_boundary(offset)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (
        before.matches('\n').count() + 1,
        before[line_start..].chars().count() + 1,
    )
}

/// The key or the table that the line at an offset begins with. None where there is none: a line without `=` may be the
/// inside of a secret, and so may one that has no name of ours before it.
fn key_at(text: &str, offset: usize) -> Option<&str> {
    let offset = text.floor_char_boundary(offset);
    let start = text[..offset].rfind('\n').map_or(0, |newline| newline + 1);
    let line = text[start..].lines().next()?.trim();
    let table = line
        .strip_prefix('[')
        .and_then(|line| line.strip_suffix(']'));
    let key = line.split_once('=').map(|(key, _)| key);
    let is_name = |name: &&str| {
        (1..=32).contains(&name.len())
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b"_.".contains(&b))
    };
    table.or(key).map(str::trim).filter(is_name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::collections::HashMap;

    use im_core::{Admission, LoginPolicy};

    use super::*;
    use crate::config::{Config, LogFormat};

    /// Names and values in the environment.
    type Variables = [(&'static str, &'static str)];

    fn load(flags: Settings, file: &str, environment: &Variables) -> Result<Config, ConfigError> {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("test.toml");
        fs::write(&path, file).unwrap();
        let environment: HashMap<_, _> = environment.iter().copied().collect();
        let lookup = |name: &str| environment.get(name).map(|text| (*text).to_owned());
        Config::load(flags, Some(path), lookup)
    }

    #[test]
    fn flags_go_before_environment_before_file_before_default() {
        let flags = Settings {
            listen: Some("127.0.0.1:1".parse().unwrap()),
            ..Settings::default()
        };
        let file = "listen = '127.0.0.1:3'\ndata_dir = '/file'\nlog = 'file'\n[limits]\ntext_chars = 5\npage = 6";
        let environment = [
            ("IM_LISTEN", "127.0.0.1:2"),
            ("IM_LOG", "environment"),
            ("IM_LIMITS_PAGE", "7"),
        ];

        let config = load(flags, file, &environment).unwrap();

        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.log, "environment");
        assert_eq!(config.data_dir, Path::new("/file"));
        assert_eq!(config.database_url.expose(), "sqlite:///file/im.db");
        assert_eq!((config.limits.text_chars, config.limits.page), (5, 7));
        assert_eq!(config.limits.sends_per_second, Some(10));
        assert_eq!(config.limits.requests_per_second, Some(50));
        assert_eq!(config.limits.deltas_per_second, Some(100));
        assert_eq!(config.log_format, LogFormat::Text);
    }

    #[test]
    fn a_policy_is_merged_class_by_class() {
        let file = "[login_policy]\nios = 'one'\nandroid = 'one'";
        let environment = [("IM_LOGIN_POLICY_IOS", "refuse")];
        let policy = load(Settings::default(), file, &environment)
            .unwrap()
            .login_policy;
        let expected = LoginPolicy {
            android: Admission::One,
            ios: Admission::Refuse,
            ..LoginPolicy::default()
        };
        assert_eq!(policy, expected);
    }

    #[test]
    fn a_cluster_is_put_together_from_file_and_environment() {
        let file = "[cluster]\nprefix = 'chat'\nredis = 'redis://file'";
        let environment = [("IM_CLUSTER_REDIS", "redis://environment")];
        let cluster = load(Settings::default(), file, &environment)
            .unwrap()
            .cluster;
        let cluster = cluster.unwrap();
        assert_eq!(cluster.prefix, "chat");
        assert_eq!(cluster.redis.expose(), "redis://environment");

        let cluster = load(Settings::default(), "", &environment).unwrap().cluster;
        assert_eq!(cluster.unwrap().prefix, "im");
        assert!(
            load(Settings::default(), "", &[])
                .unwrap()
                .cluster
                .is_none()
        );
    }

    #[test]
    fn certificate_and_key_may_come_from_two_places() {
        let file = "tcp_listen = '127.0.0.1:8081'\n[tls]\ncertificate = '/c'\nkey = '/other'";
        let environment = [("IM_TLS_KEY", "/k")];

        let config = load(Settings::default(), file, &environment).unwrap();

        let tls = config.tls.unwrap();
        assert_eq!(tls.certificate, Path::new("/c"));
        assert_eq!(tls.key, Path::new("/k"));
        assert_eq!(config.tcp_listen.unwrap().port(), 8081);
        assert_eq!(Config::default().tcp_listen, None);
    }

    #[test]
    fn zero_per_second_means_no_limit() {
        let file = "[limits]\nsends_per_second = 0";
        let environment = [("IM_LIMITS_REQUESTS_PER_SECOND", "0")];
        let limits = load(Settings::default(), file, &environment)
            .unwrap()
            .limits;
        assert_eq!(
            (limits.sends_per_second, limits.requests_per_second),
            (None, None)
        );
    }

    #[test]
    fn what_cannot_be_used_is_named_with_its_place() {
        let cases: [(&str, &Variables, &[&str]); 29] = [
            ("lisen = 'x'", &[], &["test.toml, line 1", "lisen"]),
            ("log = 'a'\nlisten = 'nowhere'", &[], &["line 2", "listen"]),
            ("log_format = 'xml'", &[], &["log_format", "text"]),
            ("[limits]\ntext_char = 5", &[], &["limits", "text_char"]),
            (
                "[login_policy]\nphone = 'one'",
                &[],
                &["login_policy", "phone"],
            ),
            (
                "[login_policy]\nios = 'two'",
                &[],
                &["line", "two", "refuse"],
            ),
            (
                "",
                &[("IM_LOGIN_POLICY_IOS", "2")],
                &["IM_LOGIN_POLICY_IOS"],
            ),
            ("[limits]\npage = 'x'", &[], &["limits", "page"]),
            ("[cluster]\nredi = 'x'", &[], &["line 2", "redi", "prefix"]),
            (
                "",
                &[("IM_CLUSTER_PREFIX", "chat")],
                &["cluster.prefix", "cluster.redis"],
            ),
            (
                "database_url = 'memory:'\n[cluster]\nredis = 'redis://hush@h'",
                &[],
                &["cluster.redis", "PostgreSQL"],
            ),
            ("listen = ", &[], &["line 1", "listen"]),
            (
                "[[oidc]]\nname = 'corp'\nisuer = 'x'",
                &[],
                &["line 3", "isuer"],
            ),
            (
                "[[oidc]]\nname = 'corp'\nissuer = 'http://id.example.org'\nclient_id = 'im'",
                &[],
                &["oidc.corp.issuer", "https://"],
            ),
            (
                "",
                &[("IM_LISTEN", "nowhere")],
                &["listen", "IM_LISTEN", "nowhere"],
            ),
            (
                "",
                &[("IM_REGISTRATION", "maybe")],
                &["IM_REGISTRATION", "open", "closed"],
            ),
            ("", &[("IM_LIMITS_PAGE", "-1")], &["IM_LIMITS_PAGE"]),
            (
                "log = 'a'\nallowed_origins = ['https://a.example/']",
                &[],
                &["line 2", "allowed_origins", "https://a.example/"],
            ),
            (
                "",
                &[("IM_ALLOWED_ORIGINS", "*,https://a.example")],
                &["IM_ALLOWED_ORIGINS", "alone"],
            ),
            (
                "public_url = 'im.example.org'",
                &[],
                &["line 1", "public_url", "https://"],
            ),
            (
                "",
                &[("IM_PUBLIC_URL", "im.example.org")],
                &["IM_PUBLIC_URL", "https://"],
            ),
            (
                "[tls]\ncertificate = '/c'",
                &[],
                &["tls.key", "name the file"],
            ),
            ("", &[("IM_TLS_KEY", "/k")], &["tls.certificate", "name"]),
            ("[tls]\ncert = '/c'", &[], &["line", "cert"]),
            (
                "[metrics]\nlisten = '0.0.0.0:9464'",
                &[],
                &["metrics.listen", "metrics.token"],
            ),
            (
                "[metrics]\ntoken = 'hush'",
                &[],
                &["metrics.token", "22 characters"],
            ),
            ("[metrics]\nport = 1", &[], &["line 2", "port"]),
            (
                "",
                &[("IM_TRACES_ENDPOINT", "collector:4318")],
                &["traces.endpoint", "http://"],
            ),
            (
                "",
                &[("IM_LOG_FILE_MAX_MIB", "0")],
                &["IM_LOG_FILE_MAX_MIB"],
            ),
        ];
        for (file, environment, expected) in cases {
            let error = load(Settings::default(), file, environment)
                .unwrap_err()
                .to_string();
            for part in expected {
                assert!(error.contains(part), "{file:?} {environment:?}: {error}");
            }
        }
    }

    #[test]
    fn a_secret_that_is_not_closed_is_not_in_the_error() {
        for secret in [
            "hushHUSHhush",
            "correct horse",
            "aHVzaA==",
            "hush = x",
            "[hush",
        ] {
            let file = format!("log = 'a'\ntoken_secret = \"\"\"\n{secret}\n{secret}");
            let error = load(Settings::default(), &file, &[]).unwrap_err();
            let error = error.to_string();
            assert!(error.contains("test.toml, line"), "{error}");
            assert!(!error.contains(secret), "{error}");
        }
    }

    #[test]
    fn secrets_are_not_in_the_debug_text() {
        let file = "database_url = 'mysql://u:hush@h/d'\ntoken_secret = 'hush'\n[cluster]\nredis = 'redis://hush@h'";
        let config = load(Settings::default(), file, &[]).unwrap();
        assert!(!format!("{config:?}").contains("hush"));
    }
}

//! Where clients reach the TCP links, and what settings of links contradict each other.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, de};

use super::{Config, ConfigError, Origin};

/// How clients reach the TCP links from outside: `tcps://im.example.org:5223`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicTcpUrl(Origin);

impl PublicTcpUrl {
    fn is_protected(&self) -> bool {
        self.0.as_str().starts_with("tcps://")
    }
}

impl fmt::Display for PublicTcpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

impl FromStr for PublicTcpUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is not how clients reach TCP links; write such as `tcps://im.example.org:5223`"
            )
        };
        let origin: Origin = text.parse().map_err(|_| refused())?;
        let (scheme, host) = origin.as_str().split_once("://").ok_or_else(refused)?;
        let port = host.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        if !["tcp", "tcps"].contains(&scheme) || !matches!(port, Some(Ok(_))) {
            return Err(refused());
        }
        Ok(Self(origin))
    }
}

impl<'de> Deserialize<'de> for PublicTcpUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

impl Config {
    /// Where clients reach TCP links that come in at `port`; without a host where that is not known.
    ///
    /// `None` where `public_url` is protected and this server is not, or the other way round: then a proxy is in front, and
    /// what it does with TCP only `public_tcp_url` says.
    pub(crate) fn tcp_url(&self, port: u16) -> Option<String> {
        if let Some(url) = &self.public_tcp_url {
            return Some(url.to_string());
        }
        let is_protected = self.tls.is_some();
        let host = match &self.public_url {
            Some(url) if url.is_protected() == is_protected => url.host(),
            Some(_) => return None,
            None => "",
        };
        let scheme = if is_protected { "tcps" } else { "tcp" };
        Some(format!("{scheme}://{host}:{port}"))
    }

    /// Refuses addresses that lead nowhere.
    pub(super) fn check_links(&self) -> Result<(), ConfigError> {
        if self.public_tcp_url.is_some() && self.tcp_listen.is_none() {
            let reason = "leads nowhere without `tcp_listen`; set that as well, or take this out";
            return Err(ConfigError::new("public_tcp_url", reason));
        }
        if self.tls.is_none() {
            return Ok(());
        }
        // The other way round is what proxies are for.
        if self
            .public_url
            .as_ref()
            .is_some_and(|it| !it.is_protected())
        {
            let reason = "must begin with `https://`, because with `[tls]` nothing else is spoken";
            return Err(ConfigError::new("public_url", reason));
        }
        let tcp = self.public_tcp_url.as_ref();
        if tcp.is_some_and(|it| !it.is_protected()) {
            let reason = "must begin with `tcps://`, because with `[tls]` nothing else is spoken";
            return Err(ConfigError::new("public_tcp_url", reason));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{super::TlsFiles, *};

    /// With `tcp_listen`, and as it says.
    fn config(
        public_url: Option<&str>,
        is_protected: bool,
        public_tcp_url: Option<&str>,
    ) -> Config {
        let files = || TlsFiles {
            certificate: "c".into(),
            key: "k".into(),
        };
        Config {
            public_tcp_url: public_tcp_url.map(|url| url.parse().unwrap()),
            public_url: public_url.map(|url| url.parse().unwrap()),
            tcp_listen: Some("127.0.0.1:5223".parse().unwrap()),
            tls: is_protected.then(files),
            ..Config::default()
        }
    }

    #[test]
    fn the_address_of_tcp_links_follows_from_the_public_one_unless_a_proxy_is_between() {
        let tcp_url = |public, is_protected, tcp| config(public, is_protected, tcp).tcp_url(5223);
        let named = |text: &str| Some(text.to_owned());

        assert_eq!(tcp_url(None, false, None), named("tcp://:5223"));
        assert_eq!(tcp_url(None, true, None), named("tcps://:5223"));
        let secure = Some("https://im.example.org:8443/im");
        assert_eq!(
            tcp_url(secure, true, None),
            named("tcps://im.example.org:5223")
        );
        assert_eq!(tcp_url(secure, false, None), None);
        let plain = Some("http://[::1]");
        assert_eq!(tcp_url(plain, false, None), named("tcp://[::1]:5223"));
        let by_proxy = "tcps://links.example.org:443";
        assert_eq!(tcp_url(secure, false, Some(by_proxy)), named(by_proxy));
    }

    #[test]
    fn an_address_of_tcp_links_has_a_scheme_a_host_and_a_port() {
        for bad in [
            "",
            "im.example.org:5223",
            "https://im.example.org:5223",
            "tcps://im.example.org",
            "tcps://:5223",
            "tcps://im.example.org:5223/im",
            "tcp://im.example.org:x",
        ] {
            let sentence = bad.parse::<PublicTcpUrl>().expect_err(bad);
            assert!(
                sentence.contains("tcps://im.example.org:5223"),
                "{sentence}"
            );
        }
    }

    #[test]
    fn addresses_that_lead_nowhere_are_refused_with_their_key() {
        let key = |config: Config| config.check_links().map_err(|error| error.place);

        assert_eq!(
            key(config(Some("https://a"), false, Some("tcps://a:1"))),
            Ok(())
        );
        assert_eq!(
            key(config(Some("https://a"), true, Some("tcps://a:1"))),
            Ok(())
        );
        let plain = config(Some("http://a"), true, None);
        assert_eq!(key(plain), Err("public_url".to_owned()));
        let plain = config(None, true, Some("tcp://a:1"));
        assert_eq!(key(plain), Err("public_tcp_url".to_owned()));
        let nowhere = Config {
            tcp_listen: None,
            ..config(None, false, Some("tcp://a:1"))
        };
        assert_eq!(key(nowhere), Err("public_tcp_url".to_owned()));
    }
}

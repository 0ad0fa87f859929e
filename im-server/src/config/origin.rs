//! Addresses as settings: whose web pages may come, and where clients reach the server. What is no such address is refused
//! when it is read, because later it would only look like a server that answers 403 for ever.

use std::{collections::BTreeSet, fmt, str::FromStr};

use axum::http::uri::Authority;
use serde::{Deserialize, Deserializer, de};

/// Where a web page comes from, written as browsers do: `https://chat.example.org`, with the port unless it is the
/// scheme's own.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Origin(String);

impl Origin {
    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = |why| {
            format!(
                "`{text}` {why}; write the origin of a page as browsers do, such as `https://chat.example.org`"
            )
        };
        let Some((scheme, host)) = text.split_once("://") else {
            return Err(refused("has no scheme"));
        };
        if host.contains(['/', '?', '#']) {
            return Err(refused("has more than a scheme, a host and a port"));
        }
        origin_of(scheme, host).ok_or_else(|| refused("is no origin"))
    }
}

/// Scheme and host in the one form in which browsers send them.
fn origin_of(scheme: &str, host: &str) -> Option<Origin> {
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    let authority: Authority = host.parse().ok()?;
    let has_bad_port =
        authority.as_str().len() != authority.host().len() && authority.port_u16().is_none();
    if !is_scheme || has_bad_port || host.contains(['@', '*']) || authority.host().is_empty() {
        return None;
    }
    let (scheme, host) = (
        scheme.to_ascii_lowercase(),
        authority.host().to_ascii_lowercase(),
    );
    let port = match (scheme.as_str(), authority.port_u16()) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => String::new(),
        (_, Some(port)) => format!(":{port}"),
    };
    Some(Origin(format!("{scheme}://{host}{port}")))
}

/// Whose web pages may use this server, beside those of its own host.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum AllowedOrigins {
    /// Pages of the server's own host only.
    #[default]
    OwnHost,
    /// Pages of these origins.
    List(BTreeSet<Origin>),
    /// Every page.
    Any,
}

impl AllowedOrigins {
    /// Reads a list of origins, or `*` alone.
    ///
    /// # Errors
    /// A sentence about the entry that cannot be used.
    pub fn parse<'a>(list: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let list: Vec<_> = list.into_iter().map(str::trim).collect();
        match list[..] {
            [] => Ok(Self::OwnHost),
            ["*"] => Ok(Self::Any),
            _ if list.contains(&"*") => {
                Err("`*` lets every page in: write it alone, or leave it out".to_owned())
            }
            _ => {
                let origins = list.into_iter().map(str::parse);
                origins.collect::<Result<_, _>>().map(Self::List)
            }
        }
    }
}

impl FromStr for AllowedOrigins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::parse(text.split(','))
    }
}

impl<'de> Deserialize<'de> for AllowedOrigins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let list = Vec::<String>::deserialize(deserializer)?;
        Self::parse(list.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

/// How clients reach the server from outside: `https://im.example.org`, with a path where a proxy puts it under one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PublicUrl {
    origin: Origin,
    /// Empty, or with a slash at its beginning and none at its end.
    path: String,
}

impl PublicUrl {
    /// The origin of pages that this address serves.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Whether TLS is spoken there.
    pub(super) fn is_protected(&self) -> bool {
        self.origin.0.starts_with("https://")
    }

    /// The host alone; an IPv6 address in brackets.
    pub(super) fn host(&self) -> &str {
        let (_, host) = self.origin.0.split_once("://").unwrap_or_default();
        match host.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => host,
        }
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin.0, self.path)
    }
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is not how clients reach a server; write such as `https://im.example.org`"
            )
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(refused)?;
        if !["http", "https"].contains(&scheme) || rest.contains(['?', '#']) {
            return Err(refused());
        }
        let (host, path) = rest
            .find('/')
            .map_or((rest, ""), |slash| rest.split_at(slash));
        let is_path = path.bytes().all(|b| b.is_ascii_graphic());
        let origin = origin_of(scheme, host)
            .filter(|_| is_path)
            .ok_or_else(refused)?;
        Ok(Self {
            origin,
            path: path.trim_end_matches('/').to_owned(),
        })
    }
}

impl<'de> Deserialize<'de> for PublicUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_has_the_form_in_which_browsers_send_it() {
        for (text, sent) in [
            ("https://chat.example.org", "https://chat.example.org"),
            ("HTTPS://Chat.Example.org:443", "https://chat.example.org"),
            ("http://localhost:8081", "http://localhost:8081"),
            ("http://[::1]:80", "http://[::1]"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            let origin: Origin = text.parse().expect(text);
            assert_eq!(origin.as_str(), sent);
        }
    }

    #[test]
    fn what_no_browser_sends_is_no_origin() {
        for bad in [
            "",
            "null",
            "chat.example.org",
            "https://chat.example.org/",
            "https://chat.example.org/chat",
            "https://",
            "https://a b",
            "https://user@chat.example.org",
            "https://chat.example.org:x",
            "https://chat.example.org:",
            "1://chat",
            "https://*.example.org",
        ] {
            let origins = AllowedOrigins::parse([bad]);
            let sentence = origins.expect_err(bad);
            assert!(sentence.contains("https://chat.example.org"), "{sentence}");
        }
    }

    #[test]
    fn every_page_is_let_in_by_a_star_alone() {
        assert_eq!("*".parse(), Ok(AllowedOrigins::Any));
        let list: Result<AllowedOrigins, _> = "https://a.example, https://b.example".parse();
        assert!(matches!(list, Ok(AllowedOrigins::List(list)) if list.len() == 2));
        assert!("*, https://a.example".parse::<AllowedOrigins>().is_err());
    }

    #[test]
    fn a_public_url_is_an_address_that_clients_can_use() {
        for (text, kept) in [
            ("https://im.example.org", "https://im.example.org"),
            ("https://im.example.org/", "https://im.example.org"),
            ("http://10.0.0.1:8080/im/", "http://10.0.0.1:8080/im"),
        ] {
            let url: PublicUrl = text.parse().expect(text);
            assert_eq!(url.to_string(), kept);
        }
        for bad in [
            "im.example.org",
            "wss://im.example.org",
            "https://",
            "https:///v1",
            "https://im.example.org?x=1",
            "https://im.example.org/a b",
            "https://u:p@im.example.org",
        ] {
            let sentence = bad.parse::<PublicUrl>().expect_err(bad);
            assert!(sentence.contains("https://im.example.org"), "{sentence}");
        }
    }
}

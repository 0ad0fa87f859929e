//! What a host may choose about its WebSocket door.

use std::collections::BTreeSet;

use crate::Bounds;

/// Options of a [`WebSocketServer`](super::WebSocketServer).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Options {
    /// Sizes, times and numbers.
    pub bounds: Bounds,
    /// Which web pages may connect. Default [`Origins::SameHost`].
    pub origins: Origins,
}

/// Which web pages may connect: browsers send cookies and reach local networks from any page, and say in `Origin`
/// whose page it is. Programs send no `Origin` and are always let in.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Origins {
    /// Every page. Right when access needs a token that a foreign page cannot have.
    Any,
    /// Pages of the host that the request is for.
    #[default]
    SameHost,
    /// Pages of the host that the request is for, and of these origins, written as in [`Origins::List`]. Right behind a
    /// proxy that may not say for which host a request was.
    SameHostAnd(BTreeSet<String>),
    /// Pages of these origins, written as browsers do: `https://chat.example.com`, with the port unless it is the
    /// scheme's own.
    List(BTreeSet<String>),
}

impl Origins {
    /// Whether a page of `origin` may talk to `host`, as the two headers say it.
    pub(super) fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::SameHost => {
                let (Some(page), Some(host)) = (origin.split_once("://"), host) else {
                    return false;
                };
                let port = match page.0 {
                    "http" => ":80",
                    "https" => ":443",
                    _ => return false,
                };
                let bare = |host: &'_ str| host.strip_suffix(port).unwrap_or(host).to_lowercase();
                bare(page.1) == bare(host)
            }
            Self::SameHostAnd(list) => {
                Self::SameHost.allow(origin, host) || Self::has(list, origin)
            }
            Self::List(list) => Self::has(list, origin),
        }
    }

    fn has(list: &BTreeSet<String>, origin: &str) -> bool {
        list.iter().any(|item| item.eq_ignore_ascii_case(origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_host_means_the_host_with_its_port() {
        let allow = |origin, host| Origins::SameHost.allow(origin, Some(host));

        assert!(allow("https://chat.example.com", "chat.example.com"));
        assert!(allow("https://Chat.example.com", "chat.example.com:443"));
        assert!(allow("http://localhost:8080", "localhost:8080"));
        assert!(!allow("http://localhost:8081", "localhost:8080"));
        assert!(!allow("https://evil.example.com", "chat.example.com"));
        assert!(!allow("null", "chat.example.com"));
        assert!(!allow("file://", ""));
        assert!(!Origins::SameHost.allow("https://chat.example.com", None));
    }

    #[test]
    fn the_own_host_can_have_other_names() {
        let origins = Origins::SameHostAnd(["https://a.example".to_owned()].into());

        assert!(origins.allow("https://a.example", Some("10.0.0.1:8080")));
        assert!(origins.allow("http://10.0.0.1:8080", Some("10.0.0.1:8080")));
        assert!(!origins.allow("https://b.example", Some("10.0.0.1:8080")));
    }

    #[test]
    fn a_list_names_whole_origins() {
        let origins = Origins::List(["https://a.example".to_owned()].into());

        assert!(origins.allow("https://a.example", Some("b.example")));
        assert!(!origins.allow("http://a.example", Some("a.example")));
        assert!(!origins.allow("https://a.example.evil", Some("a.example")));
    }
}

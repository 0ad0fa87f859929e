//! What a host may choose about its WebSocket door. Each number has a unit, a default, and the reason for it.

use std::{collections::BTreeSet, time::Duration};

/// Options of a [`WebSocketServer`](super::WebSocketServer).
///
/// Memory that one connection can make the server hold, at most: before `session.open` about
/// `max_message_before_open` + 24 KiB, after it about `max_message` + `queue_bytes` + `reply_bytes` + 80 KiB. An idle
/// one owns no buffer at all.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Which web pages may connect. Default [`Origins::SameHost`].
    pub origins: Origins,
    /// Longest message after the session is open, in bytes. Default 512 KiB: a content of 64 KiB whose every character
    /// is escaped, or a cursor over 5,000 conversations, with room to spare.
    pub max_message: u32,
    /// Longest message before that, in bytes. Default 8 KiB: a token with room to spare.
    pub max_message_before_open: u32,
    /// Requests of one session that run at a time. Default 256: more are not read until one is answered.
    pub in_flight: usize,
    /// Bytes of pushes that may wait for one session. Default 64 KiB, some hundred messages: the store has them all.
    /// Typing and presence get half of it, hints and last words a quarter more.
    pub queue_bytes: usize,
    /// Pushes that may wait for one session; one is about 40 bytes beside its share of the text. Default 1,024.
    pub queue_pushes: usize,
    /// Bytes of replies that may wait for a peer that asks and does not read. Default 1 MiB: beyond it the link ends.
    /// One reply may exceed it alone.
    pub reply_bytes: usize,
    /// How long a peer may take for the HTTP request of [`serve`](super::serve), and again from the upgrade to the open
    /// session. Default 10 s: several round trips of a bad mobile network.
    pub open_timeout: Duration,
    /// After how many heartbeats without a byte from the peer the link ends. Default 2.5: two may be lost.
    pub missed_heartbeats: f32,
    /// How long one message may take from its first byte to its last. Default 60 s: 512 KiB at 9 KiB/s.
    pub message_timeout: Duration,
    /// How long a peer that has something to read may read nothing. Default 30 s: longer than a lift or a tunnel.
    pub write_timeout: Duration,
    /// How long the last words may take. Default 2 s.
    pub close_timeout: Duration,
    /// Pings, pongs and frames that are no requests, per second, averaged over some seconds. Default 50: a client needs
    /// one in 25 s.
    pub idle_frames_per_second: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            origins: Origins::SameHost,
            max_message: 512 * 1024,
            max_message_before_open: 8 * 1024,
            in_flight: 256,
            queue_bytes: 64 * 1024,
            queue_pushes: 1_024,
            reply_bytes: 1024 * 1024,
            open_timeout: Duration::from_secs(10),
            missed_heartbeats: 2.5,
            message_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            idle_frames_per_second: 50,
        }
    }
}

impl Options {
    /// How often deadlines are looked at: a fifth of the shortest, so that none is exceeded by more, but not so often
    /// that 20,000 idle connections cost anything.
    pub(super) fn sweep_interval(&self, heartbeat: Duration) -> Duration {
        let shortest = self
            .silence(heartbeat)
            .min(self.open_timeout)
            .min(self.message_timeout)
            .min(self.write_timeout);
        (shortest / 5).clamp(Duration::from_millis(20), Duration::from_secs(2))
    }

    /// How long a session may be silent.
    pub(super) fn silence(&self, heartbeat: Duration) -> Duration {
        let seconds = heartbeat.as_secs_f64() * f64::from(self.missed_heartbeats);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// How many frames that ask for nothing may come between two looks at the deadlines, which are `interval` apart.
    pub(super) fn idle_frames(&self, interval: Duration) -> u32 {
        let allowed = f64::from(self.idle_frames_per_second) * interval.as_secs_f64();
        // Never less than a handful, so that a burst in a very short interval is no attack.
        (allowed as u32).max(16)
    }
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
    fn deadlines_are_looked_at_more_often_than_the_shortest_of_them_comes() {
        let options = Options::default();

        let usual = options.sweep_interval(Duration::from_secs(25));
        let quick = options.sweep_interval(Duration::from_millis(200));

        assert_eq!(usual, Duration::from_secs(2));
        assert_eq!(
            quick,
            Duration::from_millis(100),
            "a fifth of 2.5 heartbeats"
        );
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

//! What every door keeps to, whatever its transport. Each number has a unit, a default, and the reason for it.

use std::time::Duration;

/// Sizes, times and numbers of a door: of a [`WebSocketServer`](crate::ws::WebSocketServer) or a
/// [`TcpServer`](crate::tcp::TcpServer).
///
/// Memory that one connection can make the server hold, at most: before `session.open` about
/// `max_message_before_open` + 24 KiB, after it about `reply_bytes` + 64 KiB, or a message or a page alone where one is
/// longer. An idle one owns no buffer at all; over TLS it owns those of TLS.
#[derive(Clone, Debug, PartialEq)]
pub struct Bounds {
    /// Connections of this door; beyond it a WebSocket is answered with 503, and TCP is closed as it comes. Default
    /// 50,000: below the file descriptors of common services.
    pub max_connections: usize,
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
    /// Bytes that may wait for a peer that asks and does not read, together with what it has half said and with its
    /// requests that run. Default 896 KiB: beyond it the link ends. One reply may exceed it alone.
    pub reply_bytes: usize,
    /// How long a peer may take for its handshakes, if there are any (TLS, and the HTTP request of
    /// [`ws::serve`](crate::ws::serve)), and again from there to the open session. Default 10 s: several round trips of
    /// a bad mobile network.
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

impl Default for Bounds {
    fn default() -> Self {
        Self {
            max_connections: 50_000,
            max_message: 512 * 1024,
            max_message_before_open: 8 * 1024,
            in_flight: 256,
            queue_bytes: 64 * 1024,
            queue_pushes: 1_024,
            reply_bytes: 896 * 1024,
            open_timeout: Duration::from_secs(10),
            missed_heartbeats: 2.5,
            message_timeout: Duration::from_secs(60),
            write_timeout: Duration::from_secs(30),
            close_timeout: Duration::from_secs(2),
            idle_frames_per_second: 50,
        }
    }
}

impl Bounds {
    /// How often deadlines are looked at: a fifth of the shortest, so that none is exceeded by more, but not so often
    /// that 20,000 idle connections cost anything.
    pub(crate) fn sweep_interval(&self, heartbeat: Duration) -> Duration {
        let shortest = self
            .silence(heartbeat)
            .min(self.open_timeout)
            .min(self.message_timeout)
            .min(self.write_timeout);
        (shortest / 5).clamp(Duration::from_millis(20), Duration::from_secs(2))
    }

    /// How long a session may be silent.
    pub(crate) fn silence(&self, heartbeat: Duration) -> Duration {
        let seconds = heartbeat.as_secs_f64() * f64::from(self.missed_heartbeats);
        Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
    }

    /// How many frames that ask for nothing may come between two looks at the deadlines, which are `interval` apart.
    pub(crate) fn idle_frames(&self, interval: Duration) -> u32 {
        let allowed = f64::from(self.idle_frames_per_second) * interval.as_secs_f64();
        // Never less than a handful, so that a burst in a very short interval is no attack.
        (allowed as u32).max(16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_are_looked_at_more_often_than_the_shortest_of_them_comes() {
        let bounds = Bounds::default();

        let usual = bounds.sweep_interval(Duration::from_secs(25));
        let quick = bounds.sweep_interval(Duration::from_millis(200));

        assert_eq!(usual, Duration::from_secs(2));
        assert_eq!(
            quick,
            Duration::from_millis(100),
            "a fifth of 2.5 heartbeats"
        );
    }
}

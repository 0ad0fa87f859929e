//! Close codes: the one place that says which reason is which number, in both directions and on every link.
//!
//! | codes | what the peer does |
//! |---|---|
//! | 1000 | nothing: it asked for it |
//! | 1002, 1003, 1007, 1009 | repair its program: it broke the framing or a limit |
//! | 4000-4099 | reconnect and resume |
//! | 4100-4199 | reconnect later, after a jittered delay |
//! | 4200-4299 | sign in again |
//! | 4300-4399 | not come back by itself |
//!
//! A client that does not know a code goes by its range.

use im_core::CloseReason;

/// The peer closed without a code, which is allowed. Only written into traces, never on the wire.
const NO_CODE: u16 = 1005;

/// The code for a reason of the engine.
#[must_use]
pub fn code_of(reason: CloseReason) -> u16 {
    match reason {
        CloseReason::Asked => 1000,
        CloseReason::TooLarge => 1009,
        CloseReason::GoingAway => 4000,
        CloseReason::TooSlow => 4001,
        CloseReason::IdleTimeout => 4002,
        CloseReason::Unauthenticated => 4200,
        CloseReason::Displaced => 4300,
        CloseReason::ProtocolError => 4301,
        CloseReason::Banned => 4302,
        // A reason that a newer engine has and this file does not: coming back is the answer that loses nothing.
        _ => 4099,
    }
}

/// The reason behind a code, as a client understands it; `None` is a close frame without one.
#[must_use]
pub fn reason_of(code: Option<u16>) -> CloseReason {
    match code.unwrap_or(NO_CODE) {
        1000 => CloseReason::Asked,
        1002 | 1003 | 1007 | 4301 => CloseReason::ProtocolError,
        1009 => CloseReason::TooLarge,
        // 1001, 1011 to 1014: a server or a proxy that restarts or is in trouble.
        1001 | 1011..=1014 | 4000 | 4100..=4199 => CloseReason::GoingAway,
        4001 => CloseReason::TooSlow,
        4200..=4299 => CloseReason::Unauthenticated,
        4300 => CloseReason::Displaced,
        4302 => CloseReason::Banned,
        4303..=4399 => CloseReason::ProtocolError,
        // 4002, the rest of its range, and whatever nobody defined: as if the link just broke.
        _ => CloseReason::IdleTimeout,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_survives_its_code() {
        for reason in [
            CloseReason::Asked,
            CloseReason::TooSlow,
            CloseReason::GoingAway,
            CloseReason::IdleTimeout,
            CloseReason::Displaced,
            CloseReason::Unauthenticated,
            CloseReason::ProtocolError,
            CloseReason::Banned,
            CloseReason::TooLarge,
        ] {
            assert_eq!(reason_of(Some(code_of(reason))), reason);
        }
    }

    #[test]
    fn the_ranges_say_whether_to_come_back() {
        assert!((4000..4200).all(|code| reason_of(Some(code)).may_resume()));
        assert!((4200..4400).all(|code| !reason_of(Some(code)).may_resume()));
        assert!(reason_of(None).may_resume());
    }
}

//! What every link owes to a session, checked over WebSocket, TCP and plain HTTP, with TLS and without, with a real engine
//! behind a real socket. A transport that joins gets the same lists.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
#![allow(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else comes, the test has failed"
)]

mod connections;
mod door;
mod http;
mod keeping_back;
mod mounting;
mod opening;
mod papers;
mod raw;
mod slow;
mod suite;
mod tcp;
mod tls;
mod tokens;
mod way;
mod websocket;

link_suite!(over_json, crate::door::Over::JSON);
link_suite!(over_message_pack, crate::door::Over::MESSAGE_PACK);
link_suite!(
    over_message_pack_and_tls,
    crate::door::Over::MESSAGE_PACK_AND_TLS
);
link_suite!(over_tcp, crate::door::Over::TCP);
link_suite!(over_tcp_and_tls, crate::door::Over::TCP_AND_TLS);

connection_suite!(client_over_json, crate::way::Way::JSON);
connection_suite!(client_over_message_pack, crate::way::Way::MESSAGE_PACK);
connection_suite!(
    client_over_message_pack_and_tls,
    crate::way::Way::MESSAGE_PACK_AND_TLS
);
connection_suite!(client_over_tcp, crate::way::Way::TCP);
connection_suite!(client_over_tcp_and_tls, crate::way::Way::TCP_AND_TLS);
connection_suite!(client_over_events, crate::way::Way::Events);
connection_suite!(client_over_whatever_works, crate::way::Way::Fallback);

// Each writes some ten megabytes: the one on a raw socket, the other on a stream that keeps back what it has taken.
slow_suite!(slow_over_json, crate::door::Over::JSON);
slow_suite!(slow_over_tcp_and_tls, crate::door::Over::TCP_AND_TLS);

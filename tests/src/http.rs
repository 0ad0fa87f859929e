//! One HTTP request at a time, for setting things up.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
};

use serde_json::Value;

/// Sends a JSON request with a bearer token and returns the JSON of the answer.
///
/// # Errors
/// When the server cannot be reached or answers with anything but a success.
pub fn call(address: SocketAddr, token: &str, request: &str, body: &Value) -> io::Result<Value> {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address)?;
    write!(
        stream,
        "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let refused = || io::Error::other(format!("{request}: {answer}"));
    let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(refused)?;
    let is_success = head
        .split(' ')
        .nth(1)
        .is_some_and(|status| status.starts_with('2'));
    if !is_success {
        return Err(refused());
    }
    // Between the first and the last brace, whether the answer is chunked or not.
    let json = body
        .find('{')
        .zip(body.rfind('}'))
        .map(|(from, to)| &body[from..=to]);
    serde_json::from_str(json.unwrap_or("null")).map_err(io::Error::other)
}

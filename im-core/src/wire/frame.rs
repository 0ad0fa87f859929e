//! Request, reply, push: reading and writing of envelopes.

use std::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, DeserializeSeed},
};

use super::{Format, WireError, excerpt};
use crate::{Code, Command, METHODS, Push, Rejection, Reply};

/// What correlates a reply with its request. The client chooses it.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub enum RequestId {
    /// A number.
    Number(u64),
    /// A text of at most 64 bytes.
    Text(Box<str>),
}

impl Serialize for RequestId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Text(text) => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for RequestId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RequestId;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an id: a whole number from 0 on, or a text of at most 64 bytes")
            }
            fn visit_u64<E: de::Error>(self, number: u64) -> Result<RequestId, E> {
                Ok(RequestId::Number(number))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<RequestId, E> {
                u64::try_from(number)
                    .map(RequestId::Number)
                    .map_err(E::custom)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<RequestId, E> {
                if text.len() > 64 {
                    return Err(E::invalid_length(text.len(), &self));
                }
                Ok(RequestId::Text(text.into()))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// A request as it came: the command, or why it is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Absent when the client wants no reply, or when the frame was too broken to tell.
    pub id: Option<RequestId>,
    /// What is asked.
    pub command: Result<Command, Rejection>,
}

#[derive(Deserialize)]
struct Envelope {
    #[serde(default)]
    id: Option<RequestId>,
    #[serde(default)]
    method: Option<String>,
    #[serde(default)]
    error: Option<ErrorFrame>,
    #[serde(default)]
    result: Option<de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Id {
    #[serde(default)]
    id: Option<RequestId>,
}

#[derive(Deserialize, Serialize)]
struct ErrorFrame {
    code: i32,
    message: String,
    #[serde(default)]
    data: Option<ErrorData>,
}

#[derive(Deserialize, Serialize)]
struct ErrorData {
    code: Code,
    #[serde(default)]
    retryable: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    retry_after_ms: Option<u64>,
}

/// Reads a request. Total: whatever the bytes, the answer says what was wrong with them.
#[must_use]
pub fn read_request(format: Format, bytes: &[u8]) -> Request {
    let envelope: Envelope = match format.read(bytes) {
        Ok(envelope) => envelope,
        Err(error) => {
            let id = format.read::<Id>(bytes).ok().and_then(|id| id.id);
            let reason = excerpt::of_error(&error);
            let detail = format!("the frame is not a request with method, id and params: {reason}");
            return Request {
                id,
                command: Err(Rejection::new(Code::InvalidFrame, detail)),
            };
        }
    };
    let Some(method) = envelope.method else {
        let detail = "the frame has no method; a request needs method, id and params";
        return Request {
            id: envelope.id,
            command: Err(Rejection::new(Code::InvalidFrame, detail)),
        };
    };
    let command = match read_member(format, bytes, "params", &method) {
        Ok(Some(command)) => Ok(command),
        Ok(None) => Err(Rejection::new(
            Code::UnknownMethod,
            format!("there is no method {:?}", excerpt::of_text(&method)),
        )),
        Err(error) => Err(Rejection::new(
            Code::InvalidRequest,
            format!("params of {method}: {}", excerpt::of_error(&error)),
        )),
    };
    Request {
        id: envelope.id,
        command,
    }
}

/// What a client receives.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    /// A refusal.
    Failed(Option<RequestId>, Rejection),
    /// Something that this build does not know.
    Ignored,
    /// A push.
    Push(Push),
    /// An answer. Its type is that of the request: read it by [`Incoming::reply`].
    Reply(RequestId),
}

impl Incoming {
    /// Reads a frame as a client does.
    ///
    /// # Errors
    /// [`WireError`] when the bytes are no frame.
    pub fn read(format: Format, bytes: &[u8]) -> Result<Self, WireError> {
        let envelope: Envelope = format.read(bytes)?;
        if let Some(error) = envelope.error {
            let rejection = match error.data {
                Some(data) => Rejection {
                    code: data.code,
                    detail: error.message.into(),
                    retry_after_ms: data.retry_after_ms,
                },
                None => Rejection::new(Code::InvalidRequest, error.message),
            };
            return Ok(Self::Failed(envelope.id, rejection));
        }
        if let Some(method) = envelope.method {
            let push = read_member(format, bytes, "params", &method)?;
            return Ok(push.map_or(Self::Ignored, Self::Push));
        }
        Ok(match (envelope.id, envelope.result) {
            (Some(id), Some(_)) => Self::Reply(id),
            _ => Self::Ignored,
        })
    }

    /// Reads the result of a frame that answers `method`.
    ///
    /// # Errors
    /// [`WireError`] when the result is not what the method gives.
    pub fn reply(format: Format, method: &str, bytes: &[u8]) -> Result<Option<Reply>, WireError> {
        read_member(format, bytes, "result", method)
    }
}

/// A closed list of values whose type is named by a method.
trait ByMethod: Sized {
    /// The methods that name one.
    const METHODS: &'static [&'static str];

    fn decode<'de, D: Deserializer<'de>>(method: &str, params: D)
    -> Option<Result<Self, D::Error>>;
}

impl ByMethod for Command {
    const METHODS: &'static [&'static str] = METHODS;

    fn decode<'de, D: Deserializer<'de>>(
        method: &str,
        params: D,
    ) -> Option<Result<Self, D::Error>> {
        Self::decode(method, params)
    }
}

impl ByMethod for Push {
    const METHODS: &'static [&'static str] = Self::METHODS;

    fn decode<'de, D: Deserializer<'de>>(
        method: &str,
        params: D,
    ) -> Option<Result<Self, D::Error>> {
        Self::decode(method, params)
    }
}

impl ByMethod for Reply {
    const METHODS: &'static [&'static str] = METHODS;

    fn decode<'de, D: Deserializer<'de>>(
        method: &str,
        result: D,
    ) -> Option<Result<Self, D::Error>> {
        Command::decode_reply(method, result)
    }
}

/// Reads one member of the envelope as what `method` names, in place and without an intermediate tree.
///
/// `None` when there is no such method. A missing member reads as an empty object, so that methods without parameters
/// need none.
fn read_member<T: ByMethod>(
    format: Format,
    bytes: &[u8],
    member: &str,
    method: &str,
) -> Result<Option<T>, WireError> {
    // Not left to `decode`: a member whose type is not known would stay unread, and so would the rest of the frame.
    if !T::METHODS.contains(&method) {
        return Ok(None);
    }
    let seek = Seek {
        member,
        method,
        of: PhantomData,
    };
    Ok(match format {
        Format::Json => seek.deserialize(&mut serde_json::Deserializer::from_slice(bytes))?,
        Format::MessagePack => {
            seek.deserialize(&mut rmp_serde::Deserializer::from_read_ref(bytes))?
        }
    })
}

#[derive(Clone, Copy)]
struct Seek<'a, T> {
    member: &'a str,
    method: &'a str,
    of: PhantomData<T>,
}

impl<'de, T: ByMethod> DeserializeSeed<'de> for Seek<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: ByMethod> de::Visitor<'de> for Seek<'_, T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Option<T>, A::Error> {
        let mut found = None;
        while let Some(key) = map.next_key::<std::borrow::Cow<'de, str>>()? {
            if key == self.member {
                found = Some(map.next_value_seed(Typed {
                    method: self.method,
                    of: PhantomData::<T>,
                })?);
            } else {
                map.next_value::<de::IgnoredAny>()?;
            }
        }
        match found {
            Some(value) => Ok(value),
            None => T::decode(
                self.method,
                de::value::MapDeserializer::new(std::iter::empty::<(&str, &str)>()),
            )
            .transpose(),
        }
    }
}

struct Typed<'a, T> {
    method: &'a str,
    of: PhantomData<T>,
}

impl<'de, T: ByMethod> DeserializeSeed<'de> for Typed<'_, T> {
    type Value = Option<T>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<T>, D::Error> {
        T::decode(self.method, deserializer).transpose()
    }
}

#[derive(Serialize)]
struct Outgoing<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a RequestId>,
    method: &'static str,
    params: &'a P,
}

/// Appends a request.
pub fn write_request(format: Format, id: &RequestId, command: &Command, bytes: &mut Vec<u8>) {
    format.write(
        &Outgoing {
            jsonrpc: "2.0",
            id: Some(id),
            method: command.method(),
            params: command,
        },
        bytes,
    );
}

/// Appends a push.
pub fn write_push(format: Format, push: &Push, bytes: &mut Vec<u8>) {
    format.write(
        &Outgoing {
            jsonrpc: "2.0",
            id: None,
            method: push.method(),
            params: push,
        },
        bytes,
    );
}

/// Appends the answer to a request. `id` is null in the frame when the request was too broken to tell it.
pub fn write_reply(
    format: Format,
    id: Option<&RequestId>,
    result: &Result<Reply, Rejection>,
    bytes: &mut Vec<u8>,
) {
    #[derive(Serialize)]
    struct Success<'a> {
        jsonrpc: &'static str,
        id: Option<&'a RequestId>,
        result: &'a Reply,
    }
    #[derive(Serialize)]
    struct Failure<'a> {
        jsonrpc: &'static str,
        id: Option<&'a RequestId>,
        error: ErrorFrame,
    }
    match result {
        Ok(result) => format.write(
            &Success {
                jsonrpc: "2.0",
                id,
                result,
            },
            bytes,
        ),
        Err(rejection) => {
            let error = ErrorFrame {
                code: number_of(rejection.code),
                message: rejection.detail.to_string(),
                data: Some(ErrorData {
                    code: rejection.code,
                    retryable: rejection.code.is_retryable(),
                    retry_after_ms: rejection.retry_after_ms,
                }),
            };
            format.write(
                &Failure {
                    jsonrpc: "2.0",
                    id,
                    error,
                },
                bytes,
            );
        }
    }
}

/// The number that JSON-RPC wants beside our stable code.
fn number_of(code: Code) -> i32 {
    match code {
        Code::InvalidFrame => -32600,
        Code::UnknownMethod => -32601,
        Code::InvalidRequest => -32602,
        Code::Unauthenticated
        | Code::Forbidden
        | Code::NotFound
        | Code::Conflict
        | Code::UnsupportedContent
        | Code::TooLarge
        | Code::TooMany
        | Code::Blocked
        | Code::ContactsOnly
        | Code::DeviceLimit
        | Code::Banned
        | Code::Muted
        | Code::Dismissed
        | Code::Expired
        | Code::Recalled
        | Code::ContentRejected
        | Code::OwnerMustTransfer
        | Code::RateLimited
        | Code::Unavailable
        | Code::Gap
        | Code::AccountBanned
        | Code::AccountDisabled
        | Code::Frozen
        | Code::Overloaded => -32000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ClientId, Content, ConversationId, Ping, SendMessage, UserId};

    fn send() -> Command {
        let user = UserId::new("alice").unwrap();
        Command::SendMessage(SendMessage::new(
            ConversationId::direct(&user, &user),
            ClientId::new("c1").unwrap(),
            Content::text("hi"),
        ))
    }

    #[test]
    fn a_request_survives_both_formats() {
        for format in [Format::Json, Format::MessagePack] {
            for command in [send(), Command::Ping(Ping {})] {
                let mut bytes = Vec::new();
                write_request(format, &RequestId::Number(7), &command, &mut bytes);
                let read = read_request(format, &bytes);
                assert_eq!(
                    read,
                    Request {
                        id: Some(RequestId::Number(7)),
                        command: Ok(command)
                    }
                );
            }
        }
    }

    #[test]
    fn params_may_come_before_the_method_or_not_at_all() {
        let read = read_request(
            Format::Json,
            br#"{"params":{"seq":1},"id":"a","method":"session.ping"}"#,
        );
        assert_eq!(read.command, Ok(Command::Ping(Ping {})));
        let read = read_request(Format::Json, br#"{"id":"a","method":"session.ping"}"#);
        assert_eq!(read.command, Ok(Command::Ping(Ping {})));
    }

    #[test]
    fn broken_requests_get_a_code_and_their_id_where_it_can_be_read() {
        let code = |bytes: &[u8]| {
            let read = read_request(Format::Json, bytes);
            (read.id.is_some(), read.command.unwrap_err().code)
        };
        assert_eq!(code(b"{"), (false, Code::InvalidFrame));
        assert_eq!(code(b"\xff"), (false, Code::InvalidFrame));
        assert_eq!(code(br#"{"id":1,"method":7}"#), (true, Code::InvalidFrame));
        assert_eq!(code(br#"{"id":1}"#), (true, Code::InvalidFrame));
        assert_eq!(
            code(br#"{"id":1,"method":"no.such"}"#),
            (true, Code::UnknownMethod)
        );
        assert_eq!(
            code(br#"{"id":1,"method":"message.send"}"#),
            (true, Code::InvalidRequest)
        );
        assert_eq!(
            code(br#"{"id":1,"method":"message.send","params":{"conversation":3}}"#),
            (true, Code::InvalidRequest)
        );
    }

    #[test]
    fn a_refusal_does_not_repeat_a_long_request() {
        let long = "\u{1}".repeat(8_000);
        let frames = [
            serde_json::json!({"id": 1, "method": long}),
            serde_json::json!({"id": long, "method": "session.ping"}),
            serde_json::json!({"id": 1, "method": "session.open", "params": long}),
            serde_json::json!({"id": 1, "method": "session.open", "params": {"device": long}}),
        ];
        for format in [Format::Json, Format::MessagePack] {
            for frame in &frames {
                let mut bytes = Vec::new();
                format.write(frame, &mut bytes);
                let Request { id, command } = read_request(format, &bytes);
                let mut reply = Vec::new();
                let refused = Err(command.unwrap_err());
                write_reply(format, id.as_ref(), &refused, &mut reply);
                assert!(reply.len() < 2_000, "{} bytes for {frame:.50}", reply.len());
            }
        }
    }

    #[test]
    fn an_unknown_method_is_told_from_bad_params_and_an_unknown_push_is_ignored() {
        let frame = serde_json::json!({"method": "no.such", "params": {"x": [1, {}]}, "id": 1});
        let mut request = Vec::new();
        for format in [Format::Json, Format::MessagePack] {
            request.clear();
            format.write(&frame, &mut request);
            let read = read_request(format, &request);
            assert_eq!(read.id, Some(RequestId::Number(1)));
            assert_eq!(read.command.unwrap_err().code, Code::UnknownMethod);
            assert_eq!(Incoming::read(format, &request).unwrap(), Incoming::Ignored);
        }
    }

    #[test]
    fn a_refusal_survives_both_formats() {
        for format in [Format::Json, Format::MessagePack] {
            let mut bytes = Vec::new();
            let rejection = Rejection {
                retry_after_ms: Some(5),
                ..Rejection::new(Code::RateLimited, "slow down")
            };
            write_reply(
                format,
                Some(&RequestId::Text("x".into())),
                &Err(rejection.clone()),
                &mut bytes,
            );
            let read = Incoming::read(format, &bytes).unwrap();
            assert_eq!(
                read,
                Incoming::Failed(Some(RequestId::Text("x".into())), rejection)
            );
        }
    }
}

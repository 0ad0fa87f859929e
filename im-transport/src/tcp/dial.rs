//! From a stream to a link: nothing needs to be said before the first frame.

use bytes::Bytes;

use crate::{
    client::{Dialed, Stream, framing::Framing},
    link::stream,
};

/// A link on a stream.
pub(crate) fn dial(stream: Stream) -> Dialed {
    let (reader, writer) = match stream {
        Stream::Raw(tcp) => stream::socket(tcp),
        Stream::Tls(tls) => stream::other(tls),
    };
    Dialed {
        early: Bytes::new(),
        framing: Framing::Tcp,
        reader,
        writer,
    }
}

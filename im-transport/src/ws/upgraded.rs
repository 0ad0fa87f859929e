//! From what hyper upgraded to the halves of a stream: the raw socket or the TLS session under it, wherever hosts
//! usually put them, else hyper's own stream.

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::{
    Impatient,
    link::stream::{self, Other, Reader, Writer},
    tls,
};

/// What is under hyper, and what hyper has read beyond the handshake.
enum Found {
    Tcp(TcpStream, Bytes),
    Other(Other, Bytes),
}

/// Takes the stream out, with the bytes that came with the handshake.
pub(super) fn take(upgraded: Upgraded) -> (Reader, Writer, Bytes) {
    let ((reader, writer), early) = match find(upgraded) {
        Found::Tcp(tcp, early) => (stream::socket(tcp), early),
        Found::Other(other, early) => (stream::other(other), early),
    };
    // A copy, because what hyper gives pins its whole buffer of 8 KiB.
    (reader, writer, Bytes::copy_from_slice(&early))
}

fn find(upgraded: Upgraded) -> Found {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Found::Tcp(parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<Impatient<TcpStream>>>() {
        Ok(parts) => return Found::Tcp(parts.io.into_inner().into_inner(), parts.read_buf),
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<Impatient<tls::ServerStream>>>() {
        Ok(parts) => {
            let tls = parts.io.into_inner().into_inner();
            return Found::Other(Box::new(tls), parts.read_buf);
        }
        Err(upgraded) => upgraded,
    };
    let upgraded = match upgraded.downcast::<TokioIo<Other>>() {
        Ok(parts) => return Found::Other(parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => upgraded,
    };
    // Under `axum::serve` and hyper-util's automatic connections it sits one layer deeper.
    match hyper_util::server::conn::auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => Found::Tcp(parts.io.into_inner(), parts.read_buf),
        Err(upgraded) => Found::Other(Box::new(TokioIo::new(upgraded)), Bytes::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, time::Duration};

    use http_body_util::Empty;
    use hyper::{Request, Response, body::Incoming, header::UPGRADE, service::service_fn};
    use tokio::{net::TcpListener, sync::mpsc};

    use super::*;

    #[tokio::test]
    async fn the_socket_is_found_in_an_impatient_stream() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (found, mut upgraded) = mpsc::unbounded_channel();
        let service = service_fn(move |mut request: Request<Incoming>| {
            found.send(hyper::upgrade::on(&mut request)).unwrap();
            let response = Response::builder().status(101).header(UPGRADE, "x");
            std::future::ready(Ok::<_, Infallible>(
                response.body(Empty::<Bytes>::new()).unwrap(),
            ))
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let server = TokioIo::new(Impatient::new(server, Duration::from_secs(1)));
        let connection = hyper::server::conn::http1::Builder::new()
            .serve_connection(server, service)
            .with_upgrades();
        tokio::spawn(connection);

        let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
        tokio::io::AsyncWriteExt::write_all(&mut client, request)
            .await
            .unwrap();
        let upgraded = upgraded.recv().await.unwrap().await.unwrap();

        let (reader, writer, _) = take(upgraded);
        assert!(matches!(reader, Reader::Tcp(_)));
        assert!(matches!(writer, Writer::Tcp(_)));
    }
}

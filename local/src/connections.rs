//! HTTP/1.1 on a port, which nobody can hold open by sending half a request.

use std::{io, net::SocketAddr, pin::pin, time::Duration};

use axum::body::Body;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::{
    body::{Body as _, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    signal, time,
};
use tokio_rustls::TlsAcceptor;

/// How long a client may take to send a head, from the moment its connection is idle, and as long again for the body.
const SENDING_TIME: Duration = Duration::from_secs(10);
/// How long running requests may take to end after Ctrl-C.
const LAST_REQUESTS: Duration = Duration::from_secs(2);
/// How long to wait when no connection can be taken, as when this process has too many files open.
const PAUSE: Duration = Duration::from_millis(50);

/// Why a body was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// It is longer than the limit; what came of it was not kept.
    TooLong,
    /// It did not come in time, or the client has gone.
    Incomplete,
}

/// Answers requests until Ctrl-C, over TLS where there is something to accept it with.
pub(crate) async fn serve<A, F>(listener: TcpListener, tls: Option<TlsAcceptor>, answer: A) -> io::Result<()>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    serve_within(listener, tls, answer, SENDING_TIME).await
}

async fn serve_within<A, F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: A,
    sending_time: Duration,
) -> io::Result<()>
where
    A: Fn(Request<Incoming>, SocketAddr) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let mut connections = http1::Builder::new();
    connections.timer(TokioTimer::new()).header_read_timeout(sending_time);
    let running = GracefulShutdown::new();
    let mut stop = pin!(signal::ctrl_c());
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            stopped = &mut stop => {
                stopped?;
                break;
            }
        };
        let Ok((stream, peer)) = accepted else {
            time::sleep(PAUSE).await;
            continue;
        };
        // An answer is one small write: waiting for more to send with it only delays it.
        let _only_slower = stream.set_nodelay(true);
        let answer = answer.clone();
        let service = service_fn(move |request| {
            let answering = answer(request, peer);
            async move { Ok::<_, std::convert::Infallible>(answering.await) }
        });
        let (connections, watcher, tls) = (connections.clone(), running.watcher(), tls.clone());
        tokio::spawn(async move {
            // It ends with an error when the client goes away, says nothing or does not trust the certificate, which is
            // nobody's fault here.
            let opening = time::timeout(sending_time, open(stream, tls));
            if let Ok(Ok(stream)) = opening.await {
                let _ = watcher.watch(connections.serve_connection(TokioIo::new(stream), service)).await;
            }
        });
    }
    let _ = time::timeout(LAST_REQUESTS, running.shutdown()).await;
    Ok(())
}

/// What bytes come over, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn open(stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<Box<dyn Stream>> {
    Ok(match tls {
        Some(tls) => Box::new(tls.accept(stream).await?),
        None => Box::new(stream),
    })
}

/// The body, if it has at most `limit` bytes. One whose length is announced to be more is not read at all.
pub(crate) async fn read(body: Incoming, limit: usize) -> Result<Vec<u8>, BodyError> {
    read_within(body, limit, SENDING_TIME).await
}

async fn read_within(mut body: Incoming, limit: usize, sending_time: Duration) -> Result<Vec<u8>, BodyError> {
    if usize::try_from(body.size_hint().lower()).is_ok_and(|announced| announced > limit) {
        return Err(BodyError::TooLong);
    }
    let reading = async {
        let mut read = Vec::new();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| BodyError::Incomplete)?;
            read.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            if read.len() > limit {
                return Err(BodyError::TooLong);
            }
        }
        Ok(read)
    };
    time::timeout(sending_time, reading).await.unwrap_or(Err(BodyError::Incomplete))
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpStream,
    };

    use super::*;

    const LIMIT: usize = 10;

    /// Sends `request` to a server that waits `sending_time` and reads `LIMIT` bytes; everything it says until it closes.
    async fn exchange(request: &str, sending_time: Duration) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answer = move |request: Request<Incoming>, _| async move {
            let read = read_within(request.into_body(), LIMIT, sending_time).await;
            Response::new(Body::from(format!("{:?}", read.map(String::from_utf8))))
        };
        let serving = tokio::spawn(serve_within(listener, None, answer, sending_time));
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).await.unwrap();
        serving.abort();
        said
    }

    #[tokio::test]
    async fn half_a_head_is_not_waited_for_and_nor_is_an_idle_connection() {
        for request in ["", "POST / HTTP/1.1\r\nHost: x\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"] {
            let said = exchange(request, Duration::from_millis(50)).await;
            assert_eq!(said.contains("200 OK"), request.ends_with("\r\n\r\n"), "{said}");
        }
    }

    #[tokio::test]
    async fn half_a_body_is_not_waited_for() {
        let request = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhal";
        let said = exchange(request, Duration::from_millis(50)).await;
        assert!(said.ends_with("Err(Incomplete)"), "{said}");
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit_and_one_announced_as_longer_not_at_all() {
        let head = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n";
        // Nobody sends these: whoever waited for them would wait for this time.
        let long = Duration::from_hours(1);
        let said = exchange(&format!("{head}Content-Length: 10485760\r\n\r\n"), long).await;
        assert!(said.ends_with("Err(TooLong)"), "{said}");
        let said = exchange(&format!("{head}Content-Length: 10\r\n\r\n0123456789"), long).await;
        assert!(said.ends_with(r#"Ok(Ok("0123456789"))"#), "{said}");
        let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n8\r\n01234567\r\n3\r\n890\r\n");
        let said = exchange(&chunked, long).await;
        assert!(said.ends_with("Err(TooLong)"), "{said}");
    }
}

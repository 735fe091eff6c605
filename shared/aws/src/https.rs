//! The HTTP client of every AWS call: one connection pool on hyper and rustls, and nothing that these functions do not use.
//!
//! The SDK's own client brings HTTP/2, proxies and a second configuration with it, which a function pays for at each start.

use std::{
    error::Error,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use aws_sdk_dynamodb::config::SharedHttpClient;
use aws_smithy_runtime_api::client::{
    connection::{CaptureSmithyConnection, ConnectionMetadata},
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::{body::SdkBody, retry::ErrorKind};
use http::{Request, Uri, uri::Authority};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{self, Client, connect},
    rt::TokioExecutor,
};
use rustls::ClientConfig;
use tower_service::Service;

/// How long a connection may take to open: name, TCP and TLS together. [`crate::AwsSettings`] bounds each attempt, with its answer.
const CONNECT: Duration = Duration::from_millis(500);

/// Clones share the connections.
#[derive(Clone, Debug)]
struct Https(Client<Bounded, SdkBody>);

/// A client with these ideas of TLS. An emulator that is addressed as `http://` needs none.
pub(crate) fn client(tls: ClientConfig) -> SharedHttpClient {
    let mut tcp = connect::HttpConnector::new();
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    let connector =
        HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(tcp);
    SharedHttpClient::new(Https(Client::builder(TokioExecutor::new()).build(Bounded(connector))))
}

/// Opens connections within [`CONNECT`]: also those that nobody waits for any more.
#[derive(Clone, Debug)]
struct Bounded(HttpsConnector<connect::HttpConnector>);

impl Service<Uri> for Bounded {
    type Response = <HttpsConnector<connect::HttpConnector> as Service<Uri>>::Response;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        let opening = self.0.call(address);
        Box::pin(async move {
            let opened = tokio::time::timeout(CONNECT, opening).await;
            opened.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}

impl HttpClient for Https {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Https {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let mut request = match request.try_into_http1x() {
            Ok(request) => request,
            Err(problem) => return HttpConnectorFuture::ready(Err(ConnectorError::user(problem.into()))),
        };
        tell_connection(&mut request);
        let host = request.uri().authority().cloned();
        let answering = self.0.request(request);
        HttpConnectorFuture::new(async move {
            let answer = answering.await.map_err(|problem| classified(problem, host))?;
            HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
                .map_err(|error| ConnectorError::other(error.into(), None))
        })
    }
}

/// Lets the SDK say that the connection of this request is not to be used again, which it does after a 5xx.
fn tell_connection(request: &mut Request<SdkBody>) {
    let connection = connect::capture_connection(request);
    if let Some(capture) = request.extensions().get::<CaptureSmithyConnection>() {
        capture.set_connection_retriever(move || {
            connection.connection_metadata().as_ref()?;
            let connection = connection.clone();
            let poison = move || {
                if let Some(connected) = connection.connection_metadata().as_ref() {
                    connected.poison();
                }
            };
            Some(ConnectionMetadata::builder().proxied(false).poison_fn(poison).build())
        });
    }
}

/// What went wrong, in the kinds by which the SDK decides whether to try again.
fn classified(problem: legacy::Error, host: Option<Authority>) -> ConnectorError {
    let of_hyper: Option<&hyper::Error> = find(&problem);
    if of_hyper.is_some_and(hyper::Error::is_user) {
        return ConnectorError::user(problem.into());
    }
    if problem.is_connect() {
        return ConnectorError::io(Unreachable { host, source: problem }.into());
    }
    if of_hyper.is_some_and(|error| error.is_closed() || error.is_canceled())
        || find::<io::Error>(&problem).is_some()
    {
        return ConnectorError::io(problem.into());
    }
    // The other side closed the connection in the midst of its answer.
    let again = of_hyper.is_some_and(hyper::Error::is_incomplete_message);
    ConnectorError::other(problem.into(), again.then_some(ErrorKind::TransientError))
}

/// A connection that could not be opened, and to whom: the cause says neither which service nor which emulator was meant.
#[derive(Debug, thiserror::Error)]
#[error("cannot connect to {}", host.as_ref().map_or("an address without a host", Authority::as_str))]
struct Unreachable {
    host: Option<Authority>,
    source: legacy::Error,
}

/// Whether there was no connection on which anything could be sent.
pub(crate) fn is_unreachable(error: &ConnectorError) -> bool {
    find::<Unreachable>(error).is_some()
}

fn find<'a, E: Error + 'static>(problem: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(problem);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

#[cfg(test)]
#[path = "https_tests.rs"]
mod tests;

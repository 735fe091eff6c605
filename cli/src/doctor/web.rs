//! Requests to a service, as its clients make them.

use std::{error::Error, sync::Arc, time::Duration};

use http_body_util::{BodyExt, Full, Limited};
use hyper::{HeaderMap, Method, Request, StatusCode, body::Bytes, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::{ClientConfig, RootCertStore, crypto::aws_lc_rs};
use serde_json::Value;

/// How long an answer may take: a first call waits for a function to start.
const PATIENCE: Duration = Duration::from_secs(15);
/// How much of an answer is read.
const LARGEST: usize = 1024 * 1024;

pub(super) struct Web(Client<HttpsConnector<HttpConnector>, Full<Bytes>>);

/// An answer, and its body if that is JSON.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Value,
}

impl Answer {
    /// The `code` of the answer, or empty if it has none.
    pub(super) fn code(&self) -> &str {
        let code = self.body.get("code").or_else(|| self.body.get("error"));
        code.and_then(Value::as_str).unwrap_or_default()
    }
}

impl Web {
    /// Believes the certificates that the system does, as browsers do.
    pub(super) fn new() -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        #[expect(
            clippy::expect_used,
            reason = "the provider has suites of both versions of TLS, whatever the input"
        )]
        let tls = config.expect("TLS 1.2 and 1.3").with_root_certificates(roots).with_no_client_auth();
        let connector =
            HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().build();
        Self(Client::builder(TokioExecutor::new()).build(connector))
    }

    pub(super) async fn get(&self, url: &str) -> Result<Answer, String> {
        self.send(Method::GET, url, "").await
    }

    pub(super) async fn post(&self, url: &str, body: &'static str) -> Result<Answer, String> {
        self.send(Method::POST, url, body).await
    }

    async fn send(&self, method: Method, url: &str, body: &'static str) -> Result<Answer, String> {
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(format!("{url} is not a URL: begin it with https://"));
        }
        let request = Request::builder()
            .method(method)
            .uri(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::USER_AGENT, "latchkey-doctor")
            .body(Full::new(Bytes::from_static(body.as_bytes())))
            .map_err(|error| format!("{url} is not a URL: {error}"))?;
        let answering = async {
            let (head, body) = self.0.request(request).await.map_err(|error| causes(&error))?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await.map_err(|error| causes(error.as_ref()))?;
            let body = serde_json::from_slice(&body.to_bytes()).unwrap_or_default();
            Ok(Answer { status: head.status, headers: head.headers, body })
        };
        let answer = tokio::time::timeout(PATIENCE, answering).await;
        let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        answer.map_err(|cause: String| format!("{url} cannot be reached: {cause}"))
    }
}

/// The innermost cause says most.
fn causes(error: &dyn Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}

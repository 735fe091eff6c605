//! `--https` of the local server, with a client that trusts its authority and nobody else.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use axum::body::Body;
use harness::LocalServer;
use http::{Request, StatusCode, header};
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;

const LOGIN: &str = r#"{"username":"demo","password":"latchkey demo password"}"#;

/// The answer to a login, by a client that trusts the authority of this folder.
async fn log_in(authority_of: &Path, url: &str) -> Result<http::Response<hyper::body::Incoming>, String> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority_of.join("https-authority.pem")).unwrap()).unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new().with_tls_config(config).https_only().enable_http1().build();
    let client = Client::builder(TokioExecutor::new()).build(connector);
    let request = Request::post(format!("{url}/auth/login"))
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ORIGIN, url)
        .body(Body::from(LOGIN))
        .unwrap();
    client.request(request).await.map_err(|error| format!("{error:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_server_answers_over_tls_and_is_the_issuer_there() {
    let data = tempfile::tempdir().unwrap();
    let server = LocalServer::start(data.path(), &["--https", "--cookie"]);
    assert!(server.url().starts_with("https://127.0.0.1:"), "{}", server.url());
    for url in [server.url().to_owned(), server.url().replace("127.0.0.1", "localhost")] {
        let answer = log_in(data.path(), &url).await;
        let answer = if url.contains("localhost") {
            // Another origin than the issuer's, so the page's defence has a word; the certificate has not.
            assert_eq!(answer.unwrap().status(), StatusCode::FORBIDDEN);
            continue;
        } else {
            answer.unwrap()
        };
        assert_eq!(answer.status(), StatusCode::OK);
        assert!(answer.headers()[header::SET_COOKIE].to_str().unwrap().contains("; Secure"));
        let body: Value =
            serde_json::from_slice(&answer.into_body().collect().await.unwrap().to_bytes()).unwrap();
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(body["token"].as_str().unwrap());
        assert_eq!(claims.unwrap().claims["iss"], server.url());
    }
    assert!(server.greeting().contains("curl --cacert '"), "{}", server.greeting());
    assert!(server.greeting().contains("https-authority.pem once"), "{}", server.greeting());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_certificate_stays_and_its_key_is_its_owner_s_alone() {
    let data = tempfile::tempdir().unwrap();
    let authority = data.path().join("https-authority.pem");
    drop(LocalServer::start(data.path(), &["--https"]));
    let first = fs::read(&authority).unwrap();
    let mode = fs::metadata(data.path().join("https.json")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(LocalServer::start(data.path(), &["--https", "--fresh"]));
    assert_eq!(fs::read(&authority).unwrap(), first, "browsers would have to trust another one");

    let other = tempfile::tempdir().unwrap();
    let server = LocalServer::start(other.path(), &["--https"]);
    let distrusted = log_in(data.path(), server.url()).await.unwrap_err();
    assert!(distrusted.contains("UnknownIssuer") || distrusted.contains("BadSignature"), "{distrusted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_https_there_is_no_certificate_and_no_tls() {
    let data = tempfile::tempdir().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    assert!(server.url().starts_with("http://"));
    assert!(!data.path().join("https.json").exists() && !data.path().join("https-authority.pem").exists());
}

#[test]
fn a_damaged_certificate_says_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    drop(LocalServer::start(data.path(), &["--https"]));
    fs::write(data.path().join("https.json"), "{}").unwrap();
    let ended = LocalServer::command(data.path()).args(["--https", "--port", "0"]).output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(said.contains("https.json; delete the file, and the server makes another (--https)"), "{said}");
}

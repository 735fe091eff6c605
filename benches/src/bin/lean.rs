//! A refresh with as little between it and AWS as can be: no SDK, no async runtime, one crypto library.
//!
//! It does the job of the `refresh` function on the same events: reads the key set and the user's row over TLS,
//! verifies, looks the session up, signs. What it leaves out is what makes a service: retries, timeouts,
//! stale keys, other kinds of events, rejections, logs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a floor to measure against, not to deploy"
)]

use std::{
    env::var,
    net::TcpStream,
    sync::Arc,
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{digest, hmac};
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, StreamOwned,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::{Value, json};
use stand_ins::connection::Connection;
use token::{Entropy, Issuer, KeySet, RefreshSwitch, Seconds, SessionPolicy, Timestamp, TokenId, Verifier};

/// A service of AWS, connected.
struct Service {
    name: &'static str,
    host: String,
    connection: Connection<StreamOwned<ClientConnection, TcpStream>>,
}

fn main() {
    let pem = std::fs::read(var("AWS_CA_BUNDLE").unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).flatten());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let for_keys = Arc::clone(&config);
    let reading = thread::spawn(move || {
        let url = var("AWS_ENDPOINT_URL_SECRETS_MANAGER").unwrap();
        let mut secrets = Service::connect("secretsmanager", &url, for_keys);
        let wanted = json!({ "SecretId": var("SIGNING_SECRET").unwrap() });
        let answer = secrets.call("secretsmanager.GetSecretValue", &wanted);
        KeySet::from_secret(answer["SecretString"].as_str().unwrap()).unwrap()
    });
    let mut users = Service::connect("dynamodb", &var("AWS_ENDPOINT_URL_DYNAMODB").unwrap(), config);
    let keys = reading.join().unwrap();
    let issuer = Issuer::new(var("JWT_ISSUER").unwrap().parse().unwrap(), "latchkey".parse().unwrap());
    let verifier = Verifier::new(issuer.clone());
    let policy = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();

    let api = var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut lambda = Connection::new(TcpStream::connect(&api).unwrap());
    lambda.stream.set_nodelay(true).unwrap();
    loop {
        let ask = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n");
        lambda.send(&ask, b"").unwrap();
        let Some(event) = lambda.read().unwrap() else { return };
        let id = event.header("lambda-runtime-aws-request-id").unwrap();
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        let body: Value = serde_json::from_slice(&event.body).unwrap();
        let body: Value = serde_json::from_str(body["body"].as_str().unwrap()).unwrap();
        let token =
            refresh(body["token"].as_str().unwrap(), &keys, (&issuer, &verifier, &policy), &mut users);
        let answer = json!({
            "statusCode": 200,
            "headers": { "content-type": "application/json", "cache-control": "no-store" },
            "body": json!({ "token": token, "token_type": "Bearer", "expires_in": 3600 }).to_string(),
            "isBase64Encoded": false,
        });
        lambda
            .send(&format!("POST {path} HTTP/1.1\r\nhost: {api}\r\n"), answer.to_string().as_bytes())
            .unwrap();
        lambda.read().unwrap();
    }
}

fn refresh(
    token: &str,
    keys: &KeySet,
    (issuer, verifier, policy): (&Issuer, &Verifier, &SessionPolicy),
    users: &mut Service,
) -> String {
    let now = Timestamp::from_seconds(seconds()).unwrap();
    let mut claims = verifier.verify(token, keys, now).unwrap();
    claims.lifetime = policy.refresh(claims.lifetime, now).unwrap();
    let key = json!({ "pk": { "S": format!("user#{}", claims.username) } });
    let wanted = json!({ "TableName": var("USERS_TABLE").unwrap(), "Key": key, "ConsistentRead": true });
    let row = users.call("DynamoDB_20120810.GetItem", &wanted);
    let row = &row["Item"];
    assert!(row["enabled"]["BOOL"] == true && row["user_id"]["S"] == claims.subject.to_string());
    assert!(row["sessions"]["M"][claims.session_id.to_string()].is_object());
    claims.custom = row["claims"]["S"].as_str().unwrap().parse().unwrap();
    let mut random = [0; 16];
    aws_lc_rs::rand::fill(&mut random).unwrap();
    claims.token_id = TokenId::new(Entropy(random));
    issuer.issue(&claims, keys, now).unwrap()
}

impl Service {
    fn connect(name: &'static str, url: &str, config: Arc<ClientConfig>) -> Self {
        let host = url.strip_prefix("https://").expect("https").to_owned();
        let stream = TcpStream::connect(&host).unwrap();
        stream.set_nodelay(true).unwrap();
        let domain = host.rsplit_once(':').unwrap().0.to_owned();
        let tls = ClientConnection::new(config, domain.try_into().unwrap()).unwrap();
        let mut stream = StreamOwned::new(tls, stream);
        stream.conn.complete_io(&mut stream.sock).unwrap();
        Self { name, host, connection: Connection::new(stream) }
    }

    /// The answer to one call, signed with Signature Version 4.
    fn call(&mut self, target: &str, body: &Value) -> Value {
        let body = body.to_string();
        let (date, time) = date_and_time();
        let (region, token) = (var("AWS_REGION").unwrap(), var("AWS_SESSION_TOKEN").unwrap());
        let signed = "content-type;host;x-amz-date;x-amz-security-token;x-amz-target";
        let headers = format!(
            "content-type:application/x-amz-json-1.0\nhost:{}\nx-amz-date:{time}\nx-amz-security-token:{token}\nx-amz-target:{target}\n",
            self.host
        );
        let canonical = format!("POST\n/\n\n{headers}\n{signed}\n{}", hex(sha256(&body).as_ref()));
        let scope = format!("{date}/{region}/{}/aws4_request", self.name);
        let to_sign = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(sha256(&canonical).as_ref()));
        let secret = format!("AWS4{}", var("AWS_SECRET_ACCESS_KEY").unwrap());
        let parts = [&date, &region, self.name, "aws4_request", &to_sign];
        let signature = parts.iter().fold(secret.into_bytes(), |key, part| {
            hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), part.as_bytes()).as_ref().to_vec()
        });
        let head = format!(
            "POST / HTTP/1.1\r\n{}authorization: AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={signed}, Signature={}\r\n",
            headers.replace('\n', "\r\n"),
            var("AWS_ACCESS_KEY_ID").unwrap(),
            hex(&signature)
        );
        self.connection.send(&head, body.as_bytes()).unwrap();
        serde_json::from_slice(&self.connection.read().unwrap().expect("an answer").body).unwrap()
    }
}

fn sha256(text: &str) -> digest::Digest {
    digest::digest(&digest::SHA256, text.as_bytes())
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// `20260102` and `20260102T030405Z`, by the rule of the Gregorian calendar.
fn date_and_time() -> (String, String) {
    let seconds = seconds();
    // Days since 0000-03-01, in eras of 400 years.
    let days = seconds / 86_400 + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (month, day) = (if month < 10 { month + 3 } else { month - 9 }, day - (153 * month + 2) / 5 + 1);
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let date = format!("{year:04}{month:02}{day:02}");
    (date.clone(), format!("{date}T{hour:02}{minute:02}{second:02}Z"))
}

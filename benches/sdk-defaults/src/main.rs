//! Login and refresh on the same rows, keys and events as Latchkey's, as a first version would be written: clients
//! of `aws-config` made at the start, calls when a request needs them, jsonwebtoken, the argon2 crate.
//!
//! Built with Cargo's release profile as it comes, and without `AWS_LC_SYS_NO_JITTER_ENTROPY`.

use std::time::{SystemTime, UNIX_EPOCH};

use argon2::{Argon2, PasswordHash, PasswordVerifier};
use aws_sdk_dynamodb::types::AttributeValue;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use lambda_http::{Body, Error, Request, Response, run, service_fn};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

struct App {
    dynamodb: aws_sdk_dynamodb::Client,
    secrets: aws_sdk_secretsmanager::Client,
    keys: OnceCell<Keys>,
    table: String,
}

struct Keys {
    id: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = aws_config::load_from_env().await;
    let app = App {
        dynamodb: aws_sdk_dynamodb::Client::new(&config),
        secrets: aws_sdk_secretsmanager::Client::new(&config),
        keys: OnceCell::new(),
        table: std::env::var("USERS_TABLE")?,
    };
    run(service_fn(|request| app.answer(request))).await
}

impl App {
    async fn answer(&self, request: Request) -> Result<Response<Body>, Error> {
        let body: Value = serde_json::from_slice(request.body())?;
        let token = if request.uri().path().ends_with("/login") {
            self.log_in(&body).await?
        } else {
            self.refresh(&body).await?
        };
        let answer = json!({ "token": token, "token_type": "Bearer", "expires_in": 3600 });
        Ok(Response::builder().header("content-type", "application/json").body(answer.to_string().into())?)
    }

    async fn log_in(&self, body: &Value) -> Result<String, Error> {
        let name = body["username"].as_str().unwrap_or_default();
        let row = self.row(name).await?;
        let text = |name: &str| row.get(name).and_then(|value| value.as_s().ok()).cloned().unwrap_or_default();
        let hash = text("password_hash");
        let password = body["password"].as_str().unwrap_or_default().to_owned();
        tokio::task::spawn_blocking(move || {
            let hash = PasswordHash::new(&hash).map_err(|error| error.to_string())?;
            let checked = Argon2::default().verify_password(password.as_bytes(), &hash);
            checked.map_err(|error| error.to_string())
        })
        .await??;
        let (session, now) = (uuid::Uuid::new_v4().to_string(), now());
        let update = self.dynamodb.update_item().table_name(&self.table);
        update
            .key("pk", AttributeValue::S(format!("user#{name}")))
            .update_expression("SET sessions.#sid = :session")
            .condition_expression("attribute_exists(pk)")
            .expression_attribute_names("#sid", &session)
            .expression_attribute_values(":session", AttributeValue::M([("iat".to_owned(), AttributeValue::N(now.to_string()))].into()))
            .send()
            .await?;
        self.token(&text("user_id"), name, &session, (now, now + 3600), &text("claims")).await
    }

    async fn refresh(&self, body: &Value) -> Result<String, Error> {
        let keys = self.keys().await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&["latchkey"]);
        let old = body["token"].as_str().unwrap_or_default();
        let old = jsonwebtoken::decode::<Value>(old, &keys.decoding, &validation)?.claims;
        let text = |name: &str| old[name].as_str().unwrap_or_default();
        let row = self.row(text("username")).await?;
        let sessions = row.get("sessions").and_then(|value| value.as_m().ok());
        sessions.and_then(|sessions| sessions.get(text("sid"))).ok_or("session ended")?;
        let claims = row.get("claims").and_then(|value| value.as_s().ok()).ok_or("no claims")?;
        let times = (old["iat"].as_u64().unwrap_or_default(), now() + 3600);
        self.token(text("sub"), text("username"), text("sid"), times, claims).await
    }

    async fn row(&self, name: &str) -> Result<std::collections::HashMap<String, AttributeValue>, Error> {
        let read = self.dynamodb.get_item().table_name(&self.table).consistent_read(true);
        let answer = read.key("pk", AttributeValue::S(format!("user#{name}"))).send().await?;
        answer.item.ok_or_else(|| "no such user".into())
    }

    async fn keys(&self) -> Result<&Keys, Error> {
        self.keys
            .get_or_try_init(|| async {
                let secret = self.secrets.get_secret_value().secret_id(std::env::var("SIGNING_SECRET")?);
                let secret = secret.send().await?.secret_string.ok_or("no secret")?;
                let secret: Value = serde_json::from_str(&secret)?;
                let key = &secret["keys"][0];
                let pem = key["private_key"].as_str().ok_or("no key")?.as_bytes();
                let encoding = EncodingKey::from_rsa_pem(pem)?;
                let public = jsonwebtoken::jwk::Jwk::from_encoding_key(&encoding, Algorithm::RS256)?;
                let decoding = DecodingKey::from_jwk(&public)?;
                Ok(Keys { id: key["kid"].as_str().unwrap_or_default().to_owned(), encoding, decoding })
            })
            .await
    }

    async fn token(
        &self,
        subject: &str,
        username: &str,
        session: &str,
        (issued_at, expires_at): (u64, u64),
        custom: &str,
    ) -> Result<String, Error> {
        let keys = self.keys().await?;
        let mut claims: Value = serde_json::from_str(custom)?;
        let own = json!({
            "iss": std::env::var("JWT_ISSUER")?, "aud": "latchkey", "sub": subject, "username": username,
            "iat": issued_at, "exp": expires_at, "jti": uuid::Uuid::new_v4().to_string(), "sid": session,
        });
        claims.as_object_mut().ok_or("no claims")?.extend(own.as_object().cloned().unwrap_or_default());
        let header = Header { kid: Some(keys.id.clone()), ..Header::new(Algorithm::RS256) };
        Ok(jsonwebtoken::encode(&header, &claims, &keys.encoding)?)
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}

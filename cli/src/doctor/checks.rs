//! What is asked of a service, of its table and of its secret.

use std::collections::BTreeSet;

use hyper::{StatusCode, header};
use serde_json::Value;
use token::{KeySet, Timestamp};
use users::ChangeLog;

use super::{
    Check,
    web::{Answer, Web},
};
use crate::{Doctor, KeysOptions, StoreOptions, invocation::Invocation, key_store::KeyStore, store};

const DISCOVERY: &str = "/.well-known/openid-configuration";
/// How far two clocks may be apart before tokens look as from the future.
const CLOCKS_APART: u64 = 5;
/// The routes that a deployment may have or not, with what has them.
const OPTIONAL: [(&str, &str, &str, &str); 4] = [
    ("access tokens", "/auth/access", "AccessTokenAudiences", NOTHING),
    ("machine clients", "/oauth2/token", "MachineClients", NOTHING),
    // A code that nobody has, which the function has to look for in its table.
    ("links", "/auth/code", "AccountLink", r#"{"code":"000000000000000000000000"}"#),
    ("letters", "/auth/recovery", "MailFrom", NOTHING),
];
/// A body that the service rejects before it looks anything up.
const NOTHING: &str = "{}";

pub(super) struct Service<'a> {
    url: &'a str,
    web: Web,
}

impl<'a> Service<'a> {
    pub(super) fn new(url: &'a str) -> Self {
        Self { url: url.trim_end_matches('/'), web: Web::new() }
    }

    pub(super) async fn check(
        &self,
        options: &Doctor,
        clock: impl Fn() -> Timestamp,
        invocation: &Invocation,
        checks: &mut Vec<Check>,
    ) {
        let keys = self.documents(checks).await;
        if keys.is_some() {
            self.routes(&clock, checks).await;
        }
        if options.keys.table.is_some() || options.keys.local.is_some() || store::users_table().is_some() {
            checks.extend(table(&options.keys, invocation).await);
        }
        if options.keys.secret.is_some() || options.keys.local.is_some() || store::signing_secret().is_some()
        {
            checks.push(secret(&options.keys, keys.as_ref(), &clock, invocation).await);
        }
    }

    /// Discovery, issuer and keys; the ids of the keys, if the service answers.
    async fn documents(&self, checks: &mut Vec<Check>) -> Option<BTreeSet<String>> {
        let address = format!("{}{DISCOVERY}", self.url);
        let answer = match self.web.get(&address).await {
            Ok(answer) => answer,
            Err(problem) => {
                checks.push(Check::bad("discovery", problem));
                return None;
            }
        };
        let Some(issuer) = member(&answer, "issuer") else {
            checks.push(Check::bad("discovery", no_document(&address, &answer)));
            return None;
        };
        checks.push(Check::good("discovery", address));
        checks.push(self.issuer(&issuer).await);
        let keys = match member(&answer, "jwks_uri") {
            Some(url) => self.web.get(&url).await.map(|answer| (url, answer)),
            None => Err("the discovery document names no jwks_uri".to_owned()),
        };
        let (check, ids) = public_keys(keys);
        checks.push(check);
        Some(ids)
    }

    /// Verifiers look below the issuer, whatever the address is that people call.
    async fn issuer(&self, issuer: &str) -> Check {
        if issuer == self.url {
            return Check::good("issuer", format!("{issuer}, which is this address"));
        }
        let answer = self.web.get(&format!("{issuer}{DISCOVERY}")).await;
        match answer {
            Ok(answer) if member(&answer, "issuer").as_deref() == Some(issuer) => {
                Check::good("issuer", format!("{issuer}, which serves the same document"))
            }
            Ok(answer) => Check::bad(
                "issuer",
                format!("tokens say {issuer}, where verifiers look for a document and get {}", answer.status),
            ),
            Err(problem) => Check::bad("issuer", format!("tokens say {issuer}, and {problem}")),
        }
    }

    /// A call that says nothing is rejected by the function itself, which so far works.
    async fn routes(&self, clock: &impl Fn() -> Timestamp, checks: &mut Vec<Check>) {
        for (what, path) in
            [("login", "/auth/login"), ("refresh", "/auth/refresh"), ("verify", "/auth/verify")]
        {
            let answer = self.web.post(&format!("{}{path}", self.url), NOTHING).await;
            // No cache answers a POST, so that its date is that of now.
            let date = answer.as_ref().ok().filter(|_| what == "login").map(|answer| apart(answer, clock()));
            checks.extend(date);
            checks.push(route(what, path, answer, || Check::good(what, "answers")));
        }
        for (what, path, parameter, body) in OPTIONAL {
            let answer = self.web.post(&format!("{}{path}", self.url), body).await;
            let is_absent =
                |answer: &Answer| answer.status == StatusCode::NOT_FOUND && answer.code().is_empty();
            checks.push(match answer {
                Ok(answer) if is_absent(&answer) => Check::good(what, format!("off, without {parameter}")),
                answer => route(what, path, answer, || Check::good(what, format!("on: {path}"))),
            });
        }
    }
}

/// What an answer to a call without anything in it says of its route.
fn route(what: &'static str, path: &str, answer: Result<Answer, String>, good: impl Fn() -> Check) -> Check {
    let answer = match answer {
        Ok(answer) => answer,
        Err(problem) => return Check::bad(what, problem),
    };
    match (answer.status, answer.code()) {
        (_, "invalid_request" | "invalid_code" | "authorization_required") => good(),
        (_, "direct_call_rejected") => Check::warning(
            what,
            "takes calls only through the proxy in front (OriginSecrets): ask at the public address",
        ),
        (StatusCode::TOO_MANY_REQUESTS, _) => Check::warning(what, format!("{path} is throttled: try again")),
        _ => Check::bad(what, fails(path, &answer)),
    }
}

fn member(answer: &Answer, name: &str) -> Option<String> {
    let text = answer.body.get(name).and_then(Value::as_str).map(str::to_owned);
    text.filter(|_| answer.status == StatusCode::OK)
}

fn no_document(address: &str, answer: &Answer) -> String {
    match (answer.status, answer.code()) {
        (StatusCode::SERVICE_UNAVAILABLE, _) => format!(
            "{address} answers 503: there are no keys yet, which takes some seconds after the first deployment, or the table \
             of public keys cannot be read; the log says which"
        ),
        (_, "direct_call_rejected") => {
            format!(
                "{address} takes calls only through the proxy in front (OriginSecrets): ask at the public address"
            )
        }
        (status, _) if status.is_server_error() => fails(DISCOVERY, answer),
        (status, _) => format!("{address} answers {status}: is this the service's BaseUrl?"),
    }
}

fn fails(path: &str, answer: &Answer) -> String {
    let status = answer.status;
    match answer.code() {
        "" if status.is_server_error() => format!(
            "{path} answers {status} without a code: most often the function does not start, and the event `start` in the log \
             says why"
        ),
        "" => format!("{path} answers {status}, and not as the service does"),
        code => format!("{path} answers {status} {code}; the log says why"),
    }
}

fn apart(answer: &Answer, now: Timestamp) -> Check {
    let date = answer.headers.get(header::DATE).and_then(|date| date.to_str().ok());
    let there = date.and_then(|date| {
        aws_smithy_types::DateTime::from_str(date, aws_smithy_types::date_time::Format::HttpDate).ok()
    });
    let there = there.and_then(|date| u64::try_from(date.secs()).ok());
    match there.map(|there| there.abs_diff(now.seconds())) {
        None => Check::warning("clock", "the service does not say what time it is there"),
        Some(seconds) if seconds <= CLOCKS_APART => {
            Check::good("clock", format!("{seconds} s from the service's"))
        }
        Some(seconds) => Check::warning(
            "clock",
            format!(
                "this machine's is {seconds} s from the service's: a verifier here would see tokens at the wrong age"
            ),
        ),
    }
}

fn public_keys(asked: Result<(String, Answer), String>) -> (Check, BTreeSet<String>) {
    let (url, answer) = match asked {
        Ok(asked) => asked,
        Err(problem) => return (Check::bad("keys", problem), BTreeSet::new()),
    };
    let keys = answer.body.get("keys").and_then(Value::as_array).filter(|_| answer.status == StatusCode::OK);
    let Some(keys) = keys else {
        return (
            Check::bad("keys", format!("{url} answers {} and no key set", answer.status)),
            BTreeSet::new(),
        );
    };
    let text = |key: &Value, name: &str| key.get(name).and_then(Value::as_str).map(str::to_owned);
    let ids: BTreeSet<_> = keys.iter().filter_map(|key| text(key, "kid")).collect();
    let named: Vec<_> =
        keys.iter().filter_map(|key| Some(format!("{} {}", text(key, "alg")?, text(key, "kid")?))).collect();
    let check = if named.is_empty() {
        Check::warning("keys", "none is public: with HS256 only services that have the secret can verify")
    } else {
        Check::good("keys", named.join(", "))
    };
    (check, ids)
}

/// The users, and the record of changes beside them.
async fn table(keys: &KeysOptions, invocation: &Invocation) -> Vec<Check> {
    let KeysOptions { local, table, region, profile, .. } = keys.clone();
    let options = StoreOptions { local, table, region, profile };
    let users = match store::open(&options, invocation).await {
        Ok(users) => users,
        Err(error) => return vec![Check::bad("users", error.in_one_line())],
    };
    let reached = match users.connect().await {
        Ok(()) => Check::good("users", "the table can be read"),
        Err(error) => Check::bad("users", crate::CliError::from(error).in_one_line()),
    };
    let record = match ChangeLog::beside(&users).list().await {
        Ok(_) => Check::good("changes", "the record of changes can be read"),
        Err(error) => Check::warning("changes", error.to_string()),
    };
    vec![reached, record]
}

/// The key that signs is one that the service publishes.
async fn secret(
    options: &KeysOptions,
    published: Option<&BTreeSet<String>>,
    clock: &impl Fn() -> Timestamp,
    invocation: &Invocation,
) -> Check {
    let read = async {
        let read = KeyStore::open(options, invocation).await?.read().await?;
        KeySet::from_secret(&read.secret).map_err(crate::CliError::BadSecret)
    };
    let keys = match read.await {
        Ok(keys) => keys,
        Err(error) => return Check::bad("secret", error.in_one_line()),
    };
    let Some(key) = keys.signing_key(clock()) else {
        return Check::bad("secret", "no key signs now; `latchkey keys status` shows when one will");
    };
    let (id, algorithm) = (key.id(), key.algorithm().name());
    match published {
        Some(published) if key.public_jwk().is_some() && !published.contains(id) => Check::bad(
            "secret",
            format!(
                "{id} signs, and the service does not publish it: another stack's secret, or not published yet"
            ),
        ),
        _ => Check::good("secret", format!("{id} signs now, with {algorithm}")),
    }
}

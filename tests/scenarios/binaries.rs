//! The real binaries against a Runtime API, a DynamoDB and a Secrets Manager.

use harness::{
    Event, PUBLIC_KEYS_TABLE, PublicKeysTable, SECRET_ARN, SecretsManager, World, lambda, lambda::Function,
};
use http::Method;
use local_data::TABLE_NAME;
use serde_json::json;
use token::{Algorithm, Key, KeySet, Schedule};

pub(crate) const PASSWORD: &str = "canary-password-7d41";
const DENY: (&str, &str) = ("AUTHORIZER_ON_FAILURE", "deny");
const HEADER_CANARY: &str = "canary-authorization-5c1f";
const SECRET_CANARY: &str = "hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

/// The AWS that functions run in.
pub(crate) struct Stack {
    pub(crate) store: harness::DynamoDb,
    pub(crate) secrets: SecretsManager,
}

impl Stack {
    pub(crate) async fn new(secret: &str) -> Self {
        let store = harness::DynamoDb::start().await;
        let world = World::at_endpoint(&store.endpoint, &[]);
        world.create("ada", PASSWORD).await;
        Self { store, secrets: SecretsManager::start(secret).await }
    }

    pub(crate) async fn start(&self, function: &str, more: &[(&str, &str)]) -> Function {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", self.store.endpoint.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.secrets.url()),
            ("USERS_TABLE", TABLE_NAME),
            ("SIGNING_SECRET", "signing"),
            ("JWT_ISSUER", "https://issuer.example"),
            ("JWT_ALLOW_REFRESH", "true"),
            ("METRICS_STACK", "stack"),
            ("METRICS_LEVEL", "full"),
        ];
        variables.extend(more);
        Function::start(&lambda::binary(function), &variables).await
    }
}

pub(crate) fn post(path: &str, body: &serde_json::Value) -> Event {
    Event::http_api(&Method::POST, path).json(body)
}

fn log_in() -> Event {
    post("/auth/login", &json!({ "username": "ada", "password": PASSWORD }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_of_the_real_binary_is_exchanged_for_a_refresh_of_the_other() {
    let always = Schedule { published: harness::at(0), signs_from: harness::at(0), retires: None };
    let keys = KeySet::new(vec![Key::generate(Algorithm::RS256, always).unwrap()]).unwrap();
    let stack = Stack::new(&keys.to_secret()).await;
    let mut login = stack.start("login", &[]).await;
    let mut refresh = stack.start("refresh", &[]).await;
    let first = login.invoke(&log_in()).await;
    assert_eq!(first.status, 200, "{first:?}");
    let mut token = first.token().to_owned();
    for _ in 0..20 {
        let next = refresh.invoke(&post("/auth/refresh", &json!({ "token": token }))).await;
        assert_eq!(next.status, 200, "{next:?}");
        assert_eq!(next.body["expires_in"], 3600);
        token = next.token().to_owned();
    }
    assert_eq!(stack.secrets.calls(), ["GetSecretValue"; 2], "each function reads the secret once");
    let mut jwks = stack.start("jwks", &[]).await;
    let path = "/.well-known/jwks.json";
    let documents = jwks.invoke(&Event::http_api(&Method::GET, path)).await;
    assert_eq!(documents.body["keys"][0]["kid"], keys.keys()[0].id());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_keys_are_read_and_the_users_reached_before_the_first_event() {
    let stack = Stack::new(SECRET_CANARY).await;
    for function in ["login", "refresh", "password", "verify", "sessions", "jwks"] {
        let running = stack.start(function, &[]).await;
        running.ready().await;
        assert_eq!(stack.secrets.calls(), ["GetSecretValue"], "{function}");
    }
    let cut_off = [("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")];
    let running = stack.start("refresh", &cut_off).await;
    running.ready().await;
    let printed = running.stop().await;
    assert!(printed.contains("the users cannot be read yet"), "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_events_end_no_process_and_no_log_holds_a_secret() {
    let stack = Stack::new(SECRET_CANARY).await;
    let mut printed = String::new();
    for (function, path, success) in [
        ("login", "/auth/login", 200),
        ("refresh", "/auth/refresh", 200),
        ("verify", "/auth/verify", 200),
        ("sessions", "/auth/logout", 204),
    ] {
        for level in ["INFO", "TRACE"] {
            let mut running = stack.start(function, &[("AWS_LAMBDA_LOG_LEVEL", level)]).await;
            let token = {
                let mut login = stack.start("login", &[]).await;
                login.invoke(&log_in()).await.token().to_owned()
            };
            let mut bad_base64 = Event::http_api(&Method::POST, path).body("!");
            bad_base64.0["isBase64Encoded"] = true.into();
            let bad_host = Event::http_api(&Method::POST, path).header("host", Some("a b"));
            for event in [bad_base64, bad_host, Event(json!({})), Event(json!([]))] {
                assert_eq!(running.invoke(&event).await.status, 400);
            }
            let names =
                post(path, &json!({ "username": "\n{\"level\":\"x\"}", "password": PASSWORD, "token": "x" }));
            assert_eq!(running.invoke(&names).await.status, 400);
            let sound = post(path, &json!({ "username": "ada", "password": PASSWORD, "token": token }));
            let reply = running.invoke(&sound).await;
            assert_eq!(reply.status, success);
            let in_header =
                if function == "sessions" { list_and_end(&stack, &mut running).await } else { String::new() };
            let output = running.stop().await;
            let answered = reply.body["token"].as_str().unwrap_or_default();
            let tokens = [token.as_str(), answered, &in_header];
            let parts = tokens.iter().flat_map(|token| token.split('.').skip(1));
            for canary in [PASSWORD, SECRET_CANARY, HEADER_CANARY].into_iter().chain(parts) {
                assert!(!output.contains(canary), "{function} at {level} printed {canary}");
            }
            printed.push_str(&output);
        }
    }
    for line in printed.lines() {
        let line: serde_json::Value =
            serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
        // Without them Lambda takes the line for one of INFO.
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
        if !line["_aws"].is_null() {
            makes_metrics_of_few_words(&line);
        }
        let audit = !line["outcome"].is_null();
        assert!(!audit || line["request_id"] == "8476a536-e9f4-11e8-9739-2dfe598c3fcd", "{line}");
    }
    for event in ["login", "refresh", "verify", "logout", "list_sessions", "end_session"] {
        assert!(printed.contains(&format!("\"event\":\"{event}\"")), "no {event} event in the log");
    }
    assert!(!printed.contains("panic"), "an event that no library reads is its sender's fault");
    let of_a_success = printed.lines().find(|line| line.contains("\"outcome\":\"success\"")).unwrap();
    assert!(of_a_success.contains("\"sub\":\"") && of_a_success.contains("\"sid\":\""), "{of_a_success}");
    for outcome in ["success", "rejected"] {
        assert!(printed.contains(&format!("\"outcome\":\"{outcome}\"")), "no {outcome} in the log");
    }
    let rejected = printed.lines().find(|line| line.contains(r#""Code":"invalid_token""#)).unwrap();
    assert!(
        rejected.contains(r#""Rejections":1"#) && rejected.contains(r#""outcome":"rejected""#),
        "{rejected}"
    );
    assert!(!of_a_success.contains("_aws"), "{of_a_success}");
    let longest = |event: &str, user_agent: &str, most: usize| {
        let is_it = |line: &&str| {
            line.contains(&format!(r#""event":"{event}""#)) && line.contains(r#""outcome":"success""#)
        };
        let line = printed.lines().find(is_it).unwrap();
        assert!(line.contains(r#""source_ip":"203.0.113.7""#) && line.contains(user_agent), "{line}");
        let address = "2001:0db8:0000:0000:0000:0000:0000:0001".len() - "203.0.113.7".len();
        line.len() + address + most - user_agent.len()
    };
    for (event, constant, longest) in [
        ("refresh", "REFRESH_LOG_KB", longest("refresh", "", 0)),
        ("login", "LOGIN_LOG_KB", longest("login", "curl/8.5.0", 200)),
    ] {
        assert!(event != "refresh" || longest <= 380, "{longest} bytes for a refresh");
        let billed = billed_bytes_of_a_line(constant);
        // The fraction of a second may be shorter.
        assert!(
            (billed - 8..=billed).contains(&(longest + 26)),
            "docs/bill.py has {billed}, {event} {longest} + 26"
        );
    }
}

/// What docs/bill.py takes for a line in CloudWatch, which adds 26 bytes to each.
pub(crate) fn billed_bytes_of_a_line(constant: &str) -> usize {
    let bill = include_str!("../../docs/bill.py");
    let assigned = format!("{constant} = ");
    let kilobytes = bill.lines().find_map(|line| line.strip_prefix(&assigned)).unwrap();
    let (whole, thousandths) = kilobytes.split_once('.').unwrap();
    assert_eq!((whole, thousandths.len()), ("0", 3), "thousandths of a kilobyte are bytes");
    thousandths.parse().unwrap()
}

/// Whether CloudWatch makes metrics of the line, by words of ours alone.
fn makes_metrics_of_few_words(line: &serde_json::Value) {
    for told in line["_aws"]["CloudWatchMetrics"].as_array().unwrap() {
        assert_eq!(told["Namespace"], "Latchkey");
        for dimension in told["Dimensions"][0].as_array().unwrap() {
            let name = dimension.as_str().unwrap();
            let value = line[name].as_str().unwrap();
            let known = match name {
                "Stack" => value == "stack",
                "Operation" => value.chars().all(|letter| letter == '_' || letter.is_ascii_lowercase()),
                "Code" => include_str!("../../openapi.yaml").contains(value),
                _ => false,
            };
            assert!(known, "{name} in {line}");
        }
        for metric in told["Metrics"].as_array().unwrap() {
            assert!(line[metric["Name"].as_str().unwrap()].is_number(), "{metric} in {line}");
        }
    }
}

/// The two calls of `sessions` that take a token in a header, with a bad one and a good one, which is returned.
async fn list_and_end(stack: &Stack, sessions: &mut Function) -> String {
    let mut login = stack.start("login", &[]).await;
    let token = login.invoke(&log_in()).await.token().to_owned();
    let list = Event::http_api(&Method::GET, "/auth/sessions");
    assert_eq!(sessions.invoke(&list.clone().bearer(HEADER_CANARY)).await.status, 401);
    let reply = sessions.invoke(&list.bearer(&token)).await;
    let path = format!("/auth/sessions/{}", reply.body["sessions"][0]["session_id"].as_str().unwrap());
    let end = Event::http_api(&Method::DELETE, &path).bearer(&token);
    assert_eq!(sessions.invoke(&end).await.status, 204);
    token
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_secrets_manager_that_breaks_off_prints_no_secret() {
    let stack = Stack::new(SECRET_CANARY).await;
    stack.secrets.break_off();
    for function in ["login", "jwks"] {
        let mut running = stack.start(function, &[("AWS_LAMBDA_LOG_LEVEL", "TRACE")]).await;
        let event = if function == "login" {
            log_in()
        } else {
            Event::http_api(&Method::GET, "/.well-known/jwks.json")
        };
        assert_eq!(running.invoke(&event).await.status, 503);
        let printed = running.stop().await;
        assert!(
            printed.contains("there are no signing keys") && !printed.contains(SECRET_CANARY),
            "{printed}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_rotation_function_makes_the_key_that_login_signs_with_and_prints_none() {
    let stack = Stack::new(r#"{"keys":[]}"#).await;
    let secrets = &stack.secrets;
    let settings = [("SIGNING_SECRET", SECRET_ARN), ("AWS_LAMBDA_LOG_LEVEL", "TRACE")];
    let mut rotation = stack.start("rotate-keys", &settings).await;
    let token = secrets.begin_rotation().unwrap();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let event = json!({ "Step": step, "SecretId": SECRET_ARN, "ClientRequestToken": token });
        assert_eq!(rotation.call(&event).await, json!(null), "{step}");
    }
    let rejected = rotation.call(&json!({ "Step": "createSecret" })).await;
    assert!(rejected["body"].as_str().unwrap().contains("the event has no Step"), "{rejected}");
    let mut login = stack.start("login", &settings).await;
    assert_eq!(login.invoke(&log_in()).await.status, 200);
    let printed = rotation.stop().await + &login.stop().await;
    assert!(printed.contains(r#""event":"rotate_keys","level":"INFO","outcome":"success""#), "{printed}");
    let failed = printed.lines().find(|line| line.contains(r#""outcome":"failure""#)).unwrap();
    assert!(failed.contains(r#""detail":"the event has no Step"#), "{failed}");
    let errors = printed.lines().filter(|line| line.contains(r#""level":"ERROR""#)).count();
    assert_eq!(errors, 1, "one line for one failure: {printed}");
    let (_, value) = secrets.labelled("AWSCURRENT").unwrap();
    let stored: serde_json::Value = serde_json::from_str(&value.unwrap()).unwrap();
    let pem = stored["keys"][0]["private_key"].as_str().unwrap();
    for line in pem.lines() {
        assert!(!printed.contains(line), "a line of the private key was printed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_authorizer_answers_every_event_and_prints_no_token() {
    let stack = Stack::new(SECRET_CANARY).await;
    let mut login = stack.start("login", &[]).await;
    let token = login.invoke(&log_in()).await.token().to_owned();
    for level in ["INFO", "TRACE"] {
        let settings = [("CHECK_SESSION", "true"), ("AWS_LAMBDA_LOG_LEVEL", level)];
        let mut authorizer = stack.start("authorizer", &settings).await;
        for kind in crate::authorizer::KINDS {
            let good = authorizer.call(&crate::authorizer::with_token(kind, &token)).await;
            assert!(crate::authorizer::allows(&good), "{kind}: {good}");
            let bad = authorizer.call(&crate::authorizer::with_token(kind, HEADER_CANARY)).await;
            assert_eq!(
                (crate::authorizer::allows(&bad), &bad["context"]["code"]),
                (false, &json!("invalid_token"))
            );
        }
        for event in [json!({}), json!(null), json!([]), json!("x"), json!({ "big": "x".repeat(1_000_000) })]
        {
            assert_eq!(authorizer.call(&event).await["context"]["code"], "invalid_request");
        }
        let printed = authorizer.stop().await;
        for outcome in ["success", "rejected"] {
            let is_it = |line: &&str| {
                line.contains(r#""event":"authorizer""#)
                    && line.contains(&format!(r#""outcome":"{outcome}""#))
            };
            assert!(printed.lines().any(|line| is_it(&line)), "{printed}");
        }
        assert!(
            printed.contains(r#""sub":""#) && printed.contains(r#""source_ip":"203.0.113.7""#),
            "{printed}"
        );
        for canary in token.split('.').skip(1).chain([SECRET_CANARY, HEADER_CANARY]) {
            assert!(!printed.contains(canary), "the authorizer printed {canary} at {level}");
        }
    }
    let mut cut_off = [("CHECK_SESSION", "true"), ("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")];
    for _ in 0..2 {
        let mut authorizer = stack.start("authorizer", &cut_off).await;
        let answer = authorizer.call(&crate::authorizer::with_token("http_api_2", &token)).await;
        assert_eq!(answer["statusCode"], 500, "what API Gateway makes of a function error: {answer}");
        assert!(answer["body"].as_str().unwrap().contains("temporarily_unavailable"), "{answer}");
        let mut denying = stack.start("authorizer", &[&cut_off[..], &[DENY]].concat()).await;
        let denied = denying.call(&crate::authorizer::with_token("http_api_2", &token)).await;
        assert_eq!(denied["context"]["code"], "temporarily_unavailable");
        cut_off = [("CHECK_SESSION", "false"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")];
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_functions_that_only_verify_or_publish_need_no_secret() {
    let stack = Stack::new(r#"{"keys":[]}"#).await;
    let secrets = &stack.secrets;
    let table = PublicKeysTable::create(&stack.store.endpoint).await;
    let settings = [("SIGNING_SECRET", SECRET_ARN), ("PUBLIC_KEYS_TABLE", PUBLIC_KEYS_TABLE)];
    let mut rotation = stack.start("rotate-keys", &settings).await;
    let token = secrets.begin_rotation().unwrap();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let event = json!({ "Step": step, "SecretId": SECRET_ARN, "ClientRequestToken": token });
        assert_eq!(rotation.call(&event).await, json!(null), "{step}");
    }
    let first = table.published().await.unwrap();
    assert_eq!(rotation.call(&json!({ "Step": "publish" })).await, json!(null));
    assert_eq!(table.published().await.unwrap(), first);

    let token = stack.start("login", &settings).await.invoke(&log_in()).await.token().to_owned();
    secrets.calls();
    let without = [("SIGNING_SECRET", ""), ("PUBLIC_KEYS_TABLE", PUBLIC_KEYS_TABLE)];
    let verified = post("/auth/verify", &json!({ "token": token }));
    assert_eq!(stack.start("verify", &without).await.invoke(&verified).await.status, 200);
    let list = Event::http_api(&Method::GET, "/auth/sessions").bearer(&token);
    assert_eq!(stack.start("sessions", &without).await.invoke(&list).await.status, 200);
    let documents = Event::http_api(&Method::GET, "/.well-known/jwks.json");
    assert_eq!(stack.start("jwks", &without).await.invoke(&documents).await.status, 200);
    let asked = crate::authorizer::with_token("http_api_2", &token);
    let answer = stack.start("authorizer", &without).await.call(&asked).await;
    assert_eq!(answer["isAuthorized"], true, "{answer}");
    assert_eq!(secrets.calls(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_real_password_function_changes_it_and_prints_neither_password_nor_token() {
    const NEW: &str = "canary-new-password-20f6";
    let stack = Stack::new(SECRET_CANARY).await;
    let mut password = stack.start("password", &[("AWS_LAMBDA_LOG_LEVEL", "TRACE")]).await;
    let token = stack.start("login", &[]).await.invoke(&log_in()).await.token().to_owned();
    let change = |current: &str, new: &str| {
        let body = json!({ "current_password": current, "new_password": new });
        post("/auth/password", &body).bearer(&token)
    };
    for (current, new, status) in
        [(NEW, NEW, 400), (PASSWORD, "ada", 400), (NEW, PASSWORD, 400), (PASSWORD, NEW, 200)]
    {
        let reply = password.invoke(&change(current, new)).await;
        assert_eq!(reply.status, status, "{reply:?}");
    }
    let printed = password.stop().await;
    let changed = printed.lines().find(|line| line.contains(r#""outcome":"success""#)).unwrap();
    for member in [r#""event":"change_password""#, r#""scope":"all""#, r#""by_sid":""#, r#""jti":""#] {
        assert!(changed.contains(member), "{member} in {changed}");
    }
    for canary in token.split('.').skip(1).chain([PASSWORD, NEW, SECRET_CANARY]) {
        assert!(!printed.contains(canary), "the function printed {canary}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_aws_the_answer_is_503_in_time_and_the_process_lives() {
    let stack = Stack::new(SECRET_CANARY).await;
    let mut login = stack.start("login", &[("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9")]).await;
    for _ in 0..2 {
        let reply = login.invoke(&log_in()).await;
        assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
    }
    let mut cold = stack.start("login", &[("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://127.0.0.1:9")]).await;
    assert_eq!(cold.invoke(&log_in()).await.status, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_the_function_with_a_line_that_names_it() {
    let stack = Stack::new(SECRET_CANARY).await;
    for (variable, value, said) in [
        ("USERS_TABLE", "", "USERS_TABLE must be set"),
        ("JWT_ALLOW_REFRESH", "yes", "JWT_ALLOW_REFRESH must be true or false"),
        ("JWT_EXPIRATION_DELTA", "0", "JWT_EXPIRATION_DELTA is out of range"),
    ] {
        let printed = stack.start("login", &[(variable, value)]).await.ended().await;
        assert!(printed.contains(said), "{printed}");
    }
}

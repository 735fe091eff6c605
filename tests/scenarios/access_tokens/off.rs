//! Off means absent; and the settings that cannot be.

use edge::Environment;
use harness::{ISSUER, SecretsManager};
use local::ROUTES;
use proptest::string::string_regex;
use token::{Algorithm, Key, KeySet, Schedule};

use super::*;

/// What `read` makes of the environment with these variables: the error, if it is one.
fn wrong(
    settings: &[(&str, &str)],
    read: impl Fn(&Environment<'_>) -> Result<(), edge::SettingError>,
) -> String {
    let lookup = |variable: &str| {
        let set = settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned());
        set.or_else(|| (variable == "JWT_ISSUER").then(|| ISSUER.to_owned()))
    };
    read(&Environment::new(&lookup)).err().map(|error| error.to_string()).unwrap_or_default()
}

/// A3 and A-7
#[test]
fn settings_that_would_void_access_tokens_keep_the_functions_from_starting() {
    let of_tokens =
        |settings: &[(&str, &str)]| wrong(settings, |environment| environment.access_policy().map(drop));
    let audiences = ("ACCESS_TOKEN_AUDIENCES", AUDIENCES);
    assert_eq!(of_tokens(&[audiences]), "");
    assert_eq!(of_tokens(&[]), "");
    for (settings, problem) in [
        (
            &[("ACCESS_TOKEN_AUDIENCES", "a;latchkey")][..],
            "ACCESS_TOKEN_AUDIENCES must not name JWT_AUDIENCE",
        ),
        (&[audiences, ("JWT_AUDIENCE", ORDERS)], "ACCESS_TOKEN_AUDIENCES must not name JWT_AUDIENCE"),
        (&[audiences, ("SIGNING_ALGORITHM", "HS256")], "ACCESS_TOKEN_AUDIENCES cannot be used with"),
        (&[("ACCESS_TOKEN_AUDIENCES", "a b")], "ACCESS_TOKEN_AUDIENCES is unusable: an audience must have"),
        (&[("ACCESS_TOKEN_AUDIENCES", "a=")], "ACCESS_TOKEN_AUDIENCES is unusable: what follows = must be"),
        (&[audiences, ("ACCESS_TOKEN_EXPIRATION_DELTA", "61m")], "ACCESS_TOKEN_EXPIRATION_DELTA must be at"),
        (&[audiences, ("ACCESS_TOKEN_EXPIRATION_DELTA", "0")], "ACCESS_TOKEN_EXPIRATION_DELTA must be at"),
        (
            &[audiences, ("ACCESS_TOKEN_EXPIRATION_DELTA", "x")],
            "ACCESS_TOKEN_EXPIRATION_DELTA is no duration",
        ),
    ] {
        let told = of_tokens(settings);
        assert!(told.starts_with(problem), "{settings:?}: {told}");
    }
    let of_rotation =
        |settings: &[(&str, &str)]| wrong(settings, |environment| environment.rotation_policy().map(drop));
    let hs256 = ("SIGNING_ALGORITHM", "HS256");
    assert_eq!(of_rotation(&[hs256]), "");
    assert!(of_rotation(&[hs256, audiences]).starts_with("ACCESS_TOKEN_AUDIENCES"), "no such key is made");

    let required = |settings: &[(&str, &str)]| {
        wrong(settings, |environment| environment.required_access_policy().map(drop))
    };
    assert_eq!(required(&[]), "ACCESS_TOKEN_AUDIENCES must be set");
    let of_clients =
        |settings: &[(&str, &str)]| wrong(settings, |environment| environment.machine_clients().map(drop));
    assert!(of_clients(&[("MACHINE_CLIENTS", "true")]).starts_with("MACHINE_CLIENTS may be true only with"));
    let of_authorizer = |settings: &[(&str, &str)]| {
        wrong(settings, |environment| environment.authorizer_audience().map(drop))
    };
    let one = ("AUTHORIZER_AUDIENCE", ORDERS);
    assert_eq!(of_authorizer(&[audiences, one]), "");
    for settings in [&[one][..], &[audiences, ("AUTHORIZER_AUDIENCE", "latchkey")]] {
        assert_eq!(of_authorizer(settings), "AUTHORIZER_AUDIENCE must be one of ACCESS_TOKEN_AUDIENCES");
    }
    let cookie =
        [audiences, one, ("AUTHORIZER_READS_COOKIE", "true"), ("JWT_AUTH_COOKIE", "__Host-latchkey")];
    assert!(of_authorizer(&cookie).starts_with("AUTHORIZER_READS_COOKIE cannot be true"));
}

/// What `CloudFormation` lets through, the functions can read, but for what no pattern can tell and the parameter's
/// description says: a service that does not start is found too late.
#[test]
fn the_template_lets_only_doubles_and_long_scopes_through_that_the_functions_reject() {
    let template = crate::template::template();
    let pattern = |parameter: &str| {
        let pattern = template["Parameters"][parameter]["AllowedPattern"].as_str().unwrap();
        pattern.trim_start_matches('^').trim_end_matches('$').to_owned()
    };
    let (all, one) = (pattern("AccessTokenAudiences"), pattern("AuthorizerAudience"));
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let drawn = (string_regex(&all).unwrap(), string_regex(&one).unwrap());
    let held = runner.run(&drawn, |(all, one)| {
        if !all.is_empty() {
            let read = all.parse::<token::AccessAudiences>();
            // That an audience is there twice no pattern can tell, nor how long the scopes are together.
            let is_long = all.split(';').any(|entry| entry.len() > 1024);
            let expected = read.is_ok() || is_long || read == Err(token::AccessAudiencesError::Duplicate);
            proptest::prop_assert!(expected, "{all:?}: {read:?}");
        }
        proptest::prop_assert!(one.is_empty() || one.parse::<token::AccessAudiences>().is_ok(), "{one:?}");
        Ok(())
    });
    held.unwrap();
    assert!(AUDIENCES.parse::<token::AccessAudiences>().is_ok());
}

/// A-7: an HS256 key that signs, that will, or that only verifies any more, whatever the settings say.
#[tokio::test]
async fn while_the_secret_holds_an_hs256_key_there_are_no_access_tokens() {
    let now = LOGIN_AT;
    let key = |algorithm, published, signs_from, retires: Option<u64>| {
        let schedule =
            Schedule { published: at(published), signs_from: at(signs_from), retires: retires.map(at) };
        Key::generate(algorithm, schedule).unwrap()
    };
    let rsa = || key(Algorithm::RS256, 0, 1, None);
    for (keys, status) in [
        (vec![rsa()], 200),
        (vec![key(Algorithm::HS256, 0, 0, None)], 503),
        (vec![rsa(), key(Algorithm::HS256, 0, 0, Some(now + 1))], 503),
        (vec![rsa(), key(Algorithm::HS256, now + 1, now + 9, Some(now + 99))], 503),
        (vec![rsa(), key(Algorithm::HS256, 0, 0, Some(now))], 200),
    ] {
        let secrets = SecretsManager::start(&KeySet::new(keys).unwrap().to_secret()).await;
        let world = World::with_secret_and(&secrets, &SETTINGS).await;
        world.create("ada", PASSWORD).await;
        let token = world.log_in("ada", PASSWORD, now).await.token().to_owned();
        let reply = access(&world, &token, &json!({ "audience": ORDERS }), now).await;
        assert_eq!(reply.status, status);
        let (id, secret) = client(&world, ORDERS).await;
        let reply = ask_as_client(&world, &credentials(id, &secret), now).await;
        assert_eq!(reply.status, status);
    }
}

/// W1
#[tokio::test]
async fn without_the_settings_there_are_no_routes_and_every_answer_is_as_before() {
    let world = World::with(&[("JWT_ALLOW_REFRESH", "true")]).await;
    world.create("ada", PASSWORD).await;
    let token = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    for path in ["/auth/access", "/oauth2/token", "/protected/orders"] {
        for event in [asking(&token, &json!({ "audience": ORDERS })), asking(&token, &json!({})).form("a=b")]
        {
            let answer = world.gateway.respond(path, &event.0.to_string(), at(LOGIN_AT)).await;
            assert_eq!(
                (&answer["statusCode"], &answer["body"]),
                (&json!(404), &json!(r#"{"message":"Not Found"}"#))
            );
        }
    }
    // Beside a world with the settings: the same bytes on every other route, but for ids, times and signatures.
    let (with, _) = world_with(&[]).await;
    set_claims(&with, "{}").await;
    let other = with.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    assert_eq!(members(&claims(&token)), members(&claims(&other)));
    assert_eq!(successes(&world, &token).await, successes(&with, &other).await);
    let discovery = "/.well-known/openid-configuration";
    let get = async |world: &World, path: &str| {
        world.send(path, &Event::http_api(&Method::GET, path), LOGIN_AT).await.body
    };
    let (before, after) = (get(&world, discovery).await, get(&with, discovery).await);
    assert_eq!(
        before.to_string(),
        format!(
            r#"{{"claims_supported":["iss","aud","sub","username","iat","exp","jti","sid"],"id_token_signing_alg_values_supported":["RS256"],"issuer":"{ISSUER}","jwks_uri":"{ISSUER}/.well-known/jwks.json","response_types_supported":["token"],"subject_types_supported":["public"]}}"#
        )
    );
    let added: Vec<_> = members(&after).into_iter().filter(|name| before[name].is_null()).collect();
    assert_eq!(
        added,
        [
            "grant_types_supported",
            "scopes_supported",
            "token_endpoint",
            "token_endpoint_auth_methods_supported"
        ]
    );
    for (path, _) in ROUTES {
        if !["/auth/access", "/oauth2/token", discovery].contains(&path) {
            assert_eq!(rejection(&world, path).await, rejection(&with, path).await, "{path}");
        }
    }
}

/// What a call without anything in it is answered with.
async fn rejection(world: &World, path: &str) -> Value {
    let event = Event::http_api(&Method::POST, path).json(&json!({}));
    world.gateway.respond(path, &event.0.to_string(), at(LOGIN_AT)).await
}

/// What each call with the session's token answers, but for ids, signatures and times.
async fn successes(world: &World, token: &str) -> Vec<Value> {
    let other = world.log_in("ada", PASSWORD, LOGIN_AT).await.token().to_owned();
    let post = |path: &str, body: Value| Event::http_api(&Method::POST, path).json(&body);
    let events = [
        ("/auth/login", post("/auth/login", json!({ "username": "ada", "password": PASSWORD }))),
        ("/auth/refresh", post("/auth/refresh", json!({ "token": token }))),
        ("/auth/verify", post("/auth/verify", json!({ "token": token, "check_session": true }))),
        ("/auth/sessions", Event::http_api(&Method::GET, "/auth/sessions").bearer(token)),
        ("/auth/logout", post("/auth/logout", json!({ "token": other }))),
        (
            "/auth/password",
            post(
                "/auth/password",
                json!({ "current_password": PASSWORD, "new_password": "three lighthouses" }),
            )
            .bearer(token),
        ),
    ];
    let mut answers = Vec::new();
    for (path, event) in events {
        let mut answer = world.gateway.respond(path, &event.0.to_string(), at(LOGIN_AT)).await;
        let status = answer["statusCode"].as_u64().unwrap();
        assert!((200..300).contains(&status), "{path}: {answer}");
        if let Some(Ok(body)) = answer["body"].as_str().map(serde_json::from_str::<Value>) {
            answer["body"] = body;
        }
        mask(&mut answer);
        answers.push(answer);
    }
    answers
}

/// Tokens and ids are 22 characters and more.
fn mask(value: &mut Value) {
    match value {
        Value::String(text) if text.len() >= 22 && !text.contains([' ', '/']) => "random".clone_into(text),
        Value::Array(values) => {
            values.iter_mut().for_each(mask);
            // Sessions of one second stand in the order of their ids.
            values.sort_by_key(Value::to_string);
        }
        Value::Object(members) => members.values_mut().for_each(mask),
        _ => {}
    }
}

fn members(value: &Value) -> Vec<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

#[tokio::test]
async fn the_documents_name_the_token_endpoint_only_where_there_are_machine_clients() {
    let world = World::with(&[("ACCESS_TOKEN_AUDIENCES", AUDIENCES)]).await;
    let path = "/.well-known/openid-configuration";
    let document = world.send(path, &Event::http_api(&Method::GET, path), LOGIN_AT).await.body;
    assert_eq!(document["scopes_supported"], json!(["orders:read", "orders:write"]));
    assert!(document["token_endpoint"].is_null());
    assert_eq!(ask_as_client_raw(&world).await["statusCode"], 404);
}

async fn ask_as_client_raw(world: &World) -> Value {
    let event = Event::http_api(&Method::POST, "/oauth2/token").form("grant_type=client_credentials");
    world.gateway.respond("/oauth2/token", &event.0.to_string(), at(LOGIN_AT)).await
}

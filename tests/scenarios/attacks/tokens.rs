//! Attacks with tokens: copied, forged, tampered with, out of time, or sent by somebody else's page.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use token::{Claims, CustomClaims, Entropy, Lifetime, Seconds, SessionId, Subject, TokenId, Verifier};

use super::site::{ACCESS_TOKENS, HOME, Site, THIEF, access, found, log_in, refresh};
use crate::binaries::{PASSWORD, post};

#[tokio::test(flavor = "multi_thread")]
async fn a_copied_token_is_found_at_its_first_double_use() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    site.call("refresh", HOME.sends(refresh(&token))).await;
    site.minutes_pass(10).await;
    assert_eq!(site.call("refresh", THIEF.sends(refresh(&token))).await.status, 200);
    let log = site.log().await;
    let copied = found("CopiedTokens", &log).await;
    assert_eq!((copied.len(), &copied[0]["uses"], &copied[0]["addresses"]), (1, &json!(2), &json!(2)));
    let moved = found("MovedClients", &log).await;
    assert_eq!((moved.len(), &moved[0]["calls"]), (1, &json!(1)));
    assert_eq!(
        (&moved[0]["last_address"], &moved[0]["last_client"]),
        (&json!(THIEF.address), &json!(THIEF.user_agent))
    );
    assert_eq!(moved[0]["sid"], copied[0]["sid"]);
    assert!(found("ForgedTokens", &log).await.is_empty(), "this service issued it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_asks_for_access_tokens_alone_has_moved() {
    let mut site = Site::with(&[ACCESS_TOKENS]).await;
    let token = site.token("ada", HOME).await;
    for client in [HOME, THIEF] {
        assert_eq!(site.call("access-token", client.sends(access(&token))).await.status, 200);
        site.minutes_pass(10).await;
    }
    let log = site.log().await;
    assert!(found("CopiedTokens", &log).await.is_empty(), "one token is used for many access tokens");
    let moved = found("MovedClients", &log).await;
    assert_eq!((moved.len(), &moved[0]["last_address"]), (1, &json!(THIEF.address)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_who_names_no_client_has_moved_too() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    for user_agent in [None, Some("caf\u{e9}")] {
        let event = THIEF.sends(refresh(&token)).header("user-agent", user_agent);
        assert_eq!(site.call("refresh", event).await.status, 200);
    }
    let moved = found("MovedClients", &site.log().await).await;
    assert_eq!((moved.len(), &moved[0]["calls"]), (1, &json!(2)));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_is_refreshed_again_and_again() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    for _ in 0..110 {
        assert_eq!(site.call("refresh", THIEF.sends(refresh(&token))).await.status, 200);
    }
    let mass = found("MassRefreshes", &site.log().await).await;
    assert!(!mass.is_empty() && mass.iter().all(|row| row["source_ip"] == THIEF.address), "{mass:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_of_an_ended_session_keeps_coming() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    let out = post("/auth/logout", &json!({ "token": token }));
    assert_eq!(site.call("sessions", HOME.sends(out)).await.status, 204);
    for _ in 0..50 {
        assert_eq!(site.call("refresh", THIEF.sends(refresh(&token))).await.code(), "session_ended");
    }
    assert!(site.raises("EndedSessions").await && !site.raises("InvalidTokens").await);
    let used = found("EndedSessionsInUse", &site.log().await).await;
    assert_eq!(
        (used.len(), &used[0]["tries"], &used[0]["last_address"]),
        (1, &json!(50), &json!(THIEF.address))
    );
}

/// `token` with another header, or without its signature.
fn tampered(token: &str) -> Vec<(&'static str, String)> {
    let parts: Vec<_> = token.split('.').collect();
    let [header, payload, signature] = parts[..] else { panic!("{token}") };
    let decoded: Value = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    let with = |changes: Value| {
        let mut header = decoded.clone();
        for (name, value) in changes.as_object().unwrap() {
            header[name] = value.clone();
        }
        BASE64_URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let claims = String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap();
    let admin = BASE64_URL_SAFE_NO_PAD.encode(claims.replace("user2", "admin"));
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    vec![
        ("token_malformed", format!("{}.{payload}.", with(json!({ "alg": "none" })))),
        ("wrong_alg", format!("{}.{payload}.{signature}", with(json!({ "alg": "NONE" })))),
        ("wrong_alg", format!("{}.{payload}.{signature}", with(json!({ "alg": "HS256" })))),
        (
            "bad_signature",
            format!("{}.{payload}.{signature}", with(json!({ "jku": "https://evil.example/jwks" }))),
        ),
        ("bad_signature", format!("{}.{payload}.{signature}", with(json!({ "jwk": { "kty": "EC" } })))),
        (
            "bad_signature",
            format!("{}.{payload}.{signature}", with(json!({ "x5u": "https://evil.example/x" }))),
        ),
        ("token_header", format!("{}.{payload}.{signature}", with(json!({ "crit": ["exp"] })))),
        ("token_header", format!("{}.{payload}.{signature}", with(json!({ "typ": "at+jwt" })))),
        ("unknown_kid", format!("{}.{payload}.{signature}", with(json!({ "kid": "../../dev/null" })))),
        ("bad_signature", format!("{header}.{admin}.{signature}")),
        ("bad_signature", format!("{header}.{payload}.{flipped}{}", signature.get(1..).unwrap())),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn eleven_ways_to_tamper_with_a_token() {
    let mut site = Site::new().await;
    let token = site.token("user2", HOME).await;
    let ways = tampered(&token);
    for _ in 0..10 {
        for (reason, tampered) in &ways {
            let reply = site.call("refresh", THIEF.sends(refresh(tampered))).await;
            assert_eq!(reply.code(), "invalid_token", "{reason}");
        }
    }
    assert!(site.raises("InvalidTokens").await);
    let log = site.log().await;
    let found = found("TamperedTokens", &log).await;
    assert_eq!((found.len(), &found[0]["source_ip"]), (1, &json!(THIEF.address)));
    assert!(found[0]["tries"].as_f64().unwrap() >= 100.0, "{found:?}");
    let lines = log.query("filter outcome = 'rejected'");
    for (number, (reason, _)) in ways.iter().enumerate() {
        let line = &lines[number];
        assert_eq!(line["reason"], *reason, "{line:?}");
        assert_eq!(line.contains_key("kid"), *reason != "unknown_kid", "{line:?}");
    }
    assert_eq!((&lines[0]["alg"], &lines[3]["foreign_key"]), (&json!("none"), &json!("jku")));
}

/// A token for the session of `claims` or another one, made with the stolen key.
fn forged(site: &Site, claims: &Claims, session: SessionId, byte: u8, from_now: i64) -> String {
    let now = i64::try_from(edge::clock::now().seconds()).unwrap();
    let issued_at = token::Timestamp::from_seconds((now + from_now).try_into().unwrap()).unwrap();
    let lifetime = Lifetime { issued_at, expires_at: issued_at.plus(Seconds::new(3600)) };
    let subject = Subject { id: claims.subject, username: &claims.username };
    let id = TokenId::new(Entropy([byte; 16]));
    let forger = Site::forger();
    let made = forger.claims(subject, session, id, lifetime, CustomClaims::default());
    forger.issue(&made, &site.keys, edge::clock::now()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_forged_with_a_stolen_key_are_those_that_nobody_issued() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    let claims = Verifier::new(Site::forger()).verify(&token, &site.keys, edge::clock::now()).unwrap();
    let invented = forged(&site, &claims, SessionId::new(Entropy([9; 16])), 1, 0);
    let of_real_session = forged(&site, &claims, claims.session_id, 2, 0);
    let verify = post("/auth/verify", &json!({ "token": invented }));
    assert_eq!(site.call("verify", THIEF.sends(verify)).await.status, 200, "a signature is all it asks for");
    assert_eq!(site.call("refresh", THIEF.sends(refresh(&invented))).await.code(), "session_ended");
    assert_eq!(site.call("refresh", THIEF.sends(refresh(&of_real_session))).await.status, 200);
    let log = site.log().await;
    let mut rows = found("ForgedTokens", &log).await;
    rows.sort_by_key(|row| row["from_jti"].to_string());
    let ids: Vec<_> = rows.iter().map(|row| row["from_jti"].as_str().unwrap().to_owned()).collect();
    assert_eq!(ids, [1, 2].map(|byte| TokenId::new(Entropy([byte; 16])).to_string()));
    assert!(rows.iter().all(|row| row["last_address"] == THIEF.address));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_taken_away_and_its_tokens_keep_coming() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    site.change_key().await;
    for _ in 0..3 {
        assert_eq!(site.call("refresh", THIEF.sends(refresh(&token))).await.code(), "invalid_token");
    }
    let rows = found("RetiredKeys", &site.log().await).await;
    assert_eq!(
        (rows.len(), &rows[0]["tries"], &rows[0]["kid"]),
        (1, &json!(3), &json!(site.keys.keys()[0].id()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_out_of_time_say_whose_they_are() {
    let mut site = Site::new().await;
    let token = site.token("ada", HOME).await;
    let claims = Verifier::new(Site::forger()).verify(&token, &site.keys, edge::clock::now()).unwrap();
    let future = forged(&site, &claims, claims.session_id, 3, 600);
    let expired = forged(&site, &claims, claims.session_id, 4, -7200);
    assert_eq!(site.call("refresh", THIEF.sends(refresh(&future))).await.code(), "invalid_token");
    assert_eq!(site.call("refresh", THIEF.sends(refresh(&expired))).await.code(), "token_expired");
    let log = site.log().await;
    let early = found("TamperedTokens", &log).await;
    assert_eq!((early.len(), &early[0]["tries"]), (1, &json!(1)), "from the future");
    let late = log.query("filter reason = 'token_expired'");
    let id = TokenId::new(Entropy([4; 16])).to_string();
    assert_eq!(
        (&late[0]["sub"], &late[0]["sid"], &late[0]["from_jti"]),
        (&json!(claims.subject.to_string()), &json!(claims.session_id.to_string()), &json!(id)),
        "it was ours, so a replay from an old log leads to its owner"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_page_calls_with_the_cookie_of_its_visitor() {
    let mut site = Site::with(&[("JWT_AUTH_COOKIE", "__Host-latchkey")]).await;
    let login = HOME.sends(log_in("ada", PASSWORD)).header("origin", Some("https://issuer.example"));
    let token = site.call("login", login).await.token().to_owned();
    let with_cookie = |origin| {
        let event = HOME.sends(post("/auth/refresh", &json!({})));
        let mut event = event.header("origin", origin);
        event.0["cookies"] = json!([format!("__Host-latchkey={token}")]);
        event
    };
    for _ in 0..25 {
        let reply = site.call("refresh", with_cookie(Some("https://evil.example"))).await;
        assert_eq!(reply.code(), "csrf_refused");
    }
    assert_eq!(site.call("refresh", with_cookie(None)).await.code(), "csrf_refused");
    assert!(site.raises("ForeignPages").await);
    let rows = found("ForeignCalls", &site.log().await).await;
    let told: Vec<_> = rows.iter().map(|row| (row["origin"].as_str().unwrap(), &row["tries"])).collect();
    assert_eq!(told, [("absent", &json!(1)), ("foreign", &json!(25))]);
}

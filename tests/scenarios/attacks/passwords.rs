//! Attacks on passwords and accounts.

use std::time::Duration;

use harness::Event;
use http::Method;
use serde_json::json;

use super::site::{Client, HOME, Site, THIEF, change, found, from, list, log_in, refresh, shipped};
use crate::binaries::{PASSWORD, post};

const BOT: &str = "Mozilla/5.0 (Windows NT 10.0) Chrome/88.0";

#[tokio::test(flavor = "multi_thread")]
async fn credential_stuffing_from_many_addresses() {
    let mut site = Site::new().await;
    for number in 0..60 {
        let name = if number < 11 { format!("user{number}") } else { format!("leaked{number}@example.com") };
        let address = format!("203.0.113.{number}");
        site.call("login", from(log_in(&name, "from a leak"), &address, BOT)).await;
    }
    let hit = site.call("login", from(log_in("user11", PASSWORD), "203.0.113.60", BOT)).await;
    assert_eq!(hit.status, 200);
    assert!(site.raises("LoginFailureRate").await, "and not by a number that a small team never reaches");
    assert!(!site.raises("LoginFailures").await);
    let log = site.log().await;
    let names: f64 = found("Stuffing", &log).await.iter().map(|row| row["names"].as_f64().unwrap()).sum();
    assert!(names >= 40.0, "{names} of 60 names; a window may have begun in between");
    // Which of the attacker's tries was right: the success of the same client.
    let hits = log.query(&format!("filter event = 'login' and outcome = 'success' and user_agent = '{BOT}'"));
    assert_eq!(hits.len(), 1);
    assert!(found("Spraying", &log).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn spraying_from_one_address_until_it_has_to_wait() {
    let mut site = Site::new().await;
    for number in 0..110 {
        let name = if number < 12 { format!("user{number}") } else { format!("guess{number}") };
        site.call("login", from(log_in(&name, "Summer2026!"), "203.0.113.5", BOT)).await;
    }
    assert!(site.raises("LoginFailureRate").await);
    let log = site.log().await;
    let sprayed = found("Spraying", &log).await;
    assert_eq!((sprayed.len(), &sprayed[0]["source_ip"]), (1, &json!("203.0.113.5")));
    assert_eq!((&sprayed[0]["names"], &sprayed[0]["tries"]), (&json!(110), &json!(110)));
    let waits =
        log.query("filter reason = 'address_throttled' and wait_s > 600 | stats count(*) as waits by event");
    assert_eq!(waits[0]["waits"], 10);
    assert!(found("Guessing", &log).await.is_empty() && found("Stuffing", &log).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_one_password_and_then_the_right_one() {
    let mut site = Site::new().await;
    for (name, address) in [("ada", "203.0.113.5"), ("nobody", "203.0.113.6")] {
        for _ in 0..7 {
            site.call("login", from(log_in(name, "a guess"), address, BOT)).await;
        }
    }
    site.minutes_pass(20).await;
    site.unlock("ada").await;
    site.token("ada", THIEF).await;
    let guessed = found("Guessing", &site.log().await).await;
    assert_eq!(guessed.len(), 2, "a name that nobody has, too: {guessed:?}");
    for row in &guessed {
        assert_eq!(row["failures"], json!(7.0), "{row:?}");
        let hit = row["successes"] == json!(1.0);
        assert_eq!(row["last_outcome"] == "success", hit, "{row:?}");
        assert_eq!(row["last_address"] == THIEF.address, hit, "{row:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_the_current_password_with_a_stolen_token() {
    let mut site = Site::new().await;
    let stolen = site.token("ada", HOME).await;
    for _ in 0..10 {
        let guess = change(&stolen, "a guess of the thief", "three new lighthouses");
        assert!(site.call("password", THIEF.sends(guess)).await.status >= 400);
    }
    assert!(site.raises("PasswordFailures").await);
    assert!(!site.raises("LoginFailureRate").await, "that is not about logins");
    let log = site.log().await;
    let guessed = found("Guessing", &log).await;
    assert_eq!((guessed.len(), &guessed[0]["failures"]), (1, &json!(10.0)));
    assert_eq!(guessed[0]["last_address"], THIEF.address);
    let rejected =
        log.query("filter event = 'change_password' and outcome = 'rejected' and moved = 'address_client'");
    assert_eq!((rejected.len(), &rejected[0]["user_agent"]), (10, &json!(THIEF.user_agent)));
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_logins_push_out_the_owner() {
    let mut site = Site::new().await;
    let owner = site.token("user3", HOME).await;
    // Of two logins of one second it is chance which is the oldest.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    for _ in 0..50 {
        site.token("user3", THIEF).await;
    }
    assert_eq!(site.call("refresh", HOME.sends(refresh(&owner))).await.code(), "session_ended");
    let log = site.log().await;
    let evictions = found("Evictions", &log).await;
    assert_eq!((evictions.len(), &evictions[0]["evictions"]), (1, &json!(1)));
    let gone = log.query("filter ispresent(evicted_sid)");
    let rejected = log.query("filter reason = 'session_ended'");
    assert_eq!(gone[0]["evicted_sid"], rejected[0]["sid"], "whose it was");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thief_of_a_token_ends_the_other_sessions() {
    let mut site = Site::new().await;
    let stolen = site.token("ada", HOME).await;
    let other = site.token("ada", Client { user_agent: "a laptop", ..HOME }).await;
    let sessions = site.call("sessions", THIEF.sends(list(&stolen))).await;
    let all = sessions.body["sessions"].as_array().unwrap();
    let victim =
        all.iter().find(|session| session["current"] == false).unwrap()["session_id"].as_str().unwrap();
    let end = Event::http_api(&Method::DELETE, &format!("/auth/sessions/{victim}")).bearer(&stolen);
    assert_eq!(site.call("sessions", THIEF.sends(end)).await.status, 204);
    let everywhere = post("/auth/logout", &json!({ "token": stolen, "everywhere": true }));
    assert_eq!(site.call("sessions", THIEF.sends(everywhere)).await.status, 204);
    assert_eq!(site.call("refresh", HOME.sends(refresh(&other))).await.code(), "session_ended");
    let log = site.log().await;
    let takeovers = found("Takeovers", &log).await;
    assert_eq!(takeovers.len(), 2, "the logout everywhere, too");
    assert_eq!((&takeovers[1]["event"], &takeovers[1]["ended"]), (&json!("logout"), &json!(1)));
    assert_eq!(takeovers[0]["sid"], victim);
    assert_ne!(
        takeovers[0]["by_sid"], victim,
        "the session that acted is told apart from the one that ended"
    );
    let history = log.query(&shipped("UserHistory").replace("SUB", takeovers[0]["sub"].as_str().unwrap()));
    let endings: Vec<_> = history
        .iter()
        .filter(|line| line.contains_key("scope"))
        .map(|line| (line["event"].as_str().unwrap(), line["scope"].as_str().unwrap(), &line["ended"]))
        .collect();
    assert_eq!(endings, [("end_session", "one", &json!(1)), ("logout", "all", &json!(1))]);
    assert_eq!(history.last().unwrap()["reason"], "session_ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_user_keeps_trying() {
    let mut site = Site::new().await;
    let token = site.token("user7", HOME).await;
    site.world.users.disable(&"user7".parse().unwrap()).await.unwrap();
    assert_eq!(site.call("login", HOME.sends(log_in("user7", PASSWORD))).await.status, 400);
    assert_eq!(site.call("refresh", HOME.sends(refresh(&token))).await.status, 400);
    assert_eq!(site.call("sessions", HOME.sends(list(&token))).await.status, 401);
    let verify = post("/auth/verify", &json!({ "token": token, "check_session": true }));
    assert_eq!(site.call("verify", verify).await.status, 400);
    let rows = found("DisabledUsers", &site.log().await).await;
    let events: Vec<_> = rows.iter().map(|row| row["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["list_sessions", "login", "refresh", "verify"], "one word for it everywhere");
}

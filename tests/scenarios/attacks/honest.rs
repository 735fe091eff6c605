//! A morning of honest users: they mistype, change networks, lose responses, open tabs, log out and forget tabs.

use harness::Reply;
use serde_json::json;
use tokio::sync::OnceCell;

use super::site::{
    ACCESS_TOKENS, Client, HOME, ON_THE_ROAD, PHONE, Site, access, change, from, list, log_in, refresh,
};
use crate::{
    binaries::{PASSWORD, post},
    insights::Log,
};

const NEW_PASSWORD: &str = "three honest lighthouses";

/// What is written about them.
pub(super) async fn log() -> &'static Log {
    static LOG: OnceCell<Log> = OnceCell::const_new();
    LOG.get_or_init(morning).await
}

async fn morning() -> Log {
    let mut site = Site::with(&[ACCESS_TOKENS]).await;
    // An office: one address, a dozen people, some of whom mistype.
    let office =
        Client { address: "198.51.100.200", user_agent: "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0" };
    for number in 0..12 {
        if number % 3 == 0 {
            let typo = log_in(&format!("user{number}"), "a typing mistake");
            assert_eq!(site.call("login", office.sends(typo)).await.status, 400);
        }
        site.token(&format!("user{number}"), office).await;
    }
    assert_eq!(site.call("login", from(log_in("user1O", PASSWORD), office.address, PHONE)).await.status, 400);
    // Somebody at home, whose phone goes on by another network: each refresh, and one whose response was lost between.
    let token = site.token("ada", HOME).await;
    let token = success(&site.call("refresh", HOME.sends(refresh(&token))).await);
    site.call("refresh", HOME.sends(refresh(&token))).await;
    let token = success(&site.call("refresh", ON_THE_ROAD.sends(refresh(&token))).await);
    site.minutes_pass(40).await;
    let token = success(&site.call("refresh", ON_THE_ROAD.sends(refresh(&token))).await);
    // Access tokens by one token of the session, here and there.
    for client in [ON_THE_ROAD, HOME] {
        assert_eq!(site.call("access-token", client.sends(access(&token))).await.status, 200);
        site.minutes_pass(20).await;
    }
    // At home again, in two tabs that refresh the same token.
    success(&site.call("refresh", HOME.sends(refresh(&token))).await);
    let token = success(&site.call("refresh", HOME.sends(refresh(&token))).await);
    assert_eq!(site.call("verify", post("/auth/verify", &json!({ "token": token }))).await.status, 200);
    // A second device, of which the first one takes care.
    let laptop = Client { user_agent: office.user_agent, ..HOME };
    let other = site.token("ada", laptop).await;
    let sessions = site.call("sessions", HOME.sends(list(&token))).await;
    let mine = sessions.body["sessions"].as_array().unwrap();
    let sid =
        mine.iter().find(|session| session["current"] == false).unwrap()["session_id"].as_str().unwrap();
    let end =
        harness::Event::http_api(&http::Method::DELETE, &format!("/auth/sessions/{sid}")).bearer(&token);
    assert_eq!(site.call("sessions", HOME.sends(end)).await.status, 204);
    // A tab that was left open there notices once.
    assert_eq!(site.call("refresh", laptop.sends(refresh(&other))).await.code(), "session_ended");
    // A new password, after one mistake, and a logout.
    assert_eq!(
        site.call("password", HOME.sends(change(&token, "a mistake", NEW_PASSWORD))).await.status,
        400
    );
    let token = success(&site.call("password", HOME.sends(change(&token, PASSWORD, NEW_PASSWORD))).await);
    let out = post("/auth/logout", &json!({ "token": token, "everywhere": true }));
    assert_eq!(site.call("sessions", HOME.sends(out)).await.status, 204);
    // A client that sends nonsense in place of a token.
    assert_eq!(site.call("refresh", HOME.sends(refresh("undefined"))).await.code(), "invalid_token");
    for alarm in SIGNS_OF_ATTACKS {
        assert!(!site.raises(alarm).await, "{alarm} suspects the honest");
    }
    site.log().await
}

/// The alarms on attacks.
const SIGNS_OF_ATTACKS: [&str; 6] = [
    "LoginFailures",
    "LoginFailureRate",
    "PasswordFailures",
    "InvalidTokens",
    "EndedSessions",
    "ForeignPages",
];

fn success(reply: &Reply) -> String {
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.token().to_owned()
}

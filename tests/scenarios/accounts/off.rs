//! Off means absent; and the settings that cannot be.

use edge::Environment;
use harness::ISSUER;

use super::*;

/// W1
#[tokio::test]
async fn without_the_setting_there_is_no_route() {
    let world = World::new().await;
    for path in PATHS {
        let answer =
            world.gateway.respond(path, &post(path, &body(path, "x")).0.to_string(), at(LOGIN_AT)).await;
        assert_eq!(Reply::new(&answer).status, 404, "{path}");
    }
}

/// W1: with it, the other calls do to the table what they did.
#[tokio::test]
async fn the_setting_changes_no_answer_and_no_call_of_the_other_functions() {
    let mut told = Vec::new();
    for settings in [&SETTINGS[..1], &[SETTINGS[0], SETTINGS[2]], &SETTINGS[..]] {
        let world = World::with(settings).await;
        world.create("ada", OLD).await;
        world.operations();
        let login = world.log_in("ada", OLD, LOGIN_AT).await;
        let token = login.token().to_owned();
        let mut statuses = vec![login.status, world.refresh(&token, LOGIN_AT).await.status];
        statuses.push(world.log_in("ada", "wrong", LOGIN_AT).await.status);
        let change = json!({ "current_password": OLD, "new_password": NEW });
        let change = post("/auth/password", &change).bearer(&token);
        statuses.push(world.send("/auth/password", &change, LOGIN_AT).await.status);
        let discovery = "/.well-known/openid-configuration";
        let document = world.send(discovery, &Event::http_api(&Method::GET, discovery), LOGIN_AT).await;
        told.push((statuses, document.body, world.operations()));
    }
    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
}

/// nobody is sent to a page that cannot call.
#[test]
fn a_page_that_cannot_call_keeps_the_function_from_starting() {
    let wrong = |settings: &[(&str, &str)]| {
        let lookup = |variable: &str| {
            let set =
                settings.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned());
            set.or_else(|| (variable == "JWT_ISSUER").then(|| ISSUER.to_owned()))
        };
        Environment::new(&lookup).account_link().err().map(|error| error.to_string()).unwrap_or_default()
    };
    let on_issuer = format!("{ISSUER}/account");
    assert_eq!(wrong(&SETTINGS), "");
    assert_eq!(wrong(&[("ACCOUNT_LINK", &on_issuer)]), "");
    assert_eq!(wrong(&[]), "ACCOUNT_LINK must be set");
    for (settings, problem) in [
        (
            &[SETTINGS[1]][..],
            "ACCOUNT_LINK must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS",
        ),
        (
            &[SETTINGS[1], ("CORS_ALLOWED_ORIGINS", "https://example.com,https://app.example.com:8443")],
            "ACCOUNT_LINK must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS",
        ),
        (&[("ACCOUNT_LINK", "http://app.example.com")], "ACCOUNT_LINK must be the https URL of a page"),
        (&[("ACCOUNT_LINK", "https://app.example.com/?x")], "ACCOUNT_LINK must be the https URL of a page"),
    ] {
        assert!(wrong(settings).starts_with(problem), "{settings:?}: {}", wrong(settings));
    }
}

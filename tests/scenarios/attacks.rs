//! Attacks on the real functions: the query that docs/attacks.md names finds each of them, its alarm goes off where it has
//! one, and neither says anything about honest users.

mod honest;
mod insiders;
mod passwords;
mod site;
mod tokens;

use serde_json::json;

use self::site::{Site, shipped};
use crate::template::{plain, resources};

#[tokio::test(flavor = "multi_thread")]
async fn no_alarm_goes_off_for_honest_users() {
    let honest = honest::log().await;
    assert!(honest.lines().len() > 30);
    // People who change networks are seen and not suspected.
    assert!(honest.lines().iter().any(|line| line.get("moved") == Some(&json!("address"))));
    // That the morning ended at all says that no alarm of an attack went off; there was something to hear of each kind.
    for metric in ["LoginFailures", "PasswordFailures", "InvalidTokens", "EndedSessions"] {
        assert!(!honest.query(&format!("filter ispresent({metric})")).is_empty(), "{metric}");
    }
}

#[test]
fn every_query_of_the_template_is_in_the_runbook_of_attacks_and_reads_the_one_log() {
    let documented = include_str!("../../docs/attacks.md");
    let queries = resources("AWS::Logs::QueryDefinition");
    assert!(queries.len() > 15);
    for (name, properties) in queries {
        let title = plain(&properties["Name"])
            .as_str()
            .unwrap()
            .strip_prefix("${AWS::StackName}/")
            .unwrap()
            .to_owned();
        assert!(documented.contains(&format!("`{title}`")), "{name}: {title}");
        assert!(!shipped(&name).contains('#'), "a comment in {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_is_told_step_by_step_and_a_publication_that_changes_nothing_is_not_told() {
    let settings =
        [("SIGNING_SECRET", harness::SECRET_ARN), ("PUBLIC_KEYS_TABLE", harness::PUBLIC_KEYS_TABLE)];
    let mut site = Site::with(&settings).await;
    site.make_table_of_public_keys().await;
    let token = site.begin_rotation();
    for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
        let event = json!({ "Step": step, "SecretId": harness::SECRET_ARN, "ClientRequestToken": token });
        assert_eq!(site.ask("rotate-keys", &event).await, json!(null));
    }
    for _ in 0..3 {
        site.ask("rotate-keys", &json!({ "Step": "publish" })).await;
    }
    let failed =
        json!({ "Step": "createSecret", "SecretId": harness::SECRET_ARN, "ClientRequestToken": "none" });
    site.ask("rotate-keys", &failed).await;
    let log = site.log().await;
    let mut steps = log.query(&shipped("Rotations"));
    steps.reverse();
    let told: Vec<_> =
        steps.iter().map(|step| (&step["step"], &step["outcome"], step.get("changed"))).collect();
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(
        told,
        [
            (&json!("createSecret"), &json!("success"), Some(&yes)),
            (&json!("setSecret"), &json!("success"), Some(&no)),
            (&json!("testSecret"), &json!("success"), Some(&no)),
            (&json!("finishSecret"), &json!("success"), Some(&yes)),
            (&json!("createSecret"), &json!("failure"), None),
        ]
    );
    assert_eq!(steps[4]["detail"], "the secret has no version of this ClientRequestToken");
    assert!(steps[3]["signing_kid"].is_string(), "{steps:?}");
    // With metrics, a line for the age of the key and nothing else.
    let quiet = log.query("filter event = 'rotate_keys' and not ispresent(step)");
    assert!(quiet.len() == 3 && quiet.iter().all(|line| line.contains_key("SigningKeyAge")), "{quiet:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_caller_sends_stays_within_its_member_of_one_line() {
    let mut site = Site::new().await;
    let forged = "x\n{\"v\":1,\"event\":\"login\",\"outcome\":\"success\"}\u{1b}[2J\u{202e}";
    for address in ["203.0.113.9", forged] {
        let event =
            site::from(site::log_in(forged, forged), address, "tab\there, \"quoted\" \\ and {braces}");
        assert_eq!(site.call("login", event).await.status, 400);
    }
    let mut event = site::refresh("x");
    event.0["rawPath"] = forged.into();
    site.call("refresh", event).await;
    let log = site.log().await;
    assert_eq!(log.query("filter ispresent(outcome)").len(), 3);
    assert_eq!(log.query("filter outcome = 'success'").len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_found_from_the_access_log_and_says_which_version_answered_it() {
    let mut site = Site::with(&[("AWS_LAMBDA_FUNCTION_VERSION", "7")]).await;
    let mut event = site::log_in("ada", "a guess");
    event.0["requestContext"]["requestId"] = "Zx81QhCPDoEEPwQ=".into();
    assert_eq!(site.call("login", event).await.status, 400);
    // Of a REST API, whose callers can choose it.
    let mut event =
        harness::Event::rest_api(&http::Method::POST, "/auth/refresh").json(&json!({ "token": "x" }));
    event.0["requestContext"]["requestId"] = "x\n".repeat(500).into();
    assert_eq!(site.call("refresh", event).await.status, 400);
    let log = site.log().await;
    let found = log.query("filter api_request_id = 'Zx81QhCPDoEEPwQ='");
    assert_eq!(
        (found.len(), &found[0]["event"], &found[0]["function_version"]),
        (1, &json!("login"), &json!("7"))
    );
    assert_eq!(
        found[0]["request_id"], "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "Lambda's, which the access log has too"
    );
    let chosen = log.query("filter event = 'refresh'");
    assert!(!chosen[0].contains_key("api_request_id"), "{chosen:?}");
    // What was deployed last has no number.
    let mut site = Site::new().await;
    site.token("ada", site::HOME).await;
    assert!(site.log().await.query("filter ispresent(function_version)").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authorizer_says_which_api_and_route_asked_and_what_the_caller_got() {
    let mut site = Site::new().await;
    let token = site.token("ada", site::HOME).await;
    for kind in crate::authorizer::KINDS {
        for token in [token.as_str(), "none"] {
            site.ask("authorizer", &crate::authorizer::with_token(kind, token)).await;
        }
    }
    let log = site.log().await;
    let asked = log.query("filter event = 'authorizer'");
    assert_eq!(asked.len(), 2 * crate::authorizer::KINDS.len());
    for line in &asked {
        assert!(line.contains_key("api_id"), "{line:?}");
        let denied = line["outcome"] != "success";
        assert_eq!(line.get("status"), denied.then_some(&json!(403)), "{line:?}");
        assert_eq!(line.contains_key("sub"), !denied, "{line:?}");
    }
    let routed = asked.iter().filter(|line| line.contains_key("route")).count();
    assert!(routed >= 4, "only a TOKEN event tells no route: {asked:?}");
}

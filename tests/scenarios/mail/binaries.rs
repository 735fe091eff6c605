//! The real binaries over the stand-in of AWS that `cargo run -p local -- --aws-only` is: what the log has, and what it never has.

use harness::{Event, LocalServer, lambda, lambda::Function};
use http::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::MAIL_SETTINGS;

const OUTBOX: &str = "latchkey-users-outbox";
const ISSUER: (&str, &str) = ("JWT_ISSUER", "https://app.example.com");

/// The variables that the stand-in tells to set.
fn exported(greeting: &str) -> Vec<(&str, &str)> {
    let exported = greeting.lines().filter_map(|line| line.trim().strip_prefix("export "));
    exported.flat_map(|line| line.split(' ')).map(|pair| pair.split_once('=').unwrap()).collect()
}

/// The event that Lambda makes of everything in the outbox.
async fn stream_event(variables: &[(&str, &str)]) -> Value {
    let rows = dynamodb(variables).scan().table_name(OUTBOX).send().await.unwrap().items.unwrap();
    let record = |row: &std::collections::HashMap<String, aws_sdk_dynamodb::types::AttributeValue>| {
        json!({
            "eventName": "INSERT",
            "dynamodb": { "Keys": { "pk": { "S": row["pk"].as_s().unwrap() } }, "SequenceNumber": "1" },
        })
    };
    json!({ "Records": rows.iter().map(record).collect::<Vec<_>>() })
}

/// A row that no function of ours writes.
async fn put_malformed_row(variables: &[(&str, &str)]) {
    let key = aws_sdk_dynamodb::types::AttributeValue::S("letter#malformed".to_owned());
    dynamodb(variables).put_item().table_name(OUTBOX).item("pk", key).send().await.unwrap();
}

fn dynamodb(variables: &[(&str, &str)]) -> aws_sdk_dynamodb::Client {
    let lookup = |variable: &str| {
        variables.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    aws::AwsSettings::new(&lookup).unwrap().dynamodb()
}

/// M3 and A-31.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_letters_has_no_address_name_or_code_and_says_why_one_did_not_go_out() {
    let data = TempDir::new().unwrap();
    let stand_in = LocalServer::start(data.path(), &["--aws-only"]);
    let greeting = stand_in.greeting();
    let variables =
        [&exported(&greeting)[..], &MAIL_SETTINGS, &[ISSUER, ("CODES_TABLE", "latchkey-users-codes")]]
            .concat();
    let ask = |username: &str| {
        Event::http_api(&Method::POST, "/auth/recovery").json(&json!({ "username": username }))
    };
    let mut request = Function::start(&lambda::binary("request-letter"), &variables).await;
    for username in ["demo", "canary-name"] {
        let reply = request.invoke(&ask(username)).await;
        assert_eq!((reply.status, reply.body), (202, Value::Null), "{username}");
    }
    let asked = request.stop().await;

    let event = stream_event(&variables).await;
    assert_eq!(event["Records"].as_array().unwrap().len(), 2);
    // SES does not know this sender, and says so with both addresses.
    let wrong = [&variables[..], &[("MAIL_FROM", "canary@unverified.example")]].concat();
    let mut mailer = Function::start(&lambda::binary("mailer"), &wrong).await;
    assert_eq!(mailer.call(&event).await, json!({ "batchItemFailures": [] }));
    let refused = mailer.stop().await;
    let mut request = Function::start(&lambda::binary("request-letter"), &variables).await;
    assert_eq!(request.invoke(&ask("demo")).await.status, 202);
    put_malformed_row(&variables).await;
    let event = stream_event(&variables).await;
    let mut mailer = Function::start(&lambda::binary("mailer"), &variables).await;
    assert_eq!(mailer.call(&event).await, json!({ "batchItemFailures": [] }));
    assert_eq!(mailer.call(&event).await, json!({ "batchItemFailures": [] }), "nothing is left to do");
    let sent = mailer.stop().await;

    let outcomes = |printed: &str| {
        let lines = printed.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let mut told: Vec<_> = lines
            .filter(|line| line["event"] == "send_letter")
            .map(|line| {
                let text = |member: &str| line[member].as_str().unwrap_or_default().to_owned();
                (text("letter"), text("outcome"), text("reason"), text("aws_error"), line["sub"].is_string())
            })
            .collect();
        told.sort();
        told
    };
    let told = |outcome: &str, reason: &str, aws_error: &str, has_user| {
        let text = ["recovery", outcome, reason, aws_error].map(str::to_owned);
        let [letter, outcome, reason, aws_error] = text;
        (letter, outcome, reason, aws_error, has_user)
    };
    assert_eq!(
        outcomes(&refused),
        [
            told("failure", "letter_refused", "MessageRejected", true),
            told("rejected", "no_recipient", "", false),
        ]
    );
    let sent_lines = outcomes(&sent);
    assert!(sent_lines.contains(&told("success", "", "", true)), "{sent_lines:?}");
    let unreadable = sent_lines.iter().filter(|line| line.2 == "letter_broken").count();
    assert_eq!(
        (sent_lines.len(), unreadable),
        (3, 1),
        "the row that cannot be read holds up no other: {sent_lines:?}"
    );
    assert_eq!(asked.matches("\"request_recovery\"").count(), 2, "{asked}");
    for printed in [&asked, &refused, &sent] {
        for canary in ["demo", "canary", "example.com", "@", "#recovery", "http"] {
            assert!(!printed.contains(canary), "{canary} in {printed}");
        }
        assert!(!printed.split('"').any(|word| word.split('-').filter(|part| part.len() == 4).count() == 6));
    }
}

/// A-23, and what else a mailer cannot start without.
#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_setting_ends_the_mailer_with_a_line_that_names_it() {
    let without = |name: &str| -> Vec<(&str, &str)> {
        let all = [&MAIL_SETTINGS[..], &[ISSUER, ("CODES_TABLE", "c"), ("USERS_TABLE", "u")]].concat();
        all.into_iter().filter(|(variable, _)| *variable != name).collect()
    };
    for (variables, said) in [
        (without("OUTBOX_TABLE"), "OUTBOX_TABLE must be set"),
        (without("MAIL_FROM"), "MAIL_FROM must be set"),
        (without("ACCOUNT_LINK"), "ACCOUNT_LINK must be set"),
        (without("CODES_TABLE"), "CODES_TABLE must be set"),
        (
            [&without("")[..], &[("MAIL_LOCALE", "sv")]].concat(),
            "MAIL_LOCALE is a language in which there are no letters",
        ),
        (
            [&without("")[..], &[("MAIL_FROM", "Ex\u{e4}mple <a@b.example>")]].concat(),
            "MAIL_FROM must be an address",
        ),
        (
            [&without("")[..], &[("ACCOUNT_LINK", "https://evil.example/")]].concat(),
            "ACCOUNT_LINK must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS",
        ),
    ] {
        let printed = Function::start(&lambda::binary("mailer"), &variables).await.ended().await;
        assert!(printed.contains(said), "{said}: {printed}");
    }
}

//! Each fault in the real functions, what they tell CloudWatch of it, and which alarm it raises.

use std::fmt::Write as _;

use aws::with_causes;
use harness::{Event, Reply, SECRET_ARN, SecretsManager, World, denying_aws, lambda};
use http::Method;
use local_data::TABLE_NAME;
use serde_json::json;

use crate::{
    alarms::{Measured, State, alarms},
    binaries::post,
};

const PASSWORD: &str = "correct horse battery";
const SECRET: &str = "hs256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const NOWHERE: &str = "http://127.0.0.1:9";
const RUNBOOK: &str = include_str!("../../docs/runbook.md");
const BEGIN: &str = "<!-- faults:begin -->\n";
const END: &str = "<!-- faults:end -->";

/// The AWS around the functions of one fault.
struct Aws {
    dynamodb: String,
    secrets: String,
    table: &'static str,
}

impl Aws {
    fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", &self.dynamodb),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", &self.secrets),
            ("USERS_TABLE", self.table),
            ("SIGNING_SECRET", SECRET_ARN),
            ("JWT_ISSUER", "https://issuer.example"),
            ("METRICS_STACK", "stack"),
            ("METRICS_LEVEL", "basic"),
        ]
    }

    /// One call of `path` through the gateway, and what it measured; a function that does not start is a 500.
    async fn call(&self, function: &str, path: &str, measured: &mut Measured) -> u64 {
        let body = json!({ "username": "ada", "password": PASSWORD, "token": "x.y.z" });
        let event = Event::http_api(&Method::POST, path).json(&body);
        let mut running = lambda::Function::start(&lambda::binary(function), &self.variables()).await;
        let reply: Reply = running.invoke(&event).await;
        measured.add_log(&running.stop().await);
        through_gateway(measured, reply.status);
        reply.status
    }
}

fn through_gateway(measured: &mut Measured, status: u64) {
    measured.add("AWS/ApiGateway", "Count", &["ApiId=Api"], 1.0);
    measured.add("AWS/ApiGateway", "IntegrationLatency", &["ApiId=Api"], 20.0);
    measured.add("AWS/ApiGateway", "5xx", &["ApiId=Api"], if status >= 500 { 1.0 } else { 0.0 });
}

/// One publication by the schedule, and what Lambda measures of it.
async fn publish(aws: &Aws, measured: &mut Measured) {
    let mut variables = aws.variables();
    variables.push(("PUBLIC_KEYS_TABLE", "latchkey-public-keys"));
    let mut running = lambda::Function::start(&lambda::binary("rotate-keys"), &variables).await;
    let failed = running.call(&json!({ "Step": "publish" })).await["statusCode"] == 500;
    measured.add_log(&running.stop().await);
    measured.add("AWS/Lambda", "Errors", &["FunctionName=RotateKeys"], if failed { 1.0 } else { 0.0 });
}

/// The names of the alarms, in basic observability, that `measured` sets off, with the minutes that takes.
fn raised(measured: &Measured) -> Vec<(String, u64)> {
    let all = alarms(&[]).into_iter();
    let raised =
        all.filter(|(_, alarm)| alarm.state(std::slice::from_ref(measured), State::Ok) == State::Alarm);
    raised.map(|(name, alarm)| (name, alarm.minutes())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_raises_an_alarm_within_5_minutes_and_the_runbook_says_which() {
    let store = harness::DynamoDb::start().await;
    World::at_endpoint(&store.endpoint, &[]).create("ada", PASSWORD).await;
    let sound = SecretsManager::start(SECRET).await;
    let damaged = SecretsManager::start("damaged").await;
    let empty = SecretsManager::start(r#"{"keys":[]}"#).await;
    let (sound, damaged, empty) = (sound.url(), damaged.url(), empty.url());
    let denying = denying_aws().await;
    let aws = |dynamodb: &str, secrets: &str, table| Aws {
        dynamodb: dynamodb.to_owned(),
        secrets: secrets.to_owned(),
        table,
    };
    let well = aws(&store.endpoint, sound, TABLE_NAME);

    let mut healthy = Measured::default();
    assert_eq!(well.call("login", "/auth/login", &mut healthy).await, 200);
    assert_eq!(well.call("refresh", "/auth/refresh", &mut healthy).await, 400);
    healthy.add("AWS/Lambda", "Errors", &["FunctionName=RotateKeys"], 0.0);
    assert_eq!(raised(&healthy), [], "nothing is wrong");

    let mut table = String::from("| fault | alarms | minutes |\n| --- | --- | ---: |\n");
    let mut tell = |fault: &str, measured: &Measured, expected: &[&str]| {
        let raised = raised(measured);
        let names: Vec<_> = raised.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, expected, "{fault}");
        let minutes = raised.iter().map(|(_, minutes)| *minutes).min().unwrap();
        assert!(minutes <= 5, "{fault}: {minutes} minutes");
        let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
        writeln!(table, "| {fault} | {} | {minutes} |", names.join(", ")).unwrap();
    };
    let both = ["ServerErrors", "Unavailable"];
    for (fault, broken) in [
        ("the secret holds no key set", aws(&store.endpoint, damaged, TABLE_NAME)),
        ("the key set is empty", aws(&store.endpoint, empty, TABLE_NAME)),
        ("Secrets Manager is down", aws(&store.endpoint, NOWHERE, TABLE_NAME)),
        ("Secrets Manager denies access", aws(&store.endpoint, &denying, TABLE_NAME)),
        ("DynamoDB is down", aws(NOWHERE, sound, TABLE_NAME)),
        ("DynamoDB denies access", aws(&denying, sound, TABLE_NAME)),
        ("the users' table is gone", aws(&store.endpoint, sound, "no-such-table")),
    ] {
        let mut measured = Measured::default();
        assert_eq!(broken.call("login", "/auth/login", &mut measured).await, 503, "{fault}");
        tell(fault, &measured, &both);
    }
    for (fault, path) in [("a function panics", "/panic"), ("a function takes too long", "/hang")] {
        let mut measured = Measured::default();
        assert_eq!(well.call("faulty", path, &mut measured).await, 503, "{fault}");
        tell(fault, &measured, &both);
    }

    let mut measured = Measured::default();
    let broken = Aws { table: "", ..aws(&store.endpoint, sound, "") };
    lambda::Function::start(&lambda::binary("login"), &broken.variables()).await.ended().await;
    // API Gateway makes a 500 of a function that Lambda cannot start.
    through_gateway(&mut measured, 500);
    tell("a function cannot start", &measured, &["ServerErrors"]);

    let mut measured = Measured::default();
    let mut variables = well.variables();
    variables.extend([("CHECK_SESSION", "true"), ("AWS_ENDPOINT_URL_SECRETS_MANAGER", NOWHERE)]);
    let mut authorizer = lambda::Function::start(&lambda::binary("authorizer"), &variables).await;
    let denial = authorizer.call(&crate::authorizer::with_token("http_api_2", "x.y.z")).await;
    assert!(!crate::authorizer::allows(&denial));
    measured.add_log(&authorizer.stop().await);
    tell("the authorizer cannot read keys or users", &measured, &["Unavailable"]);

    let mut measured = Measured::default();
    publish(&aws(&store.endpoint, damaged, TABLE_NAME), &mut measured).await;
    tell("a rotation or publication fails", &measured, &["RotationFailed"]);

    let mut measured = Measured::default();
    for _ in 0..400 {
        measured.add("AWS/ApiGateway", "Count", &["ApiId=Api"], 1.0);
    }
    for _ in 0..250 {
        measured.add("AWS/ApiGateway", "IntegrationLatency", &["ApiId=Api"], 20.0);
    }
    tell("API Gateway throttles callers (429)", &measured, &["GatewayThrottles"]);

    let shown = RUNBOOK.split_once(BEGIN).unwrap().1.split_once(END).unwrap().0;
    assert_eq!(shown, table, "docs/runbook.md shows another table");
}

#[test]
fn a_new_stack_raises_no_alarm_and_a_schedule_that_stops_changes_one() {
    for level in ["basic", "full"] {
        for (name, alarm) in alarms(&[("Observability", level)]) {
            let state = alarm.state(&[], State::InsufficientData);
            assert_ne!(state, State::Alarm, "{name}");
        }
    }
    let rotation = &alarms(&[])["RotationFailed"];
    let mut run = Measured::default();
    run.add("AWS/Lambda", "Errors", &["FunctionName=RotateKeys"], 0.0);
    let silence = Measured::default;
    assert_eq!(rotation.state(&[silence(), run.clone()], State::InsufficientData), State::Ok);
    // One late run is none that fails.
    assert_eq!(rotation.state(&[run.clone(), run.clone(), silence()], State::Ok), State::Ok);
    assert_eq!(rotation.state(&[run, silence(), silence(), silence()], State::Ok), State::InsufficientData);
    let template = crate::resolved::resolved(&[("AlarmTopic", "arn:aws:sns:eu-west-1:123456789012:topic")]);
    let actions = &template["Resources"]["RotationFailed"]["Properties"]["InsufficientDataActions"];
    assert_eq!(actions[0], "arn:aws:sns:eu-west-1:123456789012:topic");
}

#[test]
fn a_throttled_table_raises_its_alarm_a_second_time() {
    let alarm = &alarms(&[("Observability", "full")])["TableThrottles"];
    let mut used = Measured::default();
    used.add("AWS/DynamoDB", "ConsumedReadCapacityUnits", &["TableName=PublicKeys"], 1.0);
    let mut throttled = used.clone();
    throttled.add("AWS/DynamoDB", "WriteThrottleEvents", &["TableName=Users"], 3.0);
    let mut state = State::InsufficientData;
    let mut seen = Vec::new();
    for period in [&used, &throttled, &used, &throttled] {
        state = alarm.state(std::slice::from_ref(period), state);
        seen.push(state);
    }
    assert_eq!(seen, [State::Ok, State::Alarm, State::Ok, State::Alarm]);
}

#[test]
fn a_key_is_overdue_two_days_after_two_rotations_and_not_after_one_that_a_hand_has_moved() {
    let alarm = &alarms(&[("Observability", "full")])["KeyAge"];
    let at_age = |days| {
        let mut measured = Measured::default();
        measured.add("Latchkey", "SigningKeyAge", &["Stack=stack"], days);
        alarm.state(&[measured.clone(), measured], State::Ok)
    };
    for (days, state) in [(0.0, State::Ok), (31.1, State::Ok), (59.9, State::Ok), (61.9, State::Ok)] {
        assert_eq!(at_age(days), state, "{days}");
    }
    assert_eq!(at_age(62.0), State::Alarm);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_aws_says_is_logged_as_its_code_and_never_in_its_words() {
    const NAME: &str = "canary-name-5c1e";
    let denying = denying_aws().await;
    let username = NAME.parse().unwrap();
    let error = World::at_endpoint(&denying, &[]).users.origin(&username).await.unwrap_err();
    assert!(
        with_causes(&error).contains(NAME),
        "AWS quotes what was sent, and a terminal shows it: {error:?}"
    );

    let secrets = SecretsManager::start(SECRET).await;
    let login = post("/auth/login", &json!({ "username": NAME, "password": PASSWORD }));
    for (dynamodb, code) in [(denying.as_str(), "AccessDeniedException"), (NOWHERE, "not_connected")] {
        let aws = Aws { dynamodb: dynamodb.to_owned(), secrets: secrets.url().to_owned(), table: TABLE_NAME };
        let mut variables = aws.variables();
        variables.push(("AWS_LAMBDA_LOG_LEVEL", "TRACE"));
        let mut running = lambda::Function::start(&lambda::binary("login"), &variables).await;
        let reply = running.invoke(&login).await;
        let printed = running.stop().await;
        assert_eq!(reply.status, 503, "{printed}");
        for member in [r#""reason":"store_failed""#, &format!(r#""aws_error":"{code}""#)] {
            assert!(printed.contains(member), "{member} in {printed}");
        }
        for words in [NAME, PASSWORD, "not authorized"] {
            assert!(
                !printed.contains(words) && !format!("{reply:?}").contains(words),
                "{words} in {printed}"
            );
        }
    }
}

#[test]
fn throttling_by_the_gateway_is_told_from_scans_for_paths_that_do_not_exist() {
    let of = |count: u32, reached: u32| {
        let mut measured = Measured::default();
        (0..count).for_each(|_| measured.add("AWS/ApiGateway", "Count", &["ApiId=Api"], 1.0));
        (0..reached).for_each(|_| measured.add("AWS/ApiGateway", "IntegrationLatency", &["ApiId=Api"], 9.0));
        alarms(&[])["GatewayThrottles"].state(&[measured], State::Ok)
    };
    assert_eq!(of(90, 0), State::Ok, "a burst has not been used up");
    assert_eq!(of(2000, 1990), State::Ok);
    assert_eq!(of(2000, 1850), State::Alarm);
    // Of excessive 429s API Gateway tells nothing: then the rate itself is the sign.
    assert_eq!(of(2700, 2700), State::Alarm);
    let mut logged = Measured::default();
    (0..5).for_each(|_| logged.add("Latchkey", "stack-Throttled", &[], 1.0));
    let exact = &alarms(&[("AccessLog", "true")])["GatewayThrottles"];
    assert_eq!(exact.state(&[logged], State::Ok), State::Alarm);
}

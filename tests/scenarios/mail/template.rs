//! What template.yaml makes of `MailFrom`.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::{
    alarms::{Measured, State, alarms},
    resolved::{EVERYTHING, resolved},
    template::{plain, template},
};

/// With links, and without letters.
const LINKS: &[(&str, &str)] =
    &[("AccountLink", "https://app.example.com/account"), ("CorsAllowedOrigins", "https://app.example.com")];

fn with_mail() -> Vec<(&'static str, &'static str)> {
    [LINKS, &[("MailFrom", "no-reply@example.com"), ("MailConfigurationSet", "latchkey")]].concat()
}

fn text(value: &Value) -> String {
    serde_yaml_ng::to_string(value).unwrap()
}

/// W1
#[test]
fn without_mail_from_nothing_of_it_is_there() {
    let trace = |parameters: &[(&str, &str)]| {
        let deployed = resolved(parameters);
        let told = [text(&deployed["Resources"]), text(&deployed["Outputs"])].concat();
        ["Outbox", "OUTBOX_TABLE", "Mailer", "RequestLetter", "ses:", "AWS/SES", "Letter", "letter#", "MAIL_"]
            .map(|trace| told.contains(trace))
    };
    assert_eq!(trace(&[]), [false; 9]);
    assert_eq!(trace(LINKS), [false; 9]);
    // Not without a page for the links either, which the rule rejects.
    assert_eq!(trace(&[("MailFrom", "no-reply@example.com")]), [false; 9]);
    assert_eq!(trace(&with_mail()), [true; 9]);
    let rule = &template()["Rules"]["MailWithLinks"];
    assert_eq!(plain(&plain(&plain(&rule["RuleCondition"])[0])[0]), "MailFrom");
    for (index, needed) in ["AccountLink", "MailConfigurationSet"].into_iter().enumerate() {
        assert!(text(&rule["Assertions"][index]["Assert"]).contains(needed));
    }
}

/// M1
#[test]
fn who_asks_for_a_letter_may_put_a_row_and_do_nothing_else() {
    let role = &resolved(EVERYTHING)["Resources"]["RequestLetterRole"]["Properties"]["Policies"];
    let statements = role[0]["PolicyDocument"]["Statement"].as_sequence().unwrap();
    let [one] = &statements[..] else { panic!("not one statement") };
    assert_eq!(one["Action"], "dynamodb:PutItem");
    assert_eq!(plain(&one["Resource"]), "Outbox.Arn");
    assert_eq!(one["Condition"]["StringEqualsIfExists"]["dynamodb:ReturnValues"], "NONE");
}

/// M16: the stream names rows and says nothing of them. A-15: how letters are delivered.
#[test]
fn the_stream_holds_keys_alone_and_begins_at_its_beginning() {
    let deployed = resolved(&with_mail());
    let resources = &deployed["Resources"];
    let stream = &resources["Outbox"]["Properties"]["StreamSpecification"];
    assert_eq!(stream["StreamViewType"], "KEYS_ONLY");
    assert!(resources["Users"]["Properties"]["StreamSpecification"].is_null());
    let source = &resources["MailerSource"]["Properties"];
    assert_eq!(source["StartingPosition"], "TRIM_HORIZON");
    // Longer than the mailer waits with any letter, or one could go without a word.
    assert!(source["MaximumRecordAgeInSeconds"].as_i64().is_some_and(|age| age > 6 * 3600 && age < 86_400));
    assert_eq!(source["MaximumRetryAttempts"].as_i64(), Some(-1));
    assert_eq!(source["FunctionResponseTypes"][0], "ReportBatchItemFailures");
    assert!(source["ParallelizationFactor"].is_null(), "one at a time bounds the cost");
    let filter: serde_json::Value =
        serde_json::from_str(source["FilterCriteria"]["Filters"][0]["Pattern"].as_str().unwrap()).unwrap();
    assert_eq!(filter, serde_json::json!({ "eventName": ["INSERT"] }));
    let timeout = &resources["Mailer"]["Properties"]["Timeout"];
    assert!(timeout.is_null(), "the 10 s of all functions, of which it uses 8");
}

/// A-1 and S-8: the mailer writes codes, and no user.
#[test]
fn the_mailer_writes_no_user_and_sends_as_one_sender() {
    let deployed = resolved(EVERYTHING);
    let role =
        &deployed["Resources"]["MailerRole"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"];
    let actions_on = |resource: &str| {
        let all = role.as_sequence().unwrap().iter();
        let of_it = all.filter(|statement| text(&statement["Resource"]).contains(resource));
        of_it
            .flat_map(|statement| match &statement["Action"] {
                Value::Sequence(actions) => {
                    actions.iter().map(|it| it.as_str().unwrap().to_owned()).collect()
                }
                one => vec![one.as_str().unwrap().to_owned()],
            })
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(actions_on("Users.Arn"), BTreeSet::from(["dynamodb:GetItem".to_owned()]));
    let keys: Vec<_> = role
        .as_sequence()
        .unwrap()
        .iter()
        .filter_map(|it| it["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"].as_sequence())
        .map(|keys| keys.iter().map(|key| key.as_str().unwrap()).collect::<Vec<_>>())
        .collect();
    // No invitation, whose claims a user would get; and no machine client.
    assert_eq!(keys, [vec!["user#*"], vec!["code#*", "letters#*", "letter#*"]]);
    let on_codes = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"].map(str::to_owned);
    assert_eq!(actions_on("Codes.Arn"), on_codes.into());
    assert_eq!(actions_on("identity/*"), BTreeSet::from(["ses:SendEmail".to_owned()]));
    let sends = role.as_sequence().unwrap().iter().find(|it| it["Action"] == "ses:SendEmail").unwrap();
    assert_eq!(sends["Condition"]["StringEquals"]["ses:FromAddress"], "no-reply@example.com");
    assert!(!text(role).contains("secretsmanager"));
}

#[test]
fn letters_are_from_the_address_with_or_without_a_name() {
    let from = |parameters: &[(&str, &str)]| {
        let deployed = resolved(&[&with_mail()[..], parameters].concat());
        let variables = &deployed["Resources"]["Mailer"]["Properties"]["Environment"]["Variables"];
        plain(&variables["MAIL_FROM"]).as_str().unwrap().to_owned()
    };
    assert_eq!(from(&[]), "no-reply@example.com");
    assert_eq!(from(&[("MailFromName", "Example Inc.")]), "${MailFromName} <${MailFrom}>");
    let languages = template()["Parameters"]["MailLocale"]["AllowedValues"].clone();
    let languages: Vec<_> = languages.as_sequence().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    assert_eq!(languages, mailer::LANGUAGES.map(|(tag, _)| tag));
}

/// Open question 4 of the review.
#[test]
fn the_outbox_goes_with_the_setting_and_is_named_for_latchkey() {
    let table = &resolved(&with_mail())["Resources"]["Outbox"];
    assert_eq!(
        (&table["DeletionPolicy"], &table["UpdateReplacePolicy"]),
        (&"Delete".into(), &"Delete".into())
    );
    assert_eq!(plain(&table["Properties"]["TableName"])[0], "${Table}-outbox");
    assert!(table["Properties"]["PointInTimeRecoverySpecification"].is_null());
}

/// S-9: two alarms. One letter that is lost, or that waits for five minutes, is enough for the first.
#[test]
fn letters_that_do_not_go_out_and_a_reputation_that_falls_raise_an_alarm() {
    let alarms = alarms(&with_mail());
    let state = |name: &str, namespace: &str, metric: &str, dimension: &str, value: f64| {
        let mut measured = Measured::default();
        measured.add(namespace, metric, &[dimension], value);
        alarms[name].state(&[measured], State::Ok)
    };
    let lambda = |metric, value| state("LettersFail", "AWS/Lambda", metric, "FunctionName=Mailer", value);
    assert_eq!(state("LettersFail", "Latchkey", "LostLetters", "Stack=stack", 1.0), State::Alarm);
    assert_eq!((lambda("Errors", 1.0), lambda("Errors", 0.0)), (State::Alarm, State::Ok));
    assert_eq!(
        (lambda("IteratorAge", 300_000.0), lambda("IteratorAge", 299_999.0)),
        (State::Alarm, State::Ok)
    );
    let reputation = |metric, value| state("MailReputation", "AWS/SES", metric, "", value);
    let bounces = "Reputation.BounceRate";
    assert_eq!((reputation(bounces, 0.05), reputation(bounces, 0.049)), (State::Alarm, State::Ok));
    let complaints = "Reputation.ComplaintRate";
    assert_eq!((reputation(complaints, 0.001), reputation(complaints, 0.0009)), (State::Alarm, State::Ok));
    for name in ["LettersFail", "MailReputation"] {
        assert_eq!(alarms[name].state(&[Measured::default()], State::Ok), State::Ok, "no letter, no noise");
    }
}

//! A table that is reached as one of AWS is: region, credentials and endpoint from the environment.

use local_data::TABLE_NAME;

use crate::folder::{Run, latchkey, run};

/// Runs the program against a table at `endpoint` with these further variables.
fn run_against(endpoint: &str, arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Run {
    let mut command = latchkey(arguments);
    command
        .env("AWS_ENDPOINT_URL_DYNAMODB", endpoint)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(variables.iter().copied());
    run(command, input)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_table_is_named_by_option_or_variable() {
    let store = harness::DynamoDb::start().await;
    let region = ("AWS_REGION", "eu-central-1");
    let create = ["user", "create", "ada", "--password-stdin", "--table", TABLE_NAME];
    let created = run_against(&store.endpoint, &create, &[region], "correct horse\n");
    assert_eq!((created.status, created.err.as_str()), (0, ""));
    assert!(store.users.find(&"ada".parse().unwrap()).await.unwrap().is_some());

    let table = ("USERS_TABLE", TABLE_NAME);
    let listed = run_against(&store.endpoint, &["user", "list"], &[region, table], "");
    assert!(listed.out.contains("\nada "), "{listed:?}");
    let listed = run_against(&store.endpoint, &["user", "list", "--region", "eu-west-1"], &[table], "");
    assert!(listed.out.contains("\nada "), "{listed:?}");
}

#[test]
fn what_is_missing_is_said_in_one_line() {
    let nowhere = "http://127.0.0.1:9";
    let no_table = run_against(nowhere, &["user", "list"], &[("AWS_REGION", "eu-central-1")], "");
    assert_eq!(no_table.status, 2);
    assert!(no_table.err.starts_with("latchkey: which table?"), "{no_table:?}");

    let no_region = run_against(nowhere, &["user", "list", "--table", "users"], &[], "");
    assert_eq!(no_region.status, 1);
    assert!(no_region.err.starts_with("latchkey: which region?"), "{no_region:?}");

    let both = run(latchkey(&["user", "list", "--table", "users", "--local"]), "");
    assert_eq!(both.status, 2);
}

#[test]
fn a_table_that_does_not_answer_is_said_in_one_line() {
    // Port 9 of this machine, discard, serves nobody.
    let run = run_against(
        "http://127.0.0.1:9",
        &["user", "show", "ada", "--table", "users", "--region", "eu-central-1"],
        &[],
        "",
    );
    assert_eq!((run.status, run.out.as_str(), run.err.lines().count()), (1, "", 1));
    assert!(run.err.starts_with("latchkey: GetItem of DynamoDB failed: "), "{}", run.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_is_named_by_what_dynamodb_says() {
    let store = harness::DynamoDb::start().await;
    let arguments = ["user", "show", "ada", "--table", "elsewhere", "--region", "eu-central-1"];
    let run = run_against(&store.endpoint, &arguments, &[], "");
    assert_eq!((run.status, run.err.lines().count()), (1, 1));
    assert!(run.err.contains("not found"), "{}", run.err);
}

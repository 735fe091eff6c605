//! `latchkey keys …`

use serde_json::Value;
use tests::{SECRET_ARN, SecretsManager};
use token::Timestamp;

use crate::folder::{Folder, Run, latchkey, run};

fn status(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = latchkey(&[&["keys", "status"], arguments].concat());
    command
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(variables.iter().copied());
    run(command, "")
}

#[test]
fn the_local_server_s_key_signs() {
    let folder = Folder::new();
    local::signing_key::file_in(folder.path(), Timestamp::from_seconds(1_685_728_800).unwrap()).unwrap();
    let shown = folder.run(&["keys", "status"], "");
    assert!(
        shown.out.ends_with(" (RS256) signs now, and verifies until a rotation decides its end.\n"),
        "{shown:?}"
    );
    assert_eq!(folder.json(&["keys", "status"], "")[0]["state"], "signs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_named_by_option_or_variable_and_never_printed() {
    let secrets = SecretsManager::start("canary-canary-canary-canary-canary").await;
    for (arguments, variables) in
        [(&["--secret", SECRET_ARN, "--json"][..], &[][..]), (&["--json"], &[("SIGNING_SECRET", SECRET_ARN)])]
    {
        let shown = status(secrets.url(), arguments, variables);
        assert_eq!((shown.status, shown.err.as_str()), (0, ""));
        let keys: Value = serde_json::from_str(&shown.out).unwrap();
        assert_eq!((keys[0]["alg"].as_str(), keys[0]["state"].as_str()), (Some("HS256"), Some("signs")));
        assert!(!shown.out.contains("canary"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_or_wrong_is_said_in_one_line() {
    let none = status("http://127.0.0.1:9", &[], &[]);
    assert_eq!(none.status, 2);
    assert!(none.err.starts_with("latchkey: which secret?"), "{none:?}");

    let silent = status("http://127.0.0.1:9", &["--secret", SECRET_ARN], &[]);
    assert_eq!((silent.status, silent.err.lines().count()), (1, 1));
    assert!(silent.err.starts_with("latchkey: cannot read the secret: "), "{silent:?}");

    let secrets = SecretsManager::start("x").await;
    let other = status(secrets.url(), &["--secret", "arn:other"], &[]);
    assert!(other.err.contains("no such secret"), "{other:?}");
    let weak = status(secrets.url(), &["--secret", SECRET_ARN], &[]);
    assert!(weak.err.starts_with("latchkey: the secret holds no usable keys: "), "{weak:?}");
}

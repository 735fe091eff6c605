//! `latchkey keys …`

use std::time::Duration;

use edge::Environment;
use harness::{FIRST_VERSION, ISSUER, PUBLIC_KEYS_TABLE, PublicKeysTable, SECRET_ARN, SecretsManager};
use rotate_keys::RotateKeys;
use serde_json::{Value, json};
use token::{Algorithm, Key, KeySet, Schedule, Timestamp};

use crate::folder::{Folder, Run, latchkey, run};

fn status(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    keys(url, &[&["status"], arguments].concat(), variables)
}

fn keys(url: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = latchkey(&[&["keys"], arguments].concat());
    command
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", url)
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test")
        .env("AWS_REGION", "eu-west-1")
        .env("AWS_MAX_ATTEMPTS", "1")
        .envs(variables.iter().copied());
    let told = run(command, "");
    // Where the users are is no matter of these tests, but of one.
    Run { err: told.err.replace(UNRECORDED, ""), ..told }
}

const UNRECORDED: &str =
    "latchkey: this change is not recorded: name the users' table with --table or USERS_TABLE\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_is_recorded_with_its_id_where_the_users_are_known() {
    let store = harness::DynamoDb::start().await;
    let set = two_keys();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let [leaked, next] = [set.keys()[0].id(), set.keys()[1].id()];
    let retire = |key: &str, table: &[&str]| {
        let words = ["keys", "retire", key, "--now", "--yes", "--secret", SECRET_ARN];
        let mut command = latchkey(&[&words, table].concat());
        command
            .env("AWS_ENDPOINT_URL", &store.endpoint)
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", secrets.url());
        command.envs([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "eu-west-1"),
        ]);
        run(command, "")
    };
    let recorded = retire(leaked, &["--table", local_data::TABLE_NAME]);
    assert_eq!((recorded.status, recorded.err.as_str()), (0, ""));
    let changes = store.changes.list().await.unwrap().changes;
    let what = changes[0].what.as_deref().unwrap();
    let what: Value = serde_json::from_str(what).unwrap();
    assert_eq!((changes[0].command.as_str(), what), ("keys retire", json!({ "kid": leaked })));
    assert_eq!(retire(next, &[]).err, UNRECORDED);
}

#[test]
fn the_local_server_s_key_signs() {
    let folder = Folder::new();
    local_data::signing_key::file_in(folder.path(), Timestamp::from_seconds(1_685_728_800).unwrap()).unwrap();
    let shown = folder.run(&["keys", "status"], "");
    assert!(
        shown.out.ends_with(" (RS256) signs now, and verifies until a rotation decides its end.\n"),
        "{shown:?}"
    );
    assert_eq!(folder.json(&["keys", "status"], "")[0]["state"], "signs");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_secret_is_named_by_option_or_variable_and_never_printed() {
    let secrets = SecretsManager::start(&format!("hs256:{CANARY}")).await;
    for (arguments, variables) in
        [(&["--secret", SECRET_ARN, "--json"][..], &[][..]), (&["--json"], &[("SIGNING_SECRET", SECRET_ARN)])]
    {
        let shown = status(secrets.url(), arguments, variables);
        assert_eq!((shown.status, shown.err.as_str()), (0, ""));
        let keys: Value = serde_json::from_str(&shown.out).unwrap();
        assert_eq!((keys[0]["alg"].as_str(), keys[0]["state"].as_str()), (Some("HS256"), Some("signs")));
        assert!(!shown.out.contains(CANARY));
    }
}

/// The random bytes of a secret.
const CANARY: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

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
    assert!(other.err.contains("can't find the specified secret"), "{other:?}");
    let weak = status(secrets.url(), &["--secret", SECRET_ARN], &[]);
    assert!(weak.err.starts_with("latchkey: the secret holds no usable keys: "), "{weak:?}");
}

fn now() -> Timestamp {
    edge::clock::now()
}

/// A set of two keys: the first signs, the second will in an hour.
fn two_keys() -> KeySet {
    two_keys_published(now())
}

fn two_keys_published(published: Timestamp) -> KeySet {
    let key = |signs_from, retires| {
        Key::generate(Algorithm::ES256, Schedule { published, signs_from, retires }).unwrap()
    };
    let now = now();
    let hours = |count: u64| now.plus(token::Seconds::new(count * 3600));
    KeySet::new(vec![key(published, Some(hours(3))), key(hours(1), None)]).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_everybody_knows_takes_over_without_a_warning() {
    let set = two_keys_published(now().minus(token::Seconds::new(3 * 3600)));
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let leaked = set.keys()[0].id();
    let run = keys(secrets.url(), &["retire", leaked, "--now", "--yes", "--secret", SECRET_ARN], &[]);
    assert!(run.status == 0 && !run.out.contains("401"), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kid_may_begin_with_a_hyphen() {
    let now = now();
    let always = Schedule { published: now, signs_from: now, retires: None };
    let key = Key::from_secret("-leaked", b"9f86d081884c7d659a2feaa0c55ad015", always).unwrap();
    let set = KeySet::new(vec![key]).unwrap();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let run = keys(secrets.url(), &["retire", "-leaked", "--now", "--yes", "--secret", SECRET_ARN], &[]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
}

fn in_force(secrets: &SecretsManager) -> KeySet {
    KeySet::from_secret(&secrets.labelled("AWSCURRENT").unwrap().1.unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_retired_at_once_and_the_next_signs() {
    let set = two_keys();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let [leaked, next] = [set.keys()[0].id(), set.keys()[1].id()];
    let run = keys(secrets.url(), &["retire", leaked, "--now", "--yes", "--secret", SECRET_ARN], &[]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        format!(
            "{leaked} has been taken out. What it signed is rejected within 5 minutes (10 where a table of public keys is read);\n\
             API Gateway's native authorizers may accept it for up to 2 hours.\n\
             The key that signs in its place is new: routes behind API Gateway's native authorizers may reject its tokens with \
             401 for up to 2 hours.\n\
             {next} (ES256) signs now, and verifies until a rotation decides its end.\n"
        )
    );
    let left = in_force(&secrets);
    assert_eq!(left.keys().len(), 1);
    assert_eq!(left.signing_key(now()).unwrap().id(), next);
    // The next rotation starts afresh, also after a change by hand.
    assert_eq!(secrets.labelled("AWSPENDING"), None);
    assert!(secrets.begin_rotation().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_key_is_taken_out_of_the_table_of_public_keys_too() {
    let set = two_keys();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let store = harness::DynamoDb::start().await;
    let table = PublicKeysTable::create(&store.endpoint).await;
    let leaked = set.keys()[0].id();
    let retire = ["retire", leaked, "--now", "--yes", "--secret", SECRET_ARN];
    let option = ["--public-keys-table", PUBLIC_KEYS_TABLE];
    let endpoint = [("AWS_ENDPOINT_URL_DYNAMODB", store.endpoint.as_str())];
    let run = keys(secrets.url(), &[&retire[..], &option].concat(), &endpoint);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert!(run.out.contains("rejected within 5 minutes;\n"), "{run:?}");
    assert_eq!(table.published().await, in_force(&secrets).to_public());
    assert!(!table.published().await.unwrap().contains(leaked));

    secrets.put_by_hand(&set.to_secret());
    let silent =
        [("AWS_ENDPOINT_URL_DYNAMODB", "http://127.0.0.1:9"), ("PUBLIC_KEYS_TABLE", PUBLIC_KEYS_TABLE)];
    let run = keys(secrets.url(), &retire, &silent);
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(
        run.err.starts_with(
            "latchkey: the key is out of the secret, but not yet out of the table of public keys, "
        ),
        "{run:?}"
    );
    assert!(in_force(&secrets).keys().iter().all(|key| key.id() != leaked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_under_way_cannot_bring_a_retired_key_back() {
    let set = two_keys();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let token = secrets.begin_rotation().unwrap();
    let rotation = rotation(&secrets);
    rotation.handle(&event("createSecret", &token), now()).await.unwrap();
    let leaked = set.keys()[0].id();
    let run = keys(secrets.url(), &["retire", leaked, "--now", "--yes", "--secret", SECRET_ARN], &[]);
    assert_eq!(run.status, 0, "{run:?}");
    for step in ["testSecret", "finishSecret"] {
        rotation.handle(&event(step, &token), now()).await.unwrap_err();
    }
    assert!(in_force(&secrets).keys().iter().all(|key| key.id() != leaked));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_retired_only_on_purpose_and_only_one_that_is_there() {
    let set = two_keys();
    let secrets = SecretsManager::start(&set.to_secret()).await;
    let signer = set.keys()[0].id();
    for (arguments, status, said) in [
        (&["retire", signer][..], 2, "say --now"),
        (&["retire", signer, "--now"], 1, "there is no terminal to ask at; say --yes"),
        (
            &["retire", "other", "--now", "--yes"],
            1,
            "there is no key other; `latchkey keys status` names them",
        ),
    ] {
        let run = keys(secrets.url(), &[arguments, &["--secret", SECRET_ARN]].concat(), &[]);
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.err.contains(said), "{run:?}");
    }
    assert_eq!(secrets.labelled("AWSCURRENT").unwrap().0, FIRST_VERSION);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retirement_that_fails_on_the_way_says_so_and_leaves_the_old_keys_in_force() {
    for calls in 0..3 {
        let set = two_keys();
        let secrets = SecretsManager::start(&set.to_secret()).await;
        secrets.fail_after(calls, false);
        let signer = set.keys()[0].id();
        let run = keys(secrets.url(), &["retire", signer, "--now", "--yes", "--secret", SECRET_ARN], &[]);
        assert_eq!((run.status, run.out.as_str()), (1, ""));
        let expected = if calls == 0 { "cannot read the secret: " } else { "cannot change the secret: " };
        assert!(run.err.contains(expected), "{run:?}");
        assert_eq!(secrets.labelled("AWSCURRENT").unwrap().0, FIRST_VERSION);
    }
}

fn rotation(secrets: &SecretsManager) -> RotateKeys {
    let lookup = |variable: &str| match variable {
        "SIGNING_SECRET" => Some(SECRET_ARN.to_owned()),
        "JWT_ISSUER" => Some(ISSUER.to_owned()),
        "SIGNING_ALGORITHM" => Some("ES256".to_owned()),
        _ => None,
    };
    RotateKeys::new(secrets.signing_secret(), None, &Environment::new(&lookup)).unwrap()
}

fn event(step: &str, token: &str) -> Value {
    json!({ "Step": step, "SecretId": SECRET_ARN, "ClientRequestToken": token })
}

#[tokio::test(flavor = "multi_thread")]
async fn rotate_waits_for_the_new_version_and_says_what_the_keys_do_then() {
    let set = two_keys();
    let secrets = std::sync::Arc::new(SecretsManager::start(&set.to_secret()).await);
    // What AWS does when it is asked to rotate.
    let service = std::sync::Arc::clone(&secrets);
    let steps = tokio::spawn(async move {
        let token = loop {
            match service.labelled("AWSPENDING") {
                Some((token, _)) => break token,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        // So that the key is younger than any time that was read before the wait.
        let begun = now();
        while now() == begun {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for step in ["createSecret", "setSecret", "testSecret", "finishSecret"] {
            rotation(&service).handle(&event(step, &token), now()).await.unwrap();
        }
    });
    let run = keys(secrets.url(), &["rotate", "--secret", SECRET_ARN], &[]);
    steps.await.unwrap();
    assert_eq!(
        (run.status, run.err.as_str(), run.out.lines().count()),
        (0, "", in_force(&secrets).keys().len())
    );
    let newest = in_force(&secrets).keys().last().unwrap().id().to_owned();
    assert!(run.out.contains(&format!("{newest} (ES256) verifies already, signs from ")), "{run:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_rotation_hangs_rotate_says_what_secrets_manager_says() {
    let secrets = SecretsManager::start(&two_keys().to_secret()).await;
    secrets.begin_rotation().unwrap();
    let run = keys(secrets.url(), &["rotate", "--secret", SECRET_ARN], &[]);
    assert_eq!(run.status, 1);
    assert!(
        run.err.starts_with("latchkey: cannot rotate the secret: ") && run.err.contains("previous rotation"),
        "{run:?}"
    );
}

#[test]
fn the_local_server_s_keys_rotate_and_retire_too() {
    let folder = Folder::new();
    let file = local_data::signing_key::file_in(folder.path(), now()).unwrap();
    let first = folder.json(&["keys", "status"], "")[0]["kid"].as_str().unwrap().to_owned();
    let rotated = folder.json(&["keys", "rotate", "--expiration", "15m"], "");
    assert_eq!(
        (rotated[0]["state"].as_str(), rotated[1]["state"].as_str()),
        (Some("signs"), Some("will_sign"))
    );
    let [new_signs, old_retires] =
        [&rotated[1]["signs_from"], &rotated[0]["retires"]].map(|instant| instant.as_u64().unwrap());
    assert_eq!(old_retires - new_signs, 15 * 60 + 300);
    let retired = folder.json(&["keys", "retire", &first, "--now", "--yes"], "");
    assert_eq!(
        (retired["retired"].as_str(), retired["keys"][0]["state"].as_str()),
        (Some(&*first), Some("signs"))
    );
    assert_eq!(retired["keys"][0]["kid"], rotated[1]["kid"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

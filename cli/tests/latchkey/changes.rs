//! What administrators change is written down: who, when, from where, what, whom and why.

use local_data::TABLE_NAME;
use serde_json::{Value, json};
use users::ChangeLog;

use crate::folder::{Folder, Run, latchkey, run};

pub(crate) fn create(folder: &Folder, name: &str) -> Value {
    folder.json(&["user", "create", name, "--password-stdin"], "correct horse\n")
}

pub(crate) fn changes(folder: &Folder, more: &[&str]) -> Vec<Value> {
    folder.json(&[&["changes"], more].concat(), "").as_array().unwrap().clone()
}

#[test]
fn every_command_that_changes_something_leaves_a_record_and_no_other_does() {
    let folder = Folder::new();
    let id = create(&folder, "ada")["user_id"].clone();
    let export = folder.path().join("users.jsonl");
    let export = export.to_str().unwrap();
    let session = folder.open_session("ada", 1, 4_102_444_800, None).to_string();
    let about_ada: [&[&str]; 7] = [
        &["user", "set-claims", "ada", r#"{"role":"admin"}"#],
        &["user", "disable", "ada"],
        &["user", "enable", "ada"],
        &["user", "unlock", "ada"],
        &["session", "end-all", "ada"],
        &["user", "rename", "ada", "eva"],
        &["user", "delete", "eva", "--yes"],
    ];
    let of_nobody: [&[&str]; 4] = [
        &["user", "export", export],
        &["user", "import", export, "--restore-deleted"],
        &["session", "prune", "--expiration", "1h", "--refresh-expiration", "2d"],
        &["user", "delete-again", "--yes"],
    ];
    let silent: [&[&str]; 4] = [
        &["user", "list"],
        &["user", "show", "ada"],
        &["session", "list", "ada"],
        &["user", "report", "ada"],
    ];
    for words in silent {
        assert_eq!(folder.run(words, "").status, 0, "{words:?}");
    }
    folder.json(&["session", "end", "ada", &session], "");
    folder.json(&["user", "set-password", "ada", "--password-stdin"], "correct zebra\n");
    folder.json(of_nobody[0], "");
    for words in about_ada.into_iter().chain(of_nobody.into_iter().skip(1)) {
        let run = folder.run(words, "");
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
    }
    let mut recorded = changes(&folder, &[]);
    recorded.sort_by_key(|change| change["command"].to_string());
    let told: Vec<_> = recorded.iter().map(|change| change["command"].as_str().unwrap()).collect();
    assert_eq!(
        told,
        [
            "session end",
            "session end-all",
            "session prune",
            "user create",
            "user delete",
            "user disable",
            "user enable",
            "user export",
            "user import",
            "user rename",
            "user set-claims",
            "user set-password",
            "user unlock",
        ]
    );
    for change in &recorded {
        let of_all = ["session prune", "user export", "user import"];
        let is_of_all = of_all.contains(&change["command"].as_str().unwrap());
        assert_eq!(change["user_id"], if is_of_all { Value::Null } else { id.clone() }, "{change}");
        assert_eq!(change["outcome"], "done", "{change}");
        assert!(!change["by"].as_str().unwrap().is_empty() && change["from"].is_string(), "{change}");
    }
}

#[test]
fn a_record_says_why_and_what_came_of_it_and_a_user_who_disabled_them_and_when() {
    let folder = Folder::new();
    let id = create(&folder, "ada")["user_id"].as_str().unwrap().to_owned();
    let disabled = folder.run(&["user", "disable", "ada", "--reason", "ticket 4711: laptop stolen"], "");
    assert_eq!(disabled.status, 0);
    assert_eq!(folder.run(&["user", "rename", "ada", "ada"], "").status, 1);
    for of_ada in ["ada", id.as_str()] {
        let of_ada = changes(&folder, &["--user", of_ada]);
        assert_eq!(of_ada.len(), 3);
        let disabled = of_ada.iter().find(|change| change["command"] == "user disable").unwrap();
        assert_eq!(
            (&disabled["reason"], &disabled["user_id"]),
            (&json!("ticket 4711: laptop stolen"), &json!(id))
        );
        let renamed = of_ada.iter().find(|change| change["command"] == "user rename").unwrap();
        assert_eq!(renamed["outcome"], "failed");
    }
    folder.json(&["user", "set-claims", "ada", r#"{"role":"admin"}"#], "");
    let what =
        changes(&folder, &[]).into_iter().find(|change| change["command"] == "user set-claims").unwrap();
    assert_eq!(what["what"], json!({ "claims": ["role"] }), "their names, and not what is in them");
    let stopped = folder.run(&["user", "import", "-"], "no row\n");
    assert_eq!(stopped.status, 1);
    let import = changes(&folder, &[]).into_iter().find(|change| change["command"] == "user import").unwrap();
    assert_eq!((&import["outcome"], &import["what"]["replace"]), (&json!("partly"), &json!(false)));
    let shown = folder.json(&["user", "show", "ada"], "");
    // The claims were set after that, perhaps in another second.
    assert!(shown["disabled_at"].as_u64().unwrap() <= shown["changed_at"].as_u64().unwrap(), "{shown}");
    let text = folder.run(&["user", "show", "ada"], "").out;
    assert!(text.contains("disabled since 20") && text.contains(" by "), "{text}");
    let table = folder.run(&["changes"], "").out;
    assert!(table.starts_with("WHEN ") && table.contains("ticket 4711: laptop stolen"), "{table}");
    folder.json(&["user", "enable", "ada"], "");
    assert_eq!(folder.json(&["user", "show", "ada"], "")["disabled_at"], Value::Null);
}

#[test]
fn sessions_that_are_over_are_cleared_away_with_their_addresses() {
    let folder = Folder::new();
    create(&folder, "ada");
    create(&folder, "bob");
    let live = folder.open_session("ada", 1, 4_102_444_800, None);
    for (name, bits) in [("ada", 2), ("bob", 3)] {
        // Before the login of the other, or that would have cleared it away.
        folder.open_session(name, bits, 1_685_728_800, Some("old"));
    }
    let prune = ["session", "prune", "--expiration", "1h", "--refresh-expiration", "2d"];
    assert_eq!(folder.json(&prune, ""), json!({ "pruned": 2, "failed": 0 }));
    assert_eq!(folder.user("ada").unwrap().sessions.into_keys().collect::<Vec<_>>(), [live]);
    assert!(folder.user("bob").unwrap().sessions.is_empty());
    assert_eq!(folder.json(&prune, ""), json!({ "pruned": 0, "failed": 0 }));
    let guessing = folder.run(&["session", "prune", "--no-refresh"], "");
    assert!(guessing.status == 2 && guessing.err.contains("--refresh-expiration"), "{}", guessing.err);
}

pub(crate) fn against(endpoint: &str, table: &str, words: &[&str]) -> Run {
    against_with(endpoint, table, words, "correct horse\n")
}

fn against_with(endpoint: &str, table: &str, words: &[&str], input: &str) -> Run {
    let mut command = latchkey(words);
    command.env("AWS_ENDPOINT_URL", endpoint).env("USERS_TABLE", table).envs([
        ("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "eu-central-1"),
        ("USER", "ada"),
    ]);
    run(command, input)
}

#[tokio::test(flavor = "multi_thread")]
async fn in_aws_the_record_has_the_caller_and_an_older_stack_stops_nobody() {
    let store = harness::DynamoDb::start().await;
    let create = ["user", "create", "ada", "--password-stdin"];
    assert_eq!(against(&store.endpoint, TABLE_NAME, &create).err, "");
    let recorded = store.changes.list().await.unwrap().changes;
    // The stand-in knows no STS, so that the key is all that is known.
    assert_eq!((recorded.len(), recorded[0].by.as_str()), (1, "access key AKIAEXAMPLE"));
    assert!(recorded[0].from.starts_with("ada@"), "{}", recorded[0].from);
    let older = store.users.named("older");
    older.create_table().await.unwrap();
    let run = against(&store.endpoint, "older", &create);
    assert_eq!(
        (run.status, run.err.as_str()),
        (0, "latchkey: this change is not recorded: there is no table older-changes\n")
    );
    for words in [&["user", "disable", "ada"][..], &["user", "delete", "ada", "--yes"]] {
        assert_eq!(against(&store.endpoint, "older", words).status, 0, "{words:?}");
    }
    let unreadable = against(&store.endpoint, "older", &["changes"]);
    assert_eq!(
        unreadable.err,
        "latchkey: cannot read the record of changes: there is no table older-changes\n"
    );
}

/// Whether an HTTP request has arrived with its body.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_none_or(|length| body.len() >= length.parse().unwrap())
}

/// A DynamoDB that answers every call alike.
fn answering(status: &'static str, body: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            // All of it: a connection closed before it is read is reset.
            let (mut request, mut part) = (Vec::new(), [0; 4096]);
            while !is_whole(&request) {
                let count = std::io::Read::read(&mut stream, &mut part).unwrap();
                request.extend(part.get(..count).unwrap());
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n"
            );
            let _ = std::io::Write::write_all(&mut stream, format!("{head}{body}").as_bytes());
        }
    });
    endpoint
}

#[test]
fn whoever_has_no_right_to_the_record_is_told_so_and_not_stopped() {
    let endpoint = answering("400 Bad Request", r#"{"__type":"AccessDeniedException","message":"canary"}"#);
    let run = against(&endpoint, "users", &["user", "create", "ada", "--password-stdin"]);
    let told: Vec<_> = run.err.lines().collect();
    assert_eq!(
        told[0],
        "latchkey: this change is not recorded: you have no right to the table users-changes"
    );
    assert!(
        told[1].starts_with("latchkey: PutItem of DynamoDB failed: "),
        "it went on to the user: {told:?}"
    );
    // Who was deleted by others must not come back because somebody may not look.
    let row = r#"{"username":"ada","password_hash":null}"#;
    let words = ["user", "import", "-", "--without-password", "disabled"];
    let import = against_with(&endpoint, "users", &words, row);
    assert!(import.err.contains("cannot read the record of changes: you have no right to"), "{}", import.err);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_written_stops_the_change() {
    let store = harness::DynamoDb::start().await;
    let create = ["user", "create", "ada", "--password-stdin"];
    assert_eq!(against(&store.endpoint, TABLE_NAME, &create).status, 0);
    // The table of changes has another key, so that it takes no record.
    let odd = store.users.named("odd");
    odd.create_table().await.unwrap();
    harness::create_table_by(&store.endpoint, ChangeLog::beside(&odd).name(), "other_key").await;
    let run = against(&store.endpoint, "odd", &create);
    assert_eq!(run.status, 1);
    assert!(
        run.err
            .starts_with("latchkey: nothing was changed, because the record of changes cannot be written: "),
        "{}",
        run.err
    );
    assert!(odd.find(&"ada".parse().unwrap()).await.unwrap().is_none());
}

#[test]
fn every_call_names_its_command_to_cloudtrail() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let mut request = vec![0; 8192];
        let length = std::io::Read::read(&mut stream, &mut request).unwrap();
        String::from_utf8_lossy(request.get(..length).unwrap()).into_owned()
    });
    let run = against(&endpoint, "users", &["user", "show", "ada"]);
    assert_eq!(run.status, 1);
    let request = asked.join().unwrap();
    assert!(request.contains("app/latchkey-user-show"), "{request}");
}

/// One in 64 ids begins with a hyphen, as an option does.
#[test]
fn a_user_is_found_by_an_id_that_begins_with_a_hyphen() {
    let folder = Folder::new();
    create(&folder, "ada");
    assert_eq!(changes(&folder, &["--user", "-AAAAAAAAAAAAAAAAAAAAA"]), [Value::Null; 0]);
}

//! `latchkey user …`

use aws_sdk_dynamodb::types::AttributeValue;
use local_data::{Store, TABLE_NAME};
use serde_json::{Value, json};
use token::{Entropy, Timestamp};
use users::{Hasher, Password, TryId, Verdict};

use crate::folder::{Folder, Run, latchkey, run, runtime};

const LOGIN: u64 = 1_685_728_800;

fn create(folder: &Folder, name: &str) -> Value {
    folder.json(&["user", "create", name, "--password-stdin"], "correct horse\n")
}

fn has_password(folder: &Folder, name: &str, password: &str) -> bool {
    let hash = folder.user(name).unwrap().password_hash.unwrap();
    let password = Password::try_from(password.to_owned()).unwrap();
    Hasher::new().verify(&password, &hash).unwrap() == Verdict::Match
}

#[test]
fn a_user_is_created_under_the_canonical_name_and_shown() {
    let folder = Folder::new();
    let arguments = ["user", "create", " ADA ", "--password-stdin", "--claims", r#"{"role":"admin"}"#];
    let created = folder.json(&arguments, "correct horse\n");
    let user = folder.user("ada").unwrap();
    let changed_by = &*user.last_change.as_ref().unwrap().by;
    assert_eq!(
        created,
        json!({
            "username": "ada", "user_id": user.id.to_string(), "enabled": true, "created_at": user.created_at,
            "changed_at": user.created_at, "changed_by": changed_by, "disabled_at": null,
            "claims": { "role": "admin" }, "password_usable": true, "sessions": [],
        })
    );
    assert_eq!(folder.json(&["user", "show", "Ada"], ""), created);
    let shown = folder.run(&["user", "show", "ada"], "");
    assert_eq!(
        shown.out,
        format!(
            "user      ada\nid        {}\nstatus    enabled\ncreated   {}\nchanged   {} by {changed_by}\nclaims    {{\"role\":\"admin\"}}\n\
             password  set\n",
            user.id, user.created_at, user.created_at
        )
    );
}

#[test]
fn creating_never_overwrites() {
    let folder = Folder::new();
    create(&folder, "ada");
    let before = folder.user("ada");
    let again = folder.run(&["user", "create", "Ada", "--password-stdin"], "another\n");
    assert_eq!(again, failure("there is a user ada already; nothing was changed"));
    assert_eq!(folder.user("ada"), before);
}

#[test]
fn a_password_from_standard_input_loses_its_line_end_and_nothing_else() {
    let folder = Folder::new();
    for (name, input, password) in [
        ("lf", "a b\n", "a b"),
        ("crlf", "a b\r\n", "a b"),
        ("none", "a b", "a b"),
        ("spaces", "  a b \t\n", "  a b \t"),
        ("cr", "a\rb\r\r\n", "a\rb\r"),
        ("two", "first\nsecond\n", "first"),
    ] {
        let created = folder.run(&["user", "create", name, "--password-stdin"], input);
        assert_eq!(created.status, 0, "{name}");
        assert!(has_password(&folder, name, password), "{name}");
    }
}

#[test]
fn a_password_that_cannot_be_one_creates_nobody() {
    let folder = Folder::new();
    for (input, message) in [
        ("", "the password is empty"),
        ("\n", "the password is empty"),
        (&format!("{}\n", "x".repeat(1025)), "the password is longer than 1024 bytes"),
        (&"x".repeat(200_000), "the password is longer than 1024 bytes"),
    ] {
        let run = folder.run(&["user", "create", "ada", "--password-stdin"], input);
        assert_eq!(run, failure(message));
    }
    assert_eq!(folder.user("ada"), None);
}

#[test]
fn a_password_is_never_an_argument() {
    let folder = Folder::new();
    create(&folder, "ada");
    for arguments in [
        &["user", "create", "bob", "hunter2"][..],
        &["user", "create", "bob", "--password", "hunter2"],
        &["user", "create", "bob", "--password-stdin=hunter2"],
        &["user", "set-password", "ada", "hunter2"],
        &["user", "set-password", "ada", "--password=hunter2"],
    ] {
        assert_eq!(folder.run(arguments, "from stdin\n").status, 2, "{arguments:?}");
    }
    assert_eq!(folder.user("bob"), None);
    assert!(has_password(&folder, "ada", "correct horse"));
}

#[test]
fn without_a_terminal_nobody_is_asked() {
    let folder = Folder::new();
    create(&folder, "ada");
    let advice = "there is no terminal to ask at; pass the password with --password-stdin";
    assert_eq!(folder.run(&["user", "create", "bob"], "correct horse\n"), failure(advice));
    assert_eq!(folder.run(&["user", "set-password", "ada"], "another\n"), failure(advice));
    assert_eq!(
        folder.run(&["user", "delete", "ada"], "y\n"),
        failure("there is no terminal to ask at; say --yes to delete without being asked")
    );
    assert!(has_password(&folder, "ada", "correct horse"));
}

#[test]
fn users_are_listed_by_name() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["user", "list"], "").out, "There is no user.\n");
    assert_eq!(folder.json(&["user", "list"], ""), json!({ "users": [], "unreadable": [] }));
    for name in ["zo\u{eb}", "ada", "grace hopper"] {
        create(&folder, name);
    }
    folder.open_session("ada", 1, LOGIN, None);
    folder.json(&["user", "disable", "grace hopper"], "");
    let user = |name: &str| folder.user(name).unwrap();
    let (ada, grace, zoe) = (user("ada"), user("grace hopper"), user("zo\u{eb}"));
    assert_eq!(
        folder.run(&["user", "list"], "").out,
        format!(
            "USER          STATUS    SESSIONS  CREATED                  ID\n\
             ada           enabled   1         {}  {}\n\
             grace hopper  disabled  0         {}  {}\n\
             zo\u{eb}           enabled   0         {}  {}\n",
            ada.created_at, ada.id, grace.created_at, grace.id, zoe.created_at, zoe.id
        )
    );
    let listed = folder.json(&["user", "list"], "");
    assert_eq!(listed["users"].as_array().unwrap().len(), 3);
    assert_eq!(
        listed["users"][0],
        json!({
            "username": "ada", "user_id": ada.id.to_string(), "enabled": true, "created_at": ada.created_at,
            "claims": {}, "session_count": 1,
        })
    );
}

#[test]
fn a_row_that_is_no_user_hides_no_other() {
    let folder = Folder::new();
    create(&folder, "ada");
    runtime().block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        let key = AttributeValue::S("user#\u{1b}c".to_owned());
        let client = store.client();
        client.put_item().table_name(TABLE_NAME).item("pk", key).send().await.unwrap();
    });
    let listed = folder.json(&["user", "list"], "");
    assert_eq!(listed["users"][0]["username"], json!("ada"));
    let reason = "the attribute user_id is missing, of another type or unreadable";
    assert_eq!(listed["unreadable"], json!([{ "row": "user#\u{1b}c", "reason": reason }]));
    let text = folder.run(&["user", "list"], "").out;
    assert!(text.contains("\nada "), "{text}");
    let last = format!("Left out: the row \"user#\\u{{1b}}c\" is malformed: {reason}\n");
    assert!(text.ends_with(&last), "{text}");
}

#[test]
fn disabling_ends_every_session_and_enabling_brings_none_back() {
    let folder = Folder::new();
    create(&folder, "ada");
    folder.open_session("ada", 1, LOGIN, None);
    assert_eq!(
        folder.json(&["user", "disable", "ADA"], ""),
        json!({ "username": "ada", "change": "disabled" })
    );
    let user = folder.user("ada").unwrap();
    assert!(!user.enabled && user.sessions.is_empty());
    assert_eq!(folder.json(&["user", "show", "ada"], "")["enabled"], json!(false));
    assert_eq!(
        folder.run(&["user", "enable", "ada"], "").out,
        "ada may log in, without waiting after failed logins.\n"
    );
    let user = folder.user("ada").unwrap();
    assert!(user.enabled && user.sessions.is_empty());
}

#[test]
fn a_new_password_ends_every_session() {
    let folder = Folder::new();
    create(&folder, "ada");
    folder.open_session("ada", 1, LOGIN, None);
    let set = folder.run(&["user", "set-password", "ada", "--password-stdin"], "another\n");
    assert_eq!(set.out, "ada has the new password, and every session has ended.\n");
    assert!(has_password(&folder, "ada", "another"));
    assert!(folder.user("ada").unwrap().sessions.is_empty());
}

#[test]
fn claims_are_replaced_and_sessions_go_on() {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin", "--claims", r#"{"role":"x"}"#], "pw\n");
    folder.open_session("ada", 1, LOGIN, None);
    let set = folder.json(&["user", "set-claims", "ada", r#"{"groups":["a"]}"#], "");
    assert_eq!(set, json!({ "username": "ada", "change": "claims_set" }));
    let user = folder.user("ada").unwrap();
    assert_eq!(user.claims.to_string(), r#"{"groups":["a"]}"#);
    assert_eq!(user.sessions.len(), 1);
}

#[test]
fn claims_that_a_token_cannot_carry_are_a_wrong_command_line() {
    let folder = Folder::new();
    create(&folder, "ada");
    for (claims, message) in [
        (r#"{"sub":"x"}"#, "the claim \"sub\" is reserved"),
        (r#"{"a":1,"a":2}"#, "a member occurs twice"),
        ("[]", "not a JSON object"),
        ("admin", "not valid JSON"),
        (&format!(r#"{{"a":"{}"}}"#, "x".repeat(1024)), "1024 bytes"),
    ] {
        for arguments in
            [&["user", "set-claims", "ada", claims][..], &["user", "create", "bob", "--claims", claims]]
        {
            let run = folder.run(arguments, "pw\n");
            assert_eq!(run.status, 2, "{arguments:?}");
            assert!(run.err.contains(message), "{}", run.err);
        }
    }
    assert_eq!(folder.user("ada").unwrap().claims.to_string(), "{}");
}

#[test]
fn a_user_registered_again_is_another_user() {
    let folder = Folder::new();
    let first = create(&folder, "ada");
    assert_eq!(
        folder.json(&["user", "delete", "ada", "--yes"], ""),
        json!({ "username": "ada", "change": "deleted" })
    );
    assert_eq!(folder.user("ada"), None);
    assert_ne!(create(&folder, "ada")["user_id"], first["user_id"]);
}

#[test]
fn what_is_asked_of_nobody_is_rejected_in_one_line() {
    let folder = Folder::new();
    for arguments in [
        &["user", "show", "bob"][..],
        &["user", "disable", "Bob"],
        &["user", "enable", "bob"],
        &["user", "delete", "bob", "--yes"],
        &["user", "delete", "bob"],
        &["user", "set-password", "bob", "--password-stdin"],
        &["user", "set-claims", "bob", "{}"],
        &["session", "list", "bob"],
        &["session", "end-all", "bob"],
    ] {
        assert_eq!(folder.run(arguments, "pw\n"), failure("there is no user bob"), "{arguments:?}");
    }
    assert_eq!(folder.user("bob"), None);
}

#[test]
fn a_folder_that_is_not_there_is_not_made() {
    let folder = Folder::new();
    let missing = folder.path().join("missing");
    let missing = missing.to_str().unwrap();
    let run = run(latchkey(&["user", "list", "--local", missing]), "");
    let message = format!(
        "there is no folder {missing}; the local server makes it, or name another with --local FOLDER"
    );
    assert_eq!(run, failure(&message));
}

#[test]
fn a_store_that_is_none_is_rejected_in_one_line() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("users.sqlite"), "this is no database, and long enough to say so")
        .unwrap();
    let run = folder.run(&["user", "list"], "");
    assert_eq!((run.status, run.out.as_str()), (1, ""));
    assert!(run.err.starts_with("latchkey: cannot open "), "{}", run.err);
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
}

#[test]
fn a_name_that_is_none_is_a_wrong_command_line() {
    for name in ["", " ", "a\u{200d}b", "a\nb", &"x".repeat(255)] {
        let run = run(latchkey(&["user", "show", name, "--local"]), "");
        assert_eq!(run.status, 2, "{name:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let folder = Folder::new();
    let mut command = latchkey(&["user", "list", "--local"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.arg(folder.path()).stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

fn failure(message: &str) -> Run {
    Run { status: 1, out: String::new(), err: format!("latchkey: {message}\n") }
}

#[test]
fn unlocking_forgets_the_failed_logins_and_ends_no_session() {
    let folder = Folder::new();
    create(&folder, "ada");
    let before = folder.user("ada");
    let attempts = |now: u64| {
        runtime().block_on(async {
            let users = Store::open(folder.path()).await.unwrap().users;
            let (name, now) = ("ada".parse().unwrap(), Timestamp::from_seconds(now).unwrap());
            let attempts = users.for_login(&name, None, now).await.unwrap().attempts;
            users.record_failure(&name, &TryId::new(Entropy([1; 16])), now).await.unwrap();
            attempts
        })
    };
    assert_eq!((attempts(LOGIN).failures, attempts(LOGIN).failures), (0, 1));
    let unlocked = folder.run(&["user", "unlock", "Ada"], "");
    assert_eq!(unlocked.out, "ada need not wait for failed logins under that name any more.\n");
    assert_eq!(attempts(LOGIN).failures, 0);
    assert_eq!(folder.user("ada"), before);
    let json = folder.json(&["user", "unlock", "ada"], "");
    assert_eq!(json, json!({ "username": "ada", "change": "unlocked" }));
    assert_eq!(folder.run(&["user", "unlock", "bob"], "").status, 1);
}

//! `latchkey user import` and `latchkey user export`

use std::{
    fmt::Write as _,
    fs,
    process::{Command, Stdio},
};

use local_data::TABLE_NAME;
use serde_json::{Value, json};
use users::{Hasher, Password, Verdict};

use crate::folder::{Folder, Run, latchkey, run};

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";
const ID: &str = "BwcHBwcHBwcHBwcHBwcHBw";

/// `manage.py dumpdata auth.user` of Django 5.2.19, of three users; the passwords of the first two are
/// `correct horse é`.
const DUMP: &str = r#"[
{"model": "auth.user", "pk": 1, "fields": {"password": "bcrypt$$2b$12$Wur20iBrUaPdMrbHTHETaOr2.LZY9LRYwYKSCtLe1WM/HUGUqWXcG", "last_login": null, "is_superuser": true, "username": "Ada", "first_name": "Ada", "last_name": "", "email": "ada@example.com", "is_staff": true, "is_active": true, "date_joined": "2023-06-02T18:00:00.123Z", "groups": [], "user_permissions": []}},
{"model": "auth.user", "pk": 2, "fields": {"password": "pbkdf2_sha256$1000000$8ulwitrBRzQf2YMFob1nmx$REv7XJLiDMyV3961y4Xgb6OhgA30ZjBoGfIHnB3JkRk=", "last_login": null, "is_superuser": false, "username": "bob", "first_name": "", "last_name": "", "email": "", "is_staff": false, "is_active": false, "date_joined": "2023-06-02T18:00:00+02:00", "groups": [], "user_permissions": []}},
{"model": "auth.user", "pk": 3, "fields": {"password": "!VY3fVh12gq3fERf5deezXJEJwAOhNwz1usTJIrGr", "last_login": null, "is_superuser": false, "username": "sso", "first_name": "", "last_name": "", "email": "", "is_staff": false, "is_active": true, "date_joined": "2023-06-02T18:00:00", "groups": [], "user_permissions": []}}
]
"#;

fn line(name: &str) -> String {
    json!({ "username": name, "password_hash": HASH }).to_string()
}

fn lines(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().fold(String::new(), |mut text, name| {
        writeln!(text, "{}", line(&name)).unwrap();
        text
    })
}

fn import(folder: &Folder, rows: &str, options: &[&str]) -> (i32, Value) {
    let run = folder.run(&[&["user", "import", "-", "--json"], options].concat(), rows);
    assert_eq!(run.err, "");
    (run.status, serde_json::from_str(&run.out).unwrap())
}

fn export(folder: &Folder) -> String {
    let run = folder.run(&["user", "export", "-"], "");
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    run.out
}

fn counts(json: &Value) -> [u64; 4] {
    ["created", "unchanged", "replaced", "rejected"].map(|name| json[name].as_u64().unwrap())
}

fn reasons(json: &Value) -> Vec<(u64, &str)> {
    let rejections = json["rejections"].as_array().unwrap();
    rejections.iter().map(|row| (row["row"].as_u64().unwrap(), row["reason"].as_str().unwrap())).collect()
}

#[test]
fn a_django_dump_is_imported_and_what_cannot_be_is_named() {
    let folder = Folder::new();
    let file = folder.path().join("dump.json");
    fs::write(&file, DUMP).unwrap();
    let file = file.to_str().unwrap();
    let claims = ["--claim", "email=email", "--claim", "staff=is_staff"];
    let run = folder.run(&[&["user", "import", file][..], &claims].concat(), "");
    assert_eq!(
        run,
        Run {
            status: 1,
            out: "Created 2, unchanged 0, updated 0, replaced 0, rejected 1.\n\
                  1 names of rejected rows are reserved, so that nobody else gets them; `latchkey user delete` frees one.\n\
                  row 3 (sso): there is no password: the hash is empty or marked as unusable (--without-password says what becomes of such users)\n"
                .into(),
            err: String::new(),
        }
    );
    let ada = folder.user("ada").unwrap();
    assert_eq!((ada.enabled, ada.created_at.seconds()), (true, 1_685_728_800));
    assert_eq!(ada.claims.to_string(), r#"{"email":"ada@example.com","staff":true}"#);
    let password = Password::try_from("correct horse \u{e9}".to_owned()).unwrap();
    assert_eq!(Hasher::new().verify(&password, &ada.password_hash.unwrap()), Ok(Verdict::Match));
    let bob = folder.user("bob").unwrap();
    assert_eq!((bob.enabled, bob.created_at.seconds()), (false, 1_685_721_600));
    assert!(!folder.user("sso").unwrap().enabled, "the name is kept for its owner");

    let again = folder.run(&[&["user", "import", file][..], &claims].concat(), "");
    assert!(
        again.out.starts_with("Created 0, unchanged 2, updated 0, replaced 0, rejected 1.\n"),
        "{again:?}"
    );
    assert_eq!(folder.user("ada").unwrap().id, ada.id);
}

#[test]
fn a_dump_may_be_in_lines_and_name_users_by_another_field() {
    let folder = Folder::new();
    let row = json!({ "model": "accounts.user", "pk": 1, "fields": { "email": "Ada@Example.com", "password": HASH } });
    let group = json!({ "model": "auth.group", "pk": 1, "fields": { "name": "x" } });
    let (status, report) = import(&folder, &format!("{row}\n{group}\n"), &["--username-field", "email"]);
    assert_eq!((status, counts(&report)), (0, [1, 0, 0, 0]));
    assert_eq!(report["other_models"], json!({ "auth.group": 1 }));
    let (status, report) = import(&folder, &row.to_string(), &[]);
    assert_eq!((status, reasons(&report)), (1, vec![(1, "there is no \"username\"")]));
    assert!(folder.user("ada@example.com").unwrap().enabled);
}

#[test]
fn an_export_comes_back_as_it_was_into_another_table() {
    let (one, other) = (Folder::new(), Folder::new());
    let full = json!({
        "username": "ada", "user_id": ID, "password_hash": HASH, "claims": { "role": "admin" }, "disabled": true,
        "created_at": 1_600_000_000,
    });
    let foreign =
        line("bob").replace(HASH, "bcrypt$$2b$12$Wur20iBrUaPdMrbHTHETaOr2.LZY9LRYwYKSCtLe1WM/HUGUqWXcG");
    assert_eq!(import(&one, &format!("{full}\n{foreign}\n{}", line("zo\u{eb}")), &[]).0, 0);
    one.open_session("bob", 1, 1_685_728_800, None);
    let exported = export(&one);
    assert_eq!(exported.lines().count(), 3);
    assert!(exported.lines().any(|line| serde_json::from_str::<Value>(line).unwrap() == full), "{exported}");
    assert!(exported.contains("bcrypt$$2b$12$"), "a hash is given back as it was");

    let (status, report) = import(&other, &exported, &[]);
    assert_eq!((status, counts(&report)), (0, [3, 0, 0, 0]));
    assert_eq!(export(&other), exported);
    assert_eq!(counts(&import(&one, &exported, &[]).1), [0, 3, 0, 0]);
    assert!(other.user("bob").unwrap().sessions.is_empty());
}

#[cfg(unix)]
#[test]
fn an_export_is_a_new_file_that_only_its_owner_reads() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    import(&folder, &line("ada"), &[]);
    let file = folder.path().join("users.jsonl");
    let name = file.to_str().unwrap();
    let run = folder.run(&["user", "export", name], "");
    let text = format!("Exported 1 users to {name}, with password hashes and without sessions.\n");
    assert_eq!(run, Run { status: 0, out: text, err: String::new() });
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let exported = fs::read_to_string(&file).unwrap();
    assert_eq!(exported, export(&folder));

    import(&folder, &line("bob"), &[]);
    let rejected = folder.run(&["user", "export", name], "");
    assert_eq!((rejected.status, rejected.out.as_str()), (1, ""));
    assert!(rejected.err.starts_with(&format!("latchkey: cannot use {name}")), "{}", rejected.err);
    assert_eq!(fs::read_to_string(&file).unwrap(), exported);
    assert_eq!(
        folder.json(&["user", "export", name, "--force"], ""),
        json!({ "exported": 2, "left_out": 0 })
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), export(&folder));
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn hostile_rows_are_rejected_with_a_reason_and_hide_no_other() {
    let folder = Folder::new();
    let member = |member: &str| format!("{{{member},{}", &line("eve")[1..]);
    let long = "x".repeat(1_000_000);
    let rows = [
        (line("ada"), None),
        ("{\"username\":".into(), Some("not valid JSON")),
        ("[]".into(), Some("not a JSON object")),
        (format!("{{\"username\":\"{long}\"}}"), Some("the row is longer than 64 KiB")),
        (member("\"username\":\"x\""), Some("a member occurs twice")),
        (member("\"password\":\"x\""), Some("\"password\" is no member of a user")),
        (member("\"disabled\":1"), Some("\"disabled\" is not true or false")),
        (member("\"claims\":[]"), Some("\"claims\" is not an object")),
        (member("\"claims\":{\"sub\":1}"), Some("the claim \"sub\" is reserved")),
        (member("\"origin\":\"x\""), Some("\"origin\" is not an object")),
        (member("\"origin\":{}"), Some("there is no \"origin.name\"")),
        (member("\"user_id\":\"x\""), Some("the user_id: an identifier is 22 characters of base64url")),
        (member("\"user_id\":null"), Some("\"user_id\" is not a string")),
        ("{\"username\":\"eve\"}".into(), Some("there is no \"password_hash\"")),
        ("{\"username\":1,\"password_hash\":\"\"}".into(), Some("\"username\" is not a string")),
        (line("e\u{200b}ve"), Some("the username contains a character that cannot be seen")),
        (line("GRACE"), Some("row 20 has the same name")),
        (
            line("eve").replace(HASH, "md5$salt$b969f3609f96f027ca7da6aa9d4d2e50"),
            Some("the password hash is of md5, which is too weak"),
        ),
        (line("eve").replace("t=2", "t=99"), Some("the password hash has parameters that are out of bounds")),
        (line("grace"), Some("row 17 has the same name")),
        (line("zoe"), None),
    ];
    // One name for several rows would be a reason of its own.
    let named =
        |(index, (row, _)): (usize, &(String, _))| row.replace("\"eve\"", &format!("\"eve {}\"", index + 1));
    let text: Vec<String> = rows.iter().enumerate().map(named).collect();
    let expected: Vec<_> =
        rows.iter().zip(1..).filter_map(|((_, reason), row)| reason.map(|reason| (row, reason))).collect();
    for rows in
        [text.join("\n"), format!("[{}]", text.join(",").replace("{\"username\":,", "{\"username\":},"))]
    {
        let folder = Folder::new();
        let (status, report) = import(&folder, &rows, &[]);
        assert_eq!((status, counts(&report)), (1, [2, 0, 0, 19]));
        assert_eq!(reasons(&report), expected);
        assert!(
            folder.user("ada").unwrap().enabled
                && folder.user("zoe").unwrap().enabled
                && !folder.user("eve 6").unwrap().enabled
                && !folder.user("grace").unwrap().enabled
        );
    }
    let file = folder.path().join("latin1.jsonl");
    fs::write(&file, [b"{\"username\":\"\xe9\"}\n", line("ada").as_bytes()].concat()).unwrap();
    let report = folder.run(&["user", "import", file.to_str().unwrap()], "");
    assert_eq!(
        report.out,
        "Created 1, unchanged 0, updated 0, replaced 0, rejected 1.\nrow 1: not valid JSON\n"
    );
}

#[test]
fn two_rows_with_one_id_would_be_two_users_with_one_sub_and_both_are_rejected() {
    let folder = Folder::new();
    let with_id = |name| format!("{{\"user_id\":\"{ID}\",{}\n", &line(name)[1..]);
    let (_, report) = import(&folder, &(with_id("ada") + &with_id("bob")), &[]);
    assert_eq!(reasons(&report), [(1, "row 2 has the same user_id"), (2, "row 1 has the same user_id")]);
    assert!(!folder.user("ada").unwrap().enabled && !folder.user("bob").unwrap().enabled);
}

#[test]
fn an_empty_file_imports_nobody() {
    for rows in ["", "\n\n", "[]"] {
        assert_eq!(counts(&import(&Folder::new(), rows, &[]).1), [0; 4]);
    }
}

#[test]
fn a_dry_run_checks_everything_and_writes_nothing() {
    let folder = Folder::new();
    let (status, report) = import(&folder, &format!("{}\n{{}}\n", line("ada")), &["--dry-run"]);
    assert_eq!(status, 1);
    assert_eq!(
        report,
        json!({
            "importable": 1, "write_units": 1, "write_units_per_second": 4000, "cents": 1,
            "rejected": 1, "rejected_by_reason": { "a member is missing": 1 },
            "rejections": [{ "row": 2, "username": null, "reason": "there is no \"username\"" }],
            "interrupted_before_row": null, "stopped": null, "left_out": 0, "other_models": {},
            "lost_dates": 0, "notes": [],
        })
    );
    assert_eq!(folder.user("ada"), None);
}

#[test]
fn a_user_who_differs_is_replaced_only_when_asked_for() {
    let folder = Folder::new();
    import(&folder, &line("ada"), &[]);
    let before = folder.user("ada");
    folder.open_session("ada", 1, 1_685_728_800, None);
    let other = line("ada").replace("t=2", "t=3");
    let (status, report) = import(&folder, &other, &[]);
    assert_eq!((status, counts(&report)), (1, [0, 0, 0, 1]));
    assert_eq!(
        reasons(&report),
        [(1, "changed there since the last import: password_hash; --update carries it over")]
    );
    assert_eq!(folder.user("ada").unwrap().password_hash, before.as_ref().unwrap().password_hash);
    let (status, report) = import(&folder, &other, &["--replace"]);
    assert_eq!((status, counts(&report)), (0, [0, 0, 1, 0]));
    let after = folder.user("ada").unwrap();
    assert_eq!((after.id, after.sessions.len()), (before.unwrap().id, 0));
    assert!(after.password_hash.unwrap().expose().contains("t=3"));
}

#[test]
fn rejects_names_every_rejected_row_and_no_hash() {
    let folder = Folder::new();
    let rejects = folder.path().join("rejects.jsonl");
    let name = rejects.to_str().unwrap();
    let rows =
        (0..30).map(|row| line(&format!("ada {row}")).replace("t=2", "t=99") + "\n").collect::<String>();
    let run = folder.run(&["user", "import", "-", "--rejects", name], &rows);
    assert_eq!((run.status, run.out.lines().count()), (1, 23), "{}", run.out);
    let written = fs::read_to_string(&rejects).unwrap();
    assert_eq!(written.lines().count(), 30);
    let reason = "the password hash has parameters that are out of bounds";
    // Rows are written as their writes end, so in any order.
    let first = json!({ "row": 1, "username": "ada 0", "reason": reason });
    assert!(written.lines().any(|line| serde_json::from_str::<Value>(line).unwrap() == first), "{written}");
    assert!(!written.contains("argon2id") && !run.out.contains("argon2id"));

    let again = folder.run(&["user", "import", "-", "--rejects", name], &rows);
    assert_eq!((again.status, again.out.as_str()), (1, ""), "the file is kept");
    let last = folder.run(&["user", "import", "-"], &rows).out;
    assert!(last.ends_with("and 10 more, which --rejects FILE names.\n"), "{last}");
}

#[test]
fn two_thousand_rows_go_in_and_again_without_a_change() {
    let folder = Folder::new();
    let rows = lines((0..2000).map(|row| format!("user {row}")));
    assert_eq!(counts(&import(&folder, &rows, &[]).1), [2000, 0, 0, 0]);
    assert_eq!(counts(&import(&folder, &rows, &["--start-at", "1801"]).1), [0, 200, 0, 0]);
    assert_eq!(export(&folder).lines().count(), 2000);
}

#[test]
fn every_ten_thousand_rows_a_line_says_how_far_it_is() {
    let rows = lines((0..20_000).map(|row| format!("user {row}")));
    assert_eq!(
        Folder::new().run(&["user", "import", "-", "--dry-run"], &rows),
        Run {
            status: 0,
            out: "Importable 20000, rejected 0; nothing was written or looked up.\n\
                  On DynamoDB that is 20000 write units: $0.02 at most in us-east-1, and 5 s at the 4000 a second that a new on-demand table takes.\n"
                .into(),
            err: "10000 rows\n20000 rows\n".into(),
        }
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_import_says_where_to_go_on_and_the_rest_follows() {
    let store = harness::DynamoDb::start().await;
    let folder = Folder::new();
    let file = folder.path().join("users.jsonl");
    fs::write(&file, lines((0..5000).map(|row| format!("user {row}")))).unwrap();
    let start = |options: &[&str]| {
        let file = file.to_str().unwrap();
        let mut command =
            latchkey(&[&["user", "import", file, "--table", TABLE_NAME, "--json"], options].concat());
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &store.endpoint).envs([
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
            ("AWS_REGION", "local"),
        ]);
        command
    };
    let mut child =
        start(&[]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    while store.users.export(None).await.unwrap().users.len() < 50 {
        assert_eq!(child.try_wait().unwrap(), None, "it has ended");
    }
    let interrupt = format!("kill -INT {}", child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let next = report["interrupted_before_row"].as_u64().unwrap();
    assert_eq!(report["created"], next - 1, "every row before the one that is named");
    let rest = run(start(&["--start-at", &next.to_string()]), "");
    assert_eq!(counts(&serde_json::from_str(&rest.out).unwrap()), [5001 - next, 0, 0, 0]);
    let again = run(start(&["--start-at", "4000"]), "");
    assert_eq!(counts(&serde_json::from_str(&again.out).unwrap()), [0, 1001, 0, 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_not_there_stops_the_import_before_its_first_row() {
    let store = harness::DynamoDb::start().await;
    let mut command = latchkey(&["user", "import", "-", "--table", "another"]);
    command.env("AWS_ENDPOINT_URL_DYNAMODB", &store.endpoint).envs([
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_REGION", "local"),
    ]);
    let stopped = run(command, &lines(["ada".into(), "bob".into()]));
    let unrecorded = "latchkey: this change is not recorded: there is no table another-changes\n";
    assert_eq!((stopped.status, stopped.err.as_str()), (1, unrecorded));
    let mut said = stopped.out.lines();
    assert_eq!(said.next(), Some("Created 0, unchanged 0, updated 0, replaced 0, rejected 0."));
    let message = "The import stopped before row 1: PutItem of DynamoDB failed";
    assert!(said.next().unwrap().starts_with(message), "{}", stopped.out);
    assert!(stopped.out.ends_with("; go on with --start-at 1\n"), "{}", stopped.out);
}

#[test]
fn a_file_that_is_not_whole_is_not_begun() {
    let folder = Folder::new();
    for (rows, row, reason) in [
        (format!("[{},{},", line("ada"), line("bob")), 3, "the file ends before the JSON array does"),
        (format!("[{},\n{}", line("ada"), &line("bob")[..20]), 2, "the file ends before the JSON array does"),
        (format!("Loading settings\n[{}]", line("ada")), 1, "the file does not begin with JSON"),
    ] {
        let (status, report) = import(&folder, &rows, &[]);
        assert_eq!((status, counts(&report), &report["stopped"]["before_row"]), (1, [0; 4], &json!(row)));
        let said = report["stopped"]["reason"].as_str().unwrap();
        assert!(said.starts_with(reason) && said.ends_with("; nothing was written"), "{said}");
        assert_eq!(folder.user("ada"), None);
    }
    let utf16: Vec<u8> = "\u{feff}[]".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let file = folder.path().join("utf16.json");
    fs::write(&file, utf16).unwrap();
    let run = folder.run(&["user", "import", file.to_str().unwrap()], "");
    assert_eq!(run.status, 1);
    assert!(
        run.out.contains("The import stopped before row 1: the file is UTF-16, as PowerShell"),
        "{run:?}"
    );
}

#[test]
fn a_claim_that_cannot_be_made_is_a_wrong_command_line() {
    let folder = Folder::new();
    for claim in ["email", "=email", "email=", "sub=username"] {
        assert_eq!(folder.run(&["user", "import", "-", "--claim", claim], "").status, 2, "{claim}");
    }
    let missing = folder.run(&["user", "import", "no such file"], "");
    assert!(missing.err.starts_with("latchkey: cannot use no such file: "), "{missing:?}");
}

//! A deleted user is gone from every row, and stays deleted until an administrator says otherwise.

use std::{fmt::Write, fs};

use local_data::{Store, TABLE_NAME};
use serde_json::{Value, json};
use users::UserTable;

use crate::{
    changes::{changes, create},
    folder::{Folder, runtime},
};

#[test]
fn whoever_was_deleted_stays_so_through_an_import_and_a_restore() {
    let folder = Folder::new();
    create(&folder, "ada");
    create(&folder, "bob");
    let backup = folder.path().join("backup.jsonl");
    let backup = backup.to_str().unwrap();
    folder.json(&["user", "export", backup], "");
    folder.json(&["user", "delete", "ada", "--yes"], "");
    let import = ["user", "import", backup, "--json"];
    let run = folder.run(&import, "");
    let told: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!((run.status, &told["created"], &told["rejected"]), (1, &json!(0), &json!(1)), "{told}");
    assert_eq!(told["rejected_by_reason"]["deleted here"], 1, "{told}");
    assert!(folder.user("ada").is_none());
    // A row of another system has no id, but the name.
    let dump = folder.path().join("dump.jsonl");
    let line =
        fs::read_to_string(backup).unwrap().lines().find(|line| line.contains("\"ada\"")).unwrap().to_owned();
    let mut line: Value = serde_json::from_str(&line).unwrap();
    line.as_object_mut().unwrap().remove("user_id");
    fs::write(&dump, format!("{line}\n")).unwrap();
    assert_eq!(folder.run(&["user", "import", dump.to_str().unwrap()], "").status, 1);
    // Somebody else may have the name at once, and whoever says so brings the old one back.
    let other = create(&folder, "ada")["user_id"].clone();
    folder.json(&["user", "delete", "ada", "--yes"], "");
    let back = folder.json(&["user", "import", backup, "--restore-deleted"], "");
    assert_eq!(back["created"], 1);
    assert_ne!(folder.user("ada").unwrap().id.to_string(), other);
    // Who was brought back on purpose stays.
    assert_eq!(folder.json(&["user", "delete-again"], "")["deleted"], 0);
    assert!(folder.user("ada").is_some());
    // Deleted once more, and back by a restore, which knows of no import: it writes into the table itself.
    folder.json(&["user", "export", backup, "--force"], "");
    folder.json(&["user", "delete", "ada", "--yes"], "");
    let lines = fs::read_to_string(backup).unwrap();
    runtime().block_on(async {
        let users = Store::open(folder.path()).await.unwrap().users;
        let line = lines.lines().find(|line| line.contains("\"ada\"")).unwrap();
        restore(&users, &serde_json::from_str(line).unwrap()).await;
    });
    let unasked = folder.run(&["user", "delete-again"], "");
    assert!(unasked.status == 1 && unasked.err.contains("say --yes to delete them"), "{}", unasked.err);
    assert!(folder.user("ada").is_some());
    let again = folder.json(&["user", "delete-again", "--yes"], "");
    assert_eq!((&again["deleted"], folder.user("ada").is_none()), (&json!(1), true));
    assert!(folder.user("bob").is_some());
}

/// Puts a user back as a restore from a point in time does.
async fn restore(users: &UserTable, line: &Value) {
    let user = users::NewUser {
        username: line["username"].as_str().unwrap().parse().unwrap(),
        id: line["user_id"].as_str().unwrap().parse().unwrap(),
        password_hash: line["password_hash"].as_str().unwrap().parse().unwrap(),
        claims: token::CustomClaims::default(),
        email: None,
    };
    users.create(&user, token::Timestamp::from_seconds(1_685_728_800).unwrap()).await.unwrap();
}

#[test]
fn who_came_from_django_and_was_renamed_and_deleted_does_not_come_back_and_a_namesake_may_come() {
    let folder = Folder::new();
    let dump = |users: &[(u32, &str)]| {
        let rows: Vec<_> = users
            .iter()
            .map(|(pk, name)| {
                json!({ "model": "auth.user", "pk": pk, "fields": {
                    "username": name, "is_active": true, "date_joined": "2023-06-02T18:00:00Z",
                    "password": "pbkdf2_sha256$600000$c2FsdHNhbHRzYWx0$Zm9yIGEgdGVzdCBvZiB0aGUgaW1wb3J0IGFsb25lICE=",
                }})
            })
            .collect();
        Value::from(rows).to_string()
    };
    let imported = |rows: &str| {
        let run = folder.run(&["user", "import", "-", "--json"], rows);
        let told: Value = serde_json::from_str(&run.out).unwrap();
        (told["created"].as_u64().unwrap(), told["rejected_by_reason"]["deleted here"].as_u64().unwrap_or(0))
    };
    assert_eq!(imported(&dump(&[(7, "ada")])), (1, 0));
    folder.json(&["user", "rename", "ada", "eva"], "");
    folder.json(&["user", "delete", "eva", "--yes"], "");
    assert_eq!(imported(&dump(&[(7, "ada")])), (0, 1), "the same person, under the name of before");
    assert_eq!(imported(&dump(&[(8, "eva")])), (1, 0), "another person of the name");
    // Brought back on purpose, they stay through the next import of the same dump, under a new id.
    let restored = folder.run(&["user", "import", "-", "--json", "--restore-deleted"], &dump(&[(7, "ada")]));
    assert_eq!(restored.status, 0, "{}", restored.out);
    assert_eq!(imported(&dump(&[(7, "ada")])), (0, 0));
    let of_eva = changes(&folder, &["--user", "eva"]);
    assert_eq!(of_eva.len(), 0, "the one who has the name now was imported, not changed");
    folder.json(&["user", "delete", "eva", "--yes"], "");
    let told = changes(&folder, &["--user", "eva"]);
    let told: Vec<_> = told.iter().filter(|change| change["command"] == "user delete").collect();
    assert_eq!(told.len(), 1, "who deleted an eva is found by the name that she had: {told:?}");
}

#[test]
fn after_a_deletion_nothing_names_the_user_any_more() {
    let folder = Folder::new();
    let id = create(&folder, "ada@example.com")["user_id"].as_str().unwrap().to_owned();
    folder.open_session("ada@example.com", 1, 4_102_444_800, Some("canary-agent"));
    let now = token::Timestamp::from_seconds(4_102_444_800).unwrap();
    let name = "ada@example.com".parse().unwrap();
    let count = |users: UserTable| async move {
        let id = users::TryId::new(token::Entropy([1; 16]));
        users.record_failure(&"ada@example.com".parse().unwrap(), &id, now).await.unwrap();
        users.record_failure(&"hunter2 is my password".parse().unwrap(), &id, now).await.unwrap();
    };
    runtime().block_on(async { count(Store::open(folder.path()).await.unwrap().users).await });
    let rows = everything(&folder);
    assert!(rows.contains("ada@example.com") && rows.contains("canary-agent") && rows.contains("192.0.2.7"));
    assert!(!rows.contains("hunter2"), "what was typed for a name is not kept in clear: {rows}");
    let report = folder.json(&["user", "report", "ada@example.com"], "");
    assert_eq!(report["failed_logins"]["count"], 1);
    assert_eq!(report["user"]["sessions"][0]["user_agent"], "canary-agent");
    assert!(report["log"].as_str().unwrap().contains(&id) && report["user"].get("changed_by").is_none());
    assert!(!report.to_string().contains("$argon2"), "{report}");
    assert_eq!(report["changes_by_administrators"][0]["command"], "user create");
    assert!(report["changes_by_administrators"][0].get("by").is_none());
    folder.json(&["user", "delete", "ada@example.com", "--yes"], "");
    let rows = everything(&folder);
    for canary in ["ada@example.com", "canary-agent", "192.0.2.7"] {
        assert!(!rows.contains(canary), "{canary} in {rows}");
    }
    let attempts = runtime().block_on(async {
        let users = Store::open(folder.path()).await.unwrap().users;
        users.for_login(&name, None, now).await.unwrap().attempts
    });
    assert_eq!(attempts.failures, 0);
    assert!(rows.contains(&id), "the record of changes has the id, which leads to nobody any more");
}

/// Every row of both tables.
fn everything(folder: &Folder) -> String {
    runtime().block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        let mut rows = String::new();
        for table in [TABLE_NAME.to_owned(), store.changes.name().to_owned()] {
            let page = store.client().scan().table_name(table).send().await.unwrap();
            let _ = write!(rows, "{:?}", page.items());
        }
        rows
    })
}

#[test]
fn a_name_that_an_import_kept_for_somebody_is_free_again_once_it_is_deleted() {
    let folder = Folder::new();
    let rejected = |name: &str| {
        let row =
            json!({ "username": name, "password_hash": "md5$a$b", "origin": { "name": name, "key": "7" } });
        folder.run(&["user", "import", "-"], &format!("{row}\n"))
    };
    assert_eq!(rejected("ada").status, 1);
    assert!(folder.user("ada").is_some(), "the name is kept");
    folder.json(&["user", "delete", "ada", "--yes"], "");
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$2p1kR2YVtFqVzYLr8mBq1ZTq8fGZcYvGvR2nJ3Tg3uI";
    let row = json!({ "username": "ada", "password_hash": hash, "origin": { "name": "ada", "key": "7" } });
    let import = folder.run(&["user", "import", "-"], &format!("{row}\n"));
    assert_eq!(import.status, 0, "{}", import.out);
}

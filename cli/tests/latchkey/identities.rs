//! `latchkey user import`: every user stays the same person

use std::fs;

use serde_json::{Value, json};

use crate::folder::Folder;

const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc";

fn django(key: u64, name: &str, hash: &str) -> Value {
    json!({
        "model": "auth.user", "pk": key,
        "fields": {
            "username": name, "password": hash, "is_active": true, "is_superuser": key == 1,
            "date_joined": "2023-06-02T18:00:00Z", "email": "", "groups": [2], "user_permissions": [],
        },
    })
}

fn import(folder: &Folder, rows: &[Value], options: &[&str]) -> Value {
    let run = folder.run(&[&["user", "import", "-", "--json"], options].concat(), &json!(rows).to_string());
    assert_eq!(run.err, "");
    serde_json::from_str(&run.out).unwrap()
}

fn reasons(report: &Value) -> Vec<(u64, &str)> {
    let rejections = report["rejections"].as_array().unwrap();
    rejections.iter().map(|row| (row["row"].as_u64().unwrap(), row["reason"].as_str().unwrap())).collect()
}

fn counts(report: &Value) -> [u64; 5] {
    ["created", "unchanged", "updated", "replaced", "rejected"].map(|name| report[name].as_u64().unwrap())
}

fn with_names(folder: &Folder, names: &Value) -> String {
    let file = folder.path().join("names.json");
    fs::write(&file, names.to_string()).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn rows_that_share_a_name_are_rejected_together_whatever_else_is_wrong_with_one() {
    for (one, other) in [
        ("Ada", "ada"),
        ("Stra\u{df}e", "strasse"),
        ("\u{fb01}sh", "fish"),
        ("\u{ff41}da", "ada"),
        ("ada lovelace", "ada  lovelace"),
        (" ada", "ada"),
        ("jose\u{301}", "jos\u{e9}"),
    ] {
        for hash in [HASH, "!unusable", "md5$x$y"] {
            for rows in [
                [django(1, one, hash), django(2, other, HASH)],
                [django(2, other, HASH), django(1, one, hash)],
            ] {
                let folder = Folder::new();
                let report = import(&folder, &rows, &["--claim", "user_id=pk"]);
                assert_eq!(counts(&report), [0, 0, 0, 0, 2], "{one} {other} {hash}");
                assert_eq!(
                    reasons(&report),
                    [(1, "row 2 has the same name"), (2, "row 1 has the same name")]
                );
                assert_eq!(report["names_reserved"], 2);
                let name = folder.user(other).unwrap();
                assert!(!name.enabled && name.password_hash.is_err(), "nobody has the name");

                // One of them alone, in a later file, is still not told from the other.
                let report = import(&folder, &rows[1..], &["--replace"]);
                assert_eq!(counts(&report), [0, 0, 0, 0, 1], "{report}");
                if hash == HASH {
                    assert!(reasons(&report)[0].1.starts_with("the name is reserved"), "{report}");
                }
            }
        }
    }
}

#[test]
fn a_rejected_superuser_keeps_the_name_from_the_next_file_and_a_registration() {
    let folder = Folder::new();
    let root = django(1, "root", "!unusable");
    assert_eq!(counts(&import(&folder, &[root], &["--claim", "user_id=pk"])), [0, 0, 0, 0, 1]);
    let report = import(&folder, &[django(2, "Root", HASH)], &["--claim", "user_id=pk", "--replace"]);
    assert_eq!(
        reasons(&report),
        [(
            1,
            "the name is reserved: an earlier import rejected \"root\" with the key 1; give this one another name with --names"
        )]
    );
    let created =
        folder.run(&["user", "create", "Root", "--password-stdin"], "correct horse battery staple\n");
    assert_eq!(created.status, 1, "{created:?}");

    // The same person with a password gets it.
    let report = import(&folder, &[django(1, "root", HASH)], &["--claim", "user_id=pk"]);
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!(folder.user("root").unwrap().claims.to_string(), r#"{"user_id":1}"#);
}

#[test]
fn a_rejected_row_says_that_its_name_is_another_users_here() {
    let folder = Folder::new();
    import(&folder, &[django(2, "Root", HASH)], &[]);
    let report = import(&folder, &[django(1, "root", "md5$x$y")], &[]);
    assert_eq!(
        reasons(&report),
        [(
            1,
            "the password hash is of md5, which is too weak; a user here has the name, who was imported as \"Root\" with the key 2"
        )]
    );
}

#[test]
fn replace_never_gives_one_person_to_another() {
    let folder = Folder::new();
    import(&folder, &[django(1, "ada", HASH)], &["--claim", "user_id=pk"]);
    let before = folder.user("ada");
    folder.open_session("ada", 1, 1_685_728_800, None);
    let names = with_names(&folder, &json!({ "Ada": "ada" }));
    for options in [&["--replace"][..], &["--update"], &["--replace", "--names", &names]] {
        let options = [&["--claim", "user_id=pk"], options].concat();
        let report = import(&folder, &[django(2, "Ada", &HASH.replace("t=2", "t=3"))], &options);
        assert_eq!(
            reasons(&report),
            [(
                1,
                "the name is that of another person here, who was imported as \"ada\" with the key 1; give this one another name with --names"
            )]
        );
    }
    let after = folder.user("ada").unwrap();
    assert_eq!((Some(after.id), after.sessions.len()), (before.map(|user| user.id), 1));
    assert_eq!(after.claims.to_string(), r#"{"user_id":1}"#);
}

#[test]
fn names_decide_who_gets_which_name_and_who_stays_out() {
    let folder = Folder::new();
    let rows =
        [django(1, "root", "!"), django(2, "Root", HASH), django(3, "Ada", HASH), django(4, "ada", HASH)];
    assert_eq!(counts(&import(&folder, &rows, &[])), [0, 0, 0, 0, 4]);
    let names = with_names(
        &folder,
        &json!({ "root": null, "Root": "root.the.second", "Ada": "ada", "ada": "ada.l" }),
    );
    let options = ["--names", &names, "--claim", "user_id=pk"];
    let report = import(&folder, &rows, &options);
    assert_eq!((counts(&report), &report["left_out"]), ([3, 0, 0, 0, 0], &json!(1)));
    for (name, key) in [("root.the.second", 2), ("ada", 3), ("ada.l", 4)] {
        assert_eq!(
            folder.user(name).unwrap().claims.to_string(),
            format!(r#"{{"user_id":{key}}}"#),
            "{name}"
        );
    }
    assert_eq!(counts(&import(&folder, &rows, &options)), [0, 3, 0, 0, 0]);
    for bad in [json!([]), json!({ "ada": 1 }), json!({ "ada": "\u{200b}" })] {
        let names = with_names(&folder, &bad);
        let run = folder.run(&["user", "import", "-", "--names", &names], "[]");
        assert!(run.status == 1 && run.err.starts_with("latchkey: cannot use the names of "), "{run:?}");
    }
}

#[test]
fn primary_keys_and_the_names_of_groups_become_claims() {
    let folder = Folder::new();
    let mut uuid = django(2, "bob", HASH);
    uuid["pk"] = json!("0b6ffb16-61c1-4c43-a0f5-b3f2c36d6c1e");
    uuid["fields"]["groups"] = json!([["editors"], ["writers"]]);
    uuid["fields"]["user_permissions"] = json!([["add_user", "auth", "user"]]);
    let group = json!({ "model": "auth.group", "pk": 2, "fields": { "name": "editors", "permissions": [] } });
    let claims = ["--claim", "user_id=pk", "--claim", "groups=groups", "--claim", "can=user_permissions"];
    // Of a whole dump the groups stand behind the users as well as before them.
    let report = import(&folder, &[django(1, "ada", HASH), uuid, group], &claims);
    assert_eq!(counts(&report), [2, 0, 0, 0, 0]);
    assert_eq!(report["other_models"], json!({ "auth.group": 1 }));
    assert_eq!(
        folder.user("ada").unwrap().claims.to_string(),
        r#"{"can":[],"groups":["editors"],"user_id":1}"#
    );
    assert_eq!(
        folder.user("bob").unwrap().claims.to_string(),
        r#"{"can":["auth.add_user"],"groups":["editors","writers"],"user_id":"0b6ffb16-61c1-4c43-a0f5-b3f2c36d6c1e"}"#
    );
    let mut natural = django(3, "eve", HASH);
    natural.as_object_mut().unwrap().remove("pk");
    let report = import(&folder, &[natural], &claims);
    assert_eq!(reasons(&report), [(1, "there is no \"pk\": dump without --natural-primary")]);
}

#[test]
fn a_wrong_date_is_lost_and_its_user_is_not() {
    let folder = Folder::new();
    let mut rows = vec![];
    for (key, date) in (1..).zip([
        json!("0001-01-01T00:00:00Z"),
        json!("1969-12-31T23:59:59Z"),
        json!(null),
        json!("soon"),
        json!("2999-01-01T00:00:00Z"),
    ]) {
        let mut row = django(key, &format!("user {key}"), HASH);
        row["fields"]["date_joined"] = date;
        rows.push(row);
    }
    let report = import(&folder, &rows, &[]);
    assert_eq!((counts(&report), &report["lost_dates"]), ([5, 0, 0, 0, 0], &json!(5)));
    assert_eq!(report["notes"][0]["reason"], "date_joined is not a date and time since 1970");
    assert_eq!(report["notes"][4]["reason"], "the date is in the future");
    assert_eq!(counts(&import(&folder, &rows, &[])), [0, 5, 0, 0, 0]);
    let milliseconds =
        json!({ "username": "ada", "password_hash": HASH, "created_at": 1_685_728_800_000_u64 });
    let run = folder.run(&["user", "import", "-"], &milliseconds.to_string());
    assert!(
        run.status == 0
            && run.out.contains("row 1 (ada): the date is in the future; the user is imported without it"),
        "{run:?}"
    );
}

#[test]
fn users_without_a_password_come_as_disabled_or_as_they_are() {
    let rows = [django(1, "sso", "!unusable"), django(2, "empty", ""), django(3, "ada", HASH)];
    for (how, enabled) in [("disabled", false), ("enabled", true)] {
        let folder = Folder::new();
        let report = import(&folder, &rows, &["--without-password", how]);
        assert_eq!(counts(&report), [3, 0, 0, 0, 0]);
        for name in ["sso", "empty"] {
            let user = folder.user(name).unwrap();
            assert!(user.enabled == enabled && user.password_hash.is_err(), "{name}");
        }
        assert!(folder.user("ada").unwrap().enabled);
        assert_eq!(counts(&import(&folder, &rows, &["--without-password", how])), [0, 3, 0, 0, 0]);
        let set = folder
            .run(&["user", "set-password", "sso", "--password-stdin"], "correct horse battery staple\n");
        assert_eq!(set.status, 0, "{set:?}");
        assert_eq!(counts(&import(&folder, &rows, &["--without-password", how])), [0, 3, 0, 0, 0]);
        let exported = folder.run(&["user", "export", "-"], "").out;
        assert_eq!((exported.lines().count(), exported.matches("\"password_hash\":null").count()), (3, 1));
        let other = Folder::new();
        assert_eq!(other.run(&["user", "import", "-"], &exported).status, 0);
        assert_eq!(other.run(&["user", "export", "-"], "").out, exported);
    }
}

#[test]
fn a_second_import_tells_logged_in_here_since_from_changed_there_since() {
    let folder = Folder::new();
    let rows: Vec<Value> = (1..=4).map(|key| django(key, &format!("User{key}"), HASH)).collect();
    import(&folder, &rows, &[]);
    // What a login here leaves behind, and what Django may have changed meanwhile.
    let set =
        folder.run(&["user", "set-password", "user1", "--password-stdin"], "correct horse battery staple\n");
    assert_eq!(set.status, 0);
    folder.open_session("user2", 1, 1_685_728_800, None);
    let mut later = rows.clone();
    later[1]["fields"]["is_active"] = json!(false);
    later[2]["fields"]["password"] = json!(HASH.replace("t=2", "t=3"));
    let report = import(&folder, &later, &[]);
    assert_eq!((counts(&report), &report["changed_here"]), ([0, 2, 0, 0, 2], &json!(1)));
    assert_eq!(
        reasons(&report),
        [
            (2, "changed there since the last import: enabled; --update carries it over"),
            (3, "changed there since the last import: password_hash; --update carries it over"),
        ]
    );
    assert_eq!(report["rejected_by_reason"], json!({ "changed there": 2 }));
    let here = folder.user("user1").unwrap().password_hash;
    let report = import(&folder, &later, &["--update"]);
    assert_eq!((counts(&report), &report["changed_here"]), ([0, 2, 2, 0, 0], &json!(1)));
    assert_eq!(folder.user("user1").unwrap().password_hash, here);
    let disabled = folder.user("user2").unwrap();
    assert!(!disabled.enabled && disabled.sessions.is_empty());
    assert!(folder.user("user3").unwrap().password_hash.unwrap().expose().contains("t=3"));
    assert_eq!(counts(&import(&folder, &later, &["--update"])), [0, 4, 0, 0, 0]);
}

#[test]
fn a_user_who_was_renamed_there_is_not_made_a_second_time() {
    let folder = Folder::new();
    import(&folder, &[django(1, "ada", HASH)], &["--claim", "user_id=pk"]);
    let id = folder.user("ada").unwrap().id;
    let renamed = [django(1, "ada.lovelace", HASH)];
    let report = import(&folder, &renamed, &["--claim", "user_id=pk", "--replace"]);
    assert_eq!(
        reasons(&report),
        [(1, "imported before as ada; `latchkey user rename` makes that user this one")]
    );
    let run = folder.run(&["user", "rename", "ada", "ada.lovelace"], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(counts(&import(&folder, &renamed, &["--claim", "user_id=pk"])), [0, 1, 0, 0, 0]);
    assert_eq!((folder.user("ada"), folder.user("ada.lovelace").unwrap().id), (None, id));

    // Users of another system have keys of their own.
    let report = import(&folder, &[django(1, "bob", HASH)], &["--source", "shop"]);
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
}

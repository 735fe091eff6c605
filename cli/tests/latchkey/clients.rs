//! `latchkey client …`

use aws_sdk_dynamodb::types::AttributeValue;
use local_data::{Store, TABLE_NAME};
use serde_json::{Value, json};
use users::{MachineClient, SecretHash};

use crate::{
    changes::changes,
    folder::{Folder, Run, latchkey, run, runtime},
};

pub(crate) const ORDERS: &str = "https://orders.example.com";
pub(crate) const READ: &str = "https://orders.example.com=orders:read";
const NOBODY: &str = "lkc_AAAAAAAAAAAAAAAAAAAAAA";

pub(crate) fn create(folder: &Folder, name: &str) -> (String, String) {
    let created = folder.json(&["client", "create", name, "--audience", READ], "");
    (text(&created, "client_id"), text(&created, "client_secret"))
}

pub(crate) fn text(json: &Value, member: &str) -> String {
    json[member].as_str().unwrap().to_owned()
}

/// The client as another process with the same store open sees it.
fn client(folder: &Folder, id: &str) -> Option<MachineClient> {
    runtime().block_on(async {
        let users = Store::open(folder.path()).await.unwrap().users;
        users.find_client(id.parse().unwrap()).await.unwrap()
    })
}

pub(crate) fn takes(folder: &Folder, id: &str, secret: &str) -> bool {
    client(folder, id).unwrap().secret_of(&SecretHash::of(secret)).is_some()
}

/// Puts `value` into the client's row, in which another version or program may write.
pub(crate) fn overwrite(folder: &Folder, id: &str, path: &[&str], value: AttributeValue) {
    let names = path.iter().enumerate().map(|(index, name)| (format!("#p{index}"), (*name).to_owned()));
    let names: std::collections::HashMap<_, _> = names.collect();
    let mut placeholders: Vec<_> = names.keys().cloned().collect();
    placeholders.sort();
    runtime().block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        let write = store.client().update_item().table_name(TABLE_NAME);
        let write = write.key("pk", AttributeValue::S(format!("client#{id}")));
        let write = write.update_expression(format!("SET {} = :value", placeholders.join(".")));
        let write = write.set_expression_attribute_names(Some(names));
        write.expression_attribute_values(":value", value).send().await.unwrap();
    });
}

pub(crate) fn failure(message: &str) -> Run {
    Run { status: 1, out: String::new(), err: format!("latchkey: {message}\n") }
}

fn no_such_client() -> Run {
    failure(&format!("there is no client {NOBODY}; `latchkey client list` names them"))
}

#[test]
fn a_client_is_created_and_its_secret_is_shown_once() {
    let folder = Folder::new();
    let billing = "https://billing.example.com";
    let arguments = ["client", "create", " nightly report ", "--audience", READ, "--audience", billing];
    let created = folder.json(&arguments, "");
    let (id, secret) = (text(&created, "client_id"), text(&created, "client_secret"));
    let audiences = json!({ ORDERS: ["orders:read"], billing: [] });
    assert_eq!(
        created,
        json!({
            "client_id": id, "client_secret": secret, "name": "nightly report", "audiences": audiences,
        })
    );
    let row = client(&folder, &id).unwrap();
    let stored = row.secret_of(&SecretHash::of(&secret)).unwrap();
    assert_eq!(stored.id.as_str(), secret.split('_').nth(1).unwrap());
    assert_eq!((row.name.as_str(), row.enabled, row.secrets.len()), ("nightly report", true, 1));
    assert_eq!(row.audiences.to_string(), format!("{READ};{billing}"));

    let listed = folder.json(&["client", "list"], "");
    let changed_by = &*row.last_change.as_ref().unwrap().by;
    assert_eq!(
        listed,
        json!({
            "clients": [{
                "client_id": id, "name": "nightly report", "enabled": true, "audiences": audiences,
                "secrets": [{ "secret_id": stored.id.as_str(), "created_at": row.created_at }],
                "created_at": row.created_at, "changed_at": row.created_at, "changed_by": changed_by,
            }],
            "unreadable": 0,
        })
    );
}

#[test]
fn the_text_says_what_to_do_with_the_secret_and_what_the_service_must_know() {
    let folder = Folder::new();
    let created = folder.run(&["client", "create", "nightly", "--audience", READ], "");
    assert_eq!((created.status, created.err.as_str()), (0, ""));
    let words: Vec<_> = created.out.split_whitespace().collect();
    let after = |name: &str| words[words.iter().position(|word| *word == name).unwrap() + 1];
    let (id, secret) = (after("client_id"), after("client_secret"));
    assert_eq!(
        created.out,
        format!(
            "The client nightly is created.\n\n  client_id      {id}\n  client_secret  {secret}\n\n\
             The secret cannot be shown again. Keep it where the client finds it, and nowhere else.\n\
             The client may get tokens for {READ}. The service grants only what its \
             ACCESS_TOKEN_AUDIENCES also lists.\n"
        )
    );
    assert!(takes(&folder, id, secret));
    let secret_id = secret.split('_').nth(1).unwrap();
    let listed = folder.run(&["client", "list"], "").out;
    let row = listed.lines().nth(1).unwrap();
    assert!(listed.starts_with("CLIENT ") && row.starts_with(id) && row.ends_with(READ), "{listed}");
    assert!(row.contains(" nightly  enabled ") && row.contains(&format!(" {secret_id} (")), "{listed}");
    assert!(!listed.contains("lks_"), "{listed}");
}

#[test]
fn clients_are_listed_by_name_with_every_secret_and_its_age() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["client", "list"], "").out, "There is no client.\n");
    assert_eq!(folder.json(&["client", "list"], ""), json!({ "clients": [], "unreadable": 0 }));
    let (zeta, _) = create(&folder, "zeta");
    let (alpha, _) = create(&folder, "alpha");
    folder.json(&["client", "rotate", &alpha], "");
    folder.json(&["client", "disable", &zeta], "");
    let [old, _] = &client(&folder, &alpha).unwrap().secrets[..] else { panic!("two secrets") };
    // Two days and some hours ago.
    let created = AttributeValue::N((edge::clock::now().seconds() - 180_000).to_string());
    overwrite(&folder, &alpha, &["secrets", old.id.as_str(), "created_at"], created);
    let listed = folder.run(&["client", "list"], "").out;
    let rows: Vec<_> = listed.lines().skip(1).collect();
    assert!(rows[0].starts_with(&alpha) && rows[0].contains(&format!("{} (2 d), ", old.id)), "{listed}");
    assert!(rows[1].starts_with(&zeta) && rows[1].contains(" disabled "), "{listed}");
}

#[test]
fn a_client_is_disabled_enabled_moved_and_deleted() {
    let folder = Folder::new();
    let (id, secret) = create(&folder, "nightly");
    let json = |words: &[&str]| folder.json(&[words, &[&id]].concat(), "");
    assert_eq!(json(&["client", "disable"]), json!({ "client_id": id, "change": "disabled" }));
    assert!(!client(&folder, &id).unwrap().enabled);
    assert_eq!(json(&["client", "enable"]), json!({ "client_id": id, "change": "enabled" }));
    assert!(client(&folder, &id).unwrap().enabled);
    assert_eq!(
        json(&["client", "set-audiences", "--audience", "https://billing.example.com=a b"]),
        json!({
            "client_id": id, "change": "audiences_set",
            "audiences": { "https://billing.example.com": ["a", "b"] },
        })
    );
    let row = client(&folder, &id).unwrap();
    assert_eq!(row.audiences.to_string(), "https://billing.example.com=a b");
    assert!(takes(&folder, &id, &secret), "the secret stays");
    assert_eq!(json(&["client", "delete", "--yes"]), json!({ "client_id": id, "change": "deleted" }));
    assert_eq!(client(&folder, &id), None);
}

#[test]
fn every_change_is_recorded_with_the_client_and_without_a_secret() {
    let folder = Folder::new();
    let (id, first) = create(&folder, "nightly");
    let second = text(&folder.json(&["client", "rotate", &id], ""), "client_secret");
    let third = text(&folder.json(&["client", "rotate", &id, "--now"], ""), "client_secret");
    for words in [
        &["client", "rotate", &id, "--finish"][..],
        &["client", "set-audiences", &id, "--audience", READ],
        &["client", "disable", &id, "--reason", "ticket 4711"],
        &["client", "enable", &id],
        &["client", "delete", &id, "--yes"],
    ] {
        assert_eq!(folder.run(words, "").status, 0, "{words:?}");
    }
    // None of these changes anything.
    assert_eq!(folder.run(&["client", "list"], "").status, 0);
    assert_eq!(folder.run(&["client", "disable", &id], "").status, 1);

    let mut recorded = changes(&folder, &[]);
    recorded.sort_by_key(|change| (change["command"].to_string(), change["what"].to_string()));
    let [one, two, three] = [&first, &second, &third].map(|secret| secret.split('_').nth(1).unwrap());
    let whats = [
        ("client create", json!({ "client": id, "secret": one, "audiences": READ })),
        ("client delete", json!({ "client": id })),
        ("client disable", json!({ "client": id })),
        ("client enable", json!({ "client": id })),
        ("client rotate", json!({ "client": id, "secret": null, "ended": [] })),
        ("client rotate", json!({ "client": id, "secret": two, "ended": [] })),
        ("client rotate", json!({ "client": id, "secret": three, "ended": [one, two] })),
        ("client set-audiences", json!({ "client": id, "audiences": READ })),
    ];
    let mut expected = whats.map(|(command, what)| (json!(command), what));
    expected.sort_by_key(|(command, what)| (command.to_string(), what.to_string()));
    let told: Vec<_> =
        recorded.iter().map(|change| (change["command"].clone(), change["what"].clone())).collect();
    assert_eq!(told, expected);
    for change in &recorded {
        assert_eq!((&change["outcome"], &change["user_id"]), (&json!("done"), &Value::Null), "{change}");
        let reason = if change["command"] == "client disable" { json!("ticket 4711") } else { Value::Null };
        assert_eq!(change["reason"], reason);
    }
    let table = folder.run(&["changes"], "").out;
    for secret in [&first, &second, &third] {
        let random = &secret["lks_12345678_".len()..][..43];
        let json = json!(recorded).to_string();
        assert!(!table.contains(random) && !json.contains(random), "{table}");
    }
    assert!(!table.contains("lks_") && table.contains(&id), "{table}");
}

#[test]
fn what_is_asked_of_no_client_is_rejected_in_one_line_and_not_recorded() {
    let folder = Folder::new();
    for arguments in [
        &["client", "rotate", NOBODY][..],
        &["client", "rotate", NOBODY, "--finish"],
        &["client", "rotate", NOBODY, "--now"],
        &["client", "set-audiences", NOBODY, "--audience", READ],
        &["client", "disable", NOBODY],
        &["client", "enable", NOBODY],
        &["client", "delete", NOBODY],
        &["client", "delete", NOBODY, "--yes"],
    ] {
        assert_eq!(folder.run(arguments, ""), no_such_client(), "{arguments:?}");
    }
    assert!(changes(&folder, &[]).is_empty());
    assert_eq!(client(&folder, NOBODY), None);
}

#[test]
fn without_a_terminal_no_client_is_deleted_unasked() {
    let folder = Folder::new();
    let (id, _) = create(&folder, "nightly");
    assert_eq!(
        folder.run(&["client", "delete", &id], "y\n"),
        failure("there is no terminal to ask at; say --yes to delete without being asked")
    );
    assert!(client(&folder, &id).is_some());
}

#[test]
fn a_wrong_command_line_makes_no_client_and_changes_none() {
    let folder = Folder::new();
    let (id, _) = create(&folder, "nightly");
    let before = client(&folder, &id);
    for arguments in [
        &["client", "create", "other"][..],
        &["client", "create", "--audience", READ],
        &["client", "create", "other", "--audience", ""],
        &["client", "create", "other", "--audience", "https://orders.example.com="],
        &["client", "create", "other", "--audience", READ, "--audience", ORDERS],
        &["client", "create", "", "--audience", READ],
        &["client", "create", "a\u{1b}[31m", "--audience", READ],
        &["client", "create", &"x".repeat(101), "--audience", READ],
        &["client", "create", "other", "--audience", READ, "--secret", "lks_"],
        &["client", "set-audiences", &id],
        &["client", "set-audiences", &id, "--audience", ORDERS, "--audience", ORDERS],
        &["client", "disable", "nightly"],
        &["client", "disable", "AAAAAAAAAAAAAAAAAAAAAA"],
        &["client", "rotate"],
    ] {
        let run = folder.run(arguments, "");
        assert_eq!((run.status, run.out.as_str()), (2, ""), "{arguments:?}");
        assert!(!run.err.is_empty());
    }
    let twice = folder.run(&["client", "create", "x", "--audience", READ, "--audience", READ], "");
    assert_eq!(twice.err, "latchkey: --audience: an audience is named twice\n");
    assert_eq!(folder.json(&["client", "list"], "")["clients"].as_array().unwrap().len(), 1);
    assert_eq!(client(&folder, &id), before);
}

#[test]
fn a_row_that_cannot_be_read_hides_no_other_and_can_be_disabled_fixed_and_deleted() {
    let folder = Folder::new();
    let (id, secret) = create(&folder, "broken");
    let (other, _) = create(&folder, "other");
    overwrite(&folder, &id, &["audiences"], AttributeValue::S("s3cret;;".to_owned()));
    let listed = folder.json(&["client", "list"], "");
    assert_eq!((&listed["clients"][0]["client_id"], &listed["unreadable"]), (&json!(other), &json!(1)));
    let text = folder.run(&["client", "list"], "").out;
    assert!(text.ends_with("\nLeft out: 1 rows that cannot be read.\n"), "{text}");
    let rotated = folder.run(&["client", "rotate", &id], "");
    assert_eq!(rotated.status, 1);
    assert!(
        rotated.err.contains("the attribute audiences") && !rotated.err.contains("s3cret"),
        "{rotated:?}"
    );
    folder.json(&["client", "disable", &id], "");
    folder.json(&["client", "set-audiences", &id, "--audience", READ], "");
    assert!(takes(&folder, &id, &secret) && !client(&folder, &id).unwrap().enabled);
    overwrite(&folder, &id, &["audiences"], AttributeValue::S("s3cret;;".to_owned()));
    folder.json(&["client", "delete", &id, "--yes"], "");
    assert_eq!(folder.json(&["client", "list"], "")["unreadable"], 0);
}

#[test]
fn users_and_clients_do_not_meet() {
    let folder = Folder::new();
    let (id, _) = create(&folder, "nightly");
    let name = format!("client#{id}");
    folder.json(&["user", "create", &name, "--password-stdin"], "correct horse\n");
    assert_eq!(folder.json(&["user", "list"], "")["users"].as_array().unwrap().len(), 1);
    assert_eq!(folder.json(&["client", "list"], "")["clients"].as_array().unwrap().len(), 1);
    folder.json(&["user", "delete", &name, "--yes"], "");
    assert!(client(&folder, &id).is_some());
    assert_eq!(folder.run(&["user", "show", &id], "").status, 1);
    let of_user = run(latchkey(&["client", "disable", "ada", "--local"]), "");
    assert!(of_user.status == 2 && of_user.err.contains("a client's id is lkc_"), "{}", of_user.err);
}

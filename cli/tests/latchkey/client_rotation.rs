//! `latchkey client rotate`

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;

use crate::{
    changes::changes,
    clients::{create, failure, overwrite, takes, text},
    folder::Folder,
};

fn id_of(secret: &str) -> &str {
    secret.split('_').nth(1).unwrap()
}

#[test]
fn a_rotation_leaves_the_new_secret_and_the_one_before() {
    let folder = Folder::new();
    let (id, mut before) = create(&folder, "nightly");
    // All within a second, or nearly: which is the newest does not depend on the clock.
    for _ in 0..3 {
        let rotated = folder.json(&["client", "rotate", &id], "");
        let new = text(&rotated, "client_secret");
        assert_eq!((takes(&folder, &id, &before), takes(&folder, &id, &new)), (true, true));
        let valid = [id_of(&before), id_of(&new)];
        let expected = json!({ "client_id": id, "client_secret": new, "valid": valid, "ended": [] });
        assert_eq!(rotated, expected);
        folder.json(&["client", "rotate", &id, "--finish"], "");
        before = new;
    }
}

/// The secret in use must not end because somebody lost what the first rotation printed.
#[test]
fn a_second_rotation_ends_no_secret_and_asks_what_is_meant() {
    let folder = Folder::new();
    let (id, first) = create(&folder, "nightly");
    let lost = text(&folder.json(&["client", "rotate", &id], ""), "client_secret");
    let asked = folder.run(&["client", "rotate", &id], "");
    assert_eq!(asked.status, 1);
    let said = format!("latchkey: {id} has two secrets, {} (", id_of(&first));
    assert!(
        asked.err.starts_with(&said) && asked.err.contains("--replace-newest if it was lost"),
        "{asked:?}"
    );
    assert_eq!((takes(&folder, &id, &first), takes(&folder, &id, &lost)), (true, true));
    let replaced = folder.json(&["client", "rotate", &id, "--replace-newest"], "");
    let new = text(&replaced, "client_secret");
    assert_eq!(replaced["ended"], json!([id_of(&lost)]));
    let valid = [&first, &lost, &new].map(|secret| takes(&folder, &id, secret));
    assert_eq!(valid, [true, false, true]);
    for other in ["--now", "--finish"] {
        assert_eq!(folder.run(&["client", "rotate", &id, "--replace-newest", other], "").status, 2);
    }
}

#[test]
fn the_only_secret_is_not_replaced_as_if_it_were_lost() {
    let folder = Folder::new();
    let (id, secret) = create(&folder, "nightly");
    let message = "has one secret, which something may use: rotate without an option to add another, or say --now to end it";
    assert_eq!(
        folder.run(&["client", "rotate", &id, "--replace-newest"], ""),
        failure(&format!("{id} {message}"))
    );
    assert!(takes(&folder, &id, &secret));
}

#[test]
fn finishing_a_rotation_makes_no_secret_and_leaves_the_newest() {
    let folder = Folder::new();
    let (id, first) = create(&folder, "nightly");
    let second = text(&folder.json(&["client", "rotate", &id], ""), "client_secret");
    let [one, two] = [&first, &second].map(|secret| secret.split('_').nth(1).unwrap());
    let finished = folder.json(&["client", "rotate", &id, "--finish"], "");
    assert_eq!(finished, json!({ "client_id": id, "client_secret": null, "valid": [two], "ended": [one] }));
    assert_eq!((takes(&folder, &id, &first), takes(&folder, &id, &second)), (false, true));
    let again = folder.run(&["client", "rotate", &id, "--finish"], "");
    assert_eq!(again.out, format!("{id} has only its newest secret now, {two}.\n"));
    assert!(takes(&folder, &id, &second));
}

#[test]
fn a_leaked_secret_ends_at_once() {
    let folder = Folder::new();
    let (id, first) = create(&folder, "nightly");
    let second = text(&folder.json(&["client", "rotate", &id], ""), "client_secret");
    let third = text(&folder.json(&["client", "rotate", &id, "--now"], ""), "client_secret");
    let valid = [&first, &second, &third].map(|secret| takes(&folder, &id, secret));
    assert_eq!(valid, [false, false, true]);
    let told = folder.run(&["client", "rotate", &id, "--now"], "").out;
    let third = third.split('_').nth(1).unwrap();
    assert!(told.ends_with(&format!("\nNo other is valid. Not valid any more: {third}.\n")), "{told}");
    assert_eq!(folder.run(&["client", "rotate", &id, "--now", "--finish"], "").status, 2);
}

#[test]
fn a_rotation_that_meets_another_secret_than_it_read_changes_nothing() {
    let folder = Folder::new();
    let (id, secret) = create(&folder, "nightly");
    // One that this version does not read, and so cannot have read.
    overwrite(&folder, &id, &["secrets", "newer"], AttributeValue::M([].into()));
    let message = format!("the secrets of {id} have just changed; this command changed nothing; try again");
    for more in [&[][..], &["--finish"], &["--now"]] {
        assert_eq!(folder.run(&[&["client", "rotate", &id], more].concat(), ""), failure(&message));
    }
    assert!(takes(&folder, &id, &secret));
    let recorded = changes(&folder, &[]);
    let failed: Vec<_> = recorded.iter().filter(|change| change["outcome"] == "failed").collect();
    assert_eq!(failed.len(), 3, "{recorded:?}");
}

//! `latchkey session …`

use serde_json::json;

use crate::folder::Folder;

const LOGIN: u64 = 1_685_728_800;
const IN_2100: u64 = 4_102_444_800;

fn ada() -> Folder {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin"], "correct horse\n");
    folder
}

#[test]
fn sessions_are_listed_the_newest_first_with_their_ends() {
    let folder = ada();
    assert_eq!(folder.run(&["session", "list", "ada"], "").out, "ada has no session.\n");
    assert_eq!(folder.json(&["session", "list", "ada"], ""), json!([]));
    // Live for as long as anybody runs this, and opened first: a login clears away sessions that are over.
    let new = folder.open_session("ada", 2, IN_2100, None);
    let old = folder.open_session("ada", 1, LOGIN, Some("Mozilla/5.0 (X11)"));
    assert_eq!(
        folder.run(&["session", "list", "ADA"], "").out,
        format!(
            "SESSION                 LOGGED IN                REFRESHABLE UNTIL        ENDS AT THE LATEST       \
             FROM       USER AGENT\n\
             {new}  2100-01-01 00:00:00 UTC  2100-01-03 00:00:00 UTC  2100-01-03 01:00:00 UTC  192.0.2.7  -\n\
             {old}  2023-06-02 18:00:00 UTC  no more                  over                     192.0.2.7  \
             Mozilla/5.0 (X11)\n"
        )
    );
    let listed = json!([
        {
            "session_id": new.to_string(), "issued_at": IN_2100, "source_ip": "192.0.2.7", "user_agent": null,
            "refreshable_until": IN_2100 + 172_800, "ends_by": IN_2100 + 176_400,
        },
        {
            "session_id": old.to_string(), "issued_at": LOGIN, "source_ip": "192.0.2.7",
            "user_agent": "Mozilla/5.0 (X11)",
            "refreshable_until": LOGIN + 172_800, "ends_by": LOGIN + 176_400,
        },
    ]);
    assert_eq!(folder.json(&["session", "list", "ada"], ""), listed);
    assert_eq!(folder.json(&["user", "show", "ada"], "")["sessions"], listed);
    let shown = folder.run(&["user", "show", "ada"], "").out;
    assert!(shown.ends_with(&folder.run(&["session", "list", "ada"], "").out), "{shown}");
}

#[test]
fn the_ends_are_those_of_the_service_s_settings() {
    let folder = ada();
    folder.open_session("ada", 1, IN_2100, None);
    for (settings, refreshable_until, ends_by, shown) in [
        (
            &["--expiration", "5m", "--refresh-expiration", "1h"][..],
            json!(IN_2100 + 3600),
            IN_2100 + 3900,
            "2100-01-01 01:00:00 UTC  2100-01-01 01:05:00 UTC",
        ),
        (&["--no-refresh"], json!(null), IN_2100 + 3600, "never              2100-01-01 01:00:00 UTC"),
    ] {
        let arguments = [&["session", "list", "ada"], settings].concat();
        let listed = &folder.json(&arguments, "")[0];
        assert_eq!((&listed["refreshable_until"], &listed["ends_by"]), (&refreshable_until, &json!(ends_by)));
        let out = folder.run(&arguments, "").out;
        assert!(out.contains(shown), "{out}");
    }
    let nonsense = folder.run(&["session", "list", "ada", "--expiration", "0"], "");
    assert_eq!((nonsense.status, nonsense.out.as_str()), (2, ""));
}

#[test]
fn a_user_agent_cannot_talk_to_the_terminal() {
    let folder = ada();
    folder.open_session("ada", 1, LOGIN, Some("\u{1b}[2J\u{9b}31m\r\nSESSION  \u{202e}"));
    let listed = folder.run(&["session", "list", "ada"], "").out;
    assert!(listed.ends_with("\\u{1b}[2J\\u{9b}31m\\r\\nSESSION  \\u{202e}\n"), "{listed}");
    assert_eq!(listed.lines().count(), 2);
}

#[test]
fn one_session_ends_and_the_others_go_on() {
    let folder = ada();
    let (first, second) =
        (folder.open_session("ada", 1, LOGIN, None), folder.open_session("ada", 2, LOGIN, None));
    let ended = folder.json(&["session", "end", "ada", &first.to_string()], "");
    assert_eq!(ended, json!({ "username": "ada", "ended": [first.to_string()] }));
    let left: Vec<_> = folder.user("ada").unwrap().sessions.into_keys().collect();
    assert_eq!(left, [second]);
    let again = folder.run(&["session", "end", "ada", &first.to_string()], "");
    assert_eq!((again.status, again.err), (1, format!("latchkey: ada has no session {first}\n")));
}

#[test]
fn all_sessions_end_at_once() {
    let folder = ada();
    let (first, second) =
        (folder.open_session("ada", 1, LOGIN, None), folder.open_session("ada", 2, LOGIN, None));
    let ended = folder.json(&["session", "end-all", "ada"], "");
    assert_eq!(ended, json!({ "username": "ada", "ended": [first.to_string(), second.to_string()] }));
    assert!(folder.user("ada").unwrap().sessions.is_empty());
    assert_eq!(folder.run(&["session", "end-all", "ada"], "").status, 0);
}

#[test]
fn a_session_whose_id_begins_with_a_hyphen_can_be_ended() {
    let folder = ada();
    // 0xfb is "-_" in base64url.
    let id = folder.open_session("ada", 0xfb, LOGIN, None);
    assert!(id.to_string().starts_with('-'));
    assert_eq!(folder.run(&["session", "end", "ada", &id.to_string()], "").status, 0);
    assert!(folder.user("ada").unwrap().sessions.is_empty());
}

#[test]
fn ending_one_session_says_which() {
    let folder = ada();
    let id = folder.open_session("ada", 1, LOGIN, None).to_string();
    for arguments in [
        &["session", "end", "ada"][..],
        &["session", "end", "ada", &id, &id],
        &["session", "end-all", "ada", &id],
        &["session", "end", "ada", "no-session-id"],
    ] {
        assert_eq!(folder.run(arguments, "").status, 2, "{arguments:?}");
    }
    assert_eq!(folder.user("ada").unwrap().sessions.len(), 1);
}

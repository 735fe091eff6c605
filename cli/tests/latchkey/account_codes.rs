//! `latchkey user invite`, `latchkey user invitations …` and `latchkey user recover`.

use harness::{Reply, World};
use local_data::TABLE_NAME;
use serde_json::{Value, json};
use token::{RefreshSwitch, Seconds, SessionPolicy};

use crate::{
    changes::{against, changes},
    clients::{failure, text},
    folder::{Folder, Run, latchkey, run},
};

const PAGE: &str = "https://app.example.com/account";
const INVITE: [&str; 5] = ["user", "invite", "--print", "--account-link", PAGE];
const NEW: &str = "seven green umbrellas";

fn invite(folder: &Folder, more: &[&str], input: &str) -> Run {
    folder.run(&[&INVITE[..], more].concat(), input)
}

/// The code behind a link, whose page and purpose are as expected.
fn code(link: &str, purpose: &str) -> String {
    let code = link.strip_prefix(&format!("{PAGE}#{purpose}=")).unwrap_or_else(|| panic!("{link}"));
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 6], "{code}");
    code.to_owned()
}

fn link_in(text: &str) -> String {
    let link = text.lines().find(|line| line.contains('#'));
    link.unwrap_or_else(|| panic!("{text}")).trim().to_owned()
}

#[test]
fn an_invitation_is_printed_once_with_what_to_know_about_it() {
    let folder = Folder::new();
    let Run { status, out, err } = invite(&folder, &["Ada@Example.com"], "");
    assert_eq!((status, err.as_str()), (0, ""));
    let link = link_in(&out);
    code(&link, "invitation");
    assert!(out.starts_with("Invitation for ada@example.com, valid once, until 2"), "{out}");
    assert!(out.ends_with(
        "Anybody with this link can become ada@example.com. Give it to nobody else. It cannot be shown again; another \
         invitation ends it.\n"
    ));
    assert!(folder.user("ada@example.com").is_none());

    let listed = folder.run(&["user", "invitations", "list"], "");
    assert!(listed.out.starts_with("USER"), "{}", listed.out);
    assert!(listed.out.contains("ada@example.com") && !listed.out.contains(&code(&link, "invitation")));
    let made = changes(&folder, &[]).into_iter().next().unwrap();
    assert_eq!((&made["command"], &made["outcome"]), (&json!("user invite"), &json!("done")));
    let record = Value::from(changes(&folder, &[])).to_string();
    assert!(!record.contains("ada") && !record.contains(&code(&link, "invitation")[..4]), "{record}");
}

#[test]
fn invitations_are_listed_and_withdrawn() {
    let folder = Folder::new();
    let none = Run { status: 0, out: "There is no open invitation.\n".into(), err: String::new() };
    assert_eq!(folder.run(&["user", "invitations", "list"], ""), none);
    let claims = ["ada", "--claims", r#"{"role":"admin"}"#, "--locale", "pt-BR", "--valid-for", "7d"];
    let made = folder.json(&[&INVITE[..], &claims].concat(), "");
    let listed = &folder.json(&["user", "invitations", "list"], "")["invitations"];
    assert_eq!(listed.as_array().unwrap().len(), 1);
    for (member, expected) in [
        ("username", json!("ada")),
        ("claims", json!({ "role": "admin" })),
        ("locale", json!("pt-BR")),
        ("valid_until", made["links"][0]["valid_until"].clone()),
    ] {
        assert_eq!(listed[0][member], expected, "{member}");
    }
    let life = listed[0]["valid_until"].as_u64().unwrap() - listed[0]["made_at"].as_u64().unwrap();
    assert_eq!(life, 7 * 86_400);
    assert!(!listed[0]["made_by"].as_str().unwrap().is_empty());

    let withdrawn = folder.run(&["user", "invitations", "withdraw", "ADA"], "");
    assert_eq!(withdrawn.out, "The invitation of ada has ended.\n");
    let again = folder.run(&["user", "invitations", "withdraw", "ada"], "");
    assert_eq!(again, failure("there is no open invitation of ada"));
    assert_eq!(folder.run(&["user", "invitations", "list"], ""), none);
}

#[test]
fn a_file_invites_everybody_in_it_with_claims_and_language() {
    let folder = Folder::new();
    let lines = "\u{feff}\u{20}\n{\"username\":\"Ada\"}\r\n\n{\"username\":\"bob\",\"claims\":{\"role\":\"x\"},\"locale\":\"de\"}";
    let more = ["--file", "-", "--claims", r#"{"role":"user"}"#, "--locale", "en"];
    let Run { status, out, err } = invite(&folder, &more, lines);
    assert_eq!((status, err.as_str()), (0, ""));
    let printed: Vec<_> = out.lines().map(|line| line.split_once('\t').unwrap()).collect();
    assert_eq!(printed.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["ada", "bob"]);
    assert_ne!(code(printed[0].1, "invitation"), code(printed[1].1, "invitation"));
    let listed = folder.json(&["user", "invitations", "list"], "")["invitations"].clone();
    let told = |index: usize| (listed[index]["claims"].clone(), listed[index]["locale"].clone());
    assert_eq!(told(0), (json!({ "role": "user" }), json!("en")));
    assert_eq!(told(1), (json!({ "role": "x" }), json!("de")));
    let recorded = &changes(&folder, &[])[0];
    assert_eq!(recorded["counts"], json!({ "invited": 2, "rejected": 0 }));
    assert_eq!(recorded["what"], json!({ "claims": ["role"] }));
}

/// Loses nothing: the whole file is read before anybody is invited.
#[test]
fn a_file_with_a_mistake_invites_nobody_and_says_where_the_mistakes_are() {
    let folder = Folder::new();
    let lines = [
        r#"{"username":"ada"}"#,
        r#"{"username":"ADA"}"#,
        r#"{"username":""}"#,
        "nobody",
        r#"{"claims":{}}"#,
        r#"{"username":"bob","claims":{"sub":"x"}}"#,
        r#"{"username":"bob","claims":[]}"#,
        r#"{"username":"bob","locale":"de_DE"}"#,
        r#"{"username":"bob","password":"x"}"#,
        r#"{"username":"bob","username":"carol"}"#,
    ];
    let Run { status, out, err } = invite(&folder, &["--file", "-"], &lines.join("\n"));
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with(
        "latchkey: nobody was invited, because of standard input: line 2: line 1 has the same name; line 3:"
    ));
    for number in 2..=lines.len() {
        assert!(err.contains(&format!("line {number}: ")), "{number}: {err}");
    }
    assert!(err.contains("\"password\" is neither username, email, claims nor locale"), "{err}");
    assert_eq!(folder.json(&["user", "invitations", "list"], "")["invitations"], json!([]));
    assert!(changes(&folder, &[]).is_empty());

    let long = format!("{{\"username\":\"{}\"}}", "x".repeat(70_000));
    let Run { status, err, .. } = invite(&folder, &["--file", "-"], &long);
    assert_eq!(status, 1);
    assert!(err.contains("line 1: the line is longer than 64 KiB"), "{err}");
    let nobody = invite(&folder, &["--file", "-"], "\n \n");
    assert_eq!(nobody, failure("nobody was invited, because of standard input: nobody is in it"));
    let missing = invite(&folder, &["--file", "/nowhere/people.jsonl"], "");
    assert!(missing.err.starts_with("latchkey: cannot use /nowhere/people.jsonl: "), "{}", missing.err);
}

#[test]
fn of_a_file_those_who_are_users_already_are_named_and_the_others_invited() {
    let folder = Folder::new();
    folder.json(&["user", "create", "bob", "--password-stdin"], "correct horse battery\n");
    let lines = "{\"username\":\"ada\"}\n{\"username\":\"bob\"}\n{\"username\":\"carol\"}\n";
    let Run { status, out, err } = invite(&folder, &["--file", "-", "--json"], lines);
    assert_eq!(status, 1, "as an import with a rejected row");
    assert!(err.starts_with("latchkey: not invited: bob: there is a user bob already"), "{err}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let names: Vec<_> = told["links"].as_array().unwrap().iter().map(|link| text(link, "username")).collect();
    assert_eq!(
        (names, &told["rejected"][0]["username"]),
        (vec!["ada".into(), "carol".into()], &json!("bob"))
    );
    let recorded = changes(&folder, &[]);
    let of_invitations = recorded.iter().find(|change| change["command"] == "user invite").unwrap();
    assert_eq!(of_invitations["outcome"], "partly");
}

#[test]
fn a_link_is_made_for_those_alone_whom_it_can_help() {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin"], "correct horse battery\n");
    assert_eq!(
        invite(&folder, &["ada"], ""),
        failure("there is a user ada already; `latchkey user recover` makes a link for a new password")
    );
    let recover = |name| folder.run(&["user", "recover", name, "--account-link", PAGE], "");
    assert_eq!(recover("bob"), failure("there is no user bob"));
    folder.json(&["user", "disable", "ada"], "");
    assert_eq!(recover("ada"), failure("ada is disabled; `latchkey user enable` comes first"));
    folder.json(&["user", "enable", "ada"], "");
    let made = recover("ada");
    assert_eq!((made.status, made.err.as_str()), (0, ""));
    code(&link_in(&made.out), "recovery");
    assert!(made.out.starts_with("Link for a new password of ada, valid once, until 2"), "{}", made.out);

    let withdraw = || folder.run(&["user", "recover", "ada", "--withdraw"], "");
    assert_eq!(withdraw().out, "The link for a new password of ada has ended.\n");
    assert_eq!(withdraw(), failure("ada has no open link for a new password"));
}

#[test]
fn links_live_for_bounded_times_and_lead_to_pages_that_can_be() {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin"], "correct horse battery\n");
    for (words, said) in [
        (&["user", "invite", "bob", "--print", "--valid-for", "8d"][..], "must be 1m to 7d"),
        (&["user", "invite", "bob", "--print", "--valid-for", "59s"], "must be 1m to 7d"),
        (&["user", "recover", "ada", "--valid-for", "25h"], "must be 1m to 24h"),
        (
            &["user", "recover", "ada", "--account-link", "http://app.example.com"],
            "must be the https URL of a page",
        ),
        (&["user", "recover", "ada", "--withdraw", "--valid-for", "1h"], "cannot be used with"),
        (&["user", "invite", "bob"], "--print"),
        (&["user", "invite", "--print"], "USERNAME"),
        (&["user", "invite", "bob", "--print", "--file", "-"], "cannot be used with"),
        (&["user", "invite", "bob", "--print", "--locale", "de_DE"], "a tag of BCP 47"),
    ] {
        let Run { status, out, err } = folder.run(words, "");
        assert_eq!((status, out.as_str()), (2, ""), "{words:?}: {err}");
        assert!(err.contains(said), "{words:?}: {err}");
    }
}

#[test]
fn the_local_server_says_which_page_its_links_lead_to() {
    let folder = Folder::new();
    let recover = || folder.run(&["user", "invite", "bob", "--print"], "");
    let said = format!(
        "the local server of {} has no page for links: start it once with --account-link URL, or without that option",
        folder.path().display()
    );
    assert_eq!(recover(), failure(&said));
    let policy = SessionPolicy::new(Seconds::new(300), Seconds::new(600), RefreshSwitch::On).unwrap();
    let write = |link| local_data::session_settings::write(folder.path(), &policy, link).unwrap();
    write(None);
    assert_eq!(recover(), failure(&said));
    write(Some("http://127.0.0.1:3000/"));
    assert!(link_in(&recover().out).starts_with("http://127.0.0.1:3000/#invitation="));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_page_or_a_table_of_codes_the_command_says_what_to_set() {
    let store = harness::DynamoDb::start().await;
    let table = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = latchkey(&[words, &["--table", "users-of-no-stack"]].concat());
        command.env("AWS_ENDPOINT_URL_DYNAMODB", &store.endpoint).env("AWS_REGION", "eu-west-1");
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_ENDPOINT_URL_STS", "http://127.0.0.1:9").envs(variables.iter().copied());
        run(command, "")
    };
    let invite = ["user", "invite", "bob", "--print"];
    let without = table(&invite, &[]);
    assert_eq!(without.status, 2);
    assert!(
        without.err.starts_with("latchkey: which page does the link lead to? Name it with --account-link")
    );
    let wrong = table(&invite, &[("ACCOUNT_LINK", "http://app.example.com")]);
    assert!(wrong.err.starts_with("latchkey: ACCOUNT_LINK must be the https URL of a page"), "{}", wrong.err);
    let listed = table(&["user", "invitations", "list"], &[]);
    assert_eq!(
        listed,
        failure("there is no table users-of-no-stack-codes; deploy the stack with the parameter AccountLink")
    );
}

/// The name is free again, and the link of before lets nobody in who was deleted.
#[test]
fn an_invitation_does_not_outlive_a_user_of_its_name() {
    let folder = Folder::new();
    for free in [&["user", "delete", "bob", "--yes"][..], &["user", "rename", "bob", "robert"]] {
        invite(&folder, &["bob"], "");
        folder.json(&["user", "create", "bob", "--password-stdin"], "correct horse battery\n");
        assert_eq!(folder.json(&["user", "invitations", "list"], "")["invitations"], json!([]), "taken");
        assert_eq!(folder.run(free, "").err, "");
        assert_eq!(folder.json(&["user", "invitations", "list"], "")["invitations"], json!([]), "{free:?}");
    }
}

/// W3: a language goes out with its user and comes in again, and `--replace` corrects it.
#[test]
fn the_language_of_a_user_is_exported_and_imported() {
    let folder = Folder::new();
    let line =
        |locale: &str| format!("{{\"username\":\"ada\",\"password_hash\":null,\"locale\":\"{locale}\"}}\n");
    let import = |locale, more: &[&str]| {
        folder.run(&[&["user", "import", "-", "--without-password", "enabled"], more].concat(), &line(locale))
    };
    assert_eq!(import("pt-BR", &[]).status, 0);
    let exported = folder.run(&["user", "export", "-"], "").out;
    assert!(exported.trim_end().ends_with(r#""locale":"pt-BR"}"#), "{exported}");
    assert_eq!(folder.user("ada").unwrap().locale.unwrap().as_str(), "pt-BR");
    assert_eq!(import("de", &[]).status, 1);
    assert_eq!(import("de", &["--replace"]).status, 0);
    assert_eq!(folder.user("ada").unwrap().locale.unwrap().as_str(), "de");
    assert_eq!(import("de_DE", &["--replace"]).status, 1);
}

/// What the commands print, and what the service then does.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_takes_the_codes_that_the_command_line_prints_and_no_others() {
    let store = harness::DynamoDb::start().await;
    let settings = [
        ("JWT_ALLOW_REFRESH", "true"),
        ("ACCOUNT_LINK", PAGE),
        ("CORS_ALLOWED_ORIGINS", "https://app.example.com"),
    ];
    let world = World::at_endpoint(&store.endpoint, &settings);
    let json = |words: &[&str]| -> Value {
        let run = against(&store.endpoint, TABLE_NAME, &[words, &["--json"]].concat());
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
        serde_json::from_str(&run.out).unwrap()
    };
    // The codes are good from now on, and not from the time of the other tests.
    let now = edge::clock::now().seconds();
    let post = async |path: &str, body: Value| -> Reply { world.post(path, &body, now).await };

    let invited = |more: &[&str]| {
        let made = json(&[&INVITE[..], &["ada"], more].concat());
        code(&text(&made["links"][0], "link"), "invitation")
    };
    let first = invited(&[]);
    let second = invited(&["--claims", r#"{"role":"admin"}"#, "--locale", "de"]);
    let register = "/auth/registration/complete";
    assert_eq!(post(register, json!({ "code": first, "password": NEW })).await.code(), "invalid_code");
    assert_eq!(post(register, json!({ "code": second, "password": NEW })).await.status, 201);
    let shown = json(&["user", "show", "ada"]);
    assert_eq!((&shown["claims"]["role"], &shown["locale"]), (&json!("admin"), &json!("de")));
    assert_eq!(world.log_in("ada", NEW, now).await.status, 200);

    let recovered =
        || code(&text(&json(&["user", "recover", "ada", "--account-link", PAGE]), "link"), "recovery");
    let recover = "/auth/recovery/complete";
    let works = async |code: String| {
        post(recover, json!({ "code": code, "new_password": "eight green umbrellas" })).await.status == 204
    };
    assert!(works(recovered()).await);
    let out = recovered();
    json(&["user", "recover", "ada", "--withdraw"]);
    assert!(!works(out).await);
    let out = recovered();
    json(&["user", "disable", "ada"]);
    json(&["user", "enable", "ada"]);
    assert!(!works(out).await, "A-25: disabling ends it, also for when the user is enabled again");
    let out = recovered();
    json(&["user", "set-claims", "ada", "{}"]);
    assert!(works(out).await);

    let recorded = store.changes.list().await.unwrap().changes;
    let whom: Vec<_> = recorded.iter().filter(|it| it.command == "user recover").map(|it| it.user).collect();
    let ada = world.users.find(&"ada".parse().unwrap()).await.unwrap().unwrap();
    assert_eq!(whom, [Some(ada.id); 5]);
    assert!(recorded.iter().all(|change| !change.by.is_empty()));
}

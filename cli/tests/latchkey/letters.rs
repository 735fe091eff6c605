//! Where letters go, and the commands that ask for one.

use local::OutboxStream;
use local_data::Store;
use serde_json::{Value, json};
use users::LetterId;

use crate::{
    clients::failure,
    folder::{Folder, Run, latchkey, run, runtime},
};

const PASSWORD: &str = "correct horse battery\n";

/// What the letters are about that were asked for, in order, with the address where the row has one.
fn asked_for(folder: &Folder) -> Vec<(String, Option<String>)> {
    runtime().block_on(async {
        let store = Store::open(folder.path()).await.unwrap();
        let mut stream = OutboxStream::new(store.dynamodb.clone(), &store.outbox);
        let mut letters = Vec::new();
        while let Some(event) = stream.next().await {
            for record in event.pointer("/Records").and_then(Value::as_array).unwrap() {
                let id = LetterId::of_record(
                    record.pointer("/dynamodb/Keys/pk/S").and_then(Value::as_str).unwrap(),
                );
                let (letter, _) = store.outbox.find(&id).await.unwrap().unwrap();
                letters.push((letter.kind.as_str().to_owned(), letter.to.map(|to| to.to_string())));
            }
            stream.settle(&Value::Null);
        }
        letters
    })
}

fn email(folder: &Folder, name: &str) -> Option<String> {
    folder.user(name).unwrap().email.map(|email| email.to_string())
}

#[test]
fn an_invitation_is_sent_to_the_address_that_is_named_or_to_the_name() {
    let folder = Folder::new();
    let Run { status, out, err } = folder.run(&["user", "invite", "Ada@Example.com", "--send"], "");
    assert_eq!((status, err.as_str()), (0, ""));
    assert!(
        out.starts_with(
            "A letter with an invitation for ada@example.com goes to ada@example.com, valid until 2"
        ),
        "{out}"
    );
    assert!(!out.contains('#'), "{out}");
    let made = folder.json(&["user", "invite", "bob", "--send", "--email", "Bob@Example.com"], "");
    assert!(made["links"][0]["link"].is_null(), "{made}");
    let listed = folder.json(&["user", "invitations", "list"], "");
    let emails: Vec<_> = listed["invitations"].as_array().unwrap().iter().map(|it| &it["email"]).collect();
    assert_eq!(emails, ["ada@example.com", "bob@example.com"]);
    // The address of an invitation is looked up when the letter is written.
    assert_eq!(asked_for(&folder), [("invitation".to_owned(), None), ("invitation".to_owned(), None)]);
    assert!(folder.user("bob").is_none());
    let nowhere = folder.run(&["user", "invite", "carol", "--send"], "");
    assert_eq!(nowhere, failure("where does the invitation of carol go? Name it with --email"));
}

#[test]
fn everybody_in_a_file_is_sent_an_invitation_or_nobody() {
    let folder = Folder::new();
    let send = |lines: &str| folder.run(&["user", "invite", "--file", "-", "--send"], lines);
    let nowhere = send("{\"username\":\"ada@example.com\"}\n{\"username\":\"bob\"}\n");
    assert_eq!(nowhere, failure("where does the invitation of bob go? Name it with --email"));
    assert_eq!(asked_for(&folder), []);
    let wrong = send("{\"username\":\"bob\",\"email\":\"bob@localhost\"}\n");
    assert!(wrong.err.contains("line 1: an address is local@domain"), "{}", wrong.err);
    let both =
        send("{\"username\":\"ada@example.com\"}\n{\"username\":\"bob\",\"email\":\"bob@example.com\"}\n");
    assert_eq!((both.status, both.out.as_str()), (0, "ada@example.com\tsent\nbob\tsent\n"));
    assert_eq!(asked_for(&folder).len(), 2);
}

#[test]
fn an_invitation_is_either_printed_or_sent() {
    let folder = Folder::new();
    for wrong in [
        &["user", "invite", "ada"][..],
        &["user", "invite", "ada", "--print", "--send"],
        &["user", "invite", "ada", "--print", "--email", "ada@example.com"],
        &["user", "invite", "ada", "--send", "--email", "ada"],
        &["user", "invite", "ada@example.com", "--send", "--account-link", "https://app.example.com/"],
    ] {
        assert_eq!(folder.run(wrong, "").status, 2, "{wrong:?}");
    }
    assert_eq!(asked_for(&folder), []);
}

#[test]
fn where_letters_go_is_set_shown_changed_and_taken_back() {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin", "--email", "Ada@Example.com"], PASSWORD);
    assert_eq!(email(&folder, "ada").unwrap(), "ada@example.com");
    let shown = folder.run(&["user", "show", "ada"], "").out;
    assert!(shown.contains("email     ada@example.com"), "{shown}");
    assert_eq!(folder.json(&["user", "report", "ada"], "")["user"]["email"], "ada@example.com");
    let set = folder.run(&["user", "set-email", "ada", "new@example.com"], "");
    assert_eq!(
        set.out,
        "ada gets letters at new@example.com; links for a new password that are out have ended.\n"
    );
    assert_eq!(email(&folder, "ada").unwrap(), "new@example.com");
    let none = folder.run(&["user", "set-email", "ada", "--none"], "");
    assert_eq!(none.out, "ada gets no letters; links for a new password that are out have ended.\n");
    assert_eq!(email(&folder, "ada"), None);
    assert_eq!(folder.run(&["user", "set-email", "bob", "--none"], ""), failure("there is no user bob"));
    for wrong in [
        &["user", "set-email"][..],
        &["user", "set-email", "ada"],
        &["user", "set-email", "ada", "ada@localhost"],
        &["user", "set-email", "ada", "ada@example.com", "--none"],
        &["user", "set-email", "ada", "--from-names"],
        &["user", "set-email", "ada", "--none", "--dry-run"],
    ] {
        assert_eq!(folder.run(wrong, "").status, 2, "{wrong:?}");
    }
    let changes = Value::from(crate::changes::changes(&folder, &[])).to_string();
    assert!(changes.contains("user set-email") && !changes.contains("example.com"), "{changes}");
}

#[test]
fn names_that_are_addresses_become_addresses_if_one_says_so() {
    let folder = Folder::new();
    for (name, address) in
        [("ada@example.com", None), ("bob", None), ("eve@example.com", Some("eve@example.org"))]
    {
        let create = ["user", "create", name, "--password-stdin"];
        let email: Vec<_> = address.iter().flat_map(|address| ["--email", address]).collect();
        folder.json(&[&create[..], &email].concat(), PASSWORD);
    }
    let tried = folder.run(&["user", "set-email", "--from-names", "--dry-run"], "");
    let said = "ada@example.com\n1 users would get their name as their address. Nothing was changed.\n";
    assert_eq!(tried.out, said);
    assert_eq!(email(&folder, "ada@example.com"), None);
    let set = folder.json(&["user", "set-email", "--from-names"], "");
    assert_eq!(set, json!({ "users": ["ada@example.com"], "changed": true }));
    assert_eq!(email(&folder, "ada@example.com").unwrap(), "ada@example.com");
    assert_eq!(email(&folder, "bob"), None);
    assert_eq!(email(&folder, "eve@example.com").unwrap(), "eve@example.org");
}

/// W3
#[test]
fn an_address_is_exported_and_imported_and_that_of_django_only_if_it_is_trusted() {
    let folder = Folder::new();
    let line =
        |address: &str| format!("{{\"username\":\"ada\",\"password_hash\":null,\"email\":\"{address}\"}}\n");
    let import = |line: &str, more: &[&str]| {
        folder.run(&[&["user", "import", "-", "--without-password", "enabled"], more].concat(), line)
    };
    assert_eq!(import(&line("ada@example.com"), &[]).status, 0);
    let exported = folder.run(&["user", "export", "-"], "").out;
    assert!(exported.contains(r#""email":"ada@example.com""#), "{exported}");
    assert_eq!(import(&line("new@example.com"), &[]).status, 1);
    assert_eq!(import(&line("new@example.com"), &["--replace"]).status, 0);
    assert_eq!(email(&folder, "ada").unwrap(), "new@example.com");
    assert_eq!(import(&line("ada@localhost"), &["--replace"]).status, 1);

    let dump = |name: &str, email: &str| {
        json!([{ "model": "auth.user", "pk": name, "fields": {
            "username": name, "password": "!", "email": email, "is_active": true,
        } }])
        .to_string()
    };
    assert_eq!(import(&dump("bob", "bob@example.com"), &[]).status, 0);
    assert_eq!(email(&folder, "bob"), None);
    let folder = Folder::new();
    let import = |line: &str| {
        let arguments = ["user", "import", "-", "--without-password", "enabled", "--trust-emails"];
        folder.run(&arguments, line)
    };
    assert_eq!(import(&dump("bob", "Bob@example.com")).status, 0);
    assert_eq!(email(&folder, "bob").unwrap(), "bob@example.com");
    assert_eq!(import(&dump("carol", "")).status, 0);
    assert_eq!(email(&folder, "carol"), None);
    assert_eq!(import(&dump("dan", "dan")).status, 1, "not an address");
}

/// A-25
#[test]
fn a_user_with_an_address_is_told_of_a_link_for_a_new_password() {
    let folder = Folder::new();
    folder.json(&["user", "create", "ada", "--password-stdin", "--email", "ada@example.com"], PASSWORD);
    folder.json(&["user", "create", "bob", "--password-stdin"], PASSWORD);
    for name in ["ada", "bob"] {
        folder.json(&["user", "recover", name, "--account-link", "https://app.example.com/account"], "");
    }
    assert_eq!(asked_for(&folder), [("link_made".to_owned(), Some("ada@example.com".to_owned()))]);
}

#[test]
fn whoever_checks_letters_says_who_they_are_from() {
    let checked = run(latchkey(&["mail", "check"]), "");
    assert_eq!(
        checked,
        failure(
            "who are letters from? Name it with --from or MAIL_FROM: the stack has it as the output MailFrom"
        )
    );
    assert_eq!(run(latchkey(&["mail", "check", "--from", "example.com"]), "").status, 2);
    assert_eq!(run(latchkey(&["mail", "check", "--lift", "--from", "a@example.com"]), "").status, 2);
}

/// A stand-in for AWS, and the program against it.
struct Aws {
    server: harness::LocalServer,
    /// Gone after the server.
    _data: tempfile::TempDir,
}

impl Aws {
    fn start() -> Self {
        let data = tempfile::TempDir::new().unwrap();
        Self { server: harness::LocalServer::start(data.path(), &["--aws-only"]), _data: data }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let greeting = self.server.greeting();
        let exported = greeting.lines().filter_map(|line| line.trim().strip_prefix("export "));
        let variables = exported.flat_map(|line| line.split(' ')).map(|pair| pair.split_once('=').unwrap());
        let mut command = latchkey(arguments);
        command.envs(variables);
        run(command, "")
    }
}

#[test]
fn ses_is_asked_whether_it_sends_for_the_sender_and_to_an_address() {
    let aws = Aws::start();
    let checked =
        aws.run(&["mail", "check", "ada@example.com", "--from", "Latchkey <no-reply@latchkey.example>"]);
    assert_eq!((checked.status, checked.err.as_str()), (0, ""));
    for said in [
        "sandbox    ok  SES sends to everybody",
        "sending    ok  0 of 200 letters were sent in the last 24 hours, 1 a second at most",
        "sender     ok  latchkey.example is verified; DKIM: SUCCESS",
        "recipient  ok  ada@example.com is not suppressed",
    ] {
        assert!(checked.out.contains(said), "{}", checked.out);
    }
    for (set, status, said) in [
        ("latchkey", 0, "delivery  ok  the configuration set latchkey requires TLS"),
        (
            "optional-tls",
            1,
            "delivery  PROBLEM  the configuration set optional-tls does not require TLS: SES may send codes unencrypted",
        ),
        ("absent", 1, "delivery  PROBLEM  SES has no configuration set absent in this region"),
    ] {
        let sender = "no-reply@latchkey.example";
        let checked = aws.run(&["mail", "check", "--from", sender, "--configuration-set", set]);
        assert_eq!(checked.status, status, "{}", checked.err);
        let columns: Vec<_> = checked.out.split_whitespace().collect();
        let expected: Vec<_> = said.split_whitespace().collect();
        assert!(columns.windows(expected.len()).any(|words| words == expected), "{}", checked.out);
    }
    let unknown = aws.run(&["mail", "check", "--from", "no-reply@example.com", "--json"]);
    assert_eq!(unknown.status, 1);
    let told: Value = serde_json::from_str(&unknown.out).unwrap();
    assert_eq!(
        told["checks"][2],
        json!({
            "check": "sender", "ok": false,
            "said": "neither example.com nor no-reply@example.com is an identity of SES in this region",
        })
    );
}

//! From the request to the password, and what the user is told.

use harness::{Event, LOGIN_AT};
use http::Method;
use serde_json::json;
use token::CustomClaims;
use users::{AccountCode, CodeOrigin, Codes, Invitation, LastChange, LetterId};

use super::*;

fn entropy() -> token::Entropy {
    edge::random::entropy().unwrap()
}

#[tokio::test]
async fn who_forgot_the_password_asks_for_a_letter_and_sets_another() {
    let mut mail = with_ada().await;
    let token = mail.world.log_in("ada", OLD, LOGIN_AT).await.token().to_owned();
    assert_eq!(ask(&mail, "ada", LOGIN_AT).await.status, 202);
    mail.deliver(LOGIN_AT).await;
    let [letter] = &mail.letters()[..] else { panic!("not one letter") };
    assert_eq!(
        (letter.to.as_str(), letter.from.as_str()),
        (ADDRESS, "\"Example\" <no-reply@latchkey.example>")
    );
    assert_eq!(letter.subject, "Set a new password for app.example.com");
    let automatic = [("Auto-Submitted", "auto-generated"), ("X-Auto-Response-Suppress", "All")];
    assert_eq!(letter.headers, automatic.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let code = code_in(letter);
    let shown = show(&mail, &code).await;
    assert_eq!(shown.body, json!({ "purpose": "recovery", "username": "ada", "expires_in": 3600 }));
    assert_eq!(recover(&mail, &code, NEW, LOGIN_AT).await.status, 204);
    assert_eq!(mail.world.log_in("ada", NEW, LOGIN_AT).await.status, 200);
    assert_eq!(mail.world.log_in("ada", OLD, LOGIN_AT).await.code(), "invalid_credentials");
    assert_eq!(mail.world.refresh(&token, LOGIN_AT).await.code(), "session_ended");
    // R9: the owner is told.
    mail.deliver(LOGIN_AT).await;
    let letters = mail.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[1].to, ADDRESS);
    assert_eq!(letters[1].subject, "Your password for app.example.com was changed");
    assert_eq!(recover(&mail, &code, OLD, LOGIN_AT).await.code(), "invalid_code");
}

/// The code of a link that an administrator prints.
pub(super) async fn printed_code(mail: &MailWorld, username: &str) -> String {
    let code = AccountCode::new(entropy());
    let made = LastChange { at: harness::at(LOGIN_AT), by: "grace".into() };
    let origin = CodeOrigin { made, valid_until: harness::at(LOGIN_AT + 86_400) };
    let codes = Codes::beside(&mail.world.users);
    codes.allow_recovery(&name(username), &code, &origin, None).await.unwrap();
    code.expose().to_string()
}

/// to the address in the row, whatever the caller typed.
#[tokio::test]
async fn a_letter_goes_to_the_address_in_the_row_alone() {
    let mut mail = MailWorld::new().await;
    add(&mail, "ada@example.com", Some(ADDRESS)).await;
    for typed in ["ADA@example.com", "ada@EXAMPLE.com", "\u{ff41}da@example.com"] {
        assert_eq!(ask(&mail, typed, LOGIN_AT).await.status, 202, "{typed}");
    }
    mail.deliver(LOGIN_AT).await;
    let to: Vec<_> = mail.letters().into_iter().map(|letter| letter.to).collect();
    assert_eq!(to, [ADDRESS; 3]);
}

/// M2: equal for the caller, whoever the name is.
#[tokio::test]
async fn the_answer_and_the_calls_are_the_same_for_every_name() {
    let mut mail = with_ada().await;
    add(&mail, "without-address", None).await;
    add(&mail, "disabled", Some("disabled@example.org")).await;
    mail.world.users.disable(&name("disabled")).await.unwrap();
    for _ in 0..3 {
        ask(&mail, "ada", LOGIN_AT).await;
    }
    mail.deliver(LOGIN_AT).await;
    mail.world.operations();
    let mut told = Vec::new();
    // `ada` has had enough letters by now.
    for username in ["nobody", "without-address", "disabled", "ada"] {
        let reply = ask(&mail, username, LOGIN_AT).await;
        assert!(reply.body.is_null(), "{username}: {:?}", reply.body);
        told.push((reply.status, reply.headers, mail.world.operations()));
    }
    assert_eq!((told[0].0, &told[0].2[..]), (202, &["PutItem".to_owned()][..]));
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 3);
}

/// M8
#[tokio::test]
async fn a_link_that_is_opened_changes_nothing() {
    let mail = with_ada().await;
    mail.world.operations();
    for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE] {
        let event = Event::http_api(&method, "/auth/recovery");
        assert_eq!(mail.world.send("/auth/recovery", &event, LOGIN_AT).await.status, 405, "{method}");
    }
    assert_eq!(mail.world.calls(), 0);
}

#[tokio::test]
async fn letters_are_in_the_language_of_the_user() {
    let mut mail = with_ada().await;
    let invited = invite(&mail, "bea", "bea@example.org", Some("pt-BR")).await;
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters()[0].subject, "Convite para app.example.com");
    drop(invited);
    let code = code_in(&mail.letters()[0]);
    let body = json!({ "code": code, "password": NEW });
    assert_eq!(mail.world.post("/auth/registration/complete", &body, LOGIN_AT).await.status, 201);
    ask(&mail, "bea", LOGIN_AT).await;
    mail.deliver(LOGIN_AT).await;
    assert!(mail.letters()[1].subject.starts_with("Defina uma nova palavra-passe"));
}

/// What `latchkey user invite --send` does.
async fn invite(mail: &MailWorld, username: &str, address: &str, locale: Option<&str>) -> Invitation {
    let made = LastChange { at: harness::at(LOGIN_AT), by: "grace".into() };
    let invitation = Invitation {
        username: name(username),
        claims: CustomClaims::default(),
        email: Some(address.parse().unwrap()),
        locale: locale.map(|locale| locale.parse().unwrap()),
        origin: CodeOrigin { made, valid_until: harness::at(LOGIN_AT + 86_400) },
    };
    let (version, id) = (AccountCode::new(entropy()), LetterId::new(entropy()));
    let codes = Codes::beside(&mail.world.users);
    codes.invite_by_letter(&invitation, &version, &mail.outbox, &id).await.unwrap();
    invitation
}

#[tokio::test]
async fn who_is_invited_by_a_letter_becomes_a_user_with_that_address() {
    let mut mail = MailWorld::new().await;
    invite(&mail, "bea", "bea@example.org", None).await;
    mail.deliver(LOGIN_AT).await;
    let [letter] = &mail.letters()[..] else { panic!("not one letter") };
    assert_eq!(letter.to, "bea@example.org");
    assert!(mail.world.users.find(&name("bea")).await.unwrap().is_none(), "G1: no row before");
    let body = json!({ "code": code_in(letter), "password": NEW });
    assert_eq!(mail.world.post("/auth/registration/complete", &body, LOGIN_AT).await.status, 201);
    let bea = mail.world.users.find(&name("bea")).await.unwrap().unwrap();
    assert_eq!(bea.email.unwrap().as_str(), "bea@example.org");
    assert_eq!(mail.world.log_in("bea", NEW, LOGIN_AT).await.status, 200);
    ask(&mail, "bea", LOGIN_AT).await;
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 2);
}

/// in the transaction with the change, at the address of before.
#[tokio::test]
async fn a_user_who_changes_the_password_is_told() {
    let mut mail = with_ada().await;
    add(&mail, "bea", None).await;
    for username in ["ada", "bea"] {
        let token = mail.world.log_in(username, OLD, LOGIN_AT).await.token().to_owned();
        mail.world.operations();
        let body = json!({ "current_password": OLD, "new_password": NEW });
        let event = Event::http_api(&Method::POST, "/auth/password").json(&body).bearer(&token);
        let reply = mail.world.send("/auth/password", &event, LOGIN_AT).await;
        assert_eq!(reply.status, 200);
        let last = mail.world.operations().pop().unwrap();
        assert_eq!(last, if username == "ada" { "TransactWriteItems" } else { "UpdateItem" });
        assert_eq!(mail.world.log_in(username, NEW, LOGIN_AT).await.status, 200);
    }
    mail.deliver(LOGIN_AT).await;
    let letters = mail.letters();
    let told: Vec<_> = letters.iter().map(|letter| (letter.to.as_str(), letter.subject.as_str())).collect();
    assert_eq!(told, [(ADDRESS, "Your password for app.example.com was changed")]);
    // A change that is rejected tells nobody.
    let token = mail.world.log_in("ada", NEW, LOGIN_AT).await.token().to_owned();
    let body = json!({ "current_password": "wrong", "new_password": OLD });
    let event = Event::http_api(&Method::POST, "/auth/password").json(&body).bearer(&token);
    assert_eq!(mail.world.send("/auth/password", &event, LOGIN_AT).await.status, 400);
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 1);
}

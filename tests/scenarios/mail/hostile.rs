//! Callers who would like letters to say something else, or to go elsewhere.

use harness::{Event, LOGIN_AT, at};
use http::Method;
use serde_json::json;
use users::{Letter, LetterId, LetterKind};

use super::*;

/// M7: of what a request says, nothing but the name is in a letter.
#[tokio::test]
async fn headers_change_no_byte_of_a_letter() {
    let mut letters = Vec::new();
    for (header, value) in [
        ("accept", "*/*"),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "http"),
        ("forwarded", "host=evil.example;proto=http"),
        ("origin", "https://app.example.com"),
        ("referer", "https://evil.example/"),
        ("accept-language", "de"),
        ("user-agent", "evil"),
    ] {
        let mut mail = with_ada().await;
        let event = Event::http_api(&Method::POST, "/auth/recovery").json(&json!({ "username": "ada" }));
        let reply = mail.world.send("/auth/recovery", &event.header(header, Some(value)), LOGIN_AT).await;
        assert_eq!(reply.status, 202, "{header}");
        mail.deliver(LOGIN_AT).await;
        let letter = mail.letters().remove(0);
        let code = code_in(&letter);
        letters.push((letter.to.clone(), letter.subject.clone(), letter.text.replace(&code, "CODE")));
    }
    assert!(letters.iter().all(|letter| *letter == letters[0]), "{letters:?}");
}

#[tokio::test]
async fn a_body_that_asks_for_more_is_rejected_before_any_write() {
    let mail = with_ada().await;
    mail.world.operations();
    for body in [
        json!({}),
        json!({ "username": 7 }),
        json!({ "username": "" }),
        json!({ "username": "a\u{0}b" }),
        json!({ "username": "x".repeat(400) }),
        json!({ "username": "ada", "email": "eve@example.org" }),
        json!({ "username": "ada", "link": "https://evil.example" }),
        json!({ "username": "ada", "locale": "de" }),
    ] {
        let reply = mail.world.post("/auth/recovery", &body, LOGIN_AT).await;
        assert_eq!((reply.status, reply.code()), (400, "invalid_request"), "{body}");
    }
    assert_eq!(mail.world.operations().len(), 0);
}

///
#[tokio::test]
async fn a_page_of_another_site_cannot_ask_in_cookie_mode() {
    let mail = MailWorld::with(&[("JWT_AUTH_COOKIE", "__Host-latchkey")]).await;
    let event = Event::http_api(&Method::POST, "/auth/recovery").json(&json!({ "username": "ada" }));
    let foreign = event.header("origin", Some("https://evil.example"));
    let reply = mail.world.send("/auth/recovery", &foreign, LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (403, "csrf_refused"));
}

/// whatever stands in a row of the outbox, no user, password or claim comes of it.
#[tokio::test]
async fn a_forged_row_sends_our_own_words_at_most() {
    let mut mail = with_ada().await;
    let before = mail.world.users.find(&name("ada")).await.unwrap();
    for (index, kind) in LetterKind::ALL.into_iter().enumerate() {
        let to = Some("eve@example.org".parse().unwrap());
        let letter = Letter { to, ..Letter::about(kind, name("ada"), at(LOGIN_AT)) };
        let key = [u8::try_from(index).unwrap(); 16];
        mail.outbox.put(&LetterId::new(token::Entropy(key)), &letter).await.unwrap();
    }
    mail.deliver(LOGIN_AT).await;
    for letter in mail.letters() {
        // One with a code goes to the address in the user's row.
        assert_eq!(letter.to == ADDRESS, letter.text.contains("#recovery="), "{}", letter.text);
        assert!(letter.to == ADDRESS || !letter.text.contains("https://"), "{}", letter.text);
    }
    assert_eq!(mail.letters().len(), 4, "of five: there is no invitation of ada");
    assert_eq!(mail.world.users.find(&name("ada")).await.unwrap(), before);
    assert!(mail.world.users.find(&name("eve")).await.unwrap().is_none());
}

/// M13: every name that a user can have gives a letter with one recipient, whose headers are ours.
#[tokio::test]
async fn odd_names_stay_in_the_text() {
    for username in [
        "{code}@evil.example",
        "a\"b<c>@evil.example",
        "ada, eve@evil.example",
        "=?utf-8?q?x?=",
        "\u{1f511}\u{5d0}\u{627}",
        "<b>ada</b>",
        "ada: eve",
    ] {
        let mut mail = MailWorld::new().await;
        add(&mail, username, Some(ADDRESS)).await;
        ask(&mail, username, LOGIN_AT).await;
        mail.deliver(LOGIN_AT).await;
        let [letter] = &mail.letters()[..] else { panic!("{username}: not one letter") };
        assert_eq!(letter.to, ADDRESS);
        assert_eq!(letter.subject, "Set a new password for app.example.com");
        assert!(letter.text.contains(&format!("the user {} at", name(username))), "{}", letter.text);
        code_in(letter);
    }
}

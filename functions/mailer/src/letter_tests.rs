use token::{Entropy, Timestamp};
use users::{LetterKind, Username};

use super::*;
use crate::LANGUAGES;

const NOW: u64 = 1_685_728_800;

fn writer() -> Writer {
    let lookup = |variable: &str| match variable {
        "ACCOUNT_LINK" => Some("https://app.example.com/account".to_owned()),
        "JWT_ISSUER" => Some("https://app.example.com".to_owned()),
        "MAIL_FROM" => Some("Example <no-reply@example.com>".to_owned()),
        _ => None,
    };
    Writer::new(&Environment::new(&lookup)).unwrap()
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn written(kind: LetterKind, username: &str, locale: &str) -> Written {
    let username: Username = username.parse().unwrap();
    let code = AccountCode::new(Entropy([7; 16]));
    let code = kind.purpose().map(|_| (&code, at(NOW + 3600)));
    writer().write(&Letter::about(kind, username, at(NOW)), Some(&locale.parse().unwrap()), code)
}

#[test]
fn a_letter_for_a_new_password_is_as_it_is_here() {
    let letter = written(LetterKind::Recovery, "ada", "en-GB");
    let code = AccountCode::new(Entropy([7; 16])).expose().to_string();
    assert_eq!(letter.subject, "Set a new password for app.example.com");
    let expected = format!(
        "Hello,\n\n\
         Somebody, probably you, asked for a new password for the user ada at app.example.com.\n\n\
         Open this link:\n\n\
         https://app.example.com/account#recovery={code}\n\n\
         Or enter this code on the page:\n\n\
         {code}\n\n\
         The link and the code work once, until 2023-06-02 19:00:00 UTC.\n\n\
         Nobody will ever ask you for this code. Use it only at app.example.com.\n\n\
         If it was not you, you do not need to do anything. Your password still works.\n\n\
         This message was sent automatically. Replies to it are not read.\n"
    );
    assert_eq!(*letter.text, expected);
}

/// A-21, and that each file has every word.
#[test]
fn every_letter_of_every_language_says_what_it_must_and_names_one_host() {
    for (tag, _) in LANGUAGES {
        let words = Language::of(&tag.parse().unwrap()).unwrap_or_else(|| panic!("{tag} cannot be read"));
        for kind in LetterKind::ALL {
            let letter = written(kind, "ada", tag);
            let text = &*letter.text;
            let told = format!("{tag} {kind:?}:\n{text}");
            assert!(!text.contains(['{', '}', '\r']) && !letter.subject.contains(['{', '\n']), "{told}");
            assert!(letter.subject.contains("app.example.com"), "{told}");
            assert!(letter.subject.chars().count() <= 78, "{}", letter.subject);
            assert!(text.lines().all(|line| line.len() <= 998), "{told}");
            assert!(text.ends_with(&format!("{}\n", words.automatic)), "{told}");
            let first = text.lines().find(|line| *line != words.greeting && !line.is_empty()).unwrap();
            let (code, link) = (AccountCode::new(Entropy([7; 16])).expose(), "https://");
            let has_code = kind.purpose().is_some();
            assert_eq!(text.matches(&*code).count(), if has_code { 2 } else { 0 }, "{told}");
            // Notices bring no link; no letter brings a foreign one.
            assert_eq!(text.matches(link).count(), usize::from(has_code), "{told}");
            assert!(!first.contains(&*code) && !letter.subject.contains(&*code), "{told}");
            if has_code {
                let never = words.never_asked.split('{').next().unwrap();
                assert!(text.contains(never) && text.contains("2023-06-02 19:00:00 UTC"), "{told}");
            }
            if kind != LetterKind::Test {
                assert!(text.contains("ada"), "{told}");
            }
            if matches!(kind, LetterKind::PasswordChanged | LetterKind::LinkMade) {
                assert!(text.contains("2023-06-02 18:00:00 UTC"), "{told}");
            }
        }
    }
}

/// M14
#[test]
fn a_language_that_is_not_known_is_that_of_the_deployment() {
    let english = written(LetterKind::Recovery, "ada", "en").subject;
    for (locale, same) in
        [("en-US", true), ("sv", true), ("zh-Hant-TW", true), ("DE", false), ("pt-BR", false)]
    {
        assert_eq!(written(LetterKind::Recovery, "ada", locale).subject == english, same, "{locale}");
    }
    let lookup = |variable: &str| match variable {
        "ACCOUNT_LINK" => Some("https://app.example.com/account".to_owned()),
        "JWT_ISSUER" => Some("https://app.example.com".to_owned()),
        "MAIL_FROM" => Some("a@example.com".to_owned()),
        "MAIL_LOCALE" => Some("sv".to_owned()),
        _ => None,
    };
    let error = Writer::new(&Environment::new(&lookup)).err().unwrap();
    assert_eq!(error.to_string(), "MAIL_LOCALE is a language in which there are no letters");
}

///
#[test]
fn a_name_that_looks_like_a_placeholder_stays_a_name() {
    for name in ["{code}@evil.example", "{host}", "{until}{username}", "{", "}{", "ada{"] {
        let letter = written(LetterKind::Recovery, name, "en");
        assert!(letter.text.contains(&format!("the user {name} at app.example.com")), "{}", *letter.text);
    }
    let changed = written(LetterKind::PasswordChanged, "{username}{at}", "en");
    assert!(changed.text.contains("of the user {username}{at} at"), "{}", *changed.text);
}

#[test]
fn a_letter_without_a_code_can_be_written_for_nobody() {
    let test = Letter::test("ada@example.com".parse().unwrap(), at(NOW));
    let letter = writer().write(&test, None, None);
    assert!(letter.text.contains("This is a test"));
}

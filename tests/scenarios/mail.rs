//! Letters: who gets one, what is in it, and what happens when something fails on the way. The numbers are those of the
//! requirements that each test shows.

mod binaries;
mod faults;
mod flows;
mod hostile;
mod template;

use harness::{LOGIN_AT, MAIL_SETTINGS, MailWorld, Reply};
use serde_json::json;
use stand_ins::SentLetter;
use users::Username;

const OLD: &str = "correct horse battery";
const NEW: &str = "seven green umbrellas";
const ADDRESS: &str = "ada@example.org";

/// A world with a user `ada`, who has an address.
async fn with_ada() -> MailWorld {
    let mail = MailWorld::new().await;
    add(&mail, "ada", Some(ADDRESS)).await;
    mail
}

async fn add(mail: &MailWorld, username: &str, address: Option<&str>) {
    mail.world.create(username, OLD).await;
    let address = address.map(|address| address.parse().unwrap());
    mail.world.users.set_email(&name(username), address.as_ref()).await.unwrap();
}

fn name(username: &str) -> Username {
    username.parse().unwrap()
}

async fn ask(mail: &MailWorld, username: &str, now: u64) -> Reply {
    mail.world.post("/auth/recovery", &json!({ "username": username }), now).await
}

/// The code of a letter, out of its link; the same stands in it once more, to be typed.
fn code_in(letter: &SentLetter) -> String {
    let link = letter.text.lines().find(|line| line.starts_with("https://")).unwrap();
    let (page, rest) = link.split_once('#').unwrap();
    assert_eq!(page, "https://app.example.com/account");
    let code = rest.split_once('=').unwrap().1.to_owned();
    assert_eq!(letter.text.matches(&code).count(), 2, "{}", letter.text);
    code
}

async fn recover(mail: &MailWorld, code: &str, password: &str, now: u64) -> Reply {
    let body = json!({ "code": code, "new_password": password });
    mail.world.post("/auth/recovery/complete", &body, now).await
}

/// What a code is for, or why it is for nothing.
async fn show(mail: &MailWorld, code: &str) -> Reply {
    mail.world.post("/auth/code", &json!({ "code": code }), LOGIN_AT).await
}

/// Every call to DynamoDB that each function of letters makes while everything that it can do is done: `request-letter`, `mailer`,
/// and what letters add to a change of the password.
pub(crate) async fn operations() -> [Vec<String>; 2] {
    let mut mail = with_ada().await;
    mail.world.operations();
    assert_eq!(ask(&mail, "ada", LOGIN_AT).await.status, 202);
    let request = mail.world.operations();
    mail.ses.lock().faults.extend([stand_ins::SesFault::AnswerLost, stand_ins::SesFault::Throttled]);
    mail.deliver(LOGIN_AT).await;
    [request, mail.world.operations()]
}

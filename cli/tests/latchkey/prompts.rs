//! Questions, answered by a script in a person's place.

use std::{cell::Cell, collections::VecDeque, io};

use clap::Parser;
use cli::{CliError, Options, Report, Terminal};
use token::{Seconds, Timestamp};
use users::{Hasher, Password, Verdict};

use crate::folder::{Folder, runtime};

/// A person who gives these answers in this order, and what they were asked.
struct Person {
    answers: VecDeque<&'static str>,
    asked: Vec<String>,
}

impl Person {
    fn who_says<const N: usize>(answers: [&'static str; N]) -> Self {
        Self { answers: answers.into(), asked: Vec::new() }
    }

    fn answer(&mut self, question: String) -> io::Result<String> {
        self.asked.push(question);
        self.answers.pop_front().map(str::to_owned).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

impl Terminal for Person {
    fn is_interactive(&self) -> bool {
        true
    }

    fn ask_secret(&mut self, prompt: &str) -> io::Result<String> {
        self.answer(format!("secret: {prompt}"))
    }

    fn ask(&mut self, prompt: &str) -> io::Result<String> {
        self.answer(prompt.to_owned())
    }

    fn read_line(&mut self) -> io::Result<String> {
        panic!("nobody pipes anything in here")
    }
}

fn run(folder: &Folder, arguments: &[&str], person: &mut Person) -> Result<Report, CliError> {
    let folder = folder.path().to_str().unwrap();
    let words = [&["latchkey"], arguments, &["--local", folder]].concat();
    let now = Timestamp::from_seconds(1_685_728_800).unwrap();
    runtime().block_on(cli::run(Options::parse_from(words), person, || now))
}

#[test]
fn a_new_password_is_asked_for_twice_and_taken_as_typed() {
    let folder = Folder::new();
    let mut person = Person::who_says([" correct horse ", " correct horse "]);
    run(&folder, &["user", "create", "ada"], &mut person).unwrap();
    assert_eq!(person.asked, ["secret: New password: ", "secret: Repeat the new password: "]);
    let user = folder.user("ada").unwrap();
    assert_eq!(user.created_at.seconds(), 1_685_728_800);
    let password = Password::try_from(" correct horse ".to_owned()).unwrap();
    assert_eq!(Hasher::new().verify(&password, &user.password_hash.unwrap()), Ok(Verdict::Match));
}

#[test]
fn two_different_passwords_change_nothing() {
    let folder = Folder::new();
    let mut person = Person::who_says(["correct horse", "correct hores"]);
    let created = run(&folder, &["user", "create", "ada"], &mut person);
    assert!(matches!(created, Err(CliError::PasswordsDiffer)), "{created:?}");
    assert_eq!(folder.user("ada"), None);

    run(&folder, &["user", "create", "ada"], &mut Person::who_says(["one", "one"])).unwrap();
    let before = folder.user("ada");
    let set = run(&folder, &["user", "set-password", "ada"], &mut Person::who_says(["two", "three"]));
    assert!(matches!(set, Err(CliError::PasswordsDiffer)), "{set:?}");
    assert_eq!(folder.user("ada"), before);
}

#[test]
fn deleting_asks_and_only_yes_deletes() {
    let folder = Folder::new();
    run(&folder, &["user", "create", "ada"], &mut Person::who_says(["pw", "pw"])).unwrap();
    for answer in ["", "n", "no", "ada", "yess"] {
        let mut person = Person::who_says([answer]);
        let deleted = run(&folder, &["user", "delete", "ada"], &mut person);
        assert!(matches!(deleted, Err(CliError::NotConfirmed)), "{answer}: {deleted:?}");
        assert_eq!(person.asked, ["Delete ada for good? [y/N] "]);
    }
    assert!(folder.user("ada").is_some());
    run(&folder, &["user", "delete", "ada"], &mut Person::who_says(["Y"])).unwrap();
    assert_eq!(folder.user("ada"), None);
}

#[test]
fn deleting_with_yes_asks_nobody() {
    let folder = Folder::new();
    run(&folder, &["user", "create", "ada"], &mut Person::who_says(["pw", "pw"])).unwrap();
    let mut person = Person::who_says([]);
    run(&folder, &["user", "delete", "ada", "--yes"], &mut person).unwrap();
    assert_eq!((person.asked.len(), folder.user("ada")), (0, None));
}

#[test]
fn deleting_a_client_asks_by_its_name_and_only_yes_deletes() {
    let folder = Folder::new();
    let words = ["client", "create", "nightly", "--audience", "https://orders.example.com"];
    let created = run(&folder, &words, &mut Person::who_says([])).unwrap();
    assert!(created.text.contains("lks_") && !format!("{created:?}").contains("lks_"), "{created:?}");
    let id = created.json["client_id"].as_str().unwrap();
    for answer in ["", "n", "nightly"] {
        let mut person = Person::who_says([answer]);
        let deleted = run(&folder, &["client", "delete", id], &mut person);
        assert!(matches!(deleted, Err(CliError::NotConfirmed)), "{answer}: {deleted:?}");
        assert_eq!(person.asked, [format!("Delete nightly ({id}) for good? [y/N] ")]);
    }
    let listed = || folder.json(&["client", "list"], "")["clients"].as_array().unwrap().len();
    assert_eq!(listed(), 1);
    run(&folder, &["client", "delete", id], &mut Person::who_says(["Y"])).unwrap();
    assert_eq!(listed(), 0);
}

#[test]
fn retiring_a_key_asks_and_only_yes_retires() {
    let folder = Folder::new();
    let now = Timestamp::from_seconds(1_685_728_800).unwrap();
    let file = local_data::signing_key::file_in(folder.path(), now).unwrap();
    let before = std::fs::read_to_string(&file).unwrap();
    let kid = folder.json(&["keys", "status"], "")[0]["kid"].as_str().unwrap().to_owned();
    let mut person = Person::who_says(["n"]);
    let retired = run(&folder, &["keys", "retire", &kid, "--now"], &mut person);
    assert!(matches!(retired, Err(CliError::NotConfirmed)), "{retired:?}");
    assert_eq!(
        person.asked,
        [format!(
            "Whoever holds a token that {kid} signed has to log in again.\n\
             The key that signs in its place is new: routes behind API Gateway's native authorizers may reject its tokens with \
             401 for up to 2 hours.\n\
             Retire it at once? [y/N] "
        )]
    );
    assert_eq!(std::fs::read_to_string(&file).unwrap(), before);
    run(&folder, &["keys", "retire", &kid, "--now"], &mut Person::who_says(["yes"])).unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains(&kid));
}

#[test]
fn a_key_is_retired_at_the_instant_of_the_answer_and_not_of_the_question() {
    let folder = Folder::new();
    let asked_at = Timestamp::from_seconds(1_685_728_800).unwrap();
    local_data::signing_key::file_in(folder.path(), asked_at).unwrap();
    let kid = folder.json(&["keys", "status"], "")[0]["kid"].as_str().unwrap().to_owned();
    let path = folder.path().to_str().unwrap();
    let words = ["latchkey", "keys", "retire", &kid, "--now", "--local", path];
    let readings = Cell::new(0);
    let clock = || asked_at.plus(Seconds::new(600 * readings.replace(readings.get() + 1)));
    let mut person = Person::who_says(["yes"]);
    let report = runtime().block_on(cli::run(Options::parse_from(words), &mut person, clock)).unwrap();
    // Its replacement signs at once: since 5 minutes before the answer, for clocks that are behind. The clock was read as the
    // command began, for the question, and after the answer.
    assert_eq!(report.json["keys"][0]["signs_from"], 1_685_728_800 + 2 * 600 - 300);
}

#[test]
fn a_person_who_hangs_up_changes_nothing() {
    let folder = Folder::new();
    let created = run(&folder, &["user", "create", "ada"], &mut Person::who_says(["only once"]));
    assert!(matches!(created, Err(CliError::Input(_))), "{created:?}");
    assert_eq!(folder.user("ada"), None);
}

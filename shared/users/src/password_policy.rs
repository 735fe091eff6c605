use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::{Password, Username};

/// Fewer characters than that are guessed whatever they are, so neither a password nor what is left of one without
/// its user's name may have less.
const SHORTEST_PASSWORD: usize = 8;
/// Nobody is asked for more than a sentence.
const LONGEST_MINIMUM: usize = 128;
/// Where fingers run: along the alphabet, the digits and the letters of a keyboard.
const RUNS: [&str; 3] = ["abcdefghijklmnopqrstuvwxyz", "1234567890", "qwertyuiopasdfghjklzxcvbnm"];
/// What people of this service think of first.
const SERVICE: &str = "latchkey";
/// A run or a repeated character is told from chance from here on.
const SHORTEST_RUN: usize = 4;
/// A password of so many listed parts and so many characters more is what is tried next to the list itself.
const EXPECTED_PARTS: usize = 3;
const EXPECTED_REST: usize = 4;
/// One a line, in lower case.
const COMMON: &str = include_str!("../data/common-passwords.txt");

/// What a new password must be: long, and not what everybody tries first. NIST SP 800-63B-4 §3.1.1.2.
///
/// No rule about kinds of characters, and none about the age of a password: both make people choose worse ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordPolicy {
    min_length: usize,
}

/// A minimum length that is too short to protect anybody or too long to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be {SHORTEST_PASSWORD} to {LONGEST_MINIMUM} characters")]
pub struct PasswordLengthError;

/// Why a password cannot be set, and what to do; never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NewPasswordError {
    /// Too few characters.
    #[error(
        "The new password is too short: use at least {0} characters, for example four or five random words."
    )]
    TooShort(usize),
    /// On the list of common and breached passwords, or little more than such ones and runs one after the other.
    #[error(
        "The new password is among the most common ones: use another, for example four or five random words."
    )]
    Common,
    /// The user's name, and little else.
    #[error(
        "The new password is little more than the username: use another, for example four or five random words."
    )]
    OwnName,
    /// A short pattern again and again.
    #[error("The new password repeats a short pattern: use another, for example four or five random words.")]
    Repetition,
    /// A run of the alphabet, the digits or the keyboard.
    #[error(
        "The new password is a run of neighbouring keys: use another, for example four or five random words."
    )]
    Run,
    /// The one that is to be replaced.
    #[error("The new password is the current one: use another.")]
    Unchanged,
}

impl PasswordPolicy {
    /// Passwords of at least `min_length` Unicode code points, which is 8 to 128.
    pub fn new(min_length: usize) -> Result<Self, PasswordLengthError> {
        if !(SHORTEST_PASSWORD..=LONGEST_MINIMUM).contains(&min_length) {
            return Err(PasswordLengthError);
        }
        Ok(Self { min_length })
    }

    /// Whether `username` may have this password.
    ///
    /// Compared in NFKC and case-folded, so that neither capitals nor full-width letters make a common one uncommon. The
    /// whole password is compared, as NIST asks, with the list and with what people make of it to get to the length: two or
    /// three of it, or one and a run, and a few characters.
    pub fn check(&self, password: &Password, username: &Username) -> Result<(), NewPasswordError> {
        if password.as_str().chars().count() < self.min_length {
            return Err(NewPasswordError::TooShort(self.min_length));
        }
        let folded = |text: &str| text.nfkc().default_case_fold().nfkc().collect::<String>();
        let text = Zeroizing::new(folded(password.as_str()));
        let characters: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
        if is_run(&characters) {
            return Err(NewPasswordError::Run);
        }
        let period = period(&characters);
        if period < characters.len() && period < SHORTEST_PASSWORD {
            return Err(NewPasswordError::Repetition);
        }
        let unit: Zeroizing<String> = Zeroizing::new(characters.iter().take(period).collect());
        if COMMON.lines().any(|common| common == unit.as_str()) {
            return Err(NewPasswordError::Common);
        }
        if is_expected(&text) {
            return Err(NewPasswordError::Common);
        }
        let name = folded(username.as_str());
        let without_name = Zeroizing::new(text.replace(&name, ""));
        if without_name.len() < text.len() && without_name.chars().count() < SHORTEST_PASSWORD {
            return Err(NewPasswordError::OwnName);
        }
        Ok(())
    }
}

/// Whether the text is a few listed passwords, runs and repeated characters, and little else.
fn is_expected(text: &str) -> bool {
    let (mut left, mut parts, mut rest) = (text, 0, 0);
    while !left.is_empty() {
        let listed =
            COMMON.lines().chain([SERVICE]).filter(|part| left.starts_with(part)).map(str::len).max();
        if let Some(length) = listed.max(leading_run(left)) {
            parts += 1;
            left = left.get(length..).unwrap_or_default();
        } else {
            rest += 1;
            let mut characters = left.chars();
            characters.next();
            left = characters.as_str();
        }
        if parts > EXPECTED_PARTS || rest > EXPECTED_REST {
            return false;
        }
    }
    true
}

/// The bytes of the longest run or repetition of one character that the text begins with, if that is no chance.
fn leading_run(text: &str) -> Option<usize> {
    let characters: Zeroizing<Vec<char>> = Zeroizing::new(text.chars().collect());
    let is_one = |length: usize| {
        let beginning = characters.get(..length).unwrap_or_default();
        is_run(beginning) || period(beginning) == 1
    };
    let length = (SHORTEST_RUN..=characters.len()).take_while(|length| is_one(*length)).last()?;
    Some(characters.iter().take(length).map(|character| character.len_utf8()).sum())
}

/// After how many characters the text begins again and goes on like that to its end; all of them if it never does.
fn period(characters: &[char]) -> usize {
    let repeats = |period: &usize| {
        characters.iter().zip(characters.iter().skip(*period)).all(|(one, other)| one == other)
    };
    (1..=characters.len() / 2).find(repeats).unwrap_or(characters.len())
}

/// Whether each character is the next one of the same run, forwards or backwards, and from its end over to its start.
fn is_run(characters: &[char]) -> bool {
    let follows = |run: &str, one: char, other: char| {
        run.chars().zip(run.chars().cycle().skip(1)).any(|pair| pair == (one, other))
    };
    let pairs = || characters.iter().zip(characters.iter().skip(1));
    RUNS.iter().any(|run| {
        pairs().all(|(one, other)| follows(run, *one, *other))
            || pairs().all(|(one, other)| follows(run, *other, *one))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(min_length: usize, password: &str, username: &str) -> Result<(), NewPasswordError> {
        let password = Password::try_from(password.to_owned()).unwrap();
        PasswordPolicy::new(min_length).unwrap().check(&password, &username.parse().unwrap())
    }

    #[test]
    fn a_long_password_needs_no_special_character() {
        for password in [
            "correct horse battery staple",
            "aaaaaaaaaaaaab and more",
            "пароль из слов",
            "  a blank at each end  ",
        ] {
            assert_eq!(check(14, password, "ada"), Ok(()), "{password}");
        }
    }

    #[test]
    fn a_policy_asks_for_8_to_128_characters() {
        for length in [0, 7, 129, usize::MAX] {
            let said = PasswordPolicy::new(length).unwrap_err().to_string();
            assert_eq!(said, "must be 8 to 128 characters", "{length}");
        }
        for length in [8, 15, 128] {
            assert_eq!(PasswordPolicy::new(length), Ok(PasswordPolicy { min_length: length }));
        }
    }

    #[test]
    fn length_counts_code_points_after_composition() {
        assert_eq!(check(15, "fourteen chars", "ada"), Err(NewPasswordError::TooShort(15)));
        assert_eq!(check(15, "fifteen charsss", "ada"), Ok(()));
        assert_eq!(check(9, "Jose\u{301} hot", "ada"), Err(NewPasswordError::TooShort(9)));
        assert_eq!(check(8, "😀😁😂🤣😃😄😅😆", "ada"), Ok(()));
    }

    #[test]
    fn common_passwords_are_rejected_in_any_case_and_repeated() {
        for password in
            ["football", "PassWord1", "ｐａｓｓｗｏｒｄ", "passwordpassword", "trustno1trustno1trust"]
        {
            assert_eq!(check(8, password, "ada"), Err(NewPasswordError::Common), "{password}");
        }
    }

    #[test]
    fn common_passwords_made_longer_are_rejected_and_phrases_of_them_are_not() {
        for password in [
            "password12345678",
            "password1234567890",
            "qwerty1234567890",
            "iloveyouiloveyou1",
            "latchkeylatchkey1",
            "11111111111111112",
            "Football-Baseball!",
            "password2024password",
        ] {
            assert_eq!(check(15, password, "ada"), Err(NewPasswordError::Common), "{password}");
        }
        for password in [
            "sunshine and football",
            "baseball princess football sunshine",
            "password of the north",
            "qwerty is a bad one",
        ] {
            assert_eq!(check(15, password, "ada"), Ok(()), "{password}");
        }
    }

    #[test]
    fn patterns_and_runs_are_rejected() {
        for password in ["aaaaaaaaaaaaaaa", "abababababababab", "1231231231231231", "hunter hunter hunter "] {
            assert_eq!(check(8, password, "ada"), Err(NewPasswordError::Repetition), "{password}");
        }
        for password in [
            "abcdefghijklmnop",
            "67890123456789012",
            "poiuytrewqmnbvcxz",
            "ZYXWVUTSRQPONMLK",
            "qwertyuiopasdfgh",
        ] {
            assert_eq!(check(8, password, "ada"), Err(NewPasswordError::Run), "{password}");
        }
    }

    #[test]
    fn the_user_s_name_does_not_count() {
        for password in
            ["ada.lovelace1842", "Ada.Lovelace-x", "1815ada.lovelace1", "ada.lovelace!ada.lovelace?"]
        {
            assert_eq!(check(8, password, "ada.lovelace"), Err(NewPasswordError::OwnName), "{password}");
        }
        assert_eq!(check(8, "canada loves maple", "ada"), Ok(()));
        for (name, password) in [("Straße", "Straße2024Straße"), ("Οδυσσεύς", "ΟΔΥΣΣΕΎΣ2024")]
        {
            assert_eq!(check(8, password, name), Err(NewPasswordError::OwnName), "{password}");
        }
    }

    #[test]
    fn a_rejection_says_what_to_do_and_a_long_password_is_checked_at_once() {
        let said = NewPasswordError::TooShort(15).to_string();
        assert_eq!(
            said,
            "The new password is too short: use at least 15 characters, for example four or five random words."
        );
        assert_eq!(check(15, &format!("{}b", "a".repeat(1023)), "ada"), Err(NewPasswordError::Common));
        assert_eq!(check(15, &"red green yellow blue ".repeat(46), "ada"), Ok(()));
    }

    #[test]
    fn the_list_is_sorted_in_lower_case_and_has_no_short_entries() {
        let entries: Vec<_> = COMMON.lines().collect();
        assert!(entries.len() > 8000 && entries.is_sorted());
        assert!(entries.iter().all(|entry| entry.len() >= SHORTEST_PASSWORD));
        assert!(entries.iter().all(|entry| *entry == entry.to_lowercase()));
    }
}

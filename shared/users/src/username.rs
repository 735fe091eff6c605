use std::{fmt, str::FromStr};

use caseless::Caseless;
use unicode_joining_type::{JoiningType, get_joining_type};
use unicode_normalization::{UnicodeNormalization, char::canonical_combining_class};
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The longest name, in code points of its canonical form: that of an e-mail address (RFC 5321, errata 1690).
pub const MAX_USERNAME_CODE_POINTS: usize = 254;
/// The longest name, in bytes of UTF-8: with it, the longest of everything else still fits into a token.
pub const MAX_USERNAME_BYTES: usize = 512;

const ZERO_WIDTH_NON_JOINER: char = '\u{200c}';
const ZERO_WIDTH_JOINER: char = '\u{200d}';
/// The canonical combining class of viramas, which join the letters around them.
const VIRAMA: u8 = 9;

/// A name in its canonical form: trimmed, runs of blanks made one, NFKC, case-folded.
///
/// Every path makes it with [`str::parse`], so `Admin`, `ADMIN` and `ＡＤＭＩＮ` are one user. The form is that of
/// compatibility caseless matching (The Unicode Standard, section 3.13, D146), the same in every language: a Turkish
/// dotless i is another letter than i. It names a user of Latchkey alone: other systems fold names in other ways or
/// not at all, so it must not be compared with their names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Nothing is left after trimming.
    #[error("the username is empty")]
    Empty,
    /// More than [`MAX_USERNAME_CODE_POINTS`] or [`MAX_USERNAME_BYTES`] in canonical form.
    #[error(
        "the username is longer than {MAX_USERNAME_CODE_POINTS} characters or {MAX_USERNAME_BYTES} bytes"
    )]
    TooLong,
    /// A control, format, private-use, unassigned or line-separating character: two names that look alike.
    #[error("the username contains a character that cannot be seen")]
    InvisibleCharacter,
}

impl Username {
    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let folded: String =
            text.trim().nfd().default_case_fold().nfkc().default_case_fold().nfkc().collect();
        let name = with_single_spaces(&folded);
        if name.is_empty() {
            return Err(UsernameError::Empty);
        }
        if name.len() > MAX_USERNAME_BYTES || name.chars().count() > MAX_USERNAME_CODE_POINTS {
            return Err(UsernameError::TooLong);
        }
        let characters: Vec<char> = name.chars().collect();
        if (0..characters.len()).any(|index| is_invisible(&characters, index)) {
            return Err(UsernameError::InvisibleCharacter);
        }
        Ok(Self(name))
    }
}

/// Trimmed, and each run of spaces made one; tabs and line ends inside stay, to be rejected.
fn with_single_spaces(text: &str) -> String {
    let is_space = |character: char| character.general_category() == GeneralCategory::SpaceSeparator;
    text.trim().split(is_space).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Unassigned characters are rejected because a later Unicode release may fold them: the stored name would then
/// be another one than the same text typed again.
fn is_invisible(characters: &[char], index: usize) -> bool {
    let Some(&character) = characters.get(index) else { return false };
    if matches!(character, ZERO_WIDTH_NON_JOINER | ZERO_WIDTH_JOINER) {
        return !joins(characters, index);
    }
    matches!(
        character.general_category(),
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::Surrogate
            | GeneralCategory::PrivateUse
            | GeneralCategory::Unassigned
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    )
}

/// Whether a joiner changes what is seen, as in Persian and in the scripts of India (RFC 5892, appendix A.1 and A.2,
/// which RFC 8265 refers to).
fn joins(characters: &[char], index: usize) -> bool {
    let (before, rest) = characters.split_at(index);
    let after = rest.get(1..).unwrap_or_default();
    if before.last().is_some_and(|character| canonical_combining_class(*character) == VIRAMA) {
        return true;
    }
    let is_transparent = |character: &char| get_joining_type(*character) == JoiningType::Transparent;
    let left = before.iter().rev().find(|character| !is_transparent(character));
    let right = after.iter().find(|character| !is_transparent(character));
    rest.first() == Some(&ZERO_WIDTH_NON_JOINER)
        && left.is_some_and(|character| {
            matches!(get_joining_type(*character), JoiningType::LeftJoining | JoiningType::DualJoining)
        })
        && right.is_some_and(|character| {
            matches!(get_joining_type(*character), JoiningType::RightJoining | JoiningType::DualJoining)
        })
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Username({:?})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn canonical(text: &str) -> Result<String, UsernameError> {
        text.parse::<Username>().map(|name| name.to_string())
    }

    #[test]
    fn a_name_has_one_canonical_form() {
        for (text, name) in [
            ("admin", "admin"),
            ("Admin", "admin"),
            ("ADMIN", "admin"),
            (" \tadmin\n", "admin"),
            ("\u{a0}admin\u{3000}", "admin"),
            ("Jose\u{301}", "jos\u{e9}"),
            ("JOS\u{c9}", "jos\u{e9}"),
            ("anna maria", "anna maria"),
            // Blanks: doubled, of other widths, not breaking.
            ("anna  maria", "anna maria"),
            ("Anna\u{a0}\u{3000}Maria", "anna maria"),
            // Width and other compatibility forms.
            ("\u{ff21}\u{ff24}\u{ff21}", "ada"),
            ("\u{fb01}sh", "fish"),
            ("\u{ff76}\u{ff9e}", "\u{30ac}"),
            ("#user#", "#user#"),
            // Dotted capital I folds to i and a dot above; dotless i stays another letter.
            ("\u{130}", "i\u{307}"),
            ("\u{131}", "\u{131}"),
            // Long s, sharp s, Kelvin sign, Greek final sigma.
            ("\u{17f}am", "sam"),
            ("STRA\u{1e9e}E", "strasse"),
            ("stra\u{df}e", "strasse"),
            ("\u{212a}", "k"),
            ("\u{3a3}\u{3c2}", "\u{3c3}\u{3c3}"),
            // Folds to three code points that NFC puts together again.
            ("\u{390}", "\u{390}"),
        ] {
            assert_eq!(canonical(text).as_deref(), Ok(name), "{text:?}");
        }
    }

    #[test]
    fn a_name_without_visible_characters_is_rejected() {
        for text in ["", " ", "\t\r\n", "\u{2003}"] {
            assert_eq!(canonical(text), Err(UsernameError::Empty), "{text:?}");
        }
    }

    #[test]
    fn a_name_with_an_invisible_character_is_rejected() {
        for character in [
            '\0',
            '\u{1b}',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{202e}',
            '\u{feff}',
            '\u{2028}',
            '\u{2029}',
            '\u{e000}',
            '\u{378}',
            '\u{ffff}',
            '\u{10ffff}',
        ] {
            let text = format!("a{character}b");
            assert_eq!(canonical(&text), Err(UsernameError::InvisibleCharacter), "{text:?}");
        }
    }

    #[test]
    fn a_joiner_is_a_letter_where_it_changes_what_is_seen() {
        for name in [
            // Persian "names", Sanskrit "ksha" with and without a joiner, a joiner between letters with marks.
            "\u{646}\u{627}\u{645}\u{200c}\u{647}\u{627}",
            "\u{915}\u{94d}\u{200d}\u{937}",
            "\u{915}\u{94d}\u{200c}\u{937}",
            "\u{645}\u{64e}\u{200c}\u{64e}\u{647}",
        ] {
            assert_eq!(canonical(name).as_deref(), Ok(name), "{name:?}");
        }
        for name in [
            "\u{200c}\u{647}",
            "\u{645}\u{200c}",
            // Alef joins nothing on its left, so that nothing is seen of the joiner after it.
            "\u{627}\u{200c}\u{647}",
            "\u{645}\u{200d}\u{647}",
            "\u{645}\u{200c}\u{200c}x",
            "\u{1f468}\u{200d}\u{1f469}",
        ] {
            assert_eq!(canonical(name), Err(UsernameError::InvisibleCharacter), "{name:?}");
        }
    }

    #[test]
    fn a_name_ends_at_254_code_points_and_512_bytes_of_its_canonical_form() {
        assert_eq!(canonical(&"x".repeat(254)), Ok("x".repeat(254)));
        assert_eq!(canonical(&"x".repeat(255)), Err(UsernameError::TooLong));
        assert_eq!(canonical(&"\u{1f980}".repeat(128)), Ok("\u{1f980}".repeat(128)));
        assert_eq!(canonical(&"\u{1f980}".repeat(129)), Err(UsernameError::TooLong));
        assert_eq!(canonical(&"e\u{301}".repeat(254)), Ok("\u{e9}".repeat(254)));
        assert_eq!(canonical(&"\u{df}".repeat(128)), Err(UsernameError::TooLong));
    }

    #[test]
    fn every_character_that_is_accepted_has_a_stable_form() {
        // Beyond these planes no character has a case or a composition.
        for character in '\0'..='\u{1ffff}' {
            for text in
                [format!("a{character}"), format!("{character}\u{345}\u{301}"), format!("{character}\u{307}")]
            {
                if let Ok(name) = text.parse::<Username>() {
                    assert_eq!(name.as_str().parse().as_ref(), Ok(&name), "{text:?}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn the_canonical_form_is_its_own_canonical_form(text in "\\PC{0,40}") {
            if let Ok(name) = text.parse::<Username>() {
                prop_assert_eq!(name.as_str().parse(), Ok(name));
            }
        }

        #[test]
        fn composed_and_decomposed_spellings_are_one_name(text in "\\PC{0,40}") {
            let composed: String = text.nfc().collect();
            let decomposed: String = text.nfd().collect();
            prop_assert_eq!(canonical(&composed), canonical(&decomposed));
        }
    }
}

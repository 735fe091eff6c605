use std::{fmt, str::FromStr};

use caseless::Caseless;
use unicode_normalization::UnicodeNormalization;
use unicode_properties::{GeneralCategory, UnicodeGeneralCategory};

/// The longest name, in code points of its canonical form.
///
/// Below `DynamoDB`'s 2,048 bytes for a partition key, whatever the code points are.
pub const MAX_USERNAME_CODE_POINTS: usize = 128;

/// A name in its canonical form: trimmed, NFC, case-folded.
///
/// Every path makes it with [`str::parse`], so `Admin` and `ADMIN` are one user. Folding is the default case
/// folding of Unicode (The Unicode Standard, section 3.13), the same in every language: a Turkish dotless i is
/// another letter than i.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UsernameError {
    /// Nothing is left after trimming.
    #[error("the username is empty")]
    Empty,
    /// More than [`MAX_USERNAME_CODE_POINTS`] in canonical form.
    #[error("the username is longer than {MAX_USERNAME_CODE_POINTS} characters")]
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
        let name: String = text.trim().nfc().default_case_fold().nfc().collect();
        if name.is_empty() {
            return Err(UsernameError::Empty);
        }
        if name.chars().count() > MAX_USERNAME_CODE_POINTS {
            return Err(UsernameError::TooLong);
        }
        if name.chars().any(is_invisible) {
            return Err(UsernameError::InvisibleCharacter);
        }
        Ok(Self(name))
    }
}

/// Unassigned characters are refused because a later Unicode release may fold them: the stored name would then
/// be another one than the same text typed again.
fn is_invisible(character: char) -> bool {
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
    fn a_name_without_visible_characters_is_refused() {
        for text in ["", " ", "\t\r\n", "\u{2003}"] {
            assert_eq!(canonical(text), Err(UsernameError::Empty), "{text:?}");
        }
    }

    #[test]
    fn a_name_with_an_invisible_character_is_refused() {
        for character in [
            '\0',
            '\u{1b}',
            '\n',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{200b}',
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
    fn a_name_ends_at_128_code_points_of_its_canonical_form() {
        assert_eq!(canonical(&"x".repeat(128)), Ok("x".repeat(128)));
        assert_eq!(canonical(&"x".repeat(129)), Err(UsernameError::TooLong));
        assert_eq!(canonical(&"\u{1f980}".repeat(128)), Ok("\u{1f980}".repeat(128)));
        assert_eq!(canonical(&"e\u{301}".repeat(128)), Ok("\u{e9}".repeat(128)));
        assert_eq!(canonical(&"\u{df}".repeat(65)), Err(UsernameError::TooLong));
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

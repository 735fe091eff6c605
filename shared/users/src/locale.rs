use std::{fmt, str::FromStr};

/// How long a language tag is at most: RFC 5646 §4.4.1 says that 35 characters do.
const MAX_LENGTH: usize = 35;

/// The language that a user is written to in, as a tag of BCP 47: `de`, `pt-BR`, `zh-Hant-TW`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Locale(String);

/// Some text that is no language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is a tag of BCP 47, such as en, de or pt-BR, of 35 characters at most")]
pub struct LocaleError;

impl Locale {
    /// The tag as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Locale {
    type Err = LocaleError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let alphanumeric = |part: &str| {
            (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        let mut parts = text.split('-');
        let is_language =
            |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphabetic());
        let sound = parts.next().is_some_and(is_language) && parts.all(alphanumeric);
        if sound && text.len() <= MAX_LENGTH { Ok(Self(text.to_owned())) } else { Err(LocaleError) }
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_of_languages_are_taken_and_nothing_else() {
        for tag in ["en", "de", "pt-BR", "zh-Hant-TW", "sr-Latn-RS", "de-1996", "es-419", "en-x-a"] {
            assert_eq!(tag.parse::<Locale>().unwrap().as_str(), tag);
        }
        let long = format!("en-{}", ["abcdefgh"; 4].join("-"));
        for other in ["", "e", "en-", "-en", "en--us", "en_US", "12", "d\u{e9}", "en us", "en/..", &long] {
            assert_eq!(other.parse::<Locale>(), Err(LocaleError), "{other}");
        }
    }
}

//! The words of letters: one file a language, the same letters in each.

use serde::Deserialize;
use users::{LetterKind, Locale};

/// The words of one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Language {
    pub(crate) greeting: String,
    /// Before the link.
    pub(crate) link: String,
    /// Before the code.
    pub(crate) code: String,
    /// How long both are good.
    pub(crate) until: String,
    /// That nobody asks for the code, and where it is used.
    pub(crate) never_asked: String,
    /// That nobody reads what is answered.
    pub(crate) automatic: String,
    recovery: LetterWords,
    invitation: LetterWords,
    password_changed: LetterWords,
    link_made: LetterWords,
    test: LetterWords,
}

/// What one letter says.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LetterWords {
    pub(crate) subject: String,
    pub(crate) text: String,
    /// What to do if it was somebody else.
    pub(crate) otherwise: String,
}

/// Every language that letters are written in.
pub const LANGUAGES: [(&str, &str); 8] = [
    ("de", include_str!("../letters/de.toml")),
    ("en", include_str!("../letters/en.toml")),
    ("es", include_str!("../letters/es.toml")),
    ("fr", include_str!("../letters/fr.toml")),
    ("it", include_str!("../letters/it.toml")),
    ("nl", include_str!("../letters/nl.toml")),
    ("pl", include_str!("../letters/pl.toml")),
    ("pt", include_str!("../letters/pt.toml")),
];

impl Language {
    /// The language of a tag, whatever country or script it names besides; none if no letters are written in it.
    pub(crate) fn of(locale: &Locale) -> Option<Self> {
        let language = locale.as_str().split('-').next().unwrap_or_default();
        let (_, words) = LANGUAGES.into_iter().find(|(tag, _)| tag.eq_ignore_ascii_case(language))?;
        toml::from_str(words).ok()
    }

    pub(crate) fn about(&self, kind: LetterKind) -> &LetterWords {
        match kind {
            LetterKind::Recovery => &self.recovery,
            LetterKind::Invitation => &self.invitation,
            LetterKind::PasswordChanged => &self.password_changed,
            LetterKind::LinkMade => &self.link_made,
            LetterKind::Test => &self.test,
        }
    }
}

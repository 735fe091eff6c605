//! A letter: words of one language, and values that are put in once and never looked at again.

use edge::{AccountLink, Environment, SettingError};
use token::Timestamp;
use users::{AccountCode, Letter, Locale};
use zeroize::Zeroizing;

use crate::language::Language;

/// Writes letters for one deployment.
pub(crate) struct Writer {
    page: AccountLink,
    host: String,
    from: String,
    configuration_set: Option<String>,
    language: Language,
}

/// A letter that can be sent. It has a code in it, so it does not show itself.
pub(crate) struct Written {
    pub(crate) subject: String,
    pub(crate) text: Zeroizing<String>,
}

/// What may stand in the words of a letter, and what is put in its place.
struct Values<'a> {
    host: &'a str,
    username: &'a str,
    at: String,
    until: String,
}

impl Writer {
    /// By the settings of `environment`.
    pub(crate) fn new(environment: &Environment<'_>) -> Result<Self, SettingError> {
        let page = environment.account_link()?;
        let language = Language::of(&environment.mail_locale()?);
        Ok(Self {
            host: page.host().to_owned(),
            page,
            from: environment.mail_from()?.to_string(),
            configuration_set: environment.mail_configuration_set(),
            language: language.ok_or_else(|| environment.no_letters())?,
        })
    }

    /// Who letters are from.
    pub(crate) fn from(&self) -> &str {
        &self.from
    }

    pub(crate) fn configuration_set(&self) -> Option<String> {
        self.configuration_set.clone()
    }

    /// The letter in the language of its reader, with this code.
    pub(crate) fn write(
        &self,
        letter: &Letter,
        locale: Option<&Locale>,
        code: Option<(&AccountCode, Timestamp)>,
    ) -> Written {
        let of_reader = locale.and_then(Language::of);
        let words = of_reader.as_ref().unwrap_or(&self.language);
        let about = words.about(letter.kind);
        let values = Values {
            host: &self.host,
            username: letter.username.as_ref().map_or("", |username| username.as_str()),
            at: letter.asked_at.to_string(),
            until: code.map(|(_, until)| until.to_string()).unwrap_or_default(),
        };
        let mut text = Zeroizing::new(String::with_capacity(2048));
        let mut paragraph = |part: &str| {
            text.push_str(part);
            text.push_str("\n\n");
        };
        paragraph(&words.greeting);
        paragraph(&values.put_into(&about.text));
        if let Some((code, purpose)) = code.map(|(code, _)| code).zip(letter.kind.purpose()) {
            let link = self.page.with_code(purpose, code);
            // No code on the first line, which lock screens show.
            for part in [&*words.link, &*link, &*words.code, &*code.expose()] {
                paragraph(part);
            }
            paragraph(&values.put_into(&words.until));
            paragraph(&values.put_into(&words.never_asked));
        }
        paragraph(&values.put_into(&about.otherwise));
        text.push_str(&words.automatic);
        text.push('\n');
        Written { subject: values.put_into(&about.subject), text }
    }
}

impl Values<'_> {
    /// The words with the values in the places of their names, in one pass: a value that looks like a name stays as it is.
    fn put_into(&self, words: &str) -> String {
        let mut text = String::with_capacity(words.len() + 64);
        let mut rest = words;
        while let Some((before, after)) = rest.split_once('{') {
            text.push_str(before);
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(match name {
                "host" => self.host,
                "username" => self.username,
                "at" => &self.at,
                "until" => &self.until,
                _ => "",
            });
            rest = after;
        }
        text.push_str(rest);
        text
    }
}

#[cfg(test)]
#[path = "letter_tests.rs"]
mod tests;

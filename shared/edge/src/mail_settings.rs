//! The settings of letters.

use std::{fmt, str::FromStr};

use users::{Locale, LocaleError, MailAddress};

use crate::{Environment, SettingError, settings::error};

/// The most characters of the name of a sender.
const MAX_NAME: usize = 64;
/// The language in which letters are written to users of whom none is known.
const DEFAULT_LOCALE: &str = "en";

/// Who letters are from: an address, or a name and an address, `Example <no-reply@example.com>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailFrom {
    name: Option<String>,
    address: MailAddress,
}

/// Some text that letters cannot be from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be an address, such as no-reply@example.com, or a name of ASCII letters, digits, spaces, dots and hyphens \
     before one: Example <no-reply@example.com>"
)]
pub struct MailFromError;

impl MailFrom {
    /// The address alone.
    pub fn address(&self) -> &MailAddress {
        &self.address
    }
}

impl FromStr for MailFrom {
    type Err = MailFromError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, address) = match text.strip_suffix('>') {
            Some(rest) => rest.split_once('<').map(|(name, address)| (Some(name.trim()), address)),
            None => Some((None, text)),
        }
        .ok_or(MailFromError)?;
        let is_plain = |name: &str| {
            (1..=MAX_NAME).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" .-".contains(&byte))
        };
        if name.is_some_and(|name| !is_plain(name)) {
            return Err(MailFromError);
        }
        let address = address.parse().map_err(|_| MailFromError)?;
        Ok(Self { name: name.map(str::to_owned), address })
    }
}

/// As the header `From` has it: the name in quotes, for it may have a dot.
impl fmt::Display for MailFrom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "\"{name}\" <{}>", self.address),
            None => self.address.fmt(f),
        }
    }
}

impl Environment<'_> {
    /// The DynamoDB table of letters to be written: `OUTBOX_TABLE`; without it no letters are sent.
    pub fn outbox_table(&self) -> Option<String> {
        self.optional("OUTBOX_TABLE")
    }

    /// The same where nothing works without it.
    pub fn required_outbox_table(&self) -> Result<String, SettingError> {
        self.required("OUTBOX_TABLE")
    }

    /// Who letters are from: `MAIL_FROM`, required where letters are sent.
    pub fn mail_from(&self) -> Result<MailFrom, SettingError> {
        let variable = "MAIL_FROM";
        self.required(variable)?
            .parse()
            .map_err(|problem: MailFromError| error(variable, &problem.to_string()))
    }

    /// The language of letters to users of whom none is known: `MAIL_LOCALE` (en).
    pub fn mail_locale(&self) -> Result<Locale, SettingError> {
        let variable = "MAIL_LOCALE";
        let text = self.optional(variable).unwrap_or_else(|| DEFAULT_LOCALE.to_owned());
        text.parse().map_err(|problem: LocaleError| error(variable, &format!("is unusable: {problem}")))
    }

    /// Why the language of `MAIL_LOCALE` will not do.
    pub fn no_letters(&self) -> SettingError {
        error("MAIL_LOCALE", "is a language in which there are no letters")
    }

    /// The configuration set of SES that letters are sent with: `MAIL_CONFIGURATION_SET` (none).
    pub fn mail_configuration_set(&self) -> Option<String> {
        self.optional("MAIL_CONFIGURATION_SET")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_from_an_address_with_or_without_a_name() {
        for (text, header) in [
            ("no-reply@example.com", "no-reply@example.com"),
            ("Example <no-reply@Example.com>", "\"Example\" <no-reply@example.com>"),
            ("Example Inc. Berlin <a@b.example>", "\"Example Inc. Berlin\" <a@b.example>"),
        ] {
            assert_eq!(text.parse::<MailFrom>().unwrap().to_string(), header);
        }
        for text in [
            "",
            "example.com",
            "<a@b.example>",
            "Example a@b.example",
            "Example <a@b.example",
            "Ex\"ample <a@b.example>",
            "Example <a@b.example> <c@d.example>",
            "Ex\u{e4}mple <a@b.example>",
            "a@b.example, c@d.example",
            "Example\r\nBcc: x <a@b.example>",
        ] {
            assert_eq!(text.parse::<MailFrom>(), Err(MailFromError), "{text:?}");
        }
    }
}

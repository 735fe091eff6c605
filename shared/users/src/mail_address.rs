use std::{fmt, str::FromStr};

/// What SMTP allows: RFC 5321 §4.5.3.1, and 254 for the whole, as a path has angle brackets around it.
const MAX_LOCAL: usize = 64;
const MAX_LENGTH: usize = 254;
const MAX_LABEL: usize = 63;

/// Where a user can be written to: `local@domain` in ASCII, in small letters.
///
/// The local part is a dot-atom of RFC 5322 and the domain has two labels or more, so a quoted part, a comment, an address literal or a
/// character that another program reads as the end of a header is never in one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MailAddress(String);

/// Some text that is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is local@domain in ASCII, 254 characters at most, without quotes, spaces or comments")]
pub struct MailAddressError;

impl MailAddress {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part behind the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

/// Looks at the text as it was typed, before anything is folded: a letter that folds to ASCII is none.
impl FromStr for MailAddress {
    type Err = MailAddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (local, domain) = text.rsplit_once('@').ok_or(MailAddressError)?;
        let is_sound = text.len() <= MAX_LENGTH
            && local.len() <= MAX_LOCAL
            && local.split('.').all(is_atom)
            && domain.contains('.')
            && domain.split('.').all(is_label)
            && !domain.rsplit('.').next().is_some_and(|last| last.bytes().all(|byte| byte.is_ascii_digit()));
        if is_sound { Ok(Self(text.to_ascii_lowercase())) } else { Err(MailAddressError) }
    }
}

fn is_atom(part: &str) -> bool {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    !part.is_empty() && part.bytes().all(is_atext)
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

impl fmt::Display for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Never the address, which is personal data: logs print what is debugged.
impl fmt::Debug for MailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailAddress")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_dot_atom_at_a_domain_in_small_letters() {
        for (typed, address) in [
            ("ada@example.com", "ada@example.com"),
            ("Ada.Lovelace+news@Mail.Example.COM", "ada.lovelace+news@mail.example.com"),
            ("a@b.co", "a@b.co"),
            ("{code}@example.com", "{code}@example.com"),
            ("o'neill#1@xn--bcher-kva.example", "o'neill#1@xn--bcher-kva.example"),
        ] {
            assert_eq!(typed.parse::<MailAddress>().unwrap().as_str(), address);
        }
        assert_eq!("a@b.example.com".parse::<MailAddress>().unwrap().domain(), "b.example.com");
    }

    #[test]
    fn nothing_else_is_one() {
        let long_local = format!("{}@example.com", "a".repeat(65));
        let long_label = format!("a@{}.com", "b".repeat(64));
        let long = format!("a@{}com", "abcdefgh.".repeat(28));
        for text in [
            "",
            "@",
            "ada",
            "ada@",
            "@example.com",
            "ada@localhost",
            "ada@example.",
            "ada@.example.com",
            "ada@exa_mple.com",
            "ada@-example.com",
            "ada@example-.com",
            "ada@127.0.0.1",
            "ada@[127.0.0.1]",
            ".ada@example.com",
            "ada.@example.com",
            "a..da@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "a b@example.com",
            "ada@example.com ",
            " ada@example.com",
            "ada(x)@example.com",
            "<ada@example.com>",
            "ada@example.com,bob@example.com",
            "ada@example.com\r\nBcc: bob@example.com",
            "ada\u{0}@example.com",
            "ada@ex\u{e4}mple.com",
            // Fold to k and s.
            "\u{212a}@example.com",
            "\u{17f}@example.com",
            "ad\u{ad}a@example.com",
            &long_local,
            &long_label,
            &long,
        ] {
            assert_eq!(text.parse::<MailAddress>(), Err(MailAddressError), "{text:?}");
        }
    }

    #[test]
    fn it_does_not_show_itself() {
        assert_eq!(format!("{:?}", "ada@example.com".parse::<MailAddress>()), "Ok(MailAddress)");
    }
}

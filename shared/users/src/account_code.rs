use std::{fmt, str::FromStr};

use token::Entropy;
use zeroize::Zeroizing;

use crate::SecretHash;

/// The digits of Crockford's base 32: no I, L, O or U.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// How many of them a code has: 120 bits.
const LENGTH: usize = 24;
/// How many stand together where people read them.
const GROUP: usize = 4;

/// What lets its bearer set a password, once: 120 random bits, so that nobody guesses one and a plain hash is enough.
pub struct AccountCode(Zeroizing<String>);

/// The text is not a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a code has 24 letters and digits")]
pub struct AccountCodeError;

impl AccountCode {
    /// The code of this randomness.
    pub fn new(entropy: Entropy) -> Self {
        let bits = u128::from_be_bytes(entropy.0);
        let digit = |index: usize| {
            let shifted = bits.checked_shr(u32::try_from(5 * index).unwrap_or_default()).unwrap_or_default();
            char::from(DIGITS.get(usize::try_from(shifted & 31).unwrap_or_default()).copied().unwrap_or(b'0'))
        };
        Self(Zeroizing::new((0..LENGTH).map(digit).collect()))
    }

    /// The code itself, in groups, to be shown once.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(LENGTH + LENGTH / GROUP));
        for (index, digit) in self.0.chars().enumerate() {
            if index > 0 && index % GROUP == 0 {
                text.push('-');
            }
            text.push(digit);
        }
        text
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash::of(&self.0)
    }
}

/// Takes a code as people copy and type it: in any case, with O for 0, I and L for 1, and with any blanks and hyphens.
impl FromStr for AccountCode {
    type Err = AccountCodeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut digits = Zeroizing::new(String::with_capacity(LENGTH));
        for character in text.chars().filter(|character| !is_filling(*character)) {
            let digit = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            if digits.len() == LENGTH || !DIGITS.contains(&u8::try_from(digit).unwrap_or_default()) {
                return Err(AccountCodeError);
            }
            digits.push(digit);
        }
        if digits.len() == LENGTH { Ok(Self(digits)) } else { Err(AccountCodeError) }
    }
}

/// What stands between the digits; mail programs make dashes of hyphens.
fn is_filling(character: char) -> bool {
    character.is_whitespace() || character == '-' || ('\u{2010}'..='\u{2015}').contains(&character)
}

impl fmt::Debug for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountCode")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_code_is_six_groups_of_four_made_of_the_lower_120_bits() {
        let code = |bits: u128| AccountCode::new(Entropy(bits.to_be_bytes())).expose().to_string();
        assert_eq!(code(0), "0000-0000-0000-0000-0000-0000");
        assert_eq!(code(u128::MAX), "ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ-ZZZZ");
        assert_eq!(code(0xff << 120), code(0), "8 bits are not needed");
        let one_each: BTreeSet<_> = (0..120).map(|bit| code(1 << bit)).collect();
        assert_eq!(one_each.len(), 120, "each of the others makes another code");
    }

    #[test]
    fn a_code_is_taken_as_people_copy_and_type_it() {
        let code = AccountCode::new(Entropy([0b0000_0001; 16]));
        let text = code.expose().to_string();
        let spellings = [
            text.clone(),
            text.replace('-', ""),
            text.to_lowercase(),
            text.replace('-', " "),
            text.replace('-', "\u{2013}"),
            format!("\u{a0}{text}\r\n"),
            text.replace('0', "O").replace('1', "l"),
            text.replace('0', "o").replace('1', "I"),
        ];
        for spelling in spellings {
            let read: AccountCode = spelling.parse().expect(&spelling);
            assert!(read.hash().is_same_as(&code.hash()), "{spelling:?}");
        }
    }

    #[test]
    fn other_text_is_no_code() {
        let whole = "0000-0000-0000-0000-0000-0000";
        for text in ["", "-", &whole[1..], &format!("{whole}0"), &whole.replacen('0', "U", 1)] {
            assert_eq!(text.parse::<AccountCode>().err(), Some(AccountCodeError), "{text}");
        }
        for odd in ["\u{0}", "\u{ff10}", "\u{212a}", "\u{e9}", "%", "_", "'", "#"] {
            assert!(whole.replacen('0', odd, 1).parse::<AccountCode>().is_err(), "{odd:?}");
        }
    }

    #[test]
    fn a_code_does_not_show_itself() {
        assert_eq!(format!("{:?}", AccountCode::new(Entropy([7; 16]))), "AccountCode");
    }
}

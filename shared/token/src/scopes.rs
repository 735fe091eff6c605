use std::{fmt, str::FromStr};

use serde_json::Value;

/// The longest list of scopes, in bytes: a token has room for no more beside the longest of everything else.
const MAX_BYTES: usize = 1024;

/// What a token allows: words of RFC 6749 §3.3, each once.
///
/// ```
/// use token::Scopes;
///
/// let audience: Scopes = "orders:read orders:write".parse()?;
/// let user: Scopes = "orders:read admin".parse()?;
/// assert_eq!(audience.also_in(&user).to_string(), "orders:read");
/// # Ok::<(), token::ScopesError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<String>);

/// Why a text is no list of scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be scopes with one space between them, of printable ASCII without \" and \\, {MAX_BYTES} bytes at most"
)]
pub struct ScopesError;

impl Scopes {
    /// The scopes in a claim, which is one text or a list of texts. What is no scope allows nothing.
    pub fn of_claim(claim: Option<&Value>) -> Self {
        let words: Vec<&str> = match claim {
            Some(Value::String(text)) => text.split_whitespace().collect(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        words.into_iter().filter(|word| is_scope(word)).fold(Self::default(), Self::with)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them, in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Those that `others` has too, in the order of these.
    #[must_use]
    pub fn also_in(&self, others: &Self) -> Self {
        Self(self.0.iter().filter(|scope| others.0.contains(scope)).cloned().collect())
    }

    /// Whether `others` has all of them.
    pub fn are_all_in(&self, others: &Self) -> bool {
        self.0.iter().all(|scope| others.0.contains(scope))
    }

    fn with(mut self, word: &str) -> Self {
        if !self.0.iter().any(|scope| scope == word) {
            self.0.push(word.to_owned());
        }
        self
    }
}

fn is_scope(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\'))
}

impl FromStr for Scopes {
    type Err = ScopesError;

    fn from_str(text: &str) -> Result<Self, ScopesError> {
        if text.len() > MAX_BYTES || !text.split(' ').all(is_scope) {
            return Err(ScopesError);
        }
        Ok(text.split(' ').fold(Self::default(), Self::with))
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scopes_are_words_with_one_space_between_them() {
        for text in ["a", "orders:read orders:write", "https://api.example.com/.default", "!#[]~"] {
            assert_eq!(text.parse::<Scopes>().map(|scopes| scopes.to_string()), Ok(text.to_owned()));
        }
        assert_eq!("a b a".parse::<Scopes>().unwrap().to_string(), "a b");
        for text in ["", " ", "a ", " a", "a  b", "a\tb", "a\"b", "a\\b", "\u{e9}", &"x".repeat(1025)] {
            assert_eq!(text.parse::<Scopes>(), Err(ScopesError), "{text:?}");
        }
    }

    #[test]
    fn a_claim_of_scopes_is_a_text_or_a_list_and_what_is_no_scope_allows_nothing() {
        let of = |claim: Value| Scopes::of_claim(Some(&claim)).to_string();
        assert_eq!(of(json!("a  b\ta")), "a b");
        assert_eq!(of(json!(["a", "b c", 1, "d\"", "e"])), "a e");
        for none in [json!(null), json!(1), json!({ "a": true }), json!(""), json!([])] {
            assert_eq!(of(none.clone()), "", "{none}");
        }
        assert!(Scopes::of_claim(None).is_empty());
    }
}

use std::{collections::HashMap, fs, path::Path};

use serde_json::Value;
use token::strict_json;
use users::Username;

use crate::CliError;

/// What an administrator has decided for names of the source, letter by letter as they are written there.
#[derive(Default)]
pub(super) struct Names(HashMap<String, Option<Username>>);

/// What becomes of a name.
pub(super) enum Decision<'a> {
    /// Nothing was said of it.
    None,
    LeftOut,
    Named(&'a Username),
}

impl Names {
    /// Reads a JSON object of names there and names here; null leaves a row out.
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let text = fs::read(path).map_err(|source| CliError::File { path: path.to_owned(), source })?;
        let bad = |reason: String| CliError::Names { path: path.to_owned(), reason };
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&text);
        let members = strict_json::parse_object(text).map_err(|error| bad(error.to_string()))?;
        let decisions = members.into_iter().map(|(there, here)| match here {
            Value::Null => Ok((there, None)),
            Value::String(here) => match here.parse() {
                Ok(username) => Ok((there, Some(username))),
                Err(error) => Err(bad(format!("{here:?}: {error}"))),
            },
            _ => Err(bad(format!("{there:?} is neither a name nor null"))),
        });
        decisions.collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn decide(&self, name: &str) -> Decision<'_> {
        match self.0.get(name) {
            None => Decision::None,
            Some(None) => Decision::LeftOut,
            Some(Some(username)) => Decision::Named(username),
        }
    }
}

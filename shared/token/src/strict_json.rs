//! JSON objects in which no member occurs twice, at any depth.
//!
//! RFC 7519 §4 lets a reader reject duplicate names or take the last; two readers that choose
//! differently see two different tokens, so we reject. Escapes count: `"\u0073ub"` is `"sub"`.

use std::{borrow::Cow, cell::Cell, fmt};

use serde::{
    Deserialize,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value};

/// How many arrays and objects may stand inside each other.
pub const MAX_DEPTH: usize = 16;

/// Why a text is no acceptable JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON as of RFC 8259, or more than one value.
    #[error("not valid JSON")]
    Malformed,
    /// JSON, but an array, string, number, boolean or null.
    #[error("not a JSON object")]
    NotAnObject,
    /// A member name occurs twice in one object.
    #[error("a member occurs twice")]
    DuplicateMember,
    /// Nested beyond [`MAX_DEPTH`].
    #[error("nested too deeply")]
    TooDeep,
}

/// Reads one JSON object and nothing else.
pub fn parse_object(text: &[u8]) -> Result<Map<String, Value>, JsonError> {
    parse_members(text)
}

/// The members of an object while they are read.
pub(crate) trait Members: Default {
    /// Whether there is one of this name already.
    fn has(&self, name: &str) -> bool;
    /// Takes one that is not there yet.
    fn insert(&mut self, name: Cow<'_, str>, value: Value);
}

impl Members for Map<String, Value> {
    fn has(&self, name: &str) -> bool {
        self.contains_key(name)
    }

    fn insert(&mut self, name: Cow<'_, str>, value: Value) {
        self.insert(name.into_owned(), value);
    }
}

/// Reads one JSON object and nothing else, and puts its members where they are wanted.
pub(crate) fn parse_members<M: Members>(text: &[u8]) -> Result<M, JsonError> {
    let reason = Cell::new(JsonError::Malformed);
    let strict = Strict { depth: 0, reason: &reason };
    let mut reader = serde_json::Deserializer::from_slice(text);
    let is_object = text.trim_ascii_start().starts_with(b"{");
    let members = if is_object {
        serde::Deserializer::deserialize_map(&mut reader, Object(strict, M::default()))
    } else {
        strict.deserialize(&mut reader).map(|_| M::default())
    };
    let members = members.map_err(|_| reason.get())?;
    reader.end().map_err(|_| JsonError::Malformed)?;
    if is_object { Ok(members) } else { Err(JsonError::NotAnObject) }
}

/// A member's name, which is a part of the text unless it has an escape.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads the members of one object.
struct Object<'a, M>(Strict<'a>, M);

impl<'de, M: Members> Visitor<'de> for Object<'_, M> {
    type Value = M;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<M, A::Error> {
        let Self(strict, mut object) = self;
        let inner = strict.deeper()?;
        while let Some(Name(name)) = members.next_key()? {
            if object.has(&name) {
                return Err(strict.reject(JsonError::DuplicateMember));
            }
            let value = members.next_value_seed(inner)?;
            object.insert(name, value);
        }
        Ok(object)
    }
}

/// Reads one value, remembering in `reason` which of our own rules it broke.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    reason: &'a Cell<JsonError>,
}

impl Strict<'_> {
    fn reject<E: serde::de::Error>(self, reason: JsonError) -> E {
        self.reason.set(reason);
        E::custom(reason)
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(self.reject(JsonError::TooDeep));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<Value, A::Error> {
        Object(self, Map::new()).visit_map(members).map(Value::Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> JsonError {
        parse_object(text.as_bytes()).unwrap_err()
    }

    #[test]
    fn an_object_keeps_its_members() {
        let object = parse_object(br#" {"a":1,"b":{"c":[true,null,-2,1.5,"x"]}} "#).unwrap();
        assert_eq!(Value::Object(object).to_string(), r#"{"a":1,"b":{"c":[true,null,-2,1.5,"x"]}}"#);
    }

    #[test]
    fn a_member_that_occurs_twice_is_rejected_at_any_depth_and_spelling() {
        assert_eq!(error(r#"{"a":1,"a":1}"#), JsonError::DuplicateMember);
        assert_eq!(error(r#"{"sub":1,"\u0073ub":2}"#), JsonError::DuplicateMember);
        assert_eq!(error(r#"{"x":[{"a":1,"a":2}]}"#), JsonError::DuplicateMember);
    }

    #[test]
    fn what_is_not_one_json_object_is_rejected() {
        for text in [
            "",
            "{",
            "{}{}",
            "{} x",
            r#"{"a":}"#,
            r#"{"a":1e999}"#,
            r#"{"a":NaN}"#,
            r#"{"a":"\ud800"}"#,
            "\u{feff}{}",
        ] {
            assert_eq!(error(text), JsonError::Malformed, "{text}");
        }
        for text in ["[]", "1", "\"x\"", "null", "true"] {
            assert_eq!(error(text), JsonError::NotAnObject, "{text}");
        }
        assert_eq!(parse_object(b"{\"a\":\"\xff\"}").unwrap_err(), JsonError::Malformed);
    }

    #[test]
    fn sixteen_levels_are_read_and_seventeen_rejected() {
        let nested = |levels: usize| format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels));
        assert!(parse_object(nested(MAX_DEPTH).as_bytes()).is_ok());
        assert_eq!(error(&nested(MAX_DEPTH + 1)), JsonError::TooDeep);
        assert_eq!(error(&format!("{}{}", r#"{"a":"#, "[".repeat(100_000))), JsonError::TooDeep);
    }
}

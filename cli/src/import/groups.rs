use std::collections::HashMap;

use serde_json::Value;
use token::strict_json;

/// The names of a dump's groups by their keys, for dumps that have the groups beside the users.
#[derive(Default)]
pub(super) struct Groups(HashMap<String, String>);

impl Groups {
    /// Remembers the group of a row that is one.
    pub(super) fn take_up(&mut self, text: &[u8]) {
        let Ok(members) = strict_json::parse_object(text) else { return };
        if let (Some(key), Some(Value::Object(fields))) = (members.get("pk"), members.get("fields"))
            && let Some(Value::String(name)) = fields.get("name")
        {
            self.0.insert(key.to_string(), name.clone());
        }
    }

    /// The value of a field as a claim: names instead of keys, of groups and of permissions.
    ///
    /// `--natural-foreign` writes a group as `["editors"]` and a permission as `["add_user","auth","user"]`, which
    /// Django's `has_perm` knows as `auth.add_user`.
    pub(super) fn named(&self, field: &str, value: &Value) -> Value {
        let Value::Array(elements) = value else { return value.clone() };
        let name = |element: &Value| match element {
            Value::Array(natural) => match natural[..] {
                [Value::String(ref name)] => Value::from(name.clone()),
                [Value::String(ref codename), Value::String(ref app), Value::String(_)] => {
                    Value::from(format!("{app}.{codename}"))
                }
                _ => element.clone(),
            },
            key if field == "groups" => {
                self.0.get(&key.to_string()).map_or_else(|| key.clone(), |name| Value::from(name.clone()))
            }
            _ => element.clone(),
        };
        elements.iter().map(name).collect()
    }
}

/// Whether a row of this model is a group.
pub(super) fn is_group(model: &str) -> bool {
    model == "auth.group"
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_of_groups_and_natural_keys_become_names() {
        let mut groups = Groups::default();
        groups.take_up(br#"{"model":"auth.group","pk":2,"fields":{"name":"editors","permissions":[]}}"#);
        for (field, value, expected) in [
            ("groups", json!([2, 3]), json!(["editors", 3])),
            ("groups", json!([["writers"], ["x"]]), json!(["writers", "x"])),
            ("user_permissions", json!([["add_user", "auth", "user"]]), json!(["auth.add_user"])),
            ("user_permissions", json!([2]), json!([2])),
            ("scores", json!([2]), json!([2])),
            ("scores", json!([[1, 2]]), json!([[1, 2]])),
            ("email", json!("ada@example.com"), json!("ada@example.com")),
        ] {
            assert_eq!(groups.named(field, &value), expected, "{field} {value}");
        }
    }
}

//! Schemas as tables of fields.

use std::fmt::Write;

use serde_yaml_ng::Value;

use super::{
    Reference,
    html::{escaped, inline},
    list, members, text,
};

impl Reference<'_> {
    /// The fields of an object, those of objects and lists inside it too.
    pub(super) fn fields(self, page: &mut String, schema: &Value) {
        let mut rows = String::new();
        self.rows(&mut rows, "", schema);
        if !rows.is_empty() {
            table(page, &rows);
        }
    }

    pub(super) fn parameters(self, page: &mut String, parameters: &[&Value]) {
        let mut rows = String::new();
        for parameter in parameters {
            let kind = format!("in the {}", text(&parameter["in"]));
            let schema = self.resolved(&parameter["schema"]);
            row(
                &mut rows,
                text(&parameter["name"]),
                &[kind, kind_of(schema)],
                text(&parameter["description"]),
            );
        }
        table(page, &rows);
    }

    fn rows(self, rows: &mut String, prefix: &str, schema: &Value) {
        let schema = self.resolved(schema);
        for (name, property) in members(&schema["properties"]) {
            let property = self.resolved(property);
            let is_required = list(&schema["required"]).any(|required| required == name);
            let presence = if is_required { "required" } else { "optional" };
            let name = format!("{prefix}{name}");
            row(rows, &name, &[kind_of(property), presence.to_owned()], text(&property["description"]));
            self.rows(rows, &format!("{name}."), property);
            self.rows(rows, &format!("{name}[]."), &property["items"]);
        }
    }
}

fn table(page: &mut String, rows: &str) {
    let _ = write!(
        page,
        "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Field</th><th scope=\"col\">Value</th>\
         <th scope=\"col\">Meaning</th></tr></thead><tbody>{rows}</tbody></table></div>"
    );
}

fn row(rows: &mut String, name: &str, kind: &[String], description: &str) {
    let kind: Vec<_> = kind.iter().filter(|part| !part.is_empty()).map(String::as_str).collect();
    let _ = write!(
        rows,
        "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
        escaped(name),
        kind.join(", "),
        inline(description)
    );
}

/// The type of a value and its bounds, in words.
fn kind_of(schema: &Value) -> String {
    let types: Vec<_> = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        several => list(several).map(text).collect(),
    };
    let mut parts = vec![types.join(" or ")];
    if let Some(fixed) = schema["const"].as_str() {
        parts.push(format!("<code>{}</code>", escaped(fixed)));
    }
    let choices: Vec<_> =
        list(&schema["enum"]).map(|choice| format!("<code>{}</code>", escaped(text(choice)))).collect();
    if !choices.is_empty() {
        parts.push(choices.join(" or "));
    }
    if let Some(format) = schema["format"].as_str() {
        parts.push(escaped(format));
    }
    for (bound, words) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("minLength", "length at least"),
        ("maxLength", "length at most"),
        ("minItems", "items at least"),
        ("maxItems", "items at most"),
    ] {
        if let Some(number) = schema[bound].as_i64() {
            parts.push(format!("{words} {number}"));
        }
    }
    if let Some(pattern) = schema["pattern"].as_str() {
        parts.push(format!("<code>{}</code>", escaped(pattern)));
    }
    if let Some(default) = schema["default"].as_bool() {
        parts.push(format!("<code>{default}</code> if absent"));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

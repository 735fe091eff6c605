//! `/docs`: openapi.yaml as one page to read, without a script.

#![expect(clippy::indexing_slicing, reason = "a member that a YAML value does not have is null")]

mod html;
mod schema;

use std::fmt::Write;

use serde_yaml_ng::{Mapping, Value};

use html::{escaped, prose};

/// The page of the OpenAPI document in `text`.
pub(crate) fn render(text: &str) -> String {
    let document = serde_yaml_ng::from_str(text).unwrap_or_default();
    Reference { document: &document }.page()
}

/// An OpenAPI document, or one that lacks whatever a page could say: then that is left out.
#[derive(Clone, Copy)]
struct Reference<'d> {
    document: &'d Value,
}

/// One method of one path.
struct Operation<'d> {
    path: &'d str,
    method: &'d str,
    said: &'d Value,
}

// Writing to a string cannot fail.
impl<'d> Reference<'d> {
    fn page(self) -> String {
        let info = &self.document["info"];
        let title = escaped(text(&info["title"]));
        let (mut contents, mut body) = (String::new(), String::new());
        for tag in list(&self.document["tags"]).map(|tag| text(&tag["name"])) {
            let _ = write!(contents, "<li>{}<ul>", escaped(tag));
            let _ = write!(body, "<h2>{}</h2>", escaped(tag));
            for operation in self.operations().filter(|it| list(&it.said["tags"]).any(|of| of == tag)) {
                let _ = write!(contents, "<li><a href=\"#{}\">{}</a></li>", operation.id(), operation.call());
                self.operation(&mut body, &operation);
            }
            contents.push_str("</ul></li>");
        }
        format!(
            include_str!("../page/docs.html"),
            title = title,
            version = escaped(text(&info["version"])),
            introduction = prose(text(&info["description"])),
            contents = contents,
            body = body
        )
    }

    fn operations(self) -> impl Iterator<Item = Operation<'d>> {
        members(&self.document["paths"]).flat_map(|(path, methods)| {
            members(methods).map(move |(method, said)| Operation { path, method, said })
        })
    }

    fn operation(self, page: &mut String, operation: &Operation<'_>) {
        let said = operation.said;
        let _ = write!(
            page,
            "<section class=\"card\" id=\"{id}\"><h3>{call}</h3><p class=\"summary\">{summary}</p>{description}",
            id = operation.id(),
            call = operation.call(),
            summary = escaped(text(&said["summary"])),
            description = prose(text(&said["description"])),
        );
        let needed: Vec<_> = list(&said["security"]).map(|one| self.credential(one)).collect();
        if !needed.is_empty() {
            let _ = write!(page, "<p>Needs: {}.</p>", needed.join(", or "));
        }
        let parameters: Vec<_> = list(&said["parameters"]).map(|it| self.resolved(it)).collect();
        if !parameters.is_empty() {
            page.push_str("<h4>Parameters</h4>");
            self.parameters(page, &parameters);
        }
        let content = &self.resolved(&said["requestBody"])["content"]["application/json"];
        if !content.is_null() {
            page.push_str("<h4>Body</h4>");
            self.fields(page, &content["schema"]);
            examples(page, content);
        }
        page.push_str("<h4>Answers</h4>");
        for (status, response) in members(&said["responses"]) {
            self.response(page, status, self.resolved(response));
        }
        page.push_str("</section>");
    }

    /// What a caller must bring, in words.
    fn credential(self, requirement: &Value) -> String {
        let Some((name, _)) = members(requirement).next() else {
            return "nothing beyond the body".to_owned();
        };
        let scheme = &self.document["components"]["securitySchemes"][name];
        match text(&scheme["type"]) {
            "http" => "a token in <code>Authorization: Bearer</code>".to_owned(),
            _ => format!(
                "a token in the {} <code>{}</code>",
                text(&scheme["in"]),
                escaped(text(&scheme["name"]))
            ),
        }
    }

    fn response(self, page: &mut String, status: &str, response: &Value) {
        let of_success = status.starts_with('2');
        let open = if of_success { " open" } else { "" };
        let description = prose(text(&response["description"]));
        let _ = write!(
            page,
            "<details{open}><summary><strong class=\"status s{class}\">{status}</strong> {codes}</summary>{description}",
            class = status.get(..1).unwrap_or_default(),
            status = escaped(status),
            codes = codes(response).join(" "),
        );
        self.headers(page, response);
        let content = &response["content"]["application/json"];
        if of_success && !content.is_null() {
            self.fields(page, &content["schema"]);
        }
        examples(page, content);
        page.push_str("</details>");
    }

    fn headers(self, page: &mut String, response: &Value) {
        for (name, header) in members(&response["headers"]) {
            let header = self.resolved(header);
            let value = header["schema"]["const"].as_str().or(header["example"].as_str()).unwrap_or("…");
            let _ = write!(
                page,
                "<p class=\"header\"><code>{}: {}</code> {}</p>",
                escaped(name),
                escaped(value),
                html::inline(text(&header["description"]))
            );
        }
    }

    fn resolved(self, value: &'d Value) -> &'d Value {
        let Some(reference) = value["$ref"].as_str() else { return value };
        let parts = reference.trim_start_matches("#/").split('/');
        parts.fold(self.document, |found, part| &found[part])
    }
}

impl Operation<'_> {
    fn id(&self) -> String {
        escaped(text(&self.said["operationId"]))
    }

    fn call(&self) -> String {
        let method = escaped(&self.method.to_uppercase());
        format!(
            "<span class=\"method {0}\">{method}</span> <code>{1}</code>",
            escaped(self.method),
            escaped(self.path)
        )
    }
}

/// The codes that a rejection may have, as its schema lists them.
fn codes(response: &Value) -> Vec<String> {
    let schema = &response["content"]["application/json"]["schema"];
    let code = list(&schema["allOf"]).map(|part| &part["properties"]["code"]).find(|code| !code.is_null());
    let Some(code) = code else { return Vec::new() };
    let listed = list(&code["enum"]).chain(std::iter::once(&code["const"]));
    listed.filter_map(Value::as_str).map(|code| format!("<code>{}</code>", escaped(code))).collect()
}

/// The examples of a body, each with what it is an example of.
fn examples(page: &mut String, content: &Value) {
    for (name, example) in members(&content["examples"]) {
        let summary = text(&example["summary"]);
        let told = if summary.is_empty() { String::new() } else { format!(": {}", html::inline(summary)) };
        let _ = write!(page, "<p class=\"example\">Example <code>{}</code>{told}</p>", escaped(name));
        json(page, &example["value"]);
    }
    if !content["example"].is_null() {
        page.push_str("<p class=\"example\">Example</p>");
        json(page, &content["example"]);
    }
}

fn json(page: &mut String, value: &Value) {
    let _ = write!(page, "<pre>{}</pre>", escaped(&serde_json::to_string_pretty(value).unwrap_or_default()));
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_sequence().into_iter().flatten()
}

fn members(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value
        .as_mapping()
        .into_iter()
        .flat_map(Mapping::iter)
        .filter_map(|(name, value)| Some((name.as_str()?, value)))
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;

use super::{html, render};

fn page() -> String {
    render(include_str!("../../openapi.yaml"))
}

#[test]
fn every_operation_code_and_field_of_the_document_is_on_the_page() {
    let (page, document) =
        (page(), serde_yaml_ng::from_str::<super::Value>(include_str!("../../openapi.yaml")).unwrap());
    let mut seen = 0;
    for (path, methods) in super::members(&document["paths"]) {
        for (_, operation) in super::members(methods) {
            let id = operation["operationId"].as_str().unwrap();
            assert!(
                page.contains(&format!("href=\"#{id}\"")) && page.contains(&format!("id=\"{id}\"")),
                "{id}"
            );
            assert!(page.contains(&format!("<code>{path}</code>")), "{path}");
            seen += 1;
        }
    }
    assert!(seen >= 9, "{seen} operations");
    for word in
        ["refresh_expired", "Signature has expired.", "sessions[].session_id", "claims.sid", "Retry-After"]
    {
        assert!(page.contains(word), "{word}");
    }
}

#[test]
fn nothing_on_the_page_is_a_script_a_style_or_from_elsewhere() {
    let page = page();
    for absent in ["<script", "<style", "style=", "src=\"http", "href=\"http"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn what_a_description_says_is_text() {
    assert_eq!(
        html::prose("a <b>\n\n`c<d` **e** & f"),
        "<p>a &lt;b&gt;</p><p><code>c&lt;d</code> <strong>e</strong> &amp; f</p>"
    );
}

#[test]
fn a_document_that_cannot_be_read_is_an_empty_page() {
    assert!(render("- [").contains("<main"));
}

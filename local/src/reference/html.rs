//! The little Markdown that openapi.yaml's descriptions have: paragraphs, `code` and **strong**.

/// `text` in HTML, inside or outside of quotes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Paragraphs.
pub(super) fn prose(markdown: &str) -> String {
    let mut html = String::new();
    for paragraph in markdown.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty()) {
        html.push_str("<p>");
        html.push_str(&inline(paragraph));
        html.push_str("</p>");
    }
    html
}

/// One paragraph, without being one.
pub(super) fn inline(markdown: &str) -> String {
    let mut html = String::new();
    for (index, part) in markdown.split('`').enumerate() {
        if index % 2 == 1 {
            html.extend(["<code>", &escaped(part), "</code>"]);
            continue;
        }
        for (index, part) in part.split("**").enumerate() {
            let (begin, end) = if index % 2 == 1 { ("<strong>", "</strong>") } else { ("", "") };
            html.extend([begin, &escaped(part), end]);
        }
    }
    html
}

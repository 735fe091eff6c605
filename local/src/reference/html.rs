//! The little Markdown that openapi.yaml's descriptions have: paragraphs, `code` and **strong**.

/// `text` in HTML, inside or outside of quotes.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// Paragraphs.
pub(super) fn prose(markdown: &str) -> String {
    let paragraphs = markdown.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(|paragraph| format!("<p>{}</p>", inline(paragraph))).collect()
}

/// One paragraph, without being one.
pub(super) fn inline(markdown: &str) -> String {
    let mut html = String::new();
    for (index, part) in markdown.split('`').enumerate() {
        if index % 2 == 1 {
            html.push_str(&format!("<code>{}</code>", escaped(part)));
            continue;
        }
        for (index, part) in part.split("**").enumerate() {
            let part = escaped(part);
            html.push_str(&if index % 2 == 1 { format!("<strong>{part}</strong>") } else { part });
        }
    }
    html
}

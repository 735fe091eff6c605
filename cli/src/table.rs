use std::fmt;

/// Rows of cells whose columns line up; the last column is as wide as it happens to be.
#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    indent: &'static str,
}

impl Table {
    /// A table under these titles.
    pub(crate) fn titled<const N: usize>(titles: [&str; N]) -> Self {
        let mut table = Self::default();
        table.push(&titles.map(str::to_owned));
        table
    }

    /// A table without titles, moved to the right by two.
    pub(crate) fn indented() -> Self {
        Self { indent: "  ", ..Self::default() }
    }

    /// One more row, made fit for a terminal.
    pub(crate) fn push<const N: usize>(&mut self, cells: &[String; N]) {
        self.rows.push(cells.iter().map(|cell| printable(cell)).collect());
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for row in &self.rows {
            let mut line = self.indent.to_owned();
            for (column, cell) in row.iter().enumerate() {
                let gap = self.width(column) - cell.chars().count() + 2;
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', gap));
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// `text` with everything escaped that a terminal would obey: a user agent or an unverified claim is
/// whatever a stranger sent.
pub(crate) fn printable(text: &str) -> String {
    text.escape_debug().to_string().replace("\\\"", "\"").replace("\\'", "'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_spaces() {
        let mut table = Table::titled(["NAME", "N", ""]);
        table.push(&["ada".into(), "10".into(), String::new()]);
        table.push(&["\u{e9}tienne".into(), "1".into(), "x".into()]);
        assert_eq!(table.to_string(), "NAME     N\nada      10\n\u{e9}tienne  1   x\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped() {
        assert_eq!(printable("a\u{1b}[31m\u{9b}\r\n"), r"a\u{1b}[31m\u{9b}\r\n");
        assert_eq!(printable("\u{202e}\u{200b}"), r"\u{202e}\u{200b}");
        assert_eq!(printable(r#"{"a":"it's \u00e9"}"#), r#"{"a":"it's \\u00e9"}"#);
    }
}

use std::{fmt::Write, fs, io, path::Path};

const BEGIN: &str = "<!-- bench:begin -->";
const END: &str = "<!-- bench:end -->";

/// A table in Markdown.
#[derive(Clone, Debug)]
pub struct Table {
    text: String,
}

impl Table {
    /// With these heads; all columns but the first are numbers.
    pub fn new(heads: &[&str]) -> Self {
        let mut text = format!("| {} |\n| --- |", heads.join(" | "));
        text.push_str(&" ---: |".repeat(heads.len() - 1));
        text.push('\n');
        Self { text }
    }

    pub fn row(&mut self, cells: &[String]) {
        writeln!(self.text, "| {} |", cells.join(" | ")).unwrap();
    }

    pub fn text(&self) -> &str {
        &self.text
    }
}

/// Puts `text` between the two markers of a file.
pub fn write_between_markers(file: &Path, text: &str) -> io::Result<()> {
    let before = fs::read_to_string(file)?;
    let missing = || io::Error::other(format!("{} has no {BEGIN} and {END}", file.display()));
    let (head, rest) = before.split_once(BEGIN).ok_or_else(missing)?;
    let (_, tail) = rest.split_once(END).ok_or_else(missing)?;
    fs::write(file, format!("{head}{BEGIN}\n{text}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_markers_is_replaced_and_the_rest_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("README.md");
        fs::write(&file, format!("# A\n{BEGIN}\nold\n{END}\nB\n")).unwrap();
        let mut table = Table::new(&["a", "b"]);
        table.row(&["x".to_owned(), "1".to_owned()]);
        write_between_markers(&file, table.text()).unwrap();
        let expected = format!("# A\n{BEGIN}\n| a | b |\n| --- | ---: |\n| x | 1 |\n\n{END}\nB\n");
        assert_eq!(fs::read_to_string(&file).unwrap(), expected);
        fs::write(&file, "no markers").unwrap();
        assert!(write_between_markers(&file, "x").is_err());
    }
}

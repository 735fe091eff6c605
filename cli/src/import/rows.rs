use std::io::{self, BufRead};

/// The longest row that is kept; a user takes far less.
const MAX_ROW_BYTES: usize = 64 * 1024;

/// The rows of a file: its lines, or the elements of the array that it is. One row at a time is in memory.
pub(super) struct Rows<R> {
    input: R,
    form: Form,
    number: u64,
    /// How many bytes have been read.
    pub(super) bytes: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Form {
    Unknown,
    Lines,
    Array,
    Over,
}

/// A row, counted from 1: the line, or the element of the array.
#[derive(Debug, PartialEq)]
pub(super) struct Row {
    pub(super) number: u64,
    pub(super) text: RowText,
}

#[derive(Debug, PartialEq)]
pub(super) enum RowText {
    Read(Vec<u8>),
    /// Longer than 64 KiB, and skipped.
    TooLong,
}

/// Why there are no further rows.
#[derive(Debug, thiserror::Error)]
pub(super) enum RowsError {
    /// The file or standard input.
    #[error("cannot read the rows")]
    Io(#[from] io::Error),
    /// The array goes on where it should not.
    #[error(
        "the JSON array is broken here; where a program printed lines around the dump, write it with --output FILE"
    )]
    BrokenArray,
    /// The file ends within the array.
    #[error("the file ends before the JSON array does: the dump was cut off, make it again")]
    CutOff,
    /// What Windows PowerShell's `>` writes.
    #[error(
        "the file is UTF-16, as PowerShell's > writes it; write the dump with --output FILE, or save it as UTF-8"
    )]
    Utf16,
    /// A line that a program printed in front of the rows.
    #[error(
        "the file does not begin with JSON; a program printed something before it: write the dump with --output FILE"
    )]
    NotJson,
}

impl<R: BufRead> Rows<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, form: Form::Unknown, number: 0, bytes: 0 }
    }

    /// The row that was read last, or that an error is in.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// The next row, if there is one.
    pub(super) fn next(&mut self) -> Result<Option<Row>, RowsError> {
        match self.form {
            Form::Unknown => {
                self.form = self.detect()?;
                self.next()
            }
            Form::Lines => Ok(self.line()?),
            Form::Array => self.element(),
            Form::Over => Ok(None),
        }
    }

    /// An array begins with `[`, and no object does.
    fn detect(&mut self) -> Result<Form, RowsError> {
        while let Some(byte) = self.peek()? {
            match byte {
                b'[' => {
                    self.advance();
                    self.number = 0;
                    let empty = self.skip_space()? == Some(b']');
                    return if empty { self.end_array() } else { Ok(Form::Array) };
                }
                b'\n' => self.number += 1,
                byte if byte.is_ascii_whitespace() => {}
                // The byte order mark that some editors put first.
                0xEF | 0xBB | 0xBF => {}
                b'{' => return Ok(Form::Lines),
                byte => {
                    self.number += 1;
                    return Err(if matches!(byte, 0xFF | 0xFE | 0) {
                        RowsError::Utf16
                    } else {
                        RowsError::NotJson
                    });
                }
            }
            self.advance();
        }
        Ok(Form::Over)
    }

    fn line(&mut self) -> io::Result<Option<Row>> {
        loop {
            if self.peek()?.is_none() {
                return Ok(None);
            }
            self.number += 1;
            let mut text = Text::default();
            while let Some(byte) = self.peek()? {
                self.advance();
                if byte == b'\n' {
                    break;
                }
                text.push(byte);
            }
            if !text.is_blank() {
                return Ok(Some(text.into_row(self.number)));
            }
        }
    }

    fn element(&mut self) -> Result<Option<Row>, RowsError> {
        self.number += 1;
        self.skip_space()?;
        let mut text = Text::default();
        let (mut depth, mut in_string, mut escaped) = (0_u64, false, false);
        loop {
            let byte = self.peek()?.ok_or(RowsError::CutOff)?;
            if !in_string && depth == 0 && matches!(byte, b',' | b']') {
                break;
            }
            self.advance();
            text.push(byte);
            match byte {
                _ if escaped => escaped = false,
                b'\\' if in_string => escaped = true,
                b'"' => in_string = !in_string,
                _ if in_string => {}
                b'[' | b'{' => depth += 1,
                b']' | b'}' => depth = depth.saturating_sub(1),
                _ => {}
            }
        }
        if text.is_blank() {
            return Err(RowsError::BrokenArray);
        }
        if self.peek()? == Some(b',') {
            self.advance();
        } else {
            self.form = self.end_array()?;
        }
        Ok(Some(text.into_row(self.number)))
    }

    /// Nothing but space follows the bracket.
    fn end_array(&mut self) -> Result<Form, RowsError> {
        self.advance();
        if self.skip_space()?.is_some() { Err(RowsError::BrokenArray) } else { Ok(Form::Over) }
    }

    fn skip_space(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.peek()? {
                Some(byte) if byte.is_ascii_whitespace() => self.advance(),
                byte => return Ok(byte),
            }
        }
    }

    fn peek(&mut self) -> io::Result<Option<u8>> {
        loop {
            match self.input.fill_buf() {
                Ok(buffer) => return Ok(buffer.first().copied()),
                Err(problem) if problem.kind() == io::ErrorKind::Interrupted => {}
                Err(problem) => return Err(problem),
            }
        }
    }

    fn advance(&mut self) {
        self.input.consume(1);
        self.bytes += 1;
    }
}

/// The beginning of a row, and how long all of it is.
#[derive(Default)]
struct Text {
    bytes: Vec<u8>,
    is_longer: bool,
}

impl Text {
    fn push(&mut self, byte: u8) {
        if self.bytes.len() < MAX_ROW_BYTES {
            self.bytes.push(byte);
        } else {
            self.is_longer = true;
        }
    }

    fn is_blank(&self) -> bool {
        !self.is_longer && self.bytes.trim_ascii().is_empty()
    }

    fn into_row(self, number: u64) -> Row {
        let text = if self.is_longer { RowText::TooLong } else { RowText::Read(self.bytes) };
        Row { number, text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row's number and text, and whether the end was in order; read in buffers of one byte and of many.
    fn rows(input: &str) -> (Vec<(u64, String)>, bool) {
        let read = |buffer| {
            let mut rows = Rows::new(io::BufReader::with_capacity(buffer, input.as_bytes()));
            let mut read = Vec::new();
            loop {
                match rows.next() {
                    Ok(Some(Row { number, text: RowText::Read(text) })) => {
                        read.push((number, String::from_utf8(text).unwrap().trim().to_owned()));
                    }
                    Ok(Some(Row { number, text: RowText::TooLong })) => {
                        read.push((number, "too long".into()));
                    }
                    Ok(None) => return (read, true),
                    Err(_) => return (read, false),
                }
            }
        };
        assert_eq!(read(1), read(8192));
        read(8192)
    }

    fn numbered(texts: &[(u64, &str)]) -> Vec<(u64, String)> {
        texts.iter().map(|(number, text)| (*number, (*text).to_owned())).collect()
    }

    #[test]
    fn lines_are_rows_and_empty_ones_are_counted() {
        for input in ["{1}\n{2}\n", "{1}\r\n{2}", "{1}\n{2}\n \n\n", "\u{feff}{1}\n{2}"] {
            assert_eq!(rows(input), (numbered(&[(1, "{1}"), (2, "{2}")]), true), "{input}");
        }
        assert_eq!(rows("\n \n{3}\n\nx[y\n"), (numbered(&[(3, "{3}"), (5, "x[y")]), true));
        assert_eq!(rows("{1}\n{"), (numbered(&[(1, "{1}"), (2, "{")]), true));
    }

    #[test]
    fn elements_of_an_array_are_rows() {
        for input in ["[{1},{2}]", "\u{feff}[{1},{2}]", " [ {1} ,\n{2}\n]\n", "\n[\n{1},\n{2}]"] {
            assert_eq!(rows(input), (numbered(&[(1, "{1}"), (2, "{2}")]), true), "{input}");
        }
        let strings = r#"[{"a":"],}\"{","b":[1,{}]},"x,]",7]"#;
        let expected = numbered(&[(1, r#"{"a":"],}\"{","b":[1,{}]}"#), (2, r#""x,]""#), (3, "7")]);
        assert_eq!(rows(strings), (expected, true));
    }

    #[test]
    fn there_may_be_no_row() {
        for input in ["", "\n", " \r\n\t", "[]", "[ ]\n"] {
            assert_eq!(rows(input), (Vec::new(), true), "{input:?}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_file_is_said() {
        let problem = |input: &[u8]| {
            let mut rows = Rows::new(input);
            loop {
                match rows.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(problem) => return Some((rows.number(), problem.to_string())),
                }
            }
        };
        let expected: [(&[u8], u64, &str); 7] = [
            (b"\xff\xfe[\0{\0", 1, "the file is UTF-16"),
            (b"\xfe\xff\0[\0{", 1, "the file is UTF-16"),
            (b"Loading settings\n[{}]", 1, "the file does not begin with JSON"),
            (b"\n7", 2, "the file does not begin with JSON"),
            (b"[{},{}", 2, "the file ends before the JSON array does"),
            (b"[{}", 1, "the file ends before the JSON array does"),
            (b"[INFO] loading\n[{}]", 1, "the JSON array is broken here"),
        ];
        for (input, row, message) in expected {
            let (number, problem) = problem(input).unwrap();
            assert!(number == row && problem.starts_with(message), "{number} {problem}");
        }
    }

    #[test]
    fn a_broken_array_gives_the_rows_before_the_break() {
        for input in ["[{1},", "[{1},{2", "[{1},]", "[{1},,{2}]", "[{1},\"x]"] {
            assert_eq!(rows(input), (numbered(&[(1, "{1}")]), false), "{input}");
        }
        for input in ["[", "[,", "[] x", "[][]", "[{1}"] {
            assert_eq!(rows(input), (Vec::new(), false), "{input}");
        }
        assert_eq!(rows("[{1}]x"), (Vec::new(), false));
    }

    #[test]
    fn a_row_ends_at_64_kib_and_hides_no_other() {
        let fits = format!("{{{}}}", "x".repeat(MAX_ROW_BYTES - 2));
        let long = "x".repeat(1_000_000);
        assert_eq!(
            rows(&format!("{fits}\n{long}\n{{3}}")),
            (numbered(&[(1, &fits), (2, "too long"), (3, "{3}")]), true)
        );
        assert_eq!(
            rows(&format!("[{fits},\"{long}\",{{3}}]")),
            (numbered(&[(1, &fits), (2, "too long"), (3, "{3}")]), true)
        );
        let blank = " ".repeat(1_000_000);
        assert_eq!(rows(&format!("{blank}{{1}}\n")), (numbered(&[(1, "{1}")]), true));
    }
}

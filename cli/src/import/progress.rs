use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

/// How often a line is written where there is no terminal to draw a bar on.
const ROWS_PER_LINE: u64 = 10_000;

/// How far it is, on standard error.
pub(super) enum Progress {
    /// Of this many bytes; a bar that moves where nobody knows how many there are.
    Bar(ProgressBar),
    Lines,
    Quiet,
}

impl Progress {
    pub(super) fn new(bytes: Option<u64>) -> Self {
        if !io::stderr().is_terminal() {
            return Self::Lines;
        }
        let (bar, style) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{bar:40} {percent:>3}%  {msg}  {eta} left"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}  {elapsed}"),
        };
        // Only an invalid template is rejected.
        Self::Bar(ProgressStyle::with_template(style).map_or(bar.clone(), |style| bar.with_style(style)))
    }

    /// `rows` have been dealt with, which end at this byte.
    pub(super) fn at(&self, rows: u64, bytes: u64) {
        match self {
            Self::Bar(bar) => {
                bar.set_position(bytes);
                bar.set_message(format!("{rows} rows"));
            }
            Self::Lines if rows.is_multiple_of(ROWS_PER_LINE) => {
                // Nobody is left to tell when this fails.
                let _ = writeln!(io::stderr(), "{rows} rows");
            }
            Self::Lines | Self::Quiet => {}
        }
    }

    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}

//! Prints docs/commands.md: `cargo run -p cli --example commands > docs/commands.md`

use std::io::{self, Write};

use clap::CommandFactory;
use clap_markdown::{MarkdownOptions, help_markdown_command_custom};

fn main() -> io::Result<()> {
    io::stdout().write_all(reference().as_bytes())
}

/// Every command with its arguments and options.
pub(crate) fn reference() -> String {
    let style = MarkdownOptions::new().title("The commands of latchkey".to_owned()).show_footer(false);
    help_markdown_command_custom(&cli::Options::command(), &style)
}

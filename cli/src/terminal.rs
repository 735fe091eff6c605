use std::{
    io::{self, BufRead, IsTerminal, Read, Write},
    process::ExitCode,
};

use crate::{CliError, Outcome, Report};

/// The most that is read of a line: far beyond any password or token, so that those say what is wrong.
const MAX_LINE_BYTES: u64 = 64 * 1024;

/// Where questions are asked and input is read; tests answer them in a terminal's place.
pub trait Terminal {
    /// Whether there is a person to ask.
    fn is_interactive(&self) -> bool;
    /// Asks for what nobody may see, without its line end.
    fn ask_secret(&mut self, prompt: &str) -> io::Result<String>;
    /// Asks, and returns the answer without its line end.
    fn ask(&mut self, prompt: &str) -> io::Result<String>;
    /// The first line of standard input without its line end, `\n` or `\r\n`.
    fn read_line(&mut self) -> io::Result<String>;
}

/// Goes on only after a yes; `otherwise` says what to do where nobody can be asked.
pub(crate) fn confirm(
    terminal: &mut impl Terminal,
    question: &str,
    otherwise: &'static str,
) -> Result<(), CliError> {
    if !terminal.is_interactive() {
        return Err(CliError::NobodyToAsk(otherwise));
    }
    let answer = terminal.ask(&format!("{question} [y/N] ")).map_err(CliError::Input)?;
    let yes = matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes");
    if yes { Ok(()) } else { Err(CliError::NotConfirmed) }
}

/// The terminal and the standard streams of this process.
#[derive(Clone, Copy, Debug)]
pub struct Console;

impl Terminal for Console {
    fn is_interactive(&self) -> bool {
        io::stdin().is_terminal()
    }

    fn ask_secret(&mut self, prompt: &str) -> io::Result<String> {
        rpassword::prompt_password(prompt)
    }

    fn ask(&mut self, prompt: &str) -> io::Result<String> {
        // Not on standard output, which may be a file or another program.
        write!(io::stderr(), "{prompt}")?;
        self.read_line()
    }

    fn read_line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut line)?;
        if line.ends_with('\n') {
            line.pop();
            if line.ends_with('\r') {
                line.pop();
            }
        }
        Ok(line)
    }
}

impl Console {
    /// Prints a report as text or JSON.
    ///
    /// A reader that has gone away is no failure of the command, which is done.
    pub fn print(&self, report: &Report, json: bool) -> ExitCode {
        // Where the work itself goes to standard output, the report has neither.
        let text =
            if json && !report.json.is_null() { format!("{}\n", report.json) } else { report.text.clone() };
        let mut output = io::stdout().lock();
        match output.write_all(text.as_bytes()).and_then(|()| output.flush()) {
            Err(problem) if problem.kind() != io::ErrorKind::BrokenPipe => {
                self.complain(&CliError::Output(problem))
            }
            _ => match report.outcome {
                Outcome::Success => ExitCode::SUCCESS,
                Outcome::Rejected => ExitCode::FAILURE,
                Outcome::Interrupted => ExitCode::from(130),
            },
        }
    }

    /// Prints a failure on one line of standard error.
    pub fn complain(&self, failure: &CliError) -> ExitCode {
        // Nobody is left to tell when this fails.
        let _ = writeln!(io::stderr(), "latchkey: {}", failure.in_one_line());
        ExitCode::from(failure.exit_status())
    }
}

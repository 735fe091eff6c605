//! `latchkey doctor`: whether a service works, and whether the settings of one would, in one list.

mod checks;
mod settings;
mod web;

use serde_json::{Value, json};
use token::Timestamp;

use crate::{
    CliError, Doctor, Outcome, Report, doctor::checks::Service, invocation::Invocation, table::printable,
};

/// What came of one check.
pub(crate) struct Check {
    what: &'static str,
    verdict: Verdict,
    said: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Good,
    /// It works, and somebody should know.
    Warning,
    Bad,
}

impl Check {
    fn good(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Good, said: said.into() }
    }

    fn warning(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Warning, said: said.into() }
    }

    fn bad(what: &'static str, said: impl Into<String>) -> Self {
        Self { what, verdict: Verdict::Bad, said: said.into() }
    }
}

impl Verdict {
    const fn word(self) -> &'static str {
        match self {
            Self::Good => "ok",
            Self::Warning => "warning",
            Self::Bad => "failed",
        }
    }
}

pub(crate) async fn run(
    options: &Doctor,
    clock: impl Fn() -> Timestamp,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let mut checks = Vec::new();
    if let Some(file) = &options.config_file {
        checks.extend(settings::check(file, &options.config_env)?);
    }
    if let Some(url) = &options.url {
        Service::new(url).check(options, clock, invocation, &mut checks).await;
    }
    let width = checks.iter().map(|check| check.what.len()).max().unwrap_or_default();
    let line = |Check { what, verdict, said }: &Check| {
        format!("{:<7}  {what:<width$}  {}\n", verdict.word(), printable(said))
    };
    let text = checks.iter().map(line).collect::<Vec<_>>().concat();
    let outcome = if checks.iter().any(|check| check.verdict == Verdict::Bad) {
        Outcome::Rejected
    } else {
        Outcome::Success
    };
    let json: Vec<Value> = checks
        .iter()
        .map(
            |Check { what, verdict, said }| json!({ "check": what, "verdict": verdict.word(), "said": said }),
        )
        .collect();
    Ok(Report { text, json: json!({ "checks": json }), outcome })
}

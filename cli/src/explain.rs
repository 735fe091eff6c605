use std::fmt::Write;

use serde_json::{Map, Value, json};
use token::{Explanation, Timestamp, TokenError, UnverifiedToken, Verdict};

use crate::{ExplainToken, Failure, Outcome, Report, Terminal, meaning, signature::Signature};

/// Says what a token is, when it dies, and whether it can be refreshed at `now` or at `--at`.
pub(crate) fn explain(
    options: &ExplainToken,
    terminal: &mut impl Terminal,
    now: Timestamp,
) -> Result<Report, Failure> {
    let now = options.at.unwrap_or(now);
    let policy = options.policy.policy()?;
    let text = match options.token.as_str() {
        "-" => terminal.read_line().map_err(Failure::Input)?,
        text => text.to_owned(),
    };
    let token = UnverifiedToken::parse(&text)?;
    let claims = token.unverified_claims()?;
    let signature = Signature::check(&token, options, now)?;
    let mut problems = token.problems(now);
    if let Signature::Wrong(problem) = signature {
        problems.retain(|other| *other != problem);
        problems.insert(0, problem);
    }
    let lifetime = token.unverified_lifetime();
    let explanation = lifetime.map(|lifetime| Explanation::new(&policy, lifetime, now));
    Ok(Findings { header: token.header(), claims: &claims, signature, problems, explanation }.report())
}

/// All that can be said of a token.
struct Findings<'a> {
    header: &'a Map<String, Value>,
    claims: &'a Map<String, Value>,
    signature: Signature,
    /// Why it is refused.
    problems: Vec<TokenError>,
    /// What its age says; none without `iat` and `exp`.
    explanation: Option<Explanation>,
}

impl Findings<'_> {
    fn report(&self) -> Report {
        let outcome = if self.is_refreshable() { Outcome::Success } else { Outcome::Refused };
        Report { text: self.text(), json: self.json(), outcome }
    }

    fn is_refreshable(&self) -> bool {
        let refreshable = |explanation: &Explanation| explanation.verdict == Verdict::Refreshable;
        self.problems.is_empty() && self.explanation.as_ref().is_some_and(refreshable)
    }

    fn text(&self) -> String {
        let mut text = format!(
            "{}\n\nHeader\n{}\nClaims\n{}\n",
            self.signature.sentence(),
            meaning::of_header(self.header),
            meaning::of_claims(self.claims)
        );
        // Writing to a string cannot fail.
        for sentence in self.sentences() {
            let _ = writeln!(text, "{sentence}");
        }
        text
    }

    fn sentences(&self) -> Vec<String> {
        let Some(explanation) = &self.explanation else { return self.refusals().collect() };
        let mut sentences = explanation.sentences.clone();
        if explanation.verdict == Verdict::Refreshable && !self.problems.is_empty() {
            // It says "it can be refreshed now", which is true of its age alone.
            sentences.pop();
        }
        sentences.extend(self.refusals());
        sentences
    }

    fn refusals(&self) -> impl Iterator<Item = String> {
        let of_its_form = self.problems.iter().filter(|problem| !is_of_age(**problem));
        of_its_form.map(|problem| format!("It is refused whatever its age: {problem}."))
    }

    fn json(&self) -> Value {
        let problems: Vec<String> = self.problems.iter().map(ToString::to_string).collect();
        json!({
            "refreshable": self.is_refreshable(),
            "signature": self.signature.to_json(),
            "header": self.header,
            "claims": self.claims,
            "problems": problems,
            "explanation": self.explanation,
        })
    }
}

/// Whether the explanation says so already, with its arithmetic.
fn is_of_age(problem: TokenError) -> bool {
    matches!(problem, TokenError::Expired | TokenError::IssuedInFuture)
}

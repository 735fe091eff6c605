use std::fmt::Write;

use serde_json::{Map, Value, json};
use token::{Explanation, Timestamp, TokenError, UnverifiedToken, Verdict};

use crate::{
    CliError, ExplainToken, Outcome, Report, Terminal, explain_access, meaning,
    service_settings::ServiceSettings, signature::Signature,
};

/// Says what a token is, when it dies, and whether it can be refreshed at `now` or at `--at`.
pub(crate) fn explain(
    options: &ExplainToken,
    terminal: &mut impl Terminal,
    now: Timestamp,
) -> Result<Report, CliError> {
    let now = options.at.unwrap_or(now);
    let settings = ServiceSettings::of(options)?;
    let text = match options.token.as_str() {
        "-" => terminal.read_line().map_err(CliError::Input)?,
        text => text.to_owned(),
    };
    let token = UnverifiedToken::parse(&text)?;
    let claims = token.unverified_claims()?;
    let signature = Signature::check(&token, options, now)?;
    if token.says_access_token() {
        return Ok(explain_access::report(&token, &claims, &signature, now));
    }
    let problems = signature.before(token.problems(now));
    let lifetime = token.unverified_lifetime();
    let explanation = lifetime.map(|lifetime| Explanation::new(&settings.policy, lifetime, now));
    let header = token.header();
    Ok(Findings { header, claims: &claims, signature, problems, explanation, settings }.report())
}

/// All that can be said of a token.
struct Findings<'a> {
    header: &'a Map<String, Value>,
    claims: &'a Map<String, Value>,
    signature: Signature,
    /// Why it is rejected.
    problems: Vec<TokenError>,
    /// What its age says; none without `iat` and `exp`.
    explanation: Option<Explanation>,
    /// By which settings of the service.
    settings: ServiceSettings,
}

impl Findings<'_> {
    fn report(&self) -> Report {
        let outcome = if self.is_refreshable() { Outcome::Success } else { Outcome::Rejected };
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
        let Some(explanation) = &self.explanation else { return self.rejections().collect() };
        let mut sentences = self.marked(explanation);
        if explanation.verdict == Verdict::Refreshable && !self.problems.is_empty() {
            // It says "it can be refreshed now", which is true of its age alone.
            sentences.pop();
        }
        sentences.extend(self.rejections());
        let contradictions = explanation.contradictions.iter();
        sentences.extend(contradictions.map(|text| format!("These settings do not fit the token: {text}")));
        sentences.extend(self.settings.warning());
        sentences
    }

    /// The sentences of the explanation, with a mark on those that stand on an assumption.
    fn marked(&self, explanation: &Explanation) -> Vec<String> {
        let sentences = explanation.sentences.iter().enumerate();
        let is_assumed = |index| !self.settings.assumed.is_empty() && explanation.depends_on_policy(index);
        sentences
            .map(|(index, text)| if is_assumed(index) { format!("Assumed: {text}") } else { text.clone() })
            .collect()
    }

    fn rejections(&self) -> impl Iterator<Item = String> {
        let of_its_form = self.problems.iter().filter(|problem| !is_of_age(**problem));
        of_its_form.map(|problem| format!("It is rejected whatever its age: {problem}."))
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
            "settings": self.settings.to_json(),
        })
    }
}

/// Whether the explanation says so already, with its arithmetic.
fn is_of_age(problem: TokenError) -> bool {
    matches!(problem, TokenError::Expired | TokenError::IssuedInFuture)
}

//! Settings before they are deployed: each is read as the functions will read it.

use std::{collections::BTreeMap, path::Path};

use edge::{Environment, MailFrom, SettingError};

use super::Check;
use crate::{CliError, build_check};

/// Which parameter of template.yaml becomes which variable, where the value is handed on as it is. A test compares them.
const PARAMETERS: [(&str, &str); 21] = [
    ("ACCESS_TOKEN_AUDIENCES", "AccessTokenAudiences"),
    ("ACCESS_TOKEN_EXPIRATION_DELTA", "AccessTokenExpirationDelta"),
    ("ACCOUNT_LINK", "AccountLink"),
    ("AUTHORIZER_AUDIENCE", "AuthorizerAudience"),
    ("AUTHORIZER_ON_FAILURE", "AuthorizerOnFailure"),
    ("AUTHORIZER_READS_COOKIE", "AuthorizerReadsCookie"),
    ("AUTHORIZER_RESPONSE", "AuthorizerResponse"),
    ("CORS_ALLOWED_ORIGINS", "CorsAllowedOrigins"),
    ("JWT_ALLOW_REFRESH", "AllowRefresh"),
    ("JWT_AUDIENCE", "Audience"),
    ("JWT_AUTH_COOKIE", "AuthCookie"),
    ("JWT_AUTH_COOKIE_SAMESITE", "AuthCookieSameSite"),
    ("JWT_EXPIRATION_DELTA", "ExpirationDelta"),
    ("JWT_ISSUER", "Issuer"),
    ("JWT_REFRESH_EXPIRATION_DELTA", "RefreshExpirationDelta"),
    ("LOGIN_FAILURES_PER_ADDRESS", "LoginFailuresPerAddress"),
    ("MACHINE_CLIENTS", "MachineClients"),
    ("ORIGIN_SECRETS", "OriginSecrets"),
    ("PASSWORD_MIN_LENGTH", "PasswordMinLength"),
    ("SIGNING_ALGORITHM", "SigningAlgorithm"),
    ("SIGNING_KEYS_MAX_STALE", "SigningKeysMaxStale"),
];

/// What is deployed by this version.
const TEMPLATE: &str = include_str!("../../../template.yaml");
/// What stands for the address that API Gateway will give.
const NOT_YET: &str = "https://abcdef1234.execute-api.us-east-1.amazonaws.com";

pub(super) fn check(file: &Path, environment: &str) -> Result<Vec<Check>, CliError> {
    let parameters = build_check::parameters(file, environment)?;
    let lookup = |variable: &str| variable_of(&parameters, variable);
    let settings = Environment::new(&lookup);
    let mut checks: Vec<Check> = Vec::new();
    // What depends on another setting says so once, under the first name that is wrong.
    for wrong in problems(&settings) {
        let said = named(&wrong.to_string());
        if !checks.iter().any(|check| check.said.starts_with(&said)) {
            checks.push(match kept_by_the_stack(&said, &parameters) {
                None => Check::bad("settings", said),
                Some(other) => Check::warning(
                    "settings",
                    format!("{said}; unless the stack keeps such a value of {other}"),
                ),
            });
        }
    }
    checks.extend(letters(&parameters));
    if parameters.get("VerifiersReadSecret").is_some_and(|reads| reads == "true")
        && lookup("ACCESS_TOKEN_AUDIENCES").is_some()
    {
        let said =
            "AccessTokenAudiences cannot be used while HS256 tokens are accepted (VerifiersReadSecret)";
        checks.push(Check::bad("settings", said));
    }
    let known: Vec<_> = names_in(TEMPLATE).collect();
    // SAM leaves them out without a word.
    for name in parameters.keys().filter(|name| !known.contains(&name.as_str())) {
        checks.push(Check::bad("settings", format!("the template has no parameter {name}")));
    }
    if checks.is_empty() {
        let (count, file) = (parameters.len(), file.display());
        let said = format!(
            "the {count} parameters of {file} are sound by themselves; a stack keeps its values of others"
        );
        checks.push(Check::good("settings", said));
    }
    Ok(checks)
}

/// What is wrong with the settings of letters.
fn letters(parameters: &BTreeMap<String, String>) -> Option<Check> {
    let from = parameters.get("MailFrom").filter(|from| !from.is_empty())?;
    if let Err(problem) = from.parse::<MailFrom>() {
        return Some(Check::bad("settings", format!("MailFrom {problem}")));
    }
    match parameters.get("AccountLink").map(String::is_empty) {
        Some(false) => None,
        Some(true) => Some(Check::bad("settings", "MailFrom needs AccountLink")),
        None => {
            let said = "MailFrom needs AccountLink; unless the stack keeps such a value of AccountLink";
            Some(Check::warning("settings", said))
        }
    }
}

/// The names of the template's parameters.
fn names_in(template: &str) -> impl Iterator<Item = &str> {
    let of_parameters =
        template.split("\nParameters:\n").nth(1).and_then(|rest| rest.split("\nRules:").next());
    let lines = of_parameters.unwrap_or_default().lines();
    lines.filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':').filter(|name| !name.starts_with(' ')))
}

/// Another parameter that the sentence names and the file does not, whose value may be in the stack.
fn kept_by_the_stack(said: &str, parameters: &BTreeMap<String, String>) -> Option<&'static str> {
    let words = || said.split(|next: char| !next.is_alphanumeric()).skip(1);
    let others = PARAMETERS.iter().map(|(_, parameter)| *parameter);
    others.into_iter().find(|other| words().any(|word| word == *other) && !parameters.contains_key(*other))
}

fn variable_of(parameters: &BTreeMap<String, String>, variable: &str) -> Option<String> {
    let given = |parameter: &str| parameters.get(parameter).cloned().filter(|value| !value.is_empty());
    let value =
        PARAMETERS.iter().find(|(name, _)| *name == variable).and_then(|(_, parameter)| given(parameter));
    match variable {
        "JWT_ISSUER" => value
            .or_else(|| given("DomainName").map(|domain| format!("https://{domain}")))
            .or_else(|| Some(NOT_YET.to_owned())),
        "JWT_AUTH_COOKIE_SAMESITE" => value.filter(|_| given("AuthCookie").is_some()),
        // SAM keeps it from the terminal, and `none` stands for none.
        "ORIGIN_SECRETS" => value.filter(|value| value != "none"),
        _ => value,
    }
}

fn problems(settings: &Environment<'_>) -> Vec<SettingError> {
    let mut results = vec![
        settings.session_policy().map(drop),
        settings.issuer().map(drop),
        settings.cors().map(drop),
        settings.cookie_mode().map(drop),
        settings.access_policy().map(drop),
        settings.machine_clients().map(drop),
        settings.authorizer_audience().map(drop),
        settings.authorizer_cookie().map(drop),
        settings.authorizer_response().map(drop),
        settings.on_failure().map(drop),
        settings.failures_per_address().map(drop),
        settings.password_policy().map(drop),
        settings.rotation_policy().map(drop),
    ];
    if !matches!(settings.named_account_link(), Ok(None)) {
        results.push(settings.account_link().map(drop));
    }
    results.into_iter().filter_map(Result::err).collect()
}

/// The sentence with the names of parameters, which is what the file has.
fn named(said: &str) -> String {
    let with = |text: String, (variable, parameter): &(&str, &str)| {
        let words = text.split(' ').map(|word| match word.strip_prefix(variable) {
            Some(rest) if !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_') => {
                format!("{parameter}{rest}")
            }
            _ => word.to_owned(),
        });
        words.collect::<Vec<_>>().join(" ")
    };
    PARAMETERS.iter().fold(said.to_owned(), with)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_gives_each_variable_the_value_of_its_parameter() {
        let template = TEMPLATE;
        assert!(names_in(template).count() > 40);
        for (variable, parameter) in PARAMETERS {
            let (_, after) = template
                .split_once(&format!("\n        {variable}: "))
                .or_else(|| template.split_once(&format!("\n          {variable}: ")))
                .unwrap_or_else(|| panic!("{variable} is not in the template"));
            // In the same value, which may go over a few lines.
            let value: Vec<_> = after.lines().take(if variable == "JWT_ISSUER" { 3 } else { 1 }).collect();
            let (by_value, by_condition) = (format!("!Ref {parameter}"), format!("!If [{parameter}AreOn,"));
            let value = value.concat();
            assert!(value.contains(&by_value) || value.contains(&by_condition), "{variable}: {value}");
            assert!(names_in(template).any(|name| name == parameter), "{parameter}");
        }
    }

    #[test]
    fn sentences_name_parameters() {
        assert_eq!(
            named(
                "ACCOUNT_LINK must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS, as others"
            ),
            "AccountLink must be a page of Issuer or of an origin in CorsAllowedOrigins, as others"
        );
        assert_eq!(
            named("SIGNING_ALGORITHM=HS256: x JWT_AUTH_COOKIE_SAMESITE"),
            "SigningAlgorithm=HS256: x AuthCookieSameSite"
        );
    }
}

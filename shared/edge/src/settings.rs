//! Every setting: its variable, its default and its rule.

use std::ops::RangeInclusive;

use token::{Algorithm, Issuer, RefreshSwitch, RotationPolicy, Seconds, SessionPolicy};
use users::{PasswordPolicy, SHORTEST_PASSWORD};

use crate::signing_keys::CACHE_TIME;

/// `JWT_EXPIRATION_DELTA`: how long a token lives.
const DEFAULT_EXPIRATION: Seconds = Seconds::new(3600);
/// `JWT_REFRESH_EXPIRATION_DELTA`: for how long after the login tokens can be refreshed.
const DEFAULT_REFRESH_EXPIRATION: Seconds = Seconds::new(2 * 86_400);
/// `JWT_AUDIENCE`.
const DEFAULT_AUDIENCE: &str = "latchkey";
/// `SIGNING_KEYS_MAX_STALE`: for how long keys are used past their cache time when Secrets Manager is down.
const DEFAULT_MAX_STALE: Seconds = Seconds::new(3600);
/// `LOGIN_FAILURES_PER_ADDRESS`: more than a busy office mistypes in 15 minutes.
const DEFAULT_FAILURES_PER_ADDRESS: u32 = 100;
/// `PASSWORD_MIN_LENGTH`: what NIST SP 800-63B-4 asks for where the password is the only factor.
const DEFAULT_PASSWORD_LENGTH: usize = 15;
/// Nobody is asked for more than a sentence.
const PASSWORD_LENGTHS: RangeInclusive<usize> = SHORTEST_PASSWORD..=128;
/// The most that `SIGNING_KEYS_MAX_STALE` may be: a key taken out of the secret must stop working some day.
const LONGEST_MAX_STALE: Seconds = Seconds::new(86_400);

/// The environment of a function, read through a closure so that tests need not change their own.
pub struct Environment<'a> {
    lookup: &'a dyn Fn(&str) -> Option<String>,
}

/// A setting that is missing or wrong; says which variable and what it must be, never what it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct SettingError {
    variable: &'static str,
    problem: String,
}

/// `JWT_ISSUER` as an absolute URL without a slash at its end: `iss`, and where the documents are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerUrl(String);

/// What an authorizer of an HTTP API is set to answer; the event does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// An IAM policy.
    Policy,
}

impl<'a> Environment<'a> {
    /// Settings that `lookup` finds by the name of their variable.
    pub fn new(lookup: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self { lookup }
    }

    /// The environment of this process.
    pub fn of_process() -> Environment<'static> {
        #[expect(clippy::disallowed_methods, reason = "the single reading of the environment")]
        Environment { lookup: &|variable| std::env::var(variable).ok() }
    }

    /// The durations and the switch: `JWT_EXPIRATION_DELTA` (1 h), `JWT_REFRESH_EXPIRATION_DELTA`
    /// (2 d) and `JWT_ALLOW_REFRESH` (false).
    pub fn session_policy(&self) -> Result<SessionPolicy, SettingError> {
        let expiration = self.duration("JWT_EXPIRATION_DELTA", DEFAULT_EXPIRATION)?;
        let refresh = self.duration("JWT_REFRESH_EXPIRATION_DELTA", DEFAULT_REFRESH_EXPIRATION)?;
        let switch = if self.flag("JWT_ALLOW_REFRESH")? { RefreshSwitch::On } else { RefreshSwitch::Off };
        SessionPolicy::new(expiration, refresh, switch).map_err(|problem| {
            let variable = match problem {
                token::PolicyError::ExpirationIsZero | token::PolicyError::ExpirationTooLong => {
                    "JWT_EXPIRATION_DELTA"
                }
                token::PolicyError::RefreshExpirationTooLong => "JWT_REFRESH_EXPIRATION_DELTA",
            };
            error(variable, &format!("is out of range: {problem}"))
        })
    }

    /// Where tokens come from: `JWT_ISSUER`, an https URL (http only on this machine), required.
    pub fn issuer_url(&self) -> Result<IssuerUrl, SettingError> {
        IssuerUrl::parse(&self.required("JWT_ISSUER")?).map_err(|problem| error("JWT_ISSUER", problem))
    }

    /// `iss` and `aud`: `JWT_ISSUER` and `JWT_AUDIENCE` (latchkey).
    pub fn issuer(&self) -> Result<Issuer, SettingError> {
        let audience = self.optional("JWT_AUDIENCE").unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned());
        Issuer::new(self.issuer_url()?.as_str(), &audience)
            .map_err(|problem| error("JWT_AUDIENCE", &problem.to_string()))
    }

    /// The DynamoDB table: `USERS_TABLE`, required.
    pub fn users_table(&self) -> Result<String, SettingError> {
        self.required("USERS_TABLE")
    }

    /// The secret's ARN or name: `SIGNING_SECRET`, required.
    pub fn signing_secret(&self) -> Result<String, SettingError> {
        self.required("SIGNING_SECRET")
    }

    /// Where functions that only verify or publish find the public keys: `PUBLIC_KEYS_TABLE`, a `DynamoDB` table;
    /// unset, they read the secret.
    pub fn public_keys_table(&self) -> Option<String> {
        self.optional("PUBLIC_KEYS_TABLE")
    }

    /// How long keys outlive their cache time when Secrets Manager is down: `SIGNING_KEYS_MAX_STALE`
    /// (1 h, at most 1 d, 0 for not at all).
    pub fn keys_max_stale(&self) -> Result<Seconds, SettingError> {
        let stale = self.duration("SIGNING_KEYS_MAX_STALE", DEFAULT_MAX_STALE)?;
        if stale > LONGEST_MAX_STALE {
            return Err(error("SIGNING_KEYS_MAX_STALE", "must be at most 1 d"));
        }
        Ok(stale)
    }

    /// What a new key is and how long it waits: `SIGNING_ALGORITHM` (RS256), `SIGNING_KEYS_MAX_STALE`
    /// and `JWT_EXPIRATION_DELTA`.
    pub fn rotation_policy(&self) -> Result<RotationPolicy, SettingError> {
        let algorithm = match self.optional("SIGNING_ALGORITHM").as_deref() {
            None | Some("RS256") => Algorithm::RS256,
            Some("ES256") => Algorithm::ES256,
            Some("EdDSA") => Algorithm::EdDSA,
            Some("HS256") => Algorithm::HS256,
            Some(_) => return Err(error("SIGNING_ALGORITHM", "must be RS256, ES256, EdDSA or HS256")),
        };
        let cache_age = Seconds::new(CACHE_TIME.get() + self.keys_max_stale()?.get());
        Ok(RotationPolicy::new(algorithm, cache_age, self.session_policy()?.expiration()))
    }

    /// How many failed logins one address may make in 15 minutes: `LOGIN_FAILURES_PER_ADDRESS` (100, 0 for no bound).
    pub fn failures_per_address(&self) -> Result<u32, SettingError> {
        let variable = "LOGIN_FAILURES_PER_ADDRESS";
        self.optional(variable).map_or(Ok(DEFAULT_FAILURES_PER_ADDRESS), |text| {
            text.parse().map_err(|_| error(variable, "must be a whole number of failures, 0 for no bound"))
        })
    }

    /// What a new password must be: `PASSWORD_MIN_LENGTH` (15 characters, 8 to 128).
    pub fn password_policy(&self) -> Result<PasswordPolicy, SettingError> {
        let variable = "PASSWORD_MIN_LENGTH";
        let length = self.optional(variable).map_or(Ok(DEFAULT_PASSWORD_LENGTH), |text| text.parse());
        match length {
            Ok(length) if PASSWORD_LENGTHS.contains(&length) => Ok(PasswordPolicy::new(length)),
            _ => Err(error(variable, "must be 8 to 128 characters")),
        }
    }

    /// The table in which the authorizer looks sessions up: `USERS_TABLE`, required where `CHECK_SESSION` (false)
    /// is true.
    pub fn checked_table(&self) -> Result<Option<String>, SettingError> {
        if self.flag("CHECK_SESSION")? { self.users_table().map(Some) } else { Ok(None) }
    }

    /// How the authorizer answers payload format 2.0: `AUTHORIZER_RESPONSE` (simple).
    pub fn authorizer_response(&self) -> Result<AuthorizerResponse, SettingError> {
        match self.optional("AUTHORIZER_RESPONSE").as_deref() {
            None | Some("simple") => Ok(AuthorizerResponse::Simple),
            Some("policy") => Ok(AuthorizerResponse::Policy),
            Some(_) => Err(error("AUTHORIZER_RESPONSE", "must be simple or policy")),
        }
    }

    /// A variable that must be set; an empty one counts as absent.
    pub(crate) fn required(&self, variable: &'static str) -> Result<String, SettingError> {
        self.optional(variable).ok_or_else(|| error(variable, "must be set"))
    }

    pub(crate) fn optional(&self, variable: &str) -> Option<String> {
        (self.lookup)(variable).filter(|value| !value.is_empty())
    }

    fn flag(&self, variable: &'static str) -> Result<bool, SettingError> {
        match self.optional(variable).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(error(variable, "must be true or false")),
        }
    }

    fn duration(&self, variable: &'static str, default: Seconds) -> Result<Seconds, SettingError> {
        match self.optional(variable) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|problem| error(variable, &format!("is no duration: {problem}")))
            }
        }
    }
}

impl IssuerUrl {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let rest = text.strip_prefix("https://").or_else(|| {
            let rest = text.strip_prefix("http://")?;
            let host = rest.split([':', '/']).next();
            matches!(host, Some("127.0.0.1" | "localhost")).then_some(rest)
        });
        let Some(rest) = rest else { return Err("must be an https:// URL") };
        if rest.is_empty() || rest.starts_with('/') || text.ends_with('/') {
            return Err("must name a host and not end in a slash");
        }
        let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'?' | b'#' | b'@' | b'"' | b'\\');
        if text.len() > 256 || !text.bytes().all(plain) {
            return Err("must be an ASCII URL of at most 256 characters without user, query and fragment");
        }
        Ok(Self(text.to_owned()))
    }

    /// The URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The URL of `path` below the issuer.
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

fn error(variable: &'static str, problem: &str) -> SettingError {
    SettingError { variable, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::redundant_closure_for_method_calls,
        reason = "the lifetime of these methods is bound too early"
    )]

    use super::*;

    fn with<T>(variables: &[(&str, &str)], read: impl Fn(&Environment<'_>) -> T) -> T {
        let lookup =
            |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        read(&Environment::new(&lookup))
    }

    #[test]
    fn refreshing_is_off_and_the_durations_are_the_worked_example_s_unless_set() {
        let policy = with(&[], |settings| settings.session_policy()).unwrap();
        assert_eq!(policy.refresh_switch(), RefreshSwitch::Off);
        assert_eq!((policy.expiration().get(), policy.refresh_expiration().get()), (3600, 172_800));
    }

    #[test]
    fn durations_and_the_switch_are_read() {
        let set = [
            ("JWT_EXPIRATION_DELTA", "300"),
            ("JWT_REFRESH_EXPIRATION_DELTA", "7d"),
            ("JWT_ALLOW_REFRESH", "true"),
        ];
        let policy = with(&set, |settings| settings.session_policy()).unwrap();
        assert_eq!(policy.refresh_switch(), RefreshSwitch::On);
        assert_eq!((policy.expiration().get(), policy.refresh_expiration().get()), (300, 604_800));
    }

    #[test]
    fn a_wrong_setting_is_named_and_its_rule_said() {
        for (variable, value, said) in [
            (
                "JWT_EXPIRATION_DELTA",
                "soon",
                "JWT_EXPIRATION_DELTA is no duration: write seconds, or a duration such as 90s, 15m, 1h, 2d or \"2d 1h\"",
            ),
            (
                "JWT_EXPIRATION_DELTA",
                "0",
                "JWT_EXPIRATION_DELTA is out of range: a token must live for at least 1 second",
            ),
            (
                "JWT_EXPIRATION_DELTA",
                "367d",
                "JWT_EXPIRATION_DELTA is out of range: a token must not live longer than 366 days",
            ),
            (
                "JWT_EXPIRATION_DELTA",
                "-1",
                "JWT_EXPIRATION_DELTA is no duration: write seconds, or a duration such as 90s, 15m, 1h, 2d or \"2d 1h\"",
            ),
            (
                "JWT_REFRESH_EXPIRATION_DELTA",
                "9999d",
                "JWT_REFRESH_EXPIRATION_DELTA is out of range: a session must not be refreshable for longer than 3660 days",
            ),
            ("JWT_ALLOW_REFRESH", "yes", "JWT_ALLOW_REFRESH must be true or false"),
        ] {
            let refused = with(&[(variable, value)], |settings| settings.session_policy()).unwrap_err();
            assert_eq!(refused.to_string(), said);
        }
        let stale =
            with(&[("SIGNING_KEYS_MAX_STALE", "25h")], |settings| settings.keys_max_stale()).unwrap_err();
        assert_eq!(stale.to_string(), "SIGNING_KEYS_MAX_STALE must be at most 1 d");
    }

    #[test]
    fn the_failures_that_an_address_may_make_are_a_number() {
        let limit = |value| {
            with(&[("LOGIN_FAILURES_PER_ADDRESS", value)], |settings| settings.failures_per_address())
        };
        assert_eq!((limit(""), limit("0"), limit("7")), (Ok(100), Ok(0), Ok(7)));
        for wrong in ["-1", "many", "1.5", "4294967296"] {
            let said = limit(wrong).unwrap_err().to_string();
            assert_eq!(said, "LOGIN_FAILURES_PER_ADDRESS must be a whole number of failures, 0 for no bound");
        }
    }

    #[test]
    fn passwords_have_15_characters_unless_8_to_128_are_set() {
        let policy = |value| with(&[("PASSWORD_MIN_LENGTH", value)], |settings| settings.password_policy());
        for (value, length) in [("", 15), ("8", 8), ("128", 128)] {
            assert_eq!(policy(value), Ok(PasswordPolicy::new(length)));
        }
        for wrong in ["7", "129", "-1", "long"] {
            let said = policy(wrong).unwrap_err().to_string();
            assert_eq!(said, "PASSWORD_MIN_LENGTH must be 8 to 128 characters");
        }
    }

    #[test]
    fn the_authorizer_reads_sessions_only_where_it_is_told_to_and_answers_in_one_of_two_ways() {
        let table = |set: &[(&str, &str)]| with(set, |settings| settings.checked_table());
        assert_eq!(table(&[("USERS_TABLE", "u")]), Ok(None));
        assert_eq!(table(&[("USERS_TABLE", "u"), ("CHECK_SESSION", "false")]), Ok(None));
        assert_eq!(table(&[("USERS_TABLE", "u"), ("CHECK_SESSION", "true")]), Ok(Some("u".to_owned())));
        assert_eq!(table(&[("CHECK_SESSION", "true")]).unwrap_err().to_string(), "USERS_TABLE must be set");
        let unclear = table(&[("CHECK_SESSION", "1")]).unwrap_err();
        assert_eq!(unclear.to_string(), "CHECK_SESSION must be true or false");

        let response = |set: &[(&str, &str)]| with(set, |settings| settings.authorizer_response());
        assert_eq!(response(&[]), Ok(AuthorizerResponse::Simple));
        assert_eq!(response(&[("AUTHORIZER_RESPONSE", "simple")]), Ok(AuthorizerResponse::Simple));
        assert_eq!(response(&[("AUTHORIZER_RESPONSE", "policy")]), Ok(AuthorizerResponse::Policy));
        let unclear = response(&[("AUTHORIZER_RESPONSE", "iam")]).unwrap_err();
        assert_eq!(unclear.to_string(), "AUTHORIZER_RESPONSE must be simple or policy");
    }

    #[test]
    fn what_is_required_must_be_set_and_not_empty() {
        for set in [&[][..], &[("USERS_TABLE", ""), ("SIGNING_SECRET", ""), ("JWT_ISSUER", "")][..]] {
            let said = |result: Result<String, SettingError>| result.unwrap_err().to_string();
            assert_eq!(said(with(set, |settings| settings.users_table())), "USERS_TABLE must be set");
            assert_eq!(said(with(set, |settings| settings.signing_secret())), "SIGNING_SECRET must be set");
            assert_eq!(
                with(set, |settings| settings.issuer()).unwrap_err().to_string(),
                "JWT_ISSUER must be set"
            );
        }
    }

    #[test]
    fn the_issuer_is_an_https_url_without_a_slash_at_its_end() {
        let issuer = |url: &str| with(&[("JWT_ISSUER", url)], |settings| settings.issuer_url().is_ok());
        for url in [
            "https://abc.execute-api.eu-west-1.amazonaws.com",
            "https://a.example/v1",
            "http://127.0.0.1:3000",
            "http://localhost:3000",
        ] {
            assert!(issuer(url), "{url}");
        }
        for url in [
            "https://",
            "https:///x",
            "https://a.example/",
            "http://a.example",
            "http://localhost.evil.example",
            "a.example",
            "https://u@a.example",
            "https://a.example?x",
            "https://a.example#x",
            "https://a example",
        ] {
            assert!(!issuer(url), "{url}");
        }
    }

    #[test]
    fn the_audience_has_a_default_and_a_bound() {
        let url = ("JWT_ISSUER", "https://a.example");
        assert_eq!(with(&[url], |settings| settings.issuer()).unwrap().audience(), "latchkey");
        let refused = with(&[url, ("JWT_AUDIENCE", "a\nb")], |settings| settings.issuer()).unwrap_err();
        assert!(refused.to_string().starts_with("JWT_AUDIENCE must have"));
    }
}

//! Every setting: its variable, its default and its rule.

use aws::AwsSettings;
use keyring::{KeySource, PublicKeys, Purpose, SigningKeys, SigningSecret};
use token::{
    AccessAudiences, AccessAudiencesError, AccessPolicy, Algorithm, Audience, AudienceError,
    DEFAULT_MAX_STALE, Issuer, IssuerUrl, IssuerUrlError, RefreshSwitch, RotationPolicy, Seconds,
    SessionPolicy,
};
use users::PasswordPolicy;

use crate::{
    AccountLink, AccountLinkError, CookieMode, Cors,
    browser::{CookieModeError, Origins},
    http::OriginCheck,
};

/// `JWT_AUDIENCE`.
const DEFAULT_AUDIENCE: &str = "latchkey";
/// `LOGIN_FAILURES_PER_ADDRESS`: more than a busy office mistypes in 15 minutes.
const DEFAULT_FAILURES_PER_ADDRESS: u32 = 100;
/// `PASSWORD_MIN_LENGTH`: what NIST SP 800-63B-4 asks for where the password is the only factor.
const DEFAULT_PASSWORD_LENGTH: usize = 15;
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

/// What an authorizer of an HTTP API is set to answer; the event does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthorizerResponse {
    /// `isAuthorized`.
    Simple,
    /// An IAM policy.
    Policy,
}

/// What the authorizer does when it cannot decide: AWS fails, or there are no keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Fails, which API Gateway answers with 500 and does not cache.
    Error,
    /// Denies, which API Gateway answers with 403 and caches.
    Deny,
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
        let expiration = self.duration("JWT_EXPIRATION_DELTA", SessionPolicy::DEFAULT_EXPIRATION)?;
        let refresh =
            self.duration("JWT_REFRESH_EXPIRATION_DELTA", SessionPolicy::DEFAULT_REFRESH_EXPIRATION)?;
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

    /// Which other origins may call: `CORS_ALLOWED_ORIGINS` (none), and through which proxy.
    pub fn cors(&self) -> Result<Cors, SettingError> {
        let cors = Cors::new(self.named_origins()?, self.optional("JWT_AUTH_COOKIE").is_some());
        Ok(cors.behind(self.origin_check()?))
    }

    /// What a request must bring from the proxy in front of the API: `ORIGIN_SECRETS` (nothing), one or two values of
    /// the header `X-Latchkey-Origin`.
    fn origin_check(&self) -> Result<OriginCheck, SettingError> {
        let variable = "ORIGIN_SECRETS";
        self.optional(variable).map_or(Ok(OriginCheck::default()), |list| {
            OriginCheck::parse(&list).map_err(|problem| error(variable, problem))
        })
    }

    /// Whether tokens are in a cookie too: `JWT_AUTH_COOKIE`, its name, and `JWT_AUTH_COOKIE_SAMESITE` (Strict).
    pub fn cookie_mode(&self) -> Result<CookieMode, SettingError> {
        let same_site = self.optional("JWT_AUTH_COOKIE_SAMESITE");
        let Some(name) = self.optional("JWT_AUTH_COOKIE") else {
            let alone = error("JWT_AUTH_COOKIE_SAMESITE", "has no meaning without JWT_AUTH_COOKIE");
            return same_site.map_or(Ok(CookieMode::default()), |_| Err(alone));
        };
        let (named, issuer) = (self.named_origins()?, self.issuer_url()?);
        CookieMode::new(&name, same_site.as_deref(), &named, issuer.as_str()).map_err(|wrong| {
            let variable = match wrong {
                CookieModeError::Name => "JWT_AUTH_COOKIE",
                CookieModeError::SameSite | CookieModeError::NoOtherSite => "JWT_AUTH_COOKIE_SAMESITE",
                CookieModeError::PlainOrigin => "CORS_ALLOWED_ORIGINS",
            };
            error(variable, &wrong.to_string())
        })
    }

    fn named_origins(&self) -> Result<Origins, SettingError> {
        let variable = "CORS_ALLOWED_ORIGINS";
        self.optional(variable).map_or(Ok(Origins::default()), |list| {
            Origins::parse(&list).map_err(|problem| error(variable, &problem.to_string()))
        })
    }

    /// Where tokens come from: `JWT_ISSUER`, an https URL (http only on this machine), required.
    pub fn issuer_url(&self) -> Result<IssuerUrl, SettingError> {
        let variable = "JWT_ISSUER";
        self.required(variable)?
            .parse()
            .map_err(|problem: IssuerUrlError| error(variable, &problem.to_string()))
    }

    /// `iss` and `aud`: `JWT_ISSUER` and `JWT_AUDIENCE` (latchkey).
    pub fn issuer(&self) -> Result<Issuer, SettingError> {
        let variable = "JWT_AUDIENCE";
        let audience = self.optional(variable).unwrap_or_else(|| DEFAULT_AUDIENCE.to_owned());
        let audience =
            audience.parse().map_err(|problem: AudienceError| error(variable, &problem.to_string()))?;
        Ok(Issuer::new(self.issuer_url()?, audience))
    }

    /// What access tokens can be for and how long they live: `ACCESS_TOKEN_AUDIENCES` (none, so that there are no access
    /// tokens) and `ACCESS_TOKEN_EXPIRATION_DELTA` (15 m, `JWT_EXPIRATION_DELTA` at most).
    ///
    /// Never beside HS256, the algorithm of `SIGNING_ALGORITHM`: a service that verifies with such a key can sign with it.
    pub fn access_policy(&self) -> Result<Option<AccessPolicy>, SettingError> {
        let (audiences_of, expiration_of) = ("ACCESS_TOKEN_AUDIENCES", "ACCESS_TOKEN_EXPIRATION_DELTA");
        let Some(text) = self.optional(audiences_of) else { return Ok(None) };
        let audiences: AccessAudiences = text.parse().map_err(|problem: AccessAudiencesError| {
            error(audiences_of, &format!("is unusable: {problem}"))
        })?;
        if audiences.find(self.issuer()?.audience()).is_some() {
            return Err(error(
                audiences_of,
                "must not name JWT_AUDIENCE: APIs that take access tokens would take session tokens too",
            ));
        }
        if self.optional("SIGNING_ALGORITHM").is_some_and(|algorithm| algorithm == "HS256") {
            return Err(error(
                audiences_of,
                "cannot be used with SIGNING_ALGORITHM=HS256: a service that verifies HS256 can sign",
            ));
        }
        let expiration = match self.optional(expiration_of) {
            Some(_) => Some(self.duration(expiration_of, AccessPolicy::DEFAULT_EXPIRATION)?),
            None => None,
        };
        let policy = AccessPolicy::new(audiences, expiration, self.session_policy()?.expiration());
        policy.map(Some).map_err(|problem| error(expiration_of, &problem.to_string()))
    }

    /// The same where nothing works without it.
    pub fn required_access_policy(&self) -> Result<AccessPolicy, SettingError> {
        self.access_policy()?.ok_or_else(|| error("ACCESS_TOKEN_AUDIENCES", "must be set"))
    }

    /// Whether there are machine clients: `MACHINE_CLIENTS` (false), only with `ACCESS_TOKEN_AUDIENCES`.
    pub fn machine_clients(&self) -> Result<bool, SettingError> {
        let are_on = self.flag("MACHINE_CLIENTS")?;
        if are_on && self.access_policy()?.is_none() {
            return Err(error("MACHINE_CLIENTS", "may be true only with ACCESS_TOKEN_AUDIENCES"));
        }
        Ok(are_on)
    }

    /// The audience whose access tokens the authorizer takes: `AUTHORIZER_AUDIENCE`, one of `ACCESS_TOKEN_AUDIENCES`;
    /// unset, it takes the tokens of sessions and no others.
    pub fn authorizer_audience(&self) -> Result<Option<Audience>, SettingError> {
        let variable = "AUTHORIZER_AUDIENCE";
        let Some(name) = self.optional(variable) else { return Ok(None) };
        if self.flag("AUTHORIZER_READS_COOKIE")? {
            return Err(error(
                "AUTHORIZER_READS_COOKIE",
                "cannot be true with AUTHORIZER_AUDIENCE: the cookie holds the token of the session",
            ));
        }
        let policy = self.access_policy()?;
        let audience = policy.as_ref().and_then(|policy| policy.audiences.find(&name));
        let audience = audience.ok_or_else(|| error(variable, "must be one of ACCESS_TOKEN_AUDIENCES"))?;
        Ok(Some(audience.name.clone()))
    }

    /// The page that codes lead to: `ACCOUNT_LINK`, required where there are codes; of the issuer's origin or of one in
    /// `CORS_ALLOWED_ORIGINS`, as no other page can call.
    pub fn account_link(&self) -> Result<AccountLink, SettingError> {
        let variable = "ACCOUNT_LINK";
        let link: AccountLink = self
            .required(variable)?
            .parse()
            .map_err(|problem: AccountLinkError| error(variable, &problem.to_string()))?;
        let origins = self.named_origins()?.and_that_of(self.issuer_url()?.as_str());
        if !link.is_of(&origins) {
            return Err(error(
                variable,
                "must be a page of JWT_ISSUER or of an origin in CORS_ALLOWED_ORIGINS, as others cannot call",
            ));
        }
        Ok(link)
    }

    /// `ACCOUNT_LINK`, without the check that its page may call; for programs that only make links.
    pub fn named_account_link(&self) -> Result<Option<AccountLink>, SettingError> {
        let variable = "ACCOUNT_LINK";
        let parsed = self.optional(variable).map(|text| text.parse());
        parsed.transpose().map_err(|problem: AccountLinkError| error(variable, &problem.to_string()))
    }

    /// The DynamoDB table of codes: `CODES_TABLE`, required where there are codes.
    pub fn codes_table(&self) -> Result<String, SettingError> {
        self.required("CODES_TABLE")
    }

    /// The DynamoDB table: `USERS_TABLE`, required.
    pub fn users_table(&self) -> Result<String, SettingError> {
        self.required("USERS_TABLE")
    }

    /// The secret's ARN or name: `SIGNING_SECRET`, required.
    pub fn signing_secret(&self) -> Result<String, SettingError> {
        self.required("SIGNING_SECRET")
    }

    /// The clients of AWS, by the variables that Lambda sets.
    pub fn aws(&self) -> Result<AwsSettings, SettingError> {
        Ok(AwsSettings::new(self.lookup)?)
    }

    /// The signing secret.
    pub fn secret(&self, aws: &AwsSettings) -> Result<SigningSecret, SettingError> {
        Ok(SigningSecret::new(aws.secrets_manager(), &self.signing_secret()?))
    }

    /// The keys to sign with; nothing is read yet.
    pub fn signing_keys(&self, aws: &AwsSettings) -> Result<SigningKeys, SettingError> {
        let source = KeySource::Secret(self.secret(aws)?);
        Ok(SigningKeys::new(source, Purpose::Sign, self.keys_max_stale()?))
    }

    /// The keys to verify with: those of `PUBLIC_KEYS_TABLE` where it is set, else the secret's.
    pub fn verification_keys(&self, aws: &AwsSettings) -> Result<SigningKeys, SettingError> {
        let source = match self.public_keys(aws) {
            Some(published) => KeySource::PublicKeys(published),
            None => KeySource::Secret(self.secret(aws)?),
        };
        Ok(SigningKeys::new(source, Purpose::Verify, self.keys_max_stale()?))
    }

    /// The table of public keys, if `PUBLIC_KEYS_TABLE` is set.
    pub fn public_keys(&self, aws: &AwsSettings) -> Option<PublicKeys> {
        self.public_keys_table().map(|table| PublicKeys::new(aws.dynamodb(), &table))
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
            // Here too: it would put an end to access tokens.
            Some("HS256") => self.access_policy().map(|_| Algorithm::HS256)?,
            Some(_) => return Err(error("SIGNING_ALGORITHM", "must be RS256, ES256, EdDSA or HS256")),
        };
        Ok(RotationPolicy::new(algorithm, self.keys_max_stale()?, self.session_policy()?.expiration()))
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
        let policy = length.ok().and_then(|length| PasswordPolicy::new(length).ok());
        policy.ok_or_else(|| error(variable, "must be 8 to 128 characters"))
    }

    /// The table in which the authorizer looks sessions up: `USERS_TABLE`, required where `CHECK_SESSION` (false)
    /// is true.
    pub fn checked_table(&self) -> Result<Option<String>, SettingError> {
        if self.flag("CHECK_SESSION")? { self.users_table().map(Some) } else { Ok(None) }
    }

    /// In which cookie the authorizer looks for a token: `AUTHORIZER_READS_COOKIE` (false), that of `JWT_AUTH_COOKIE`.
    pub fn authorizer_cookie(&self) -> Result<Option<CookieMode>, SettingError> {
        let variable = "AUTHORIZER_READS_COOKIE";
        if !self.flag(variable)? {
            return Ok(None);
        }
        if self.optional("JWT_AUTH_COOKIE").is_none() {
            return Err(error(variable, "may be true only with JWT_AUTH_COOKIE"));
        }
        self.cookie_mode().map(Some)
    }

    /// How the authorizer answers payload format 2.0: `AUTHORIZER_RESPONSE` (simple).
    pub fn authorizer_response(&self) -> Result<AuthorizerResponse, SettingError> {
        match self.optional("AUTHORIZER_RESPONSE").as_deref() {
            None | Some("simple") => Ok(AuthorizerResponse::Simple),
            Some("policy") => Ok(AuthorizerResponse::Policy),
            Some(_) => Err(error("AUTHORIZER_RESPONSE", "must be simple or policy")),
        }
    }

    /// What the authorizer does when it cannot decide: `AUTHORIZER_ON_FAILURE` (error).
    pub fn on_failure(&self) -> Result<OnFailure, SettingError> {
        match self.optional("AUTHORIZER_ON_FAILURE").as_deref() {
            None | Some("error") => Ok(OnFailure::Error),
            Some("deny") => Ok(OnFailure::Deny),
            Some(_) => Err(error("AUTHORIZER_ON_FAILURE", "must be error or deny")),
        }
    }

    /// A variable that must be set; an empty one counts as absent.
    pub(crate) fn required(&self, variable: &'static str) -> Result<String, SettingError> {
        self.optional(variable).ok_or_else(|| error(variable, "must be set"))
    }

    /// Whose account of the operating system a program runs under, as shells say.
    pub fn account(&self) -> Option<String> {
        self.optional("USER").or_else(|| self.optional("LOGNAME"))
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

pub(crate) fn error(variable: &'static str, problem: &str) -> SettingError {
    SettingError { variable, problem: problem.to_owned() }
}

impl From<aws::SettingError> for SettingError {
    fn from(wrong: aws::SettingError) -> Self {
        error(wrong.variable, wrong.problem)
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;

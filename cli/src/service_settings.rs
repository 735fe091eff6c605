//! The service's settings by which a token is explained, and where they come from.

use local_data::session_settings;
use serde_json::{Value, json};
use token::{RefreshSwitch, Seconds, SessionPolicy};

use crate::{CliError, ExplainToken};

/// What the service is set to, as far as it is known.
pub(crate) struct ServiceSettings {
    pub(crate) policy: SessionPolicy,
    /// The settings that nobody told, for which the defaults stand in.
    pub(crate) assumed: Vec<&'static str>,
    source: &'static str,
}

impl ServiceSettings {
    /// The settings of the command line, then those of the local server's data folder, then the defaults.
    pub(crate) fn of(options: &ExplainToken) -> Result<Self, CliError> {
        let given = &options.policy;
        let local = match &options.local {
            Some(folder) => session_settings::read(folder).map_err(CliError::SessionSettings)?,
            None => None,
        };
        let mut assumed = Vec::new();
        let mut known = |name, given: Option<Seconds>, local: Option<Seconds>, default| {
            given.or(local).unwrap_or_else(|| {
                assumed.push(name);
                default
            })
        };
        let expiration = known(
            "JWT_EXPIRATION_DELTA",
            given.expiration,
            local.map(|policy| policy.expiration()),
            SessionPolicy::DEFAULT_EXPIRATION,
        );
        let refresh_expiration = known(
            "JWT_REFRESH_EXPIRATION_DELTA",
            given.refresh_expiration,
            local.map(|policy| policy.refresh_expiration()),
            SessionPolicy::DEFAULT_REFRESH_EXPIRATION,
        );
        // Whoever gives a refresh limit means that there is one.
        if !given.no_refresh && local.is_none() && given.refresh_expiration.is_none() {
            assumed.push("JWT_ALLOW_REFRESH");
        }
        if given.no_refresh {
            // Nothing depends on the limit then.
            assumed.retain(|name| *name != "JWT_REFRESH_EXPIRATION_DELTA");
        }
        let switch = if given.no_refresh { RefreshSwitch::Off } else { RefreshSwitch::On };
        let policy = SessionPolicy::new(expiration, refresh_expiration, switch)?;
        let source = if assumed.is_empty() { "given" } else { "assumed" };
        Ok(Self { policy, assumed, source })
    }

    /// What a person must know before believing what follows; none if every setting is known.
    pub(crate) fn warning(&self) -> Option<String> {
        if self.assumed.is_empty() {
            return None;
        }
        let assumed: Vec<String> =
            self.assumed.iter().map(|name| format!("{name} = {}", self.value(name))).collect();
        Some(format!(
            "ASSUMED: {}. A token does not say how its service is set. Say it with --expiration, \
             --refresh-expiration or --no-refresh, or name the local server's folder with --local.",
            assumed.join(", ")
        ))
    }

    fn value(&self, name: &str) -> String {
        match name {
            "JWT_EXPIRATION_DELTA" => self.policy.expiration().to_string(),
            "JWT_REFRESH_EXPIRATION_DELTA" => self.policy.refresh_expiration().to_string(),
            _ => "true".to_owned(),
        }
    }

    /// The settings, for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "source": self.source,
            "assumed": self.assumed,
            "expiration": self.policy.expiration().get(),
            "refresh_expiration": self.policy.refresh_expiration().get(),
            "allow_refresh": self.policy.refresh_switch() == RefreshSwitch::On,
        })
    }
}

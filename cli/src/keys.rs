//! `latchkey keys …`

use serde_json::{Value, json};
use token::{Key, KeySet, KeySetError, Timestamp};

use crate::{Failure, KeysCommand, KeysOptions, Report, signature, store};

pub(crate) async fn run(command: KeysCommand, now: Timestamp) -> Result<Report, Failure> {
    match command {
        KeysCommand::Status(options) => status(&secret(&options).await?, now),
    }
}

/// The value of the secret, or what stands in its place on this machine.
async fn secret(options: &KeysOptions) -> Result<String, Failure> {
    if let Some(folder) = &options.local {
        return signature::local_secret(folder);
    }
    let secret_id = options.secret.clone().or_else(store::signing_secret).ok_or(Failure::NoSecret)?;
    let config = store::aws_config(options.region.as_ref(), options.profile.as_ref()).await?;
    let client = aws_sdk_secretsmanager::Client::new(&config);
    let answer = client.get_secret_value().secret_id(secret_id).send().await;
    // Not the error itself: it prints the raw response, and with it the secret.
    let answer = answer.map_err(|problem| {
        Failure::SecretsManager(problem.into_source().unwrap_or_else(|_| "no answer".into()))
    })?;
    Ok(answer.secret_string.unwrap_or_default())
}

fn status(secret: &str, now: Timestamp) -> Result<Report, Failure> {
    let keys = match KeySet::from_secret(secret) {
        Ok(keys) => keys,
        Err(KeySetError::NoKeys) => {
            let text = "There is no key yet: every call is answered with 503 until the first rotation.\n";
            return Ok(Report::new(text.to_owned(), json!([])));
        }
        Err(problem) => return Err(Failure::BadSecret(problem)),
    };
    let signer = keys.signing_key(now).map(Key::id);
    let of_keys: Vec<_> = keys.keys().iter().map(|key| (key, State::of(key, signer, now))).collect();
    let mut text: String = of_keys.iter().map(|(key, state)| state.sentence(key, now)).collect();
    if signer.is_none() {
        text.push_str("No key signs now: every login and refresh is answered with 503. Rotate the secret.\n");
    }
    Ok(Report::new(text, of_keys.iter().map(|(key, state)| to_json(key, *state)).collect()))
}

/// What a key does at this instant.
#[derive(Clone, Copy)]
enum State {
    Unpublished,
    WillSign,
    Signs,
    Verifies,
    Retired,
}

impl State {
    fn of(key: &Key, signer: Option<&str>, now: Timestamp) -> Self {
        let schedule = key.schedule();
        if schedule.retires.is_some_and(|retires| retires <= now) {
            Self::Retired
        } else if now < schedule.published {
            Self::Unpublished
        } else if signer == Some(key.id()) {
            Self::Signs
        } else if key.can_sign() && now < schedule.signs_from {
            Self::WillSign
        } else {
            Self::Verifies
        }
    }

    fn sentence(self, key: &Key, now: Timestamp) -> String {
        let schedule = key.schedule();
        let when = |instant: Timestamp| format!("{instant} (in {})", instant.time_left(now));
        let end = schedule.retires.map_or_else(
            || "until a rotation decides its end".to_owned(),
            |retires| format!("until {}", when(retires)),
        );
        let does = match self {
            Self::Signs => format!("signs now, and verifies {end}"),
            Self::WillSign => {
                format!("verifies already, signs from {} on, and verifies {end}", when(schedule.signs_from))
            }
            Self::Verifies => format!("only verifies, {end}"),
            Self::Unpublished => format!("is unknown to everybody until {}", when(schedule.published)),
            Self::Retired => "has retired: its tokens are refused".to_owned(),
        };
        format!("{} ({}) {does}.\n", key.id(), key.algorithm())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Unpublished => "unpublished",
            Self::WillSign => "will_sign",
            Self::Signs => "signs",
            Self::Verifies => "verifies",
            Self::Retired => "retired",
        }
    }
}

fn to_json(key: &Key, state: State) -> Value {
    let schedule = key.schedule();
    json!({
        "kid": key.id(),
        "alg": key.algorithm().name(),
        "state": state.name(),
        "published": schedule.published,
        "signs_from": schedule.signs_from,
        "retires": schedule.retires,
    })
}

#[cfg(test)]
mod tests {
    use token::{Algorithm, RotationPolicy, Seconds};

    use super::*;

    const T: u64 = 1_685_728_800;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn rotated(current: Option<&KeySet>, now: u64) -> KeySet {
        let policy = RotationPolicy::new(Algorithm::ES256, Seconds::new(3900), Seconds::new(3600));
        KeySet::rotated(current, policy, at(now)).unwrap()
    }

    #[test]
    fn it_says_which_key_signs_which_will_and_which_only_verifies_and_until_when() {
        let set = rotated(Some(&rotated(None, T)), T);
        let [old, new] = [set.keys()[0].id(), set.keys()[1].id()];
        let said = |now| status(&set.to_secret(), at(now)).unwrap().text;
        assert_eq!(
            said(T),
            format!(
                "{old} (ES256) signs now, and verifies until 2023-06-02 21:15:00 UTC (in 3 h 15 min).\n\
                 {new} (ES256) verifies already, signs from 2023-06-02 20:10:00 UTC (in 2 h 10 min) on, and \
                 verifies until a rotation decides its end.\n"
            )
        );
        assert_eq!(
            said(T + 7800),
            format!(
                "{old} (ES256) only verifies, until 2023-06-02 21:15:00 UTC (in 1 h 5 min).\n\
                 {new} (ES256) signs now, and verifies until a rotation decides its end.\n"
            )
        );
        assert!(
            said(T + 11_700).starts_with(&format!("{old} (ES256) has retired: its tokens are refused.\n"))
        );
        assert!(said(T - 1).contains("is unknown to everybody until 2023-06-02 18:00:00 UTC (in 1 s)"));
        assert!(said(T - 1).ends_with("Rotate the secret.\n"));
    }

    #[test]
    fn programs_get_the_same_and_nobody_a_private_key() {
        let set = rotated(None, T);
        let report = status(&set.to_secret(), at(T)).unwrap();
        let expected = json!([{
            "kid": set.keys()[0].id(), "alg": "ES256", "state": "signs",
            "published": T, "signs_from": T, "retires": null,
        }]);
        assert_eq!(report.json, expected);
    }

    #[test]
    fn a_secret_without_a_key_and_one_that_is_none_are_told_apart() {
        let empty = status(r#"{"keys":[]}"#, at(T)).unwrap();
        assert!(empty.text.starts_with("There is no key yet"));
        let problem = status("canary", at(T)).unwrap_err().in_one_line();
        assert_eq!(
            problem,
            "the secret holds no usable keys: the secret: an HS256 secret must have at least 32 bytes; this one has 6"
        );
    }
}

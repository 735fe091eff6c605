//! `latchkey keys …`

use serde_json::{Value, json};
use token::{DEFAULT_MAX_STALE, JWK_SET_CACHE_TIME, Key, KeySet, KeySetError, RotationPolicy, Timestamp};

use crate::{
    CliError, KeysCommand, KeysOptions, Report, RetireKey, RotateKeys, Terminal,
    invocation::{Invocation, Work, note},
    key_store::KeyStore,
    store,
    terminal::confirm,
};

/// What follows from that for a key that signs before they know it.
const NEWS: &str = "The key that signs in its place is new: routes behind API Gateway's native authorizers may reject its \
                    tokens with 401 for up to 2 hours.";

pub(crate) async fn run(
    command: KeysCommand,
    terminal: &mut impl Terminal,
    clock: impl Fn() -> Timestamp,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    match command {
        KeysCommand::Status(options) => {
            status(&KeyStore::open(&options, invocation).await?.read().await?.secret, clock())
        }
        KeysCommand::Rotate(options) => {
            recorded(&options.keys, None, invocation, rotate(&options, clock, invocation)).await
        }
        KeysCommand::Retire(options) => retire(&options, terminal, clock, invocation).await,
    }
}

/// Does `work`, and writes it down where the users are known, beside whom the record is. AWS writes down itself who changed
/// a secret.
async fn recorded(
    options: &KeysOptions,
    key_id: Option<&str>,
    invocation: &Invocation,
    work: impl Future<Output = Result<Report, CliError>>,
) -> Result<Report, CliError> {
    let Some(recorder) = store::recorder_of_keys(options, invocation).await? else {
        if options.local.is_none() {
            note("latchkey: this change is not recorded: name the users' table with --table or USERS_TABLE");
        }
        return work.await;
    };
    let what = key_id.map(|key_id| json!({ "kid": key_id }));
    recorder.record(None, what, async |_| Ok(Work::done(work.await?))).await
}

async fn rotate(
    options: &RotateKeys,
    clock: impl Fn() -> Timestamp,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let store = KeyStore::open(&options.keys, invocation).await?;
    if let KeyStore::Folder(folder) = &store {
        let current = KeySet::from_secret(&store.read().await?.secret).map_err(CliError::BadSecret)?;
        let Some(newest) = current.keys().last() else {
            return Err(CliError::BadSecret(KeySetError::NoKeys));
        };
        let policy = RotationPolicy::new(newest.algorithm(), DEFAULT_MAX_STALE, options.expiration);
        local_data::signing_key::replace(folder, &KeySet::rotated(Some(&current), policy, clock())?)?;
    } else {
        store.rotate().await?;
    }
    // Read after the wait: to the instant before it, the new key would be unknown to everybody.
    status(&store.read().await?.secret, clock())
}

async fn retire(
    options: &RetireKey,
    terminal: &mut impl Terminal,
    clock: impl Fn() -> Timestamp,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let key_id = &options.key_id;
    if !options.now {
        return Err(CliError::NotNow);
    }
    let store = KeyStore::open(&options.keys, invocation).await?;
    let read = store.read().await?;
    let keys = KeySet::from_secret(&read.secret).map_err(CliError::BadSecret)?;
    let without = |now| keys.without(key_id, now)?.ok_or_else(|| CliError::NoSuchKey(key_id.clone()));
    let asked_at = clock();
    let news = news(&without(asked_at)?, asked_at);
    if !options.yes {
        let question = format!(
            "Whoever holds a token that {key_id} signed has to log in again.\n{news}Retire it at once?"
        );
        confirm(terminal, &question, "say --yes to retire a key without being asked")?;
    }
    let retire = Box::pin(async {
        // A person may have taken minutes to answer.
        let now = clock();
        let left = without(now)?;
        store.replace(&read, &left).await?;
        retired(&store, key_id, &left, &news, now).await
    });
    recorded(&options.keys, Some(key_id), invocation, retire).await
}

/// Publishes what is left, and says so.
async fn retired(
    store: &KeyStore,
    key_id: &str,
    left: &KeySet,
    news: &str,
    now: Timestamp,
) -> Result<Report, CliError> {
    let in_all = store.publish().await? || matches!(store, KeyStore::Folder(_));
    let elsewhere = if in_all { "" } else { " (10 where a table of public keys is read)" };
    let after = status(&left.to_secret(), now)?;
    let text = format!(
        "{key_id} has been taken out. What it signed is rejected within 5 minutes{elsewhere};\n\
         API Gateway's native authorizers may accept it for up to 2 hours.\n{news}{}",
        after.text
    );
    Ok(Report::new(text, json!({ "retired": key_id, "keys": after.json })))
}

/// The line to add while API Gateway's authorizers may still hold a JWK set without the key that signs.
fn news(keys: &KeySet, now: Timestamp) -> String {
    match keys.signing_key(now) {
        Some(key) if now < key.schedule().published.plus(JWK_SET_CACHE_TIME) => format!("{NEWS}\n"),
        _ => String::new(),
    }
}

fn status(secret: &str, now: Timestamp) -> Result<Report, CliError> {
    let keys = match KeySet::from_secret(secret) {
        Ok(keys) => keys,
        Err(KeySetError::NoKeys) => {
            let text = "There is no key yet: every call is answered with 503 until the first rotation.\n";
            return Ok(Report::new(text.to_owned(), json!([])));
        }
        Err(problem) => return Err(CliError::BadSecret(problem)),
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
            Self::Retired => "has retired: its tokens are rejected".to_owned(),
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
    use token::{Algorithm, Seconds};

    use super::*;

    const T: u64 = 1_685_728_800;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds).unwrap()
    }

    fn rotated(current: Option<&KeySet>, now: u64) -> KeySet {
        let policy = RotationPolicy::new(Algorithm::ES256, Seconds::new(3600), Seconds::new(3600));
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
                "{old} (ES256) signs now, and verifies until 2023-06-02 22:25:00 UTC (in 4 h 25 min).\n\
                 {new} (ES256) verifies already, signs from 2023-06-02 21:20:00 UTC (in 3 h 20 min) on, and \
                 verifies until a rotation decides its end.\n"
            )
        );
        assert_eq!(
            said(T + 12_000),
            format!(
                "{old} (ES256) only verifies, until 2023-06-02 22:25:00 UTC (in 1 h 5 min).\n\
                 {new} (ES256) signs now, and verifies until a rotation decides its end.\n"
            )
        );
        assert!(
            said(T + 15_900).starts_with(&format!("{old} (ES256) has retired: its tokens are rejected.\n"))
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
            "the secret holds no usable keys: the secret: neither a key set nor hs256: and 32 to 64 random bytes in hex or \
             base64, such as `openssl rand -hex 32` draws"
        );
    }
}

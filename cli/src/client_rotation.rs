//! `latchkey client rotate`

use serde_json::json;
use token::{ClientId, Seconds, Timestamp};
use users::{ChangeLog, ClientSecret, MAX_SECRETS, SecretId, StoredSecret};

use crate::{
    CliError, OneClient, Report, RotateClient, clients,
    clients::shown_once,
    invocation::{Invocation, Work},
    store,
    store::Changing,
};

pub(crate) async fn rotate(options: &RotateClient, invocation: &Invocation) -> Result<Report, CliError> {
    let OneClient { id, store } = &options.client;
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let client = users.find_client(*id).await?.ok_or(CliError::NoSuchClient(*id))?;
    let is_plain = !(options.finish || options.now || options.replace_newest);
    if is_plain && client.secrets.len() >= MAX_SECRETS {
        return Err(CliError::TwoSecrets { id: *id, secrets: clients::secrets(&client, invocation.now) });
    }
    if options.replace_newest && client.secrets.len() < MAX_SECRETS {
        return Err(CliError::OneSecret(*id));
    }
    let new = if options.finish { None } else { Some(new_secret(&client.secrets, invocation.now)?) };
    let (secret, stored) = new.unzip();
    let secret = secret.as_ref();
    let Rotated { valid, ended } = rotated(&client.secrets, options, stored);
    let what = json!({
        "client": id.to_string(), "secret": secret.map(|secret| secret.id().as_str()), "ended": texts(&ended),
    });
    let set = async |_: Option<&ChangeLog>| {
        let set = users.set_client_secrets(*id, &client.secrets, &valid).await.map(Work::done);
        set.map_err(|error| CliError::of_client_change(error, *id))
    };
    recorder.record(None, Some(what), set).await?;
    let valid: Vec<SecretId> = valid.into_iter().map(|secret| secret.id).collect();
    let json = json!({
        "client_id": id.to_string(),
        "client_secret": secret.map(ClientSecret::expose),
        "valid": texts(&valid),
        "ended": texts(&ended),
    });
    Ok(Report::new(text(*id, secret, &valid, &ended), json))
}

/// A new secret and what is stored of it, which is younger than all of `before`: the order of two that were made in one
/// second would not be known, nor would it after a clock was set back.
pub(crate) fn new_secret(
    before: &[StoredSecret],
    now: Timestamp,
) -> Result<(ClientSecret, StoredSecret), CliError> {
    let halves = [edge::random::entropy()?, edge::random::entropy()?];
    let secret = ClientSecret::new(edge::random::entropy()?, halves);
    let after_all = before.iter().map(|secret| secret.created_at.plus(Seconds::new(1))).max();
    let created_at = after_all.map_or(now, |after_all| after_all.max(now));
    let stored = StoredSecret { id: secret.id().clone(), hash: secret.hash(), created_at };
    Ok((secret, stored))
}

/// The secrets of a client after a rotation.
struct Rotated {
    /// Those that are valid, the oldest first.
    valid: Vec<StoredSecret>,
    /// Those that are not any more.
    ended: Vec<SecretId>,
}

/// What the options leave of `before`, the oldest first, and `new`.
fn rotated(before: &[StoredSecret], options: &RotateClient, new: Option<StoredSecret>) -> Rotated {
    let newest = before.len().saturating_sub(1);
    let (ended, kept) = match options {
        RotateClient { now: true, .. } => (before, &[][..]),
        RotateClient { finish: true, .. } => before.split_at(newest),
        RotateClient { replace_newest: true, .. } => {
            let (kept, ended) = before.split_at(newest);
            (ended, kept)
        }
        RotateClient { .. } => (&[][..], before),
    };
    Rotated {
        valid: kept.iter().cloned().chain(new).collect(),
        ended: ended.iter().map(|secret| secret.id.clone()).collect(),
    }
}

fn text(id: ClientId, secret: Option<&ClientSecret>, valid: &[SecretId], ended: &[SecretId]) -> String {
    let ended = if ended.is_empty() {
        String::new()
    } else {
        format!(" Not valid any more: {}.", texts(ended).join(", "))
    };
    let Some(secret) = secret else {
        return format!("{id} has only its newest secret now, {}.{ended}\n", texts(valid).join(", "));
    };
    let before = match valid {
        [before, _] => format!(
            "{before} stays valid too. When the client uses the new one everywhere, say --finish.{ended}"
        ),
        _ => format!("No other is valid.{ended}"),
    };
    format!("{id} has a new secret.\n{}{before}\n", shown_once(id, secret))
}

fn texts(ids: &[SecretId]) -> Vec<&str> {
    ids.iter().map(SecretId::as_str).collect()
}

//! The durations that the local server runs with and the page that its codes lead to, kept in its data folder so that
//! `latchkey --local` need not guess them.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use token::{RefreshSwitch, Seconds, SessionPolicy};

use crate::private_file;

/// The file in the data folder.
pub const FILE_NAME: &str = "session-settings.json";

/// Why the settings cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SessionSettingsError {
    /// The system does not let us.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is not what the local server writes.
    #[error("{} holds no durations; start the local server once to write it again", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
    },
}

/// Writes the durations of `policy` and the page that codes lead to into `folder`.
pub fn write(folder: &Path, policy: &SessionPolicy, account_link: Option<&str>) -> io::Result<()> {
    let settings = json!({
        "expiration": policy.expiration().get(),
        "refresh_expiration": policy.refresh_expiration().get(),
        "account_link": account_link,
    });
    private_file::replace(&folder.join(FILE_NAME), settings.to_string().as_bytes())
}

/// The policy of the server that ran in `folder` last; none if no server has written one.
pub fn read(folder: &Path) -> Result<Option<SessionPolicy>, SessionSettingsError> {
    let Some(settings) = read_file(folder)? else { return Ok(None) };
    let duration = |name: &str| settings.get(name).and_then(Value::as_u64).map(Seconds::new);
    let policy = duration("expiration")
        .zip(duration("refresh_expiration"))
        .and_then(|(expiration, limit)| SessionPolicy::new(expiration, limit, RefreshSwitch::On).ok());
    let path = folder.join(FILE_NAME);
    policy.map(Some).ok_or(SessionSettingsError::Unusable { path })
}

/// The page that codes of the server that ran in `folder` last lead to; none if it had none.
pub fn read_account_link(folder: &Path) -> Result<Option<String>, SessionSettingsError> {
    let settings = read_file(folder)?.unwrap_or_default();
    Ok(settings.get("account_link").and_then(Value::as_str).map(str::to_owned))
}

/// What is in the file, if there is one; null if it is not JSON.
fn read_file(folder: &Path) -> Result<Option<Value>, SessionSettingsError> {
    let path = folder.join(FILE_NAME);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(serde_json::from_str(&text).unwrap_or_default())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SessionSettingsError::Read { path, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_writes_is_read_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap().is_none());
        let policy = SessionPolicy::new(Seconds::new(300), Seconds::new(600), RefreshSwitch::On).unwrap();
        assert_eq!(read_account_link(folder.path()).unwrap(), None);
        write(folder.path(), &policy, Some("http://127.0.0.1:3000/")).unwrap();
        assert_eq!(read(folder.path()).unwrap(), Some(policy));
        assert_eq!(read_account_link(folder.path()).unwrap().as_deref(), Some("http://127.0.0.1:3000/"));
        write(folder.path(), &policy, None).unwrap();
        assert_eq!(read_account_link(folder.path()).unwrap(), None);
        for text in ["", "{}", r#"{"expiration":0,"refresh_expiration":1}"#, r#"{"expiration":"1h"}"#] {
            fs::write(folder.path().join(FILE_NAME), text).unwrap();
            assert!(matches!(read(folder.path()), Err(SessionSettingsError::Unusable { .. })), "{text}");
        }
    }
}

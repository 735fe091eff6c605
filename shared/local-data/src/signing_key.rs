//! The RS256 key of the local server, made on the first run and kept in a file only its owner reads.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
};

use token::{Algorithm, Key, KeyError, KeySet, KeySetError, Schedule, Timestamp};

/// The file in the data folder; it holds what the secret of AWS would.
pub const FILE_NAME: &str = "signing-keys.json";

/// Why there is no key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The key could not be made.
    #[error("cannot make a signing key: {0}")]
    Key(#[from] KeyError),
    /// The file holds no key set; `--fresh` makes another.
    #[error("cannot use {}: {source}; start with --fresh to make another key", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: KeySetError,
    },
    /// The file could not be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// The key file of `folder`, made now if there is none.
pub fn file_in(folder: &Path, now: Timestamp) -> Result<PathBuf, KeyFileError> {
    let path = folder.join(FILE_NAME);
    if let Ok(secret) = fs::read_to_string(&path) {
        return match KeySet::from_secret(&secret) {
            Ok(_) => Ok(path),
            Err(source) => Err(KeyFileError::Unusable { path, source }),
        };
    }
    let always = Schedule { published: now, signs_from: now, retires: None };
    let key = Key::generate(Algorithm::RS256, always)?;
    let Ok(keys) = KeySet::new(vec![key]) else { return Err(KeyError::NotGenerated.into()) };
    match write_new(&path, keys.to_secret().as_bytes()) {
        Ok(()) => Ok(path),
        Err(source) => Err(KeyFileError::Write { path, source }),
    }
}

/// Puts `keys` in the place of the key file's; whoever reads it meanwhile finds the one or the other.
pub fn replace(folder: &Path, keys: &KeySet) -> Result<(), KeyFileError> {
    replace_secret(folder, &keys.to_secret())
}

/// The same with what a secret of AWS holds.
pub fn replace_secret(folder: &Path, secret: &str) -> Result<(), KeyFileError> {
    let (path, next) = (folder.join(FILE_NAME), folder.join("signing-keys.json.new"));
    let gone = match fs::remove_file(&next) {
        Err(problem) if problem.kind() != io::ErrorKind::NotFound => Err(problem),
        _ => Ok(()),
    };
    gone.and_then(|()| write_new(&next, secret.as_bytes()))
        .and_then(|()| fs::rename(&next, &path))
        .map_err(|source| KeyFileError::Write { path, source })
}

fn write_new(path: &Path, secret: &[u8]) -> io::Result<()> {
    create_private(path)?.write_all(secret)
}

/// A new file, or an empty one that is there, that only its owner reads.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

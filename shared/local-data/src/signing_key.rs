//! The RS256 key of the local server, made on the first run and kept in a file only its owner reads.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use token::{Algorithm, Key, KeyError, KeySet, KeySetError, Schedule, Timestamp};
use zeroize::Zeroizing;

use crate::{DataFolder, FolderError, private_file};

/// The file in the data folder; it holds what the secret of AWS would.
pub const FILE_NAME: &str = "signing-keys.json";

/// Why there is no key file.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The folder is not safe for a key.
    #[error(transparent)]
    Folder(#[from] FolderError),
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
    /// The file could not be read.
    #[error("cannot read {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
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
///
/// Of several processes that make one at the same time the first is right, and the others use its key.
pub fn file_in(folder: &Path, now: Timestamp) -> Result<PathBuf, KeyFileError> {
    let path = DataFolder::open(folder)?.join(FILE_NAME);
    if !path.exists() {
        let always = Schedule { published: now, signs_from: now, retires: None };
        let key = Key::generate(Algorithm::RS256, always)?;
        let Ok(keys) = KeySet::new(vec![key]) else { return Err(KeyError::NotGenerated.into()) };
        match private_file::write_new(&path, keys.to_secret().as_bytes()) {
            Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
                return Err(KeyFileError::Write { path, source });
            }
            _ => {}
        }
    }
    match KeySet::from_secret(&read(folder)?) {
        Ok(_) => Ok(path),
        Err(source) => Err(KeyFileError::Unusable { path, source }),
    }
}

/// What the key file of `folder` holds.
pub fn read(folder: &Path) -> Result<Zeroizing<String>, KeyFileError> {
    let path = DataFolder::open(folder)?.join(FILE_NAME);
    let secret = fs::read_to_string(&path).map_err(|source| KeyFileError::Read { path, source })?;
    Ok(Zeroizing::new(secret))
}

/// Puts `keys` in the place of the key file's; whoever reads it meanwhile finds the one or the other.
pub fn replace(folder: &Path, keys: &KeySet) -> Result<(), KeyFileError> {
    replace_secret(folder, &keys.to_secret())
}

/// Puts what a secret of AWS holds in the place of the key file.
pub fn replace_secret(folder: &Path, secret: &str) -> Result<(), KeyFileError> {
    let path = DataFolder::open(folder)?.join(FILE_NAME);
    private_file::replace(&path, secret.as_bytes()).map_err(|source| KeyFileError::Write { path, source })
}

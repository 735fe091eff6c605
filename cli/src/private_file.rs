use std::{
    fs::{File, OpenOptions},
    path::Path,
};

use crate::Failure;

/// A new file that only its owner reads; never one that is there.
pub(crate) fn create(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map_err(|source| Failure::File { path: path.to_owned(), source })
}

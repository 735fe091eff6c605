use std::{fs::File, path::Path};

use crate::CliError;

/// A new file that only its owner reads; never one that is there.
pub(crate) fn create(path: &Path) -> Result<File, CliError> {
    local_data::private_file::create_new(path)
        .map_err(|source| CliError::File { path: path.to_owned(), source })
}

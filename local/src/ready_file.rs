//! `--ready-file`: tells scripts that the server answers, and where.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use local_data::private_file;
use serde_json::Value;

/// A file that is absent until the server answers, and whole from then on.
pub struct ReadyFile(PathBuf);

/// The file cannot be removed or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot use {}: {source}; choose another with --ready-file", path.display())]
pub struct ReadyFileError {
    path: PathBuf,
    source: io::Error,
}

impl ReadyFile {
    /// Removes what an earlier server left there, which would send a script to the wrong address.
    pub fn new(path: &Path) -> Result<Self, ReadyFileError> {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(path, error)),
            _ => Ok(Self(path.to_owned())),
        }
    }

    /// Writes `contents` under another name first: a reader sees nothing or everything.
    pub fn write(&self, contents: &Value) -> Result<(), ReadyFileError> {
        // Only its owner reads it: with --aws-only it holds the access key.
        let written = private_file::replace(&self.0, format!("{contents}\n").as_bytes());
        written.map_err(|error| unusable(&self.0, error))
    }
}

fn unusable(path: &Path, source: io::Error) -> ReadyFileError {
    ReadyFileError { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_file_of_an_earlier_server_is_gone_until_this_one_answers() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("ready.json");
        fs::write(&path, "an earlier server").unwrap();
        let file = ReadyFile::new(&path).unwrap();
        assert!(!path.exists());
        file.write(&json!({ "url": "http://127.0.0.1:1" })).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"url\":\"http://127.0.0.1:1\"}\n");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "the draft stayed");
    }

    #[test]
    fn a_folder_that_is_not_there_is_named() {
        let path = Path::new("/no/such/folder/ready.json");
        let error = ReadyFile::new(path).unwrap().write(&json!({})).unwrap_err().to_string();
        assert!(error.starts_with("cannot use /no/such/folder/ready.json: "), "{error}");
    }
}

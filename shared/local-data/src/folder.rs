use std::{
    fs::{self, Metadata},
    io,
    path::{Path, PathBuf},
};

use crate::{private_file, session_settings, signing_key, store};

/// The certificate of `--https` with its private key.
pub const HTTPS_FILE_NAME: &str = "https.json";
/// The certificate of the authority that signed it, which browsers are told to trust.
pub const HTTPS_AUTHORITY_FILE_NAME: &str = "https-authority.pem";

/// What may be in the folder beside the store's own files.
const OTHERS: [&str; 5] = [
    store::OPENING,
    signing_key::FILE_NAME,
    session_settings::FILE_NAME,
    HTTPS_FILE_NAME,
    HTTPS_AUTHORITY_FILE_NAME,
];

/// The data folder: only its owner may enter it, and no file of ours in it is a link.
///
/// Password hashes and a private key are in it, so every way to it goes through [`DataFolder::create`] or
/// [`DataFolder::open`], which look again each time.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    tightened: Vec<PathBuf>,
}

/// Why the data folder cannot be used: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The operating system rejected something.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The folder or the file in it.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A link may lead to a file of somebody else, or somebody else to this one.
    #[error("{} is a link or has a second name; remove it, or choose another folder", .0.display())]
    Link(PathBuf),
    /// There is something else under this name.
    #[error("{} is not a {expected}", path.display())]
    Kind {
        /// The folder or the file in it.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// Another account can change it at any time.
    #[error("{} belongs to another account; choose another folder, or run as that account", .0.display())]
    ForeignOwner(PathBuf),
    /// It is open to others and holds files that are not ours, so closing it may break something else.
    #[error(
        "other accounts may enter {}, and it holds other files too; close it with `chmod 700`, or choose another folder",
        .0.display()
    )]
    Shared(PathBuf),
}

impl DataFolder {
    /// The folder at `path`, made now if there is none.
    ///
    /// A folder or file of ours that is open to other accounts is closed to them; [`DataFolder::tightened`] says which.
    pub fn create(path: &Path) -> Result<Self, FolderError> {
        let path = without_trailing_slash(path);
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        // What is there is for `open` to judge; a builder would follow a link.
        if fs::symlink_metadata(&path).is_err() {
            builder.create(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
        }
        Self::open(&path)
    }

    /// The folder at `path`, which must be there.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let mut folder = Self { path: without_trailing_slash(path), tightened: Vec::new() };
        folder.close_to_others()?;
        for name in store::FILES.into_iter().chain(OTHERS) {
            folder.check_file(name)?;
        }
        Ok(folder)
    }

    /// Removes the users and the signing key. The lock file stays: others may wait for it.
    pub fn forget(&self) -> Result<(), FolderError> {
        for name in store::FILES.into_iter().chain([signing_key::FILE_NAME]) {
            let path = self.join(name);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(FolderError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// What was open to other accounts until now, and is not any more.
    pub fn tightened(&self) -> &[PathBuf] {
        &self.tightened
    }

    /// Where the folder is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the file `name` is.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The folder first: once others are out of it, nobody swaps a file between a check and its use.
    fn close_to_others(&mut self) -> Result<(), FolderError> {
        let failed = |source| FolderError::Io { path: self.path.clone(), source };
        let found = fs::symlink_metadata(&self.path).map_err(failed)?;
        if found.is_symlink() {
            return Err(FolderError::Link(self.path.clone()));
        }
        if !found.is_dir() {
            return Err(FolderError::Kind { path: self.path.clone(), expected: "folder" });
        }
        // What was opened is what is judged and changed, whatever is under the name by then.
        let opened = private_file::open_folder(&self.path).map_err(failed)?;
        let found = opened.metadata().map_err(failed)?;
        if !private_file::is_ours(&found) {
            return Err(FolderError::ForeignOwner(self.path.clone()));
        }
        if private_file::is_open_to_others(&found) {
            if self.holds_other_files().map_err(failed)? || private_file::is_sticky(&found) {
                return Err(FolderError::Shared(self.path.clone()));
            }
            private_file::close_folder(&opened).map_err(failed)?;
            self.tightened.push(self.path.clone());
        }
        Ok(())
    }

    fn holds_other_files(&self) -> io::Result<bool> {
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name();
            let is_ours = |ours: &&str| name == **ours;
            if !store::FILES.iter().chain(&OTHERS).any(is_ours) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn check_file(&mut self, name: &str) -> Result<(), FolderError> {
        let path = self.join(name);
        let found = match fs::symlink_metadata(&path) {
            Ok(found) => found,
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        self.check_found(path, &found)
    }

    fn check_found(&mut self, path: PathBuf, found: &Metadata) -> Result<(), FolderError> {
        if found.is_symlink() || private_file::has_second_name(found) {
            return Err(FolderError::Link(path));
        }
        if !found.is_file() {
            return Err(FolderError::Kind { path, expected: "file" });
        }
        if !private_file::is_ours(found) {
            return Err(FolderError::ForeignOwner(path));
        }
        if private_file::is_open_to_others(found) {
            // By its name: to open and close a SQLite file gives up every lock that this process has on it.
            private_file::close(&path).map_err(|source| FolderError::Io { path: path.clone(), source })?;
            self.tightened.push(path);
        }
        Ok(())
    }
}

/// With a slash at its end, a link is followed even by calls that do not follow links.
fn without_trailing_slash(path: &Path) -> PathBuf {
    path.components().collect()
}

#[cfg(test)]
#[cfg(unix)]
#[path = "folder_tests.rs"]
mod tests;

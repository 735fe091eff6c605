//! Files and folders that only their owner reads.
//!
//! Windows has no such modes: a folder in the user's profile is closed to others there already, and the checks pass.

use std::{
    fs::{self, File, Metadata, OpenOptions},
    io,
    path::Path,
};

use tempfile::NamedTempFile;

/// A new file that only its owner reads; fails if there is anything under that name, be it a dangling link.
pub fn create_new(path: &Path) -> io::Result<File> {
    options().create_new(true).open(path)
}

/// An exclusive lock on this file, made if it is not there; until it is dropped, another process waits here.
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    let file = options().create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}

/// To write a file; if it is made, only its owner reads it.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Writes a whole new file; fails if there is anything under that name. Nobody ever reads a part of it.
pub fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    written(path, content)?.persist_noclobber(path).map_err(|error| error.error).map(drop)
}

/// Puts a whole new file in the place of another; whoever reads it meanwhile finds the one or the other.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    written(path, content)?.persist(path).map_err(|error| error.error).map(drop)
}

/// The content under a name of chance beside `path`, which goes away unless it gets its final name.
fn written(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = NamedTempFile::new_in(folder)?;
    io::Write::write_all(&mut file, content)?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Opens a folder, never through a link.
#[cfg(unix)]
pub(crate) fn open_folder(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;

    use rustix::fs::OFlags;

    let flags = (OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC).bits().cast_signed();
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

/// Takes a folder's rights from everybody but its owner.
#[cfg(unix)]
pub(crate) fn close_folder(folder: &File) -> io::Result<()> {
    folder.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700))
}

/// Takes a file's rights from everybody but its owner.
#[cfg(unix)]
pub(crate) fn close(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
}

/// Whether this account owns it.
#[cfg(unix)]
pub(crate) fn is_ours(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::uid(found) == rustix::process::geteuid().as_raw()
}

/// Whether the group or others have any right to it.
#[cfg(unix)]
pub(crate) fn is_open_to_others(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o077 != 0
}

/// Whether the folder is one for everybody's files, as /tmp is.
#[cfg(unix)]
pub(crate) fn is_sticky(found: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(found) & 0o1000 != 0
}

/// Whether the file has a hard link elsewhere.
#[cfg(unix)]
pub(crate) fn has_second_name(found: &Metadata) -> bool {
    found.is_file() && std::os::unix::fs::MetadataExt::nlink(found) > 1
}

#[cfg(not(unix))]
pub(crate) use elsewhere::{
    close, close_folder, has_second_name, is_open_to_others, is_ours, is_sticky, open_folder,
};

#[cfg(not(unix))]
mod elsewhere {
    use std::{
        fs::{File, Metadata, OpenOptions},
        io,
        os::windows::fs::OpenOptionsExt,
        path::Path,
    };

    /// Windows opens a folder only for whoever asks for its backup semantics.
    const FILE_FLAG_BACKUP_SEMANTICS: u32 = 0x0200_0000;

    pub(crate) fn open_folder(path: &Path) -> io::Result<File> {
        OpenOptions::new().read(true).custom_flags(FILE_FLAG_BACKUP_SEMANTICS).open(path)
    }

    pub(crate) fn close_folder(_: &File) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn close(_: &Path) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn is_ours(_: &Metadata) -> bool {
        true
    }

    pub(crate) fn is_open_to_others(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn is_sticky(_: &Metadata) -> bool {
        false
    }

    pub(crate) fn has_second_name(_: &Metadata) -> bool {
        false
    }
}

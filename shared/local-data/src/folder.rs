//! The data folder itself.

use std::{fs, io, path::Path};

/// The folder, there and empty if `fresh`: only files of ours are removed.
pub fn prepare(folder: &Path, fresh: bool) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    // Password hashes and a private key are nobody else's business.
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    if fresh {
        for file in ["users.sqlite", "users.sqlite-wal", "users.sqlite-shm", "signing-keys.json"] {
            match fs::remove_file(folder.join(file)) {
                Err(problem) if problem.kind() != io::ErrorKind::NotFound => return Err(problem),
                _ => {}
            }
        }
    }
    Ok(())
}

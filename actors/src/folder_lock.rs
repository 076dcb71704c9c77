//! One at a time uses a folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::OFlags;

/// The name of the file whose lock is the lock of its folder.
const FILE: &str = "lock";

/// The lock of a folder. While it or a clone of it is kept, nobody else can take it: no other process, and
/// nothing else in this one. It is released when the process ends, however that comes about.
///
/// ```
/// # use impresario::store::FolderLock;
/// # let folder = std::env::temp_dir().join(format!("impresario-lock-{}", std::process::id()));
/// let lock = FolderLock::take(&folder)?;
/// assert_eq!(lock.folder(), folder);
/// assert!(FolderLock::file_in(&folder).exists());
/// assert!(FolderLock::take(&folder).is_err());
/// drop(lock);
/// FolderLock::take(&folder)?;
/// # let _ = std::fs::remove_dir_all(&folder);
/// # Ok::<(), impresario::store::LockError>(())
/// ```
#[derive(Clone, Debug)]
pub struct FolderLock {
    folder: PathBuf,
    _locked: Arc<Locked>,
}

/// The lock is that of the open file. It is released when this is dropped, and not only when the file is
/// closed: a child process that has just been made holds the file open until it runs its own program.
#[derive(Debug)]
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Where that fails, the end of the file's last holder releases it.
        let _ = self.0.unlock();
    }
}

/// Why the lock of a folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The folder is in use.
    #[error("the folder {} is in use already, in this process or in another one; one at a time can use it", .0.display())]
    Taken(PathBuf),
    /// The folder, or the file in it, cannot be used.
    #[error("cannot use the folder {}: {error}", .folder.display())]
    Unusable {
        /// The folder that was to be locked.
        folder: PathBuf,
        /// What the system says.
        error: io::Error,
    },
}

impl FolderLock {
    /// Takes the lock of a folder, which is made if it is not there.
    pub fn take(folder: &Path) -> Result<Self, LockError> {
        Self::take_named(folder, FILE)
    }

    /// The same with another file, where a folder may be in use for something else as well.
    pub(crate) fn take_named(folder: &Path, file: &str) -> Result<Self, LockError> {
        let unusable = |error| LockError::Unusable {
            folder: folder.to_owned(),
            error,
        };
        fs::create_dir_all(folder).map_err(unusable)?;
        // The file is not emptied, and a link is not followed.
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(folder.join(file))
            .map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self {
                folder: folder.to_owned(),
                _locked: Arc::new(Locked(file)),
            }),
            Err(TryLockError::WouldBlock) => Err(LockError::Taken(folder.to_owned())),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
        }
    }

    /// The folder that is locked.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that is locked, in a folder.
    pub fn file_in(folder: &Path) -> PathBuf {
        folder.join(FILE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_that_is_dropped_is_free_although_another_process_holds_its_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let lock = FolderLock::take(folder.path()).expect("nobody else has it");
        // What a child process inherits is a copy like this one.
        let inherited = lock._locked.0.try_clone().expect("the file is open");
        assert!(matches!(
            FolderLock::take(folder.path()),
            Err(LockError::Taken(_))
        ));
        drop(lock);
        FolderLock::take(folder.path()).expect("it is free");
        drop(inherited);
    }
}

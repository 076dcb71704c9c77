//! The data folder: whose it is, who may look into it, and that one server at a time uses it.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use impresario::store::sqlite::SqliteStore;
use impresario::store::{FolderLock, LockError};
use rustix::fs::Mode;
use rustix::process::{geteuid, umask};

use crate::config::{Settings, Share};
use crate::exit::Exit;

/// The permissions bits of everything that is its owner's alone.
const OWNER: u32 = 0o700;
/// The same, and its group may go through it to what it may read.
const PASSED_BY_GROUP: u32 = 0o710;
/// The permissions of a file that is its owner's alone.
const OWNER_FILE: u32 = 0o600;
/// As many models, checkpoints and files of them are looked at when the server starts.
const MOST_RESTRICTED: usize = 100_000;
/// A checkpoint's folder is that deep: an operation's, its own, and what is in it.
const DEEPEST: usize = 4;
const WRITABLE_BY_GROUP: u32 = 0o020;
const WRITABLE_BY_ALL: u32 = 0o002;

/// Whatever this process makes from now on is for its owner alone, unless it says otherwise.
pub(crate) fn keep_to_owner() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Makes the folder, sees to it that it is this user's alone, and locks it. Nothing in the folder is changed
/// before that.
pub(crate) fn claim(settings: &Settings) -> Result<FolderLock, Exit> {
    let folder = &settings.data_dir;
    let cannot = |error: io::Error| {
        Exit::unavailable(format!(
            "cannot use the data folder {}: {error}; it must be a folder that this user may write to, with room on its disk: choose another with --data-dir",
            folder.display()
        ))
    };
    fs::create_dir_all(folder).map_err(cannot)?;
    let opened = File::open(folder).map_err(cannot)?;
    let metadata = opened.metadata().map_err(cannot)?;
    trusted(folder, metadata.uid(), metadata.mode())?;
    let files = files(folder);
    for file in &files {
        own(file)?;
    }
    let lock = FolderLock::take(folder).map_err(|error| match error {
        LockError::Taken(_) => Exit::unavailable(format!(
            "the data folder {} is in use by another server; stop that one, or choose another folder with --data-dir",
            folder.display()
        )),
        LockError::Unusable { error, .. } => cannot(error),
    })?;
    let wanted = match settings.data.share {
        Share::None => OWNER,
        Share::Group => PASSED_BY_GROUP,
    };
    // What an earlier version left was for everybody to read.
    restrict(folder, wanted);
    for folder in [settings.models_dir(), settings.checkpoints_dir()] {
        restrict_all(&folder);
    }
    Ok(lock)
}

/// Closes the files that an earlier version left open to others, once they are known to be ours.
pub(crate) fn close(settings: &Settings) {
    for file in files(&settings.data_dir) {
        restrict(&file, OWNER_FILE);
    }
}

/// How often it is looked whether the files are still there.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Ready when a file that the server holds open no longer lies where it did: what is written from then
/// on goes to a file that nobody finds again, and another server could take the folder. Why, in words.
pub(crate) async fn taken_away(folder: PathBuf) -> String {
    let held = files(&folder).into_iter().take(4);
    let held: Vec<_> = held
        .filter_map(|file| Some((place(&file)??, file)))
        .collect();
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        let gone = |(was, file): &&(_, PathBuf)| place(file).is_some_and(|now| now != Some(*was));
        if let Some((_, file)) = held.iter().find(gone) {
            return format!(
                "{} was moved, removed or replaced under the server: what was recorded since then may be lost; put it back if you can, and start again",
                file.display()
            );
        }
    }
}

/// Device and inode of what has this name, if anything has it; `None` when that cannot be said.
fn place(file: &Path) -> Option<Option<(u64, u64)>> {
    match fs::symlink_metadata(file) {
        Ok(found) => Some(Some((found.dev(), found.ino()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(None),
        Err(_) => None,
    }
}

/// The files that the server itself writes there, the lock first.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = vec![FolderLock::file_in(folder)];
    files.extend(SqliteStore::files_in(folder));
    files
}

/// Refuses a folder into which somebody else can put what the server then believes.
fn trusted(folder: &Path, owner: u32, mode: u32) -> Result<(), Exit> {
    let shown = folder.display();
    let own = geteuid().as_raw();
    if owner != own {
        return Err(Exit::unavailable(format!(
            "the data folder {shown} belongs to another user (number {owner}, and this server runs as {own}), who could change what is in it; run chown on it, or choose another with --data-dir"
        )));
    }
    if mode & WRITABLE_BY_ALL != 0 {
        return Err(Exit::unavailable(format!(
            "the data folder {shown} is writable by everyone (its mode is {:03o}), so what is in it cannot be trusted; look at it and run chmod 700 {shown}, or choose another with --data-dir",
            mode & 0o777
        )));
    }
    if mode & WRITABLE_BY_GROUP != 0 {
        log::warn!(
            "the data folder {shown} was writable by its group, whose members could change what is in it; now it is writable by its owner alone"
        );
    }
    Ok(())
}

/// Refuses what is no file of the server's own in place of one that it writes: a link could lead
/// anywhere, a file with another name belongs to somebody else too, and a device keeps nothing.
fn own(file: &Path) -> Result<(), Exit> {
    let Ok(found) = fs::symlink_metadata(file) else {
        return Ok(());
    };
    let what = if found.is_symlink() {
        "is a symbolic link"
    } else if !found.is_file() {
        "is no regular file"
    } else if found.nlink() > 1 {
        "has another name (a hard link)"
    } else {
        return Ok(());
    };
    Err(Exit::unavailable(format!(
        "{} {what}, and the server writes only to files of its own; remove it, or choose another data folder with --data-dir",
        file.display()
    )))
}

/// Gives a folder and what is in it to its owner alone. A file that has another name as well stays as it
/// is, and links are not followed.
fn restrict_all(folder: &Path) {
    let mut left = MOST_RESTRICTED;
    let mut folders = vec![(folder.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        if !is_folder(&folder) {
            continue;
        }
        restrict(&folder, OWNER);
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Some(fewer) = usize::checked_sub(left, 1) else {
                return log::warn!(
                    "{} has more than {MOST_RESTRICTED} files; whether all of them are their owner's alone was not looked at",
                    folder.display()
                );
            };
            left = fewer;
            let path = entry.path();
            match fs::symlink_metadata(&path) {
                Ok(found) if found.is_dir() && depth < DEEPEST => folders.push((path, depth + 1)),
                Ok(found) if found.is_file() && found.nlink() == 1 => restrict(&path, OWNER_FILE),
                _ => {}
            }
        }
    }
}

/// Gives a file or folder these permissions, if it is there. A file system without permissions
/// cannot, which was the choice of whoever put the folder there.
fn restrict(path: &Path, wanted: u32) {
    let Ok(found) = fs::symlink_metadata(path) else {
        return;
    };
    let mode = found.mode() & 0o777;
    if found.is_symlink() || mode == wanted {
        return;
    }
    let special = found.mode() & 0o7000;
    if let Err(error) = fs::set_permissions(path, Permissions::from_mode(special | wanted)) {
        log::warn!(
            "{} stays as it is (mode {mode:03o}), readable by others: {error}",
            path.display()
        );
    }
}

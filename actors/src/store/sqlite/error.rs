//! Why the store cannot be opened, and what SQLite's error codes mean for the supervisor.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::{ErrorCode, ffi};
use rustix::process::{Resource, getrlimit};

use crate::store::{LockError, StoreError};

/// Why the store of a data folder cannot be opened. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Its folder is in use already, or cannot be made.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The file is no database of this server.
    #[error("{} is not a database of Impresario and was left as it is; move it away, or choose another folder", .0.display())]
    Foreign(PathBuf),
    /// A newer server wrote it.
    #[error("{} was written by a newer Impresario (tables of version {version}, this one knows {known}) and was left as it is; use the newer one, or choose another folder", .database.display())]
    Newer {
        /// The file.
        database: PathBuf,
        /// Its version.
        version: i64,
        /// The newest that this server knows.
        known: i64,
    },
    /// It is damaged.
    #[error("{} is damaged ({why}) and was left as it is; copy the data folder, then restore a backup, or salvage it with sqlite3's .recover, or choose another folder", .database.display())]
    Damaged {
        /// The file.
        database: PathBuf,
        /// What was found.
        why: String,
    },
    /// The log is there, its database is not.
    #[error("{} is there but its database {} is missing or empty; put the database back beside it, move the log away if what it holds may be lost, or choose another folder", .log.display(), .database.display())]
    LogAlone {
        /// The database's file.
        database: PathBuf,
        /// The log's file.
        log: PathBuf,
    },
    /// The log does not hold what was committed to it.
    #[error("the write-ahead log {} is damaged ({why}) and was left as it is, with its database; copy the data folder, then restore a backup, or remove the files that end with -wal and -shm to go on without what only the log held, or choose another folder", .log.display())]
    LogDamaged {
        /// The log's file.
        log: PathBuf,
        /// What was found.
        why: String,
    },
    /// A network mount.
    #[error("the data folder {} is on a network mount ({kind}), whose locks and syncs cannot be relied on; choose a local folder, or allow it (allow_network_mount) if you know better", .folder.display())]
    Network {
        /// The folder.
        folder: PathBuf,
        /// The kind of mount.
        kind: String,
    },
    /// The disk or its permissions.
    #[error("cannot use {}: {why}; check that the folder is writable and the disk has room, or choose another", .file.display())]
    Unusable {
        /// The file.
        file: PathBuf,
        /// What the system says.
        why: String,
    },
}

impl OpenError {
    pub(super) fn io(file: &Path, error: &io::Error) -> Self {
        Self::Unusable {
            file: file.to_owned(),
            why: error.to_string(),
        }
    }

    pub(super) fn damaged(database: &Path, why: String) -> Self {
        let (database, why) = (database.to_owned(), why);
        Self::Damaged { database, why }
    }

    pub(super) fn sqlite(database: &Path, error: &rusqlite::Error) -> Self {
        let why = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => {
                Self::damaged(database, why)
            }
            Some(_) => Self::Unusable {
                file: database.to_owned(),
                why,
            },
        }
    }
}

/// A full disk is waited out; what may have damaged the file ends the process; everything else is
/// tried again.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let Some(code) = error.sqlite_error() else {
        return StoreError::Fatal(format!("a row cannot be read: {text}"));
    };
    match (code.code, code.extended_code) {
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full(text),
        // Most likely the limit of a file's size (`ulimit -f`), which SQLite does not tell apart.
        (_, ffi::SQLITE_IOERR_WRITE) if getrlimit(Resource::Fsize).current.is_some() => {
            StoreError::Full(text)
        }
        // After a failed fsync the page cache no longer tells the truth.
        (_, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) => {
            StoreError::Fatal(format!("a sync to disk failed ({text}); check the disk before starting again"))
        }
        (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => StoreError::Fatal(format!(
            "the database is damaged ({text}); it was left as it is: copy the data folder, then restore a backup or salvage it with sqlite3's .recover"
        )),
        (_, ffi::SQLITE_READONLY_DBMOVED) => {
            StoreError::Fatal("the database's file was moved or removed under the server; put it back and start again".to_owned())
        }
        (ErrorCode::ConstraintViolation | ErrorCode::Unknown, _) => StoreError::Fatal(text),
        _ => StoreError::Unavailable(text),
    }
}

/// Whether the tables refused what was to be written: a row may be damaged in a way that does not show
/// when it is read.
pub(super) fn is_refusal(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation)
}

/// An operation's row that cannot be read stands in the way of a batch.
pub(super) fn damaged(why: String) -> rusqlite::Error {
    let why: Box<dyn std::error::Error + Send + Sync> = why.into();
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Null, why)
}

/// A row that holds what no version of this server wrote.
pub(super) fn unreadable(error: impl std::error::Error + Send + Sync + 'static) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, Box::new(error))
}

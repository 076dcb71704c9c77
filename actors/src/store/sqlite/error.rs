//! What SQLite's error codes mean for the supervisor.

use crate::store::StoreError;
use rusqlite::{ErrorCode, ffi};

/// A full disk is waited out; what may have damaged the file ends the process; everything else is
/// tried again.
pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let Some(code) = error.sqlite_error() else {
        return StoreError::Fatal(format!("a row cannot be read: {text}"));
    };
    match (code.code, code.extended_code) {
        (ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full(text),
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

//! Errors of market data, with the codes that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::{ErrorCode, Refusal};
use impresario_api::Timestamp;
use impresario_market::dialect::DialectError;
use impresario_market::error::ImportError;
use serde_json::{Value, json};

/// An error of market data.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// There is no such dataset.
    #[error(
        "there is no data of {symbol} {timeframe}; POST /api/v1/data/load loads it from a file"
    )]
    NotFound {
        /// The name in the request.
        symbol: String,
        /// The name in the request.
        timeframe: String,
    },
    /// A file of the library is not what was written.
    #[error("{} is damaged: {why}; load the data again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The library's folder cannot be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Storage {
        /// What was tried: "write", "read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file cannot be kept for want of room.
    #[error("cannot write {}: {source}; there is no room for it", path.display())]
    StorageFull {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file that is sent is empty.
    #[error("{file}: expected a file with at least one byte, got an empty one")]
    ImportEmpty {
        /// The file's name in the request.
        file: String,
    },
    /// A file that is sent is larger than it may be.
    #[error(
        "expected a file of at most {} MiB ({limit} bytes, the server's data.upload_limit_mb), got a larger one",
        limit >> 20
    )]
    ImportTooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// There is no such file in the import folder.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": {why}")]
    FileNotFound {
        /// The file's name in the request.
        file: String,
        /// The import folder.
        folder: String,
        /// What is wrong with the name.
        why: String,
    },
    /// The name leads out of the import folder.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": {why}")]
    FileOutside {
        /// The file's name in the request.
        file: String,
        /// The import folder.
        folder: String,
        /// How the name leads out of the folder.
        why: &'static str,
    },
    /// The name is that of a folder, a device or a pipe.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": it is {what}")]
    FileNotRegular {
        /// The file's name in the request.
        file: String,
        /// The import folder.
        folder: String,
        /// What it is the name of.
        what: &'static str,
    },
    /// The operating system refuses to read it.
    #[error("{file}: cannot be read: {source}")]
    FileUnreadable {
        /// The file's name in the request.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// Somebody wrote to the file while it was read.
    #[error("{file}: was changed while it was read; load it again when it is complete")]
    FileChanged {
        /// The file's name in the request.
        file: String,
    },
    /// The file is refused.
    #[error("{0}")]
    Import(#[from] ImportError),
    /// A dialect's file cannot be used.
    #[error("{0}")]
    Dialect(#[from] DialectError),
    /// A bar to be appended is not later than those that are kept.
    #[error(
        "mode: expected bars later than {last}, the last one kept, got {count} that are not; the first is {time} (line {line}); merge takes them"
    )]
    NotLater {
        /// How many there are.
        count: u64,
        /// The time of the earliest.
        time: Timestamp,
        /// Its line.
        line: u64,
        /// The time of the last bar kept.
        last: Timestamp,
    },
    /// Another load or a deletion has changed the dataset since this load looked at it.
    #[error("the data of {symbol} {timeframe} has been changed by somebody else during this load")]
    DatasetBusy {
        /// The dataset's symbol.
        symbol: String,
        /// The dataset's timeframe.
        timeframe: String,
    },
}

impl MarketError {
    /// The error with the line that belongs to a place in the file.
    #[must_use]
    pub(super) fn with_line(self, line_of: impl FnOnce(u64) -> u64) -> Self {
        match self {
            Self::NotLater {
                count,
                time,
                line,
                last,
            } => Self::NotLater {
                count,
                time,
                line: line_of(line),
                last,
            },
            other => other,
        }
    }

    /// The error for a failed system call on the library.
    pub(super) fn storage(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Storage { what, path, source }
    }
}

impl ErrorCode for MarketError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "DATA_NOT_FOUND",
            Self::Damaged { .. } => "DATA_DAMAGED",
            Self::Storage { .. } => "STORAGE_FAILED",
            Self::StorageFull { .. } => "STORAGE_FULL",
            Self::ImportEmpty { .. } => "FILE_EMPTY",
            Self::ImportTooLarge { .. } => "BODY_TOO_LARGE",
            Self::FileNotFound { .. } => "FILE_NOT_FOUND",
            Self::FileOutside { .. } => "FILE_OUTSIDE",
            Self::FileNotRegular { .. } => "FILE_NOT_REGULAR",
            Self::FileUnreadable { .. } => "FILE_UNREADABLE",
            Self::FileChanged { .. } => "FILE_CHANGED",
            Self::Import(error) => error.code(),
            Self::Dialect(DialectError::Invalid { .. }) => "DIALECT_INVALID",
            Self::Dialect(DialectError::Unreadable { .. }) => "DIALECT_UNREADABLE",
            Self::NotLater { .. } => "NOT_LATER",
            Self::DatasetBusy { .. } => "DATASET_BUSY",
        }
    }

    /// A full or missing disk may be usable again later, and the next attempt sees what has changed.
    fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Storage { .. }
                | Self::StorageFull { .. }
                | Self::FileChanged { .. }
                | Self::DatasetBusy { .. }
        )
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::NotFound { symbol, timeframe } | Self::DatasetBusy { symbol, timeframe } => {
                Some(json!({"symbol": symbol, "timeframe": timeframe}))
            }
            Self::FileNotFound { file, folder, .. }
            | Self::FileOutside { file, folder, .. }
            | Self::FileNotRegular { file, folder, .. } => {
                Some(json!({"field": "file", "file": file, "folder": folder}))
            }
            Self::ImportTooLarge { limit } => Some(json!({"limit": limit})),
            Self::FileUnreadable { file, .. } => Some(json!({"field": "file", "file": file})),
            Self::Import(error) => error.details(),
            Self::NotLater {
                count,
                time,
                line,
                last,
            } => Some(json!({"field": "mode", "count": count,
                "time": time, "line": line, "last": last})),
            _ => None,
        }
    }
}

impl From<MarketError> for Refusal {
    fn from(error: MarketError) -> Self {
        let refusal = Self::new(error.code(), error.to_string());
        let refusal = match error.retryable() {
            true => refusal.retryable(),
            false => refusal,
        };
        match error.details() {
            Some(details) => refusal.details(details),
            None => refusal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A form shows a refusal at the field that `details` names.
    #[test]
    fn a_refusal_that_is_about_the_file_names_the_param() {
        let text = || "x".to_owned();
        let refusals = [
            MarketError::FileNotFound {
                file: text(),
                folder: text(),
                why: text(),
            },
            MarketError::FileOutside {
                file: text(),
                folder: text(),
                why: "it is",
            },
            MarketError::FileNotRegular {
                file: text(),
                folder: text(),
                what: "a folder",
            },
            MarketError::FileUnreadable {
                file: text(),
                source: io::ErrorKind::PermissionDenied.into(),
            },
        ];
        for refusal in refusals.map(Refusal::from) {
            let details = refusal.details.unwrap_or_default();
            assert_eq!(details["field"], "file", "{}", refusal.code);
        }
    }
}

//! Errors of market data, with the codes that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::{ErrorCode, Refusal};
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
    /// The file is empty.
    #[error("{file}: expected a header and rows of bars, got an empty file")]
    FileEmpty {
        /// The file's name in the request.
        file: String,
    },
    /// The first line names no column of a bar.
    #[error(
        "{file}: line 1: expected a header such as timestamp,open,high,low,close,volume, got \"{got}\"{hint}"
    )]
    NoHeader {
        /// The file's name in the request.
        file: String,
        /// The first line, shortened.
        got: String,
        /// What is probably wrong with the line; may be empty.
        hint: &'static str,
    },
    /// The header lacks columns.
    #[error("{file}: header: expected the columns {}, which are missing; got \"{got}\"", missing.join(", "))]
    ColumnMissing {
        /// The file's name in the request.
        file: String,
        /// The names of the columns.
        missing: Vec<&'static str>,
        /// The header, shortened.
        got: String,
    },
    /// The header has a column more than once.
    #[error("{file}: header: expected {expected} once, got \"{first}\" and \"{second}\"")]
    ColumnTwice {
        /// The file's name in the request.
        file: String,
        /// The column that should be there once.
        expected: &'static str,
        /// The name in the header.
        first: String,
        /// The name in the header.
        second: String,
    },
    /// The file has only a header.
    #[error("{file}: expected rows of bars after the header, got none")]
    NoRows {
        /// The file's name in the request.
        file: String,
    },
    /// A row is not a bar.
    #[error("{0}")]
    BadRow(Box<BadRow>),
}

/// A row that is not a bar.
#[derive(Debug, thiserror::Error)]
#[error("{file}: row {row} (line {line}), {field}: expected {expected}, got {got}")]
pub struct BadRow {
    /// The file's name in the request.
    pub file: String,
    /// The row's number, from 1, without the header.
    pub row: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The column's name, or "the row".
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came, shortened and in quotes.
    pub got: String,
}

impl MarketError {
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
            Self::ImportTooLarge { .. } => "BODY_TOO_LARGE",
            Self::FileNotFound { .. } => "FILE_NOT_FOUND",
            Self::FileOutside { .. } => "FILE_OUTSIDE",
            Self::FileNotRegular { .. } => "FILE_NOT_REGULAR",
            Self::FileUnreadable { .. } => "FILE_UNREADABLE",
            Self::FileEmpty { .. } => "FILE_EMPTY",
            Self::NoHeader { .. } => "NO_HEADER",
            Self::ColumnMissing { .. } => "COLUMN_MISSING",
            Self::ColumnTwice { .. } => "COLUMN_TWICE",
            Self::NoRows { .. } => "NO_ROWS",
            Self::BadRow(_) => "BAD_ROW",
        }
    }

    /// A full or missing disk may be usable again later.
    fn retryable(&self) -> bool {
        matches!(self, Self::Storage { .. } | Self::StorageFull { .. })
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::NotFound { symbol, timeframe } => {
                Some(json!({"symbol": symbol, "timeframe": timeframe}))
            }
            Self::FileNotFound { file, folder, .. }
            | Self::FileOutside { file, folder, .. }
            | Self::FileNotRegular { file, folder, .. } => {
                Some(json!({"field": "file", "file": file, "folder": folder}))
            }
            Self::ImportTooLarge { limit } => Some(json!({"limit": limit})),
            Self::FileUnreadable { file, .. } => Some(json!({"field": "file", "file": file})),
            Self::ColumnMissing { file, missing, .. } => {
                Some(json!({"file": file, "missing": missing}))
            }
            Self::BadRow(bad) => Some(json!({"file": bad.file, "row": bad.row, "line": bad.line,
                "field": bad.field, "expected": bad.expected, "got": bad.got})),
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

//! What can go wrong with market data, with the code that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::{ErrorCode, Refusal};
use serde_json::{Value, json};

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum MarketError {
    /// Nothing was loaded under this name.
    #[error(
        "there is no data of {symbol} {timeframe}; POST /api/v1/data/load loads it from a file"
    )]
    NotFound {
        /// As it was asked for.
        symbol: String,
        /// As it was asked for.
        timeframe: String,
    },
    /// A file of the library is not what was written.
    #[error("{} is damaged: {why}; load the data again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        why: String,
    },
    /// The library's folder does not do what it should.
    #[error("cannot {what} {}: {source}", path.display())]
    Storage {
        /// "write", "read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no such file to import.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": {why}")]
    FileNotFound {
        /// As it was named.
        file: String,
        /// The import folder.
        folder: String,
        /// What is missing.
        why: String,
    },
    /// The name leads out of the import folder.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": {why}")]
    FileOutside {
        /// As it was named.
        file: String,
        /// The import folder.
        folder: String,
        /// How it leaves.
        why: &'static str,
    },
    /// The name is that of a folder, a device, a pipe.
    #[error("file: expected a file in the import folder {folder}, got \"{file}\": it is {what}")]
    FileNotRegular {
        /// As it was named.
        file: String,
        /// The import folder.
        folder: String,
        /// What it is.
        what: &'static str,
    },
    /// The system does not let it be read.
    #[error("{file}: cannot be read: {source}")]
    FileUnreadable {
        /// As it was named.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// There is nothing in it.
    #[error("{file}: expected a header and rows of bars, got an empty file")]
    FileEmpty {
        /// As it was named.
        file: String,
    },
    /// The first line names no column of a bar.
    #[error(
        "{file}: line 1: expected a header such as timestamp,open,high,low,close,volume, got \"{got}\"{hint}"
    )]
    NoHeader {
        /// As it was named.
        file: String,
        /// The first line, shortened.
        got: String,
        /// What is probably wrong with it; may be empty.
        hint: &'static str,
    },
    /// The header lacks columns.
    #[error("{file}: header: expected the columns {}, which are missing; got \"{got}\"", missing.join(", "))]
    ColumnMissing {
        /// As it was named.
        file: String,
        /// Which.
        missing: Vec<&'static str>,
        /// The header, shortened.
        got: String,
    },
    /// The header has a column more than once.
    #[error("{file}: header: expected {expected} once, got \"{first}\" and \"{second}\"")]
    ColumnTwice {
        /// As it was named.
        file: String,
        /// What there should be one of.
        expected: &'static str,
        /// As it stands there.
        first: String,
        /// As it stands there.
        second: String,
    },
    /// There is a header and nothing else.
    #[error("{file}: expected rows of bars after the header, got none")]
    NoRows {
        /// As it was named.
        file: String,
    },
    /// A row is no bar.
    #[error("{0}")]
    BadRow(Box<BadRow>),
}

/// A row that is no bar.
#[derive(Debug, thiserror::Error)]
#[error("{file}: row {row} (line {line}), {field}: expected {expected}, got {got}")]
pub struct BadRow {
    /// As it was named.
    pub file: String,
    /// The row's number, from 1, without the header.
    pub row: u64,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The column's name, or "the row".
    pub field: &'static str,
    /// What should stand there.
    pub expected: String,
    /// What stands there, shortened and in quotes.
    pub got: String,
}

impl MarketError {
    /// A failed call of the system on the library.
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

    /// A disk that was full or away may be back.
    fn retryable(&self) -> bool {
        matches!(self, Self::Storage { .. })
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

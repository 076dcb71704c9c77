//! Why a file of bars is refused, with the codes that clients see.

use std::io;

use serde_json::{Value, json};

use crate::container::ContainerError;

/// The most bad rows that an error names; all are counted.
pub const NAMED_ROWS: usize = 20;

/// Why a file of bars is refused.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// What the file is packed in cannot be taken off, or it holds no text.
    #[error("{0}")]
    Container(ContainerError),
    /// The file cannot be read.
    #[error("{file}: cannot be read: {source}")]
    Unreadable {
        /// The file's name.
        file: String,
        /// The cause.
        source: io::Error,
    },
    /// No line names the columns of a bar, and the columns cannot be told from what is in them.
    #[error(
        "{file}: line 1: expected a header such as timestamp,open,high,low,close,volume, got \"{got}\""
    )]
    NoHeader {
        /// The file's name.
        file: String,
        /// The first line, shortened.
        got: String,
    },
    /// The header lacks columns.
    #[error("{file}: header: expected the columns {}, which are missing; got \"{got}\"; say columns if they have other names", missing.join(", "))]
    ColumnMissing {
        /// The file's name.
        file: String,
        /// The names of the fields.
        missing: Vec<&'static str>,
        /// The header, shortened.
        got: String,
    },
    /// The header has a column more than once.
    #[error(
        "{file}: header: expected one column for the {field}, got \"{first}\" and \"{second}\"; say columns to choose one"
    )]
    ColumnTwice {
        /// The file's name.
        file: String,
        /// The field of a bar.
        field: &'static str,
        /// The first column's name.
        first: String,
        /// The second column's name.
        second: String,
    },
    /// The file has bars of several symbols, and none of them is the one that was asked for.
    #[error("{file}: expected rows of {symbol}, got those of {}", found.join(", "))]
    SymbolNotFound {
        /// The file's name.
        file: String,
        /// The symbol that was asked for.
        symbol: String,
        /// The first symbols of the file.
        found: Vec<String>,
    },
    /// What was said about the file does not fit it.
    #[error("{field}: expected {expected}, got {got}")]
    OptionDoesNotFit {
        /// The param.
        field: String,
        /// What was expected.
        expected: String,
        /// What was said, shortened.
        got: String,
    },
    /// What was said about the times does not fit them.
    #[error("{field}: {message}")]
    TimesDoNotFit {
        /// The param.
        field: &'static str,
        /// What is wrong, and what was expected.
        message: String,
    },
    /// The file has no rows of bars.
    #[error("{file}: expected rows of bars{}, got none", if *dropped > 0 { ", as all rows were left out" } else { " after the header" })]
    NoRows {
        /// The file's name.
        file: String,
        /// How many rows were left out.
        dropped: u64,
    },
    /// Rows are no bars.
    #[error("{}", told(.0))]
    BadRows(Box<BadRows>),
    /// How the file is to be read cannot be told.
    #[error("{file}: {}", told_doubts(doubts))]
    Doubtful {
        /// The file's name.
        file: String,
        /// Everything that is doubted.
        doubts: Vec<Doubt>,
    },
}

/// Rows that are no bars.
#[derive(Debug)]
pub struct BadRows {
    /// The file's name.
    pub file: String,
    /// How many there are.
    pub count: u64,
    /// The first twenty.
    pub rows: Vec<BadRow>,
}

/// A row that is no bar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// The row's number, from 1, without the header; of a row whose time came before only the line is known.
    pub row: Option<u64>,
    /// The line on which it begins, from 1.
    pub line: u64,
    /// The field, or "the row".
    pub field: &'static str,
    /// What was expected.
    pub expected: String,
    /// What came, shortened and in quotes.
    pub got: String,
}

/// Something about a file that cannot be told, or that cannot be meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Its name, which `accept_doubts` takes.
    pub code: &'static str,
    /// What is doubted.
    pub message: String,
    /// What to say instead.
    pub instead: String,
}

impl ImportError {
    /// The code that clients see.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Container(error) => error.code(),
            Self::Unreadable { .. } => "FILE_UNREADABLE",
            Self::NoHeader { .. } => "NO_HEADER",
            Self::ColumnMissing { .. } => "COLUMN_MISSING",
            Self::ColumnTwice { .. } => "COLUMN_TWICE",
            Self::SymbolNotFound { .. } => "SYMBOL_NOT_FOUND",
            Self::OptionDoesNotFit { .. } | Self::TimesDoNotFit { .. } => "OPTION_DOES_NOT_FIT",
            Self::NoRows { .. } => "NO_ROWS",
            Self::BadRows(_) => "BAD_ROW",
            Self::Doubtful { .. } => "DATA_DOUBTFUL",
        }
    }

    /// What programs may want to know.
    pub fn details(&self) -> Option<Value> {
        match self {
            Self::ColumnMissing { file, missing, .. } => {
                Some(json!({"file": file, "missing": missing}))
            }
            Self::SymbolNotFound { file, found, .. } => {
                Some(json!({"field": "symbol", "file": file, "found": found}))
            }
            Self::OptionDoesNotFit {
                field,
                expected,
                got,
            } => Some(json!({"field": field, "expected": expected, "got": got})),
            Self::TimesDoNotFit { field, .. } => Some(json!({"field": field})),
            Self::BadRows(bad) => Some(bad.details()),
            Self::Doubtful { file, doubts } => {
                let doubts: Vec<_> = doubts.iter().map(Doubt::details).collect();
                Some(json!({"file": file, "doubts": doubts}))
            }
            _ => None,
        }
    }
}

impl From<ContainerError> for ImportError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}

impl BadRows {
    /// The first row stands on the top level, as before there were several.
    fn details(&self) -> Value {
        let row = |bad: &BadRow| {
            json!({"row": bad.row, "line": bad.line, "field": bad.field,
                "expected": bad.expected, "got": bad.got})
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let mut details = rows.first().cloned().unwrap_or_else(|| json!({}));
        details["file"] = self.file.clone().into();
        details["count"] = self.count.into();
        details["rows"] = rows.into();
        details
    }
}

impl Doubt {
    fn details(&self) -> Value {
        json!({"code": self.code, "message": self.message, "instead": self.instead})
    }
}

fn told(bad: &BadRows) -> String {
    let Some(first) = bad.rows.first() else {
        return format!("{}: expected bars", bad.file);
    };
    let BadRow {
        row,
        line,
        field,
        expected,
        got,
    } = first;
    let row = row.map_or_else(
        || format!("line {line}"),
        |row| format!("row {row} (line {line})"),
    );
    let start = format!(
        "{}: {row}, {field}: expected {expected}, got {got}",
        bad.file
    );
    match bad.count {
        0 | 1 => start,
        2 => format!("{start}; 1 more row is no bar"),
        more => format!("{start}; {} more rows are no bars", more - 1),
    }
}

fn told_doubts(doubts: &[Doubt]) -> String {
    let each = doubts.iter().map(|doubt| {
        let Doubt {
            code,
            message,
            instead,
        } = doubt;
        format!("{message} ({code}): {instead}")
    });
    each.collect::<Vec<_>>().join("; ")
}

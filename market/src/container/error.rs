//! Why a file is not read.

use std::io;
use std::sync::Arc;

use super::recognise;

/// Why a file is not read. Each message begins with the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// There is nothing in it.
    #[error("{name} is empty; CSV text with bars was expected")]
    Empty {
        /// The file.
        name: String,
    },
    /// It is something else than bars.
    #[error(
        "{name} seems to be {seems}; expected was CSV text with bars, plain or in gzip, zip or Parquet"
    )]
    NotBars {
        /// The file.
        name: String,
        /// What it seems to be, with what it says if it is a text.
        seems: String,
    },
    /// It is packed in a way that is not read.
    #[error("{name} cannot be unpacked: {why}")]
    Unsupported {
        /// The file.
        name: String,
        /// What is in the way, and what was expected.
        why: String,
    },
    /// It has columns within columns.
    #[error("{name} has nested columns ({columns}); each column is expected to hold plain values")]
    Nested {
        /// The file.
        name: String,
        /// The columns, bounded.
        columns: String,
    },
    /// What is packed in it is larger than it may be.
    #[error("{name} is too large once it is unpacked: {why}")]
    TooLarge {
        /// The file.
        name: String,
        /// What is too large, and what is allowed.
        why: String,
    },
    /// It was cut short, or changed.
    #[error("{name} is damaged or cut short: {why}")]
    Damaged {
        /// The file.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// The operating system does not give its bytes.
    #[error("{name} cannot be read: {why}")]
    Unreadable {
        /// The file.
        name: String,
        /// What the operating system says.
        why: String,
        /// The kind of that.
        kind: io::ErrorKind,
    },
}

impl ContainerError {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty { .. } => "FILE_EMPTY",
            Self::NotBars { .. } => "NOT_BARS",
            Self::Unsupported { .. } => "ARCHIVE_UNSUPPORTED",
            Self::Nested { .. } => "COLUMNS_NESTED",
            Self::TooLarge { .. } => "ARCHIVE_TOO_LARGE",
            Self::Damaged { .. } => "FILE_DAMAGED",
            Self::Unreadable { .. } => "FILE_UNREADABLE",
        }
    }

    /// The one in an error of `read`, if it is of this module.
    pub fn of(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

impl From<ContainerError> for io::Error {
    fn from(error: ContainerError) -> Self {
        let kind = match &error {
            ContainerError::Unreadable { kind, .. } => *kind,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}

/// The name of a file, as messages have it, and the errors about it.
#[derive(Clone, Debug)]
pub(super) struct Named(Arc<str>);

/// So many characters of a name are shown.
const NAME_SHOWN: usize = 100;
/// So many characters of what a library says are shown.
const REASON_SHOWN: usize = 300;

impl Named {
    pub(super) fn new(name: &str) -> Self {
        Self(recognise::one_line(name, NAME_SHOWN).into())
    }

    /// A file within this one.
    pub(super) fn inside(&self, member: &str) -> Self {
        let member = recognise::one_line(member, NAME_SHOWN);
        Self(format!("{member} in {}", self.0).into())
    }

    fn name(&self) -> String {
        self.0.as_ref().to_owned()
    }

    pub(super) fn empty(&self) -> ContainerError {
        ContainerError::Empty { name: self.name() }
    }

    pub(super) fn not_bars(&self, seems: impl Into<String>) -> ContainerError {
        ContainerError::NotBars {
            name: self.name(),
            seems: seems.into(),
        }
    }

    pub(super) fn unsupported(&self, why: impl Into<String>) -> ContainerError {
        ContainerError::Unsupported {
            name: self.name(),
            why: why.into(),
        }
    }

    pub(super) fn too_large(&self, why: impl Into<String>) -> ContainerError {
        ContainerError::TooLarge {
            name: self.name(),
            why: why.into(),
        }
    }

    pub(super) fn damaged(&self, why: impl AsRef<str>) -> ContainerError {
        ContainerError::Damaged {
            name: self.name(),
            why: recognise::one_line(why.as_ref(), REASON_SHOWN),
        }
    }

    #[cfg(feature = "parquet")]
    pub(super) fn nested(&self, columns: &str) -> ContainerError {
        ContainerError::Nested {
            name: self.name(),
            columns: recognise::one_line(columns, REASON_SHOWN),
        }
    }

    /// An error of reading. One that this module gave is passed on.
    pub(super) fn unreadable(&self, error: &io::Error) -> ContainerError {
        ContainerError::of(error)
            .cloned()
            .unwrap_or_else(|| ContainerError::Unreadable {
                name: self.name(),
                why: recognise::one_line(&error.to_string(), REASON_SHOWN),
                kind: error.kind(),
            })
    }
}

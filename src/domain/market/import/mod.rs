//! Opens files inside the import folder, and no others.

mod columns;
pub(super) mod csv;
mod lines;
mod time;

use std::fs::{self, File, Metadata};
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use impresario::operation::{open_patiently, too_many_open_files};

use super::error::MarketError;

/// A file to import.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: File,
    /// The path after all links were resolved.
    pub(super) path: PathBuf,
    /// The size when the file was opened, in bytes.
    pub(super) size: u64,
}

/// Opens the file of this name inside `folder`.
pub(super) fn open(folder: &Path, name: &str) -> Result<Source, MarketError> {
    let path = resolve(folder, name)?;
    let unreadable = |source| MarketError::FileUnreadable {
        file: name.to_owned(),
        source,
    };
    let file = open_patiently(|| File::open(&path)).map_err(|source| {
        if too_many_open_files(&source) {
            // This is not a fault of the file.
            MarketError::storage("open", &path)(source)
        } else {
            unreadable(source)
        }
    })?;
    // The file may have been replaced since it was checked.
    let metadata = file.metadata().map_err(unreadable)?;
    regular(folder, name, &metadata)?;
    Ok(Source {
        size: metadata.len(),
        file,
        path,
    })
}

/// The folder's path in full, so that an operator finds it wherever the server was started.
fn shown(folder: &Path) -> String {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.display().to_string()
}

/// The real path of the file with this name inside `folder`. A name that leads out of the folder is
/// refused, whether by `..`, as an absolute path, or through a symbolic link.
pub(super) fn resolve(folder: &Path, name: &str) -> Result<PathBuf, MarketError> {
    let outside = |why| MarketError::FileOutside {
        file: name.to_owned(),
        folder: shown(folder),
        why,
    };
    for part in Path::new(name).components() {
        match part {
            Component::Normal(_) | Component::CurDir => {}
            Component::ParentDir => return Err(outside("\"..\" leads out of it")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(outside("it is an absolute path"));
            }
        }
    }
    let missing = |why: &str| MarketError::FileNotFound {
        file: name.to_owned(),
        folder: shown(folder),
        why: why.to_owned(),
    };
    let home = fs::canonicalize(folder).map_err(|error| {
        missing(&format!(
            "the folder cannot be used: {error}; make it where the server runs, or set data.import_dir there"
        ))
    })?;
    let path = fs::canonicalize(home.join(name)).map_err(|source| match source.kind() {
        ErrorKind::NotFound => missing("there is no such file"),
        ErrorKind::NotADirectory | ErrorKind::InvalidInput | ErrorKind::InvalidFilename => {
            missing(&source.to_string())
        }
        _ => MarketError::FileUnreadable {
            file: name.to_owned(),
            source,
        },
    })?;
    if !path.starts_with(&home) {
        return Err(outside("a symbolic link leads out of it"));
    }
    let metadata = fs::metadata(&path).map_err(|source| MarketError::FileUnreadable {
        file: name.to_owned(),
        source,
    })?;
    regular(folder, name, &metadata)?;
    Ok(path)
}

/// Refuses anything but a regular file: a folder has no rows, and a pipe may never end.
fn regular(folder: &Path, name: &str, metadata: &Metadata) -> Result<(), MarketError> {
    if metadata.is_file() {
        return Ok(());
    }
    Err(MarketError::FileNotRegular {
        file: name.to_owned(),
        folder: shown(folder),
        what: if metadata.is_dir() {
            "a folder"
        } else {
            "no regular file"
        },
    })
}

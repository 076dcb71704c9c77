//! Opens files inside the import folder, and no others.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use impresario::operation::{open_regular, too_many_open_files};

use super::error::MarketError;

/// A file to import.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: File,
    /// The size when the file was opened, in bytes.
    pub(super) size: u64,
}

/// Opens the file of this name inside `folder`.
pub(super) fn open(folder: &Path, name: &str) -> Result<Source, MarketError> {
    let (home, path) = resolve(folder, name)?;
    open_resolved(folder, name, &home, &path)
}

/// It may have become something else since it was looked at.
fn open_resolved(
    folder: &Path,
    name: &str,
    home: &Path,
    path: &Path,
) -> Result<Source, MarketError> {
    match open_regular(home, path) {
        Ok(Some(file)) => match file.metadata() {
            Ok(metadata) => Ok(Source {
                size: metadata.len(),
                file,
            }),
            Err(error) => Err(unreadable(name, error)),
        },
        Ok(None) => Err(not_regular(folder, name, "no regular file")),
        // That is no fault of the file.
        Err(error) if too_many_open_files(&error) => {
            Err(MarketError::storage("open", home.join(path))(error))
        }
        Err(error) => Err(unreadable(name, error)),
    }
}

/// Which state of a file it is: another one has another size or time of change.
pub(super) fn state(file: &File, name: &str) -> Result<(u64, i64, i64), MarketError> {
    let facts = file.metadata().map_err(|error| unreadable(name, error))?;
    Ok((facts.size(), facts.mtime(), facts.mtime_nsec()))
}

fn unreadable(name: &str, source: io::Error) -> MarketError {
    MarketError::FileUnreadable {
        file: name.to_owned(),
        source,
    }
}

/// The folder's path in full, so that an operator finds it wherever the server was started.
pub(super) fn shown(folder: &Path) -> String {
    let whole = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    whole.display().to_string()
}

/// The real path of `folder`, and the path in it, without links, of the file with this name. A name that
/// leads out of the folder is refused, whether by `..`, as an absolute path, or through a symbolic link.
pub(super) fn resolve(folder: &Path, name: &str) -> Result<(PathBuf, PathBuf), MarketError> {
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
        _ => unreadable(name, source),
    })?;
    let Ok(below) = path.strip_prefix(&home) else {
        return Err(outside("a symbolic link leads out of it"));
    };
    // A folder has no rows, and a pipe may never end.
    let metadata = fs::metadata(&path).map_err(|source| unreadable(name, source))?;
    if metadata.is_dir() {
        return Err(not_regular(folder, name, "a folder"));
    }
    if !metadata.is_file() {
        return Err(not_regular(folder, name, "no regular file"));
    }
    Ok((home, below.to_owned()))
}

fn not_regular(folder: &Path, name: &str, what: &'static str) -> MarketError {
    MarketError::FileNotRegular {
        file: name.to_owned(),
        folder: shown(folder),
        what,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn what_is_exchanged_while_it_is_opened_neither_blocks_nor_leads_out() {
        let world = tempfile::tempdir().expect("a temporary folder");
        let folder = world.path().join("import");
        fs::create_dir_all(world.path().join("out/deep")).expect("writable");
        fs::write(world.path().join("out/deep/a.csv"), "secret").expect("writable");
        type Exchange = fn(&Path);
        let exchanges: [Exchange; 3] = [
            |folder| {
                fs::remove_file(folder.join("deep/a.csv")).expect("it is there");
                symlink("../../out/deep/a.csv", folder.join("deep/a.csv")).expect("a link");
            },
            |folder| {
                fs::remove_dir_all(folder.join("deep")).expect("it is there");
                symlink("../out/deep", folder.join("deep")).expect("a link");
            },
            |folder| {
                let file = folder.join("deep/a.csv");
                fs::remove_file(&file).expect("it is there");
                rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RUSR)
                    .expect("a pipe");
            },
        ];
        for exchange in exchanges {
            drop(fs::remove_dir_all(&folder));
            fs::create_dir_all(folder.join("deep")).expect("writable");
            fs::write(folder.join("deep/a.csv"), "").expect("writable");
            let (home, path) = resolve(&folder, "deep/a.csv").expect("it is a file");
            assert!(open_resolved(&folder, "deep/a.csv", &home, &path).is_ok());
            exchange(&folder);
            let opened = open_resolved(&folder, "deep/a.csv", &home, &path);
            assert!(
                matches!(opened, Err(MarketError::FileNotRegular { .. })),
                "{opened:?}"
            );
        }
    }
}

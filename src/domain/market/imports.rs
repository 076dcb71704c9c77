//! The files in the import folder: what clients send there, what lies there, and its removal.

use std::collections::BTreeSet;
use std::fs::{self, DirEntry, File, Metadata, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::UNIX_EPOCH;

use impresario::operation::{open_patiently, open_regular};
use impresario_api::text::hex;
use impresario_api::{ImportAnswer, ImportList, ImportView, Timestamp};
use sha2::{Digest, Sha256};

use super::error::MarketError;
use super::import::shown;

/// The longest name, in bytes: file systems have no longer ones.
const LONGEST_NAME: usize = 255;
/// The name of an upload that is not complete begins and ends so. Nobody can send a file of such a name.
const PARTIAL: (&str, &str) = (".impresario-upload-", ".partial");
/// The longest list.
const MOST_LISTED: usize = 10_000;
/// After so many bytes an upload waits for the disk. So the last wait is short, however large the file is,
/// and the memory of the system does not fill up with what a slow disk has yet to take.
const SYNC_EVERY: u64 = 32 << 20;

/// The name of a file in the import folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportName(String);

impl ImportName {
    /// What a name may be.
    pub const EXPECTED: &str = "a file name of 1 to 255 bytes, without a dot at the beginning, a slash, a backslash or a control character";

    /// The name, if it is one: of a file directly in the folder that nobody hides.
    pub fn new(name: &str) -> Option<Self> {
        let strange = |one: char| matches!(one, '/' | '\\') || one.is_control();
        let fits = (1..=LONGEST_NAME).contains(&name.len())
            && !name.starts_with('.')
            && !name.contains(strange);
        fits.then(|| Self(name.to_owned()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The import folder, which need not exist yet. Clones are the same folder, and may be used from any thread.
#[derive(Clone, Debug)]
pub struct Imports {
    folder: PathBuf,
    /// The largest file that may be sent, in bytes.
    limit: u64,
    /// Held while a file is put in its place, so that each upload knows whether it has replaced one.
    publishing: Arc<Mutex<()>>,
}

impl Imports {
    /// The files in this folder. This changes no file.
    pub fn new(folder: impl Into<PathBuf>, limit: u64) -> Self {
        Self {
            folder: folder.into(),
            limit,
            publishing: Arc::default(),
        }
    }

    /// Removes the incomplete uploads of processes that have ended. Those of a process that lives are locked:
    /// several servers may use one folder. What cannot be removed is logged, for it disturbs nobody.
    pub fn remove_leftovers(&self) {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => return,
            Err(error) => return log::warn!("cannot read {}: {error}", self.folder.display()),
            Ok(entries) => entries,
        };
        for name in entries.filter_map(|entry| Some(entry.ok()?.file_name())) {
            if name.to_str().is_some_and(is_partial)
                && let Err(error) = self.remove_leftover(Path::new(&name))
            {
                let path = self.folder.join(&name);
                log::warn!("cannot remove {}: {error}", path.display());
            }
        }
    }

    fn remove_leftover(&self, name: &Path) -> io::Result<()> {
        let removed = match open_regular(&self.folder, name)? {
            Some(file) if !matches!(file.try_lock(), Err(TryLockError::WouldBlock)) => {
                fs::remove_file(self.folder.join(name))
            }
            _ => Ok(()),
        };
        match removed {
            // Another server has just done it.
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Begins a file of this name; `length` is its size where it is known. Nobody sees the file before it is
    /// complete.
    pub fn begin(&self, name: ImportName, length: Option<u64>) -> Result<Upload, MarketError> {
        if length.is_some_and(|length| length > self.limit) {
            return Err(MarketError::ImportTooLarge { limit: self.limit });
        }
        fs::create_dir_all(&self.folder).map_err(unwritten(&self.folder))?;
        self.existing(&name)?;
        Upload::create(self.clone(), name)
    }

    /// The files that lie there, by name: only those that can be named, no folders and no links.
    pub fn list(&self) -> Result<ImportList, MarketError> {
        let failed = || MarketError::storage("read", &self.folder);
        let entries = match open_patiently(|| fs::read_dir(&self.folder)) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Ok(ImportList::default());
            }
            entries => entries.map_err(failed())?,
        };
        let (mut names, mut left_off) = (BTreeSet::new(), 0);
        for entry in entries {
            names.extend(regular(&entry.map_err(failed())?));
            if names.len() > MOST_LISTED {
                names.pop_last();
                left_off += 1;
            }
        }
        let mut imports = Vec::new();
        for name in names {
            match fs::symlink_metadata(self.folder.join(&name)) {
                Ok(metadata) if metadata.is_file() => imports.push(view(name, &metadata)),
                // It has gone, or become something else, since the folder was read.
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(failed()(error)),
            }
        }
        Ok(ImportList { imports, left_off })
    }

    /// Removes a file; returns what it was.
    pub fn remove(&self, name: &ImportName) -> Result<ImportView, MarketError> {
        let missing = || MarketError::FileNotFound {
            file: name.0.clone(),
            folder: shown(&self.folder),
            why: "there is no such file".to_owned(),
        };
        let metadata = self.existing(name)?.ok_or_else(missing)?;
        let path = self.folder.join(&name.0);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(missing()),
            removed => removed.map_err(MarketError::storage("remove", &path))?,
        }
        self.sync().map_err(MarketError::storage("write", &path))?;
        Ok(view(name.0.clone(), &metadata))
    }

    /// What lies there under this name: nothing or a regular file, and anything else is an error.
    fn existing(&self, name: &ImportName) -> Result<Option<Metadata>, MarketError> {
        let path = self.folder.join(&name.0);
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            metadata => metadata.map_err(MarketError::storage("read", &path))?,
        };
        let what = match metadata.file_type() {
            kind if kind.is_file() => return Ok(Some(metadata)),
            kind if kind.is_dir() => "a folder",
            kind if kind.is_symlink() => "a symbolic link",
            _ => "no regular file",
        };
        Err(MarketError::FileNotRegular {
            file: name.0.clone(),
            folder: shown(&self.folder),
            what,
        })
    }

    /// Puts the names in the folder on the disk.
    fn sync(&self) -> io::Result<()> {
        open_patiently(|| File::open(&self.folder))?.sync_all()
    }
}

/// A file that is being sent, under a hidden name in the folder that it is for. If it is dropped before
/// [`Upload::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct Upload {
    imports: Imports,
    name: ImportName,
    file: File,
    partial: PathBuf,
    hasher: Sha256,
    bytes: u64,
    /// Bytes that the disk was not waited for yet.
    unsynced: u64,
}

impl Upload {
    fn create(imports: Imports, name: ImportName) -> Result<Self, MarketError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (begins, ends) = PARTIAL;
        let hidden = format!("{begins}{}-{number}{ends}", std::process::id());
        let partial = imports.folder.join(hidden);
        let file = open_patiently(|| File::create_new(&partial)).map_err(unwritten(&partial))?;
        // Where a file system has no locks, nobody else can find it unlocked either.
        let _ = file.try_lock();
        Ok(Self {
            imports,
            name,
            file,
            partial,
            hasher: Sha256::new(),
            bytes: 0,
            unsynced: 0,
        })
    }

    /// Adds what has come.
    pub fn write(&mut self, piece: &[u8]) -> Result<(), MarketError> {
        let more = piece.len() as u64;
        self.bytes = self.bytes.saturating_add(more);
        if self.bytes > self.imports.limit {
            let limit = self.imports.limit;
            return Err(MarketError::ImportTooLarge { limit });
        }
        self.write_through(piece)
            .map_err(unwritten(&self.whole()))?;
        self.hasher.update(piece);
        Ok(())
    }

    fn write_through(&mut self, piece: &[u8]) -> io::Result<()> {
        self.file.write_all(piece)?;
        self.unsynced += piece.len() as u64;
        if self.unsynced >= SYNC_EVERY {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(())
    }

    /// Puts the file in its place, where it replaces one of the same name.
    pub fn finish(mut self) -> Result<ImportAnswer, MarketError> {
        if self.bytes == 0 {
            // Whoever forgot the body does not want what is there to be replaced by nothing.
            let file = self.name.0.clone();
            return Err(MarketError::ImportEmpty { file });
        }
        self.file.sync_all().map_err(unwritten(&self.whole()))?;
        let replaced = self.publish()?;
        Ok(ImportAnswer {
            name: self.name.0.clone(),
            bytes: self.bytes,
            sha256: hex(&std::mem::take(&mut self.hasher).finalize()),
            replaced,
        })
    }

    /// The contents are on the disk before the name is, and the name before the caller learns of it.
    fn publish(&self) -> Result<bool, MarketError> {
        let publishing = self.imports.publishing.lock();
        let _alone = publishing.unwrap_or_else(PoisonError::into_inner);
        let replaced = self.imports.existing(&self.name)?.is_some();
        let whole = self.whole();
        fs::rename(&self.partial, &whole)
            .and_then(|()| self.imports.sync())
            .map_err(unwritten(&whole))?;
        Ok(replaced)
    }

    fn whole(&self) -> PathBuf {
        self.imports.folder.join(&self.name.0)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // After a rename there is no file of this name, so the error is ignored.
        let _ = fs::remove_file(&self.partial);
    }
}

/// The error of what could not be written: a disk without room is told apart.
fn unwritten(path: &Path) -> impl FnOnce(io::Error) -> MarketError {
    let path = path.to_owned();
    move |source| match source.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
            MarketError::StorageFull { path, source }
        }
        _ => MarketError::storage("write", path)(source),
    }
}

/// The name of an entry that is a regular file and can be named.
fn regular(entry: &DirEntry) -> Option<String> {
    let name = entry.file_name();
    let name = ImportName::new(name.to_str()?)?;
    entry.file_type().ok()?.is_file().then_some(name.0)
}

fn is_partial(name: &str) -> bool {
    let (begins, ends) = PARTIAL;
    name.starts_with(begins) && name.ends_with(ends)
}

fn view(name: String, metadata: &Metadata) -> ImportView {
    ImportView {
        name,
        bytes: metadata.len(),
        modified_at: modified(metadata),
    }
}

/// When it was written; a time before 1970, or none at all, is the beginning of 1970.
fn modified(metadata: &Metadata) -> Timestamp {
    let since = metadata.modified().ok();
    let since = since.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let millis = since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(0));
    Timestamp::from_millis(millis)
}

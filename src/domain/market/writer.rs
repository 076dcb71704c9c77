//! Writes a dataset. Nobody sees it before it is complete.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use impresario::operation::open_patiently;
use impresario_api::text::hex;
use impresario_api::{Bar, DatasetView, Timestamp};
use sha2::{Digest, Sha256};

use super::error::MarketError;
use super::format::{self, HEADER, RECORD};
use super::spacing::Spacing;
use super::symbol;
use super::timeframe::Timeframe;

/// How many bars are collected before they are hashed and written: 192 KiB.
const GATHERED: usize = 4_096;
/// The ending of an unfinished file's name, which begins with a dot.
const PARTIAL: &str = ".partial";

/// Writes a dataset into a file beside the one that it will replace. [`Writer::finish`] replaces that file
/// in one step. If the writer is dropped before, it leaves nothing behind.
#[derive(Debug)]
pub struct Writer {
    file: File,
    partial: PathBuf,
    whole: PathBuf,
    mode: u32,
    symbol: String,
    timeframe: Timeframe,
    waiting: Vec<u8>,
    hasher: Sha256,
    rows: u64,
    spacing: Spacing,
    /// The times of the first and the last bar.
    ends: Option<(Timestamp, Timestamp)>,
}

impl Writer {
    /// Begins the file that will become `whole`, with the permissions `mode`.
    pub(super) fn create(
        whole: PathBuf,
        symbol: &str,
        timeframe: Timeframe,
        mode: u32,
    ) -> Result<Self, MarketError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            ".{}_{timeframe}.{}-{number}{PARTIAL}",
            symbol::stem(symbol),
            std::process::id()
        );
        let partial = whole.with_file_name(name);
        let mut file = open_patiently(|| File::create_new(&partial))
            .map_err(MarketError::storage("write", &partial))?;
        let begun = file.write_all(&[0; HEADER]);
        let writer = Self {
            file,
            partial,
            whole,
            mode,
            symbol: symbol.to_owned(),
            timeframe,
            waiting: Vec::with_capacity(GATHERED * RECORD),
            hasher: Sha256::new(),
            rows: 0,
            spacing: Spacing::new(timeframe),
            ends: None,
        };
        begun.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    /// Adds a bar.
    ///
    /// The caller has checked the bar, and that it is later than the one before.
    #[inline]
    pub fn push(&mut self, bar: &Bar) -> Result<(), MarketError> {
        let (first, _) = *self.ends.get_or_insert((bar.timestamp, bar.timestamp));
        self.ends = Some((first, bar.timestamp));
        self.rows += 1;
        self.spacing.see(bar.timestamp);
        self.waiting.extend_from_slice(&format::encode(bar));
        if self.waiting.len() < GATHERED * RECORD {
            return Ok(());
        }
        self.flush()
    }

    /// The number of bars.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// Why the bars seem to be of another timeframe, if they do.
    pub fn doubt(&self) -> Option<String> {
        self.spacing.doubt()
    }

    /// Puts the dataset in its place. Returns its view, and whether there was one before. A dataset without
    /// bars is an error.
    pub fn finish(mut self, source: &str) -> Result<(DatasetView, bool), MarketError> {
        self.flush()?;
        let Some((start, end)) = self.ends else {
            return Err(self.failed(io::Error::other("a dataset needs at least one bar")));
        };
        let view = DatasetView {
            symbol: self.symbol.clone(),
            timeframe: self.timeframe.to_string(),
            rows: self.rows,
            holes: Some(self.spacing.gaps()),
            start,
            end,
            bytes: format::size(self.rows),
            sha256: hex(&std::mem::take(&mut self.hasher).finalize()),
            source: source.to_owned(),
            loaded_at: Timestamp::now(),
        };
        let replaced = self.publish(&view).map_err(|error| self.failed(error))?;
        Ok((view, replaced))
    }

    /// The order matters: the contents are on the disk before the name is, and the name before the caller
    /// learns of it.
    fn publish(&self, view: &DatasetView) -> io::Result<bool> {
        self.file.write_all_at(&format::header(view)?, 0)?;
        let mode = Permissions::from_mode(self.mode);
        self.file.set_permissions(mode)?;
        self.file.sync_all()?;
        let replaced = self.whole.try_exists()?;
        fs::rename(&self.partial, &self.whole)?;
        open_patiently(|| File::open(folder(&self.whole)))?.sync_all()?;
        Ok(replaced)
    }

    fn flush(&mut self) -> Result<(), MarketError> {
        self.hasher.update(&self.waiting);
        let written = self.file.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|error| self.failed(error))
    }

    fn failed(&self, error: io::Error) -> MarketError {
        MarketError::storage("write", &self.whole)(error)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After a rename there is no file of this name, so the error is ignored.
        let _ = fs::remove_file(&self.partial);
    }
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

/// Removes the unfinished files that an earlier process left in `folder`.
pub(super) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with('.') && name.ends_with(PARTIAL) && entry.file_type()?.is_file() {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

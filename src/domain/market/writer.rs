//! Writes a dataset's file. Nobody sees it before it is complete.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use impresario::operation::open_patiently;
use impresario_api::text::hex;
use impresario_api::{Bar, DatasetView, QualityReport, QualityWarning, Timestamp, WarningCount};
use impresario_market::Timeframe;
use impresario_market::quality::Checker;
use sha2::{Digest, Sha256};

use super::error::MarketError;
use super::format::{self, HEADER, RECORD};

/// How many bars are collected before they are hashed and written: 192 KiB.
const GATHERED: usize = 4_096;
/// The ending of an unfinished file's name, which begins with a dot.
const PARTIAL: &str = ".partial";

/// Writes bars into a file beside the one that it will replace, and checks them on the way. If it is dropped
/// before it is put into its place, it leaves nothing behind.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    partial: PathBuf,
    waiting: Vec<u8>,
    hasher: Sha256,
    rows: u64,
    checker: Checker,
    /// The times of the first and the last bar.
    ends: Option<(Timestamp, Timestamp)>,
}

/// A dataset's place in the library.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) symbol: String,
    pub(super) timeframe: String,
    /// The file.
    pub(super) whole: PathBuf,
    /// The permissions of the file.
    pub(super) mode: u32,
}

impl Writer {
    /// Begins a file of bars of this timeframe in `folder`.
    pub(super) fn create(folder: &Path, timeframe: Timeframe) -> Result<Self, MarketError> {
        let (mut file, partial) =
            create_partial(folder).map_err(MarketError::storage("write", folder))?;
        let begun = file.write_all(&[0; HEADER]);
        let writer = Self {
            file,
            partial,
            waiting: Vec::with_capacity(GATHERED * RECORD),
            hasher: Sha256::new(),
            rows: 0,
            checker: Checker::new(timeframe),
            ends: None,
        };
        begun.map_err(|error| writer.failed(error))?;
        Ok(writer)
    }

    /// Adds a bar. The caller has checked the bar, and that it is later than the one before.
    #[inline]
    pub(super) fn push(&mut self, bar: &Bar) -> Result<(), MarketError> {
        let (first, _) = *self.ends.get_or_insert((bar.timestamp, bar.timestamp));
        self.ends = Some((first, bar.timestamp));
        self.rows += 1;
        self.checker.see(bar);
        self.waiting.extend_from_slice(&format::encode(bar));
        if self.waiting.len() < GATHERED * RECORD {
            return Ok(());
        }
        self.flush()
    }

    /// The number of bars.
    pub(super) const fn rows(&self) -> u64 {
        self.rows
    }

    /// The times of the first and the last bar.
    pub(super) const fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        self.ends
    }

    /// What is remarkable about the bars. Call it after the last one.
    pub(super) fn warnings(&self) -> Vec<QualityWarning> {
        self.checker.warnings()
    }

    /// The bars of these rows.
    pub(super) fn bars(&self, rows: std::ops::Range<u64>) -> Result<Vec<Bar>, MarketError> {
        format::bars(&self.file, &self.partial, rows)
    }

    /// What was written, to be read again, with the number of bars.
    pub(super) fn written(&mut self) -> Result<(File, u64), MarketError> {
        self.flush()?;
        let file = self.file.try_clone().map_err(|error| self.failed(error))?;
        Ok((file, self.rows))
    }

    pub(super) fn flush(&mut self) -> Result<(), MarketError> {
        self.hasher.update(&self.waiting);
        let written = self.file.write_all(&self.waiting);
        self.waiting.clear();
        written.map_err(|error| self.failed(error))
    }

    /// Puts the dataset in its place, if `permitted` says so right before; what that returns is held until the
    /// file is there. Returns its view, and whether there was one before. A dataset without bars is an error.
    pub(super) fn publish<Held>(
        mut self,
        place: &Place,
        source: &str,
        report: Option<&QualityReport>,
        permitted: impl FnOnce() -> Result<Held, MarketError>,
    ) -> Result<(DatasetView, bool), MarketError> {
        self.flush()?;
        let Some((start, end)) = self.ends else {
            return Err(self.failed(io::Error::other("a dataset needs at least one bar")));
        };
        let report_json = format::report_json(report).map_err(|error| self.failed(error))?;
        let warnings = report.map(counts).unwrap_or_default();
        let view = DatasetView {
            symbol: place.symbol.clone(),
            timeframe: place.timeframe.clone(),
            rows: self.rows,
            holes: Some(self.checker.holes()),
            start,
            end,
            bytes: format::size(self.rows) + report_json.len() as u64,
            sha256: hex(&std::mem::take(&mut self.hasher).finalize()),
            source: source.to_owned(),
            loaded_at: Timestamp::now(),
            warnings,
        };
        self.complete(&view, &report_json, place.mode)
            .map_err(|error| self.failed(error))?;
        let _held = permitted()?;
        let replaced = self
            .put(&place.whole)
            .map_err(MarketError::storage("write", &place.whole))?;
        Ok((view, replaced))
    }

    fn complete(&self, view: &DatasetView, report: &[u8], mode: u32) -> io::Result<()> {
        self.file.write_all_at(report, format::size(self.rows))?;
        self.file.write_all_at(&format::header(view, report)?, 0)?;
        self.file.set_permissions(Permissions::from_mode(mode))?;
        self.file.sync_all()
    }

    /// The order matters: the contents are on the disk before the name is, and the name before the caller
    /// learns of it.
    fn put(&self, whole: &Path) -> io::Result<bool> {
        let replaced = whole.try_exists()?;
        fs::rename(&self.partial, whole)?;
        open_patiently(|| File::open(folder(whole)))?.sync_all()?;
        Ok(replaced)
    }

    fn failed(&self, error: io::Error) -> MarketError {
        MarketError::storage("write", &self.partial)(error)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // After a rename there is no file of this name, so the error is ignored.
        let _ = fs::remove_file(&self.partial);
    }
}

fn counts(report: &QualityReport) -> Vec<WarningCount> {
    let count = |warning: &QualityWarning| WarningCount {
        code: warning.code.clone(),
        count: warning.count,
    };
    report.warnings.iter().map(count).collect()
}

fn folder(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new("."))
}

fn create_partial(folder: &Path) -> io::Result<(File, PathBuf)> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".{}-{number}{PARTIAL}", std::process::id()));
    let file = open_patiently(|| {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(0o600);
        options.open(&path)
    })?;
    Ok((file, path))
}

/// An empty file in `folder` that has no name any more, and vanishes when it is closed.
pub(super) fn scratch(folder: &Path) -> io::Result<File> {
    let (file, path) = create_partial(folder)?;
    fs::remove_file(path)?;
    Ok(file)
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

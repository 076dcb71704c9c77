//! The library of datasets: a folder with a file for each symbol and timeframe.

use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use impresario::operation::{open_patiently, open_regular};
use impresario_api::text::hex;
use impresario_api::{Bar, BarPage, DatasetView, QualityReport, Timestamp};
use impresario_market::Timeframe;
use sha2::{Digest, Sha256};

use super::checked::{Checked, Stamp, stamp};
use super::error::MarketError;
use super::format::{self, CHUNK, Header, RECORD};
use super::loading::{Duplicates, LoadMode, Loading};
use super::symbol::{self, is_symbol};
use super::writer::{self, Place};

/// The ending of a dataset's file name.
const ENDING: &str = ".bars";

/// The datasets in a folder. Clones share what is known about the files, and may be used from any thread.
/// Every reader sees a dataset as a whole, before or after it was replaced.
#[derive(Clone, Debug)]
pub struct Library {
    folder: PathBuf,
    checked: Checked,
    /// Whether the folder's group may read the files, beside their owner.
    by_group: bool,
    /// Held while a dataset's file is put in its place.
    publishing: Arc<Mutex<()>>,
}

/// A dataset with all of its bars.
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    /// The dataset's view.
    pub view: DatasetView,
    /// The bars, ascending in time.
    pub bars: Vec<Bar>,
}

impl Library {
    /// The library in this folder, which need not exist yet. This changes no file.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            checked: Checked::default(),
            by_group: false,
            publishing: Arc::default(),
        }
    }

    /// Sets whether the folder's group may read the files.
    #[must_use]
    pub const fn readable_by_group(mut self, by_group: bool) -> Self {
        self.by_group = by_group;
        self
    }

    /// Makes the folder, gives every file in it the permissions of new ones, and removes the unfinished files
    /// of an earlier process. Datasets that an earlier version named otherwise get their names of today. Nobody
    /// else may write there at the same time.
    pub fn open(self) -> Result<Self, MarketError> {
        self.make_folder()
            .and_then(|()| writer::remove_leftovers(&self.folder))
            .and_then(|()| self.rename_all())
            .and_then(|()| self.permit_all())
            .map_err(MarketError::storage("use", &self.folder))?;
        Ok(self)
    }

    fn make_folder(&self) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        permit(&self.folder, if self.by_group { 0o750 } else { 0o700 })
    }

    /// The permissions of a dataset's file.
    const fn mode(&self) -> u32 {
        if self.by_group { 0o640 } else { 0o600 }
    }

    fn permit_all(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let is_dataset = entry.file_name().as_bytes().ends_with(ENDING.as_bytes());
            if is_dataset && entry.file_type()?.is_file() {
                permit(&entry.path(), self.mode())?;
            }
        }
        Ok(())
    }

    /// Renames the datasets of a version that wrote symbols into file names as they are (`ES=F_1d.bars`). A file
    /// whose header says otherwise is somebody else's, and one whose new name is taken stays as it is.
    fn rename_all(&self) -> io::Result<()> {
        let mut is_renamed = false;
        for entry in fs::read_dir(&self.folder)? {
            let old = entry?.path();
            let Some(new) = self.new_name(&old) else {
                continue;
            };
            if new.try_exists()? {
                log::warn!("{} stays unread: there is {}", old.display(), new.display());
                continue;
            }
            fs::rename(&old, &new)?;
            is_renamed = true;
        }
        if is_renamed {
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(())
    }

    /// The path of today for a dataset that has its symbol in its file name as it is, if that is another one.
    fn new_name(&self, old: &Path) -> Option<PathBuf> {
        let name = old.file_name()?.to_str()?;
        let (symbol, timeframe) = parts(name)?;
        let new = file_name(symbol, timeframe);
        if new == name || !is_symbol(symbol) || symbol::of_stem(symbol).is_some() {
            return None;
        }
        let file = open_regular(&self.folder, Path::new(name)).ok()??;
        let view = format::read_header(&file, old).ok()?.view;
        let is_its_own = view.symbol == symbol && view.timeframe == timeframe.to_string();
        is_its_own.then(|| self.folder.join(new))
    }

    /// Begins to load bars into this dataset. The names must be a symbol and a timeframe.
    pub fn load(
        &self,
        symbol: &str,
        timeframe: &str,
        mode: LoadMode,
        duplicates: Duplicates,
    ) -> Result<Loading, MarketError> {
        let (length, whole) = self.place(symbol, timeframe)?;
        let place = Place {
            whole,
            symbol: symbol.to_owned(),
            timeframe: timeframe.to_owned(),
            mode: self.mode(),
        };
        self.make_folder()
            .map_err(MarketError::storage("write", &self.folder))?;
        Loading::new(self.clone(), place, length, mode, duplicates)
    }

    /// Replaces this dataset by bars that are at hand.
    pub fn replace(
        &self,
        symbol: &str,
        timeframe: &str,
        bars: &[Bar],
        source: &str,
    ) -> Result<(DatasetView, bool), MarketError> {
        let mut loading = self.load(symbol, timeframe, LoadMode::Replace, Duplicates::Fail)?;
        for (line, bar) in (1..).zip(bars) {
            loading.push(bar, line)?;
        }
        let ordered = loading.order(|_| Ok::<_, MarketError>(()))?;
        ordered.publish(source, None)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whoever changes or removes a dataset's file holds this from his last look at it on.
    pub(super) fn publishing(&self) -> MutexGuard<'_, ()> {
        // It guards no data that a panic could leave half changed.
        self.publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The dataset as it is now, if there is one.
    pub(super) fn kept(
        &self,
        symbol: &str,
        timeframe: &str,
    ) -> Result<Option<KeptDataset>, MarketError> {
        let opened = match self.opened(symbol, timeframe) {
            Err(MarketError::NotFound { .. }) => return Ok(None),
            opened => opened?,
        };
        let stamp = stamp(&opened.file, &opened.path)?;
        Ok(Some(KeptDataset { opened, stamp }))
    }

    /// Checks that the dataset is still the one that was `kept`.
    pub(super) fn still_kept(
        &self,
        place: &Place,
        kept: Option<&KeptDataset>,
    ) -> Result<(), MarketError> {
        let now = self.kept(&place.symbol, &place.timeframe)?;
        if now.map(|now| now.stamp) == kept.map(|kept| kept.stamp) {
            return Ok(());
        }
        Err(MarketError::DatasetBusy {
            symbol: place.symbol.clone(),
            timeframe: place.timeframe.clone(),
        })
    }

    /// The report of the load from which the dataset comes; `None` if it was loaded before there were any.
    pub fn report(
        &self,
        symbol: &str,
        timeframe: &str,
    ) -> Result<Option<QualityReport>, MarketError> {
        let opened = self.opened(symbol, timeframe)?;
        opened.header.report(&opened.file, &opened.path)
    }

    /// The dataset's view, from its header alone.
    pub fn find(&self, symbol: &str, timeframe: &str) -> Result<DatasetView, MarketError> {
        let opened = self.opened(symbol, timeframe)?;
        Ok(opened.header.view)
    }

    /// An error if there is no such dataset. One that is damaged is there.
    pub fn exists(&self, symbol: &str, timeframe: &str) -> Result<(), MarketError> {
        let (_, path) = self.place(symbol, timeframe)?;
        match fs::symlink_metadata(&path) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(not_found(symbol, timeframe))
            }
            Err(error) => Err(MarketError::storage("read", &path)(error)),
        }
    }

    /// Deletes a dataset, also one that is damaged. Whoever reads it goes on with the open file. A load that is
    /// under way puts its dataset there at its end, as if there had never been one.
    pub fn delete(&self, symbol: &str, timeframe: &str) -> Result<(), MarketError> {
        let (_, path) = self.place(symbol, timeframe)?;
        let _publishing = self.publishing();
        let removed = fs::remove_file(&path)
            .and_then(|()| open_patiently(|| File::open(&self.folder))?.sync_all());
        self.checked.forget(&path);
        match removed {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(not_found(symbol, timeframe))
            }
            removed => removed.map_err(MarketError::storage("delete", &path)),
        }
    }

    /// The dataset with all of its bars, after its checksum was checked.
    pub fn read(&self, symbol: &str, timeframe: &str) -> Result<Dataset, MarketError> {
        let mut file = self.opened(symbol, timeframe)?;
        let bars = file.all()?;
        Ok(Dataset {
            view: file.header.view,
            bars,
        })
    }

    /// All datasets, ordered by symbol, then timeframe, the shortest first.
    ///
    /// A damaged dataset is left out and logged, so that it does not hide the others; to read it is an error.
    pub fn list(&self) -> Result<Vec<DatasetView>, MarketError> {
        let failed = || MarketError::storage("read", &self.folder);
        let entries = match open_patiently(|| fs::read_dir(&self.folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed())?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed())?.file_name();
            let names_of = |name: &str| {
                let (stem, timeframe) = parts(name)?;
                Some((symbol::of_stem(stem)?, timeframe))
            };
            names.extend(name.to_str().and_then(names_of));
        }
        names.sort_unstable();
        let mut views = Vec::new();
        for (symbol, timeframe) in &names {
            match self.find(symbol, &timeframe.to_string()) {
                Ok(view) => views.push(view),
                Err(error) => log::warn!("left out of the list: {error}"),
            }
        }
        Ok(views)
    }

    /// At most `limit` bars from `start` to `end`, both included. Once a file was checked, only these bars are
    /// read.
    pub fn page(
        &self,
        symbol: &str,
        timeframe: &str,
        start: Option<Timestamp>,
        end: Option<Timestamp>,
        limit: usize,
    ) -> Result<BarPage, MarketError> {
        let file = self.opened(symbol, timeframe)?;
        self.checked.once(&file.file, &file.path, || file.check())?;
        let first = match start {
            None => 0,
            Some(start) => file.rows_before(|time| time < start)?,
        };
        let last = match end {
            None => file.view().rows,
            Some(end) => file.rows_before(|time| time <= end)?,
        };
        let stop = first.saturating_add(limit as u64).min(last);
        let bars = file.bars(first, stop.max(first))?;
        let next_start = if stop < last && stop > first {
            Some(file.time(stop)?)
        } else {
            None
        };
        Ok(BarPage {
            dataset: file.header.view,
            bars,
            next_start,
        })
    }

    /// The path of a dataset. For a name that no dataset can have, the error is that there is none.
    fn place(&self, symbol: &str, timeframe: &str) -> Result<(Timeframe, PathBuf), MarketError> {
        match timeframe.parse() {
            Ok(timeframe) if is_symbol(symbol) => {
                Ok((timeframe, self.folder.join(file_name(symbol, timeframe))))
            }
            _ => Err(not_found(symbol, timeframe)),
        }
    }

    pub(super) fn opened(&self, symbol: &str, timeframe: &str) -> Result<Opened, MarketError> {
        let (_, path) = self.place(symbol, timeframe)?;
        let name = path.file_name().unwrap_or_default();
        let file = match open_regular(&self.folder, Path::new(name)) {
            Ok(Some(file)) => file,
            Ok(None) => {
                let why = "it is no regular file".to_owned();
                return Err(MarketError::Damaged { path, why });
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(not_found(symbol, timeframe));
            }
            Err(error) => return Err(MarketError::storage("read", &path)(error)),
        };
        let header = format::read_header(&file, &path)?;
        let view = &header.view;
        if (view.symbol.as_str(), view.timeframe.as_str()) != (symbol, timeframe) {
            let why = format!("its header is that of {} {}", view.symbol, view.timeframe);
            return Err(MarketError::Damaged { path, why });
        }
        Ok(Opened { file, path, header })
    }
}

/// The name of a dataset's file.
fn file_name(symbol: &str, timeframe: Timeframe) -> String {
    format!("{}_{timeframe}{ENDING}", symbol::stem(symbol))
}

/// The symbol in a dataset's file name, as it is written there, and the timeframe.
fn parts(name: &str) -> Option<(&str, Timeframe)> {
    let (symbol, timeframe) = name.strip_suffix(ENDING)?.rsplit_once('_')?;
    Some((symbol, timeframe.parse().ok()?))
}

/// Gives a file or folder these permissions, and keeps the bit that passes its group on.
fn permit(path: &Path, wanted: u32) -> io::Result<()> {
    let mode = fs::metadata(path)?.permissions().mode();
    if mode & 0o777 == wanted {
        return Ok(());
    }
    fs::set_permissions(path, Permissions::from_mode(mode & 0o7000 | wanted))
}

fn not_found(symbol: &str, timeframe: &str) -> MarketError {
    let short = |text: &str| text.chars().take(60).collect();
    MarketError::NotFound {
        symbol: short(symbol),
        timeframe: short(timeframe),
    }
}

/// A dataset's open file, which stays the same even if another file takes its name.
#[derive(Debug)]
pub(super) struct Opened {
    file: File,
    path: PathBuf,
    header: Header,
}

impl Opened {
    const fn view(&self) -> &DatasetView {
        &self.header.view
    }

    /// Reads the whole file to check it, and keeps nothing.
    fn check(&self) -> Result<(), MarketError> {
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK * RECORD];
        let mut row = 0;
        while row < self.view().rows {
            let now = (self.view().rows - row).min(CHUNK as u64);
            let records = &mut chunk[..now as usize * RECORD];
            self.file
                .read_exact_at(records, format::offset(row))
                .map_err(MarketError::storage("read", &self.path))?;
            hasher.update(&*records);
            row += now;
        }
        self.compare(hasher)
    }

    /// Checks that the bars have the checksum in the header.
    fn compare(&self, hasher: Sha256) -> Result<(), MarketError> {
        let sum = hex(&hasher.finalize());
        if sum == self.view().sha256 {
            return Ok(());
        }
        let whole = &self.view().sha256;
        Err(self.damaged(format!("expected bars with the SHA-256 {whole}, got {sum}")))
    }

    pub(super) fn all(&mut self) -> Result<Vec<Bar>, MarketError> {
        let path = self.path.clone();
        let failed = || MarketError::storage("read", &path);
        self.file
            .seek(SeekFrom::Start(format::offset(0)))
            .map_err(failed())?;
        let mut bars = Vec::with_capacity(self.view().rows as usize);
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; CHUNK * RECORD];
        let mut left = self.view().rows as usize;
        while left > 0 {
            let now = left.min(CHUNK);
            let records = &mut chunk[..now * RECORD];
            self.file.read_exact(records).map_err(failed())?;
            hasher.update(&*records);
            format::decode_into(&mut bars, records, &self.path)?;
            left -= now;
        }
        self.compare(hasher)?;
        Ok(bars)
    }

    /// The bars of these rows.
    fn bars(&self, from: u64, to: u64) -> Result<Vec<Bar>, MarketError> {
        format::bars(&self.file, &self.path, from..to)
    }

    /// How many rows from the first on have times for which `before` is true.
    fn rows_before(&self, before: impl Fn(Timestamp) -> bool) -> Result<u64, MarketError> {
        let (mut low, mut high) = (0, self.view().rows);
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.time(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn time(&self, row: u64) -> Result<Timestamp, MarketError> {
        let mut millis = [0; 8];
        self.file
            .read_exact_at(&mut millis, format::offset(row))
            .map_err(MarketError::storage("read", &self.path))?;
        Ok(Timestamp::from_millis(i64::from_le_bytes(millis)))
    }

    fn damaged(&self, why: String) -> MarketError {
        MarketError::Damaged {
            path: self.path.clone(),
            why,
        }
    }
}

/// A dataset as it was when a load began.
#[derive(Debug)]
pub(super) struct KeptDataset {
    opened: Opened,
    stamp: Stamp,
}

impl KeptDataset {
    pub(super) const fn view(&self) -> &DatasetView {
        self.opened.view()
    }

    pub(super) fn bars(&self) -> KeptBars<'_> {
        KeptBars {
            kept: &self.opened,
            row: 0,
            hasher: Some(Sha256::new()),
            read: Vec::new().into_iter(),
        }
    }
}

/// The bars of a dataset, some at a time. The end is an error if they do not have their checksum.
pub(super) struct KeptBars<'a> {
    kept: &'a Opened,
    row: u64,
    /// Until the checksum was compared.
    hasher: Option<Sha256>,
    read: std::vec::IntoIter<Bar>,
}

impl KeptBars<'_> {
    pub(super) fn next(&mut self) -> Result<Option<Bar>, MarketError> {
        if let Some(bar) = self.read.next() {
            return Ok(Some(bar));
        }
        let count = (self.kept.view().rows - self.row).min(CHUNK as u64);
        let mut records = vec![0; count as usize * RECORD];
        self.kept
            .file
            .read_exact_at(&mut records, format::offset(self.row))
            .map_err(MarketError::storage("read", &self.kept.path))?;
        self.row += count;
        if count == 0 {
            return match self.hasher.take() {
                Some(hasher) => self.kept.compare(hasher).map(|()| None),
                None => Ok(None),
            };
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(&records);
        }
        let mut bars = Vec::with_capacity(count as usize);
        format::decode_into(&mut bars, &records, &self.kept.path)?;
        self.read = bars.into_iter();
        Ok(self.read.next())
    }
}

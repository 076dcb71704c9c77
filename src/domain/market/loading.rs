//! From bars as they come to a dataset: puts them into order, joins them with what is kept, checks all of
//! them, and publishes the dataset, or does not.

use std::io;
use std::path::Path;

use impresario_api::{Bar, DatasetView, QualityReport, QualityWarning, Timestamp};
use impresario_market::Timeframe;
use impresario_market::error::{BadRow, BadRows, ImportError};
use impresario_market::order::{
    DuplicateRow, DuplicateRows, Merged, NumberedBar, Order, Orderer, Taken,
};
use impresario_market::quality::Spacings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::error::MarketError;
use super::format::Records;
use super::library::{KeptBars, KeptDataset, Library};
use super::writer::{self, Place, Writer};

/// How many bars are merged between two checks for a stop.
const LOOK_EVERY: u64 = 4_096;
/// How many bars of each end a preview shows.
const SHOWN: u64 = 5;

/// What becomes of the bars of the dataset that is already there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoadMode {
    /// They are replaced by those of the file.
    #[default]
    Replace,
    /// Those of the file are put behind them. Each must be later than the last one kept.
    Append,
    /// They stay, except where the file has a bar of the same time.
    Merge,
}

/// What becomes of several rows with the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duplicates {
    /// The file is refused.
    #[default]
    Fail,
    /// The first one in the file is taken.
    First,
    /// The last one in the file is taken.
    Last,
}

/// Takes the bars of a file in any order.
#[derive(Debug)]
pub struct Loading {
    library: Library,
    place: Place,
    timeframe: Timeframe,
    mode: LoadMode,
    duplicates: Duplicates,
    kept: Option<KeptDataset>,
    orderer: Orderer,
    spacings: Spacings,
    /// The bars that came in order from the first one on.
    straight: Writer,
    rows: u64,
}

/// What became of the bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LoadCounts {
    /// Bars that the dataset did not have before. With [`LoadMode::Replace`]: all.
    pub added: u64,
    /// Bars whose times the dataset had before; whether their numbers differ does not matter.
    pub replaced: u64,
}

/// All bars in order, checked, not yet published. If it is dropped, nothing has changed.
#[derive(Debug)]
pub struct Ordered {
    library: Library,
    place: Place,
    mode: LoadMode,
    policy: Duplicates,
    kept: Option<KeptDataset>,
    writer: Writer,
    counts: LoadCounts,
    order: Order,
    duplicates: DuplicateRows,
    doubts: Vec<QualityWarning>,
    warnings: Vec<QualityWarning>,
}

/// What a dataset would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The number of bars.
    pub rows: u64,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// The first five bars.
    pub first: Vec<Bar>,
    /// The last five bars.
    pub last: Vec<Bar>,
}

impl Loading {
    pub(super) fn new(
        library: Library,
        place: Place,
        timeframe: Timeframe,
        mode: LoadMode,
        duplicates: Duplicates,
    ) -> Result<Self, MarketError> {
        let kept = match mode {
            LoadMode::Replace => None,
            LoadMode::Append | LoadMode::Merge => library.kept(&place.symbol, &place.timeframe)?,
        };
        let straight = Writer::create(library.folder(), timeframe)?;
        let folder = library.folder().to_owned();
        let orderer = Orderer::new(Box::new(move || writer::scratch(&folder)));
        Ok(Self {
            library,
            place,
            timeframe,
            mode,
            duplicates,
            kept,
            orderer,
            spacings: Spacings::new(timeframe),
            straight,
            rows: 0,
        })
    }

    /// Takes a bar and its line, which is after that of the bar before. The caller has checked the bar.
    #[inline]
    pub fn push(&mut self, bar: &Bar, line: u64) -> Result<(), MarketError> {
        self.rows += 1;
        let is_straight = self.orderer.push(bar, line);
        if !is_straight.map_err(|error| self.failed(error))? {
            return Ok(());
        }
        self.spacings.see(bar.timestamp);
        self.straight.push(bar)
    }

    /// How many bars were taken.
    pub const fn rows(&self) -> u64 {
        self.rows
    }

    /// The view of the dataset that the bars are appended to or merged with.
    pub fn kept(&self) -> Option<&DatasetView> {
        self.kept.as_ref().map(KeptDataset::view)
    }

    fn failed(&self, error: io::Error) -> MarketError {
        MarketError::storage("write", self.library.folder())(error)
    }

    /// Puts the bars into order, and joins them with what is kept. `look` is called now and then with the
    /// number of bars that are done; an error of it ends the work.
    pub fn order<E: From<MarketError>>(
        mut self,
        mut look: impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Ordered, E> {
        let (order, changed) = (self.orderer.order(), self.orderer.warning());
        let joined = if self.kept.is_none() && self.orderer.is_straight() {
            self.straight.flush()?;
            Joined {
                counts: LoadCounts {
                    added: self.rows,
                    replaced: 0,
                },
                writer: self.straight,
                spacings: self.spacings,
                duplicates: DuplicateRows::default(),
            }
        } else {
            let taken = match self.duplicates {
                Duplicates::Fail | Duplicates::First => Taken::First,
                Duplicates::Last => Taken::Last,
            };
            let (file, rows) = self.straight.written()?;
            let folder = self.library.folder().to_owned();
            let failed = MarketError::storage("write", &folder);
            let merged = self.orderer.merged(Records::new(file, rows), taken);
            let new = merged.map_err(failed)?;
            let writer = Writer::create(&folder, self.timeframe)?;
            let join = Join {
                kept: self.kept.as_ref(),
                mode: self.mode,
                folder: &folder,
                timeframe: self.timeframe,
            };
            join.run(new, writer, &mut look)?
        };
        let kept_start = self.kept.as_ref().map(|kept| kept.view().start);
        let doubts = joined.spacings.doubt(kept_start).into_iter().collect();
        let found = joined.writer.warnings();
        Ok(Ordered {
            library: self.library,
            place: self.place,
            mode: self.mode,
            policy: self.duplicates,
            kept: self.kept,
            writer: joined.writer,
            counts: joined.counts,
            order,
            duplicates: joined.duplicates,
            doubts,
            warnings: changed.into_iter().chain(found).collect(),
        })
    }
}

/// Joins new bars in order with those that are kept.
struct Join<'a> {
    kept: Option<&'a KeptDataset>,
    mode: LoadMode,
    folder: &'a Path,
    timeframe: Timeframe,
}

struct Joined {
    writer: Writer,
    spacings: Spacings,
    counts: LoadCounts,
    duplicates: DuplicateRows,
}

type NewBars = Merged<Records>;

impl Join<'_> {
    fn run<E: From<MarketError>>(
        &self,
        mut new: NewBars,
        mut writer: Writer,
        look: &mut impl FnMut(u64) -> Result<(), E>,
    ) -> Result<Joined, E> {
        let mut spacings = Spacings::new(self.timeframe);
        let mut counts = LoadCounts::default();
        let mut kept_bars = self.kept.map(KeptDataset::bars);
        let mut not_later = NotLater::default();
        let last_kept = self.kept.map(|kept| kept.view().end);
        let (mut old, mut next) = (self.next_kept(&mut kept_bars)?, self.next_new(&mut new)?);
        let mut done = 0;
        loop {
            let bar = match (old, next) {
                (None, None) => break,
                (Some(kept), None) => {
                    old = self.next_kept(&mut kept_bars)?;
                    kept
                }
                (Some(kept), Some(one)) if kept.timestamp < one.bar.timestamp => {
                    old = self.next_kept(&mut kept_bars)?;
                    kept
                }
                (kept, Some(one)) => {
                    if kept.is_some_and(|kept| kept.timestamp == one.bar.timestamp) {
                        old = self.next_kept(&mut kept_bars)?;
                        counts.replaced += 1;
                    } else {
                        counts.added += 1;
                    }
                    not_later.see(&one, last_kept);
                    spacings.see(one.bar.timestamp);
                    next = self.next_new(&mut new)?;
                    one.bar
                }
            };
            writer.push(&bar)?;
            done += 1;
            if done % LOOK_EVERY == 0 {
                look(done)?;
            }
        }
        writer.flush()?;
        if self.mode == LoadMode::Append {
            not_later.check(last_kept)?;
        }
        Ok(Joined {
            writer,
            spacings,
            counts,
            duplicates: new.duplicates(),
        })
    }

    fn next_kept(&self, bars: &mut Option<KeptBars<'_>>) -> Result<Option<Bar>, MarketError> {
        bars.as_mut().map_or(Ok(None), KeptBars::next)
    }

    fn next_new(&self, bars: &mut NewBars) -> Result<Option<NumberedBar>, MarketError> {
        bars.next()
            .transpose()
            .map_err(MarketError::storage("read", self.folder))
    }
}

/// New bars that are not later than the last one kept.
#[derive(Default)]
struct NotLater {
    count: u64,
    first: Option<NumberedBar>,
}

impl NotLater {
    fn see(&mut self, one: &NumberedBar, last_kept: Option<Timestamp>) {
        if last_kept.is_some_and(|last| one.bar.timestamp <= last) {
            self.count += 1;
            self.first.get_or_insert(*one);
        }
    }

    fn check(self, last_kept: Option<Timestamp>) -> Result<(), MarketError> {
        let (Some(first), Some(last)) = (self.first, last_kept) else {
            return Ok(());
        };
        Err(MarketError::NotLater {
            count: self.count,
            time: first.bar.timestamp,
            line: first.line,
            last,
        })
    }
}

impl Ordered {
    /// What became of the bars of the file.
    pub const fn counts(&self) -> LoadCounts {
        self.counts
    }

    /// The order in which the bars came.
    pub const fn order(&self) -> Order {
        self.order
    }

    /// The rows that were left out because an earlier or a later one had the same time. With
    /// [`Duplicates::Fail`] these are faults, and [`Ordered::publish`] refuses.
    pub const fn duplicates(&self) -> &DuplicateRows {
        &self.duplicates
    }

    /// Why the bars seem to be of another timeframe, `SPACING_UNEXPECTED`. The caller decides.
    pub fn doubts(&self) -> &[QualityWarning] {
        &self.doubts
    }

    /// What is remarkable about the order of the bars, and about all bars of the dataset.
    pub fn warnings(&self) -> &[QualityWarning] {
        &self.warnings
    }

    /// What the dataset would be; `None` without bars.
    pub fn preview(&self) -> Result<Option<Preview>, MarketError> {
        let Some((start, end)) = self.writer.ends() else {
            return Ok(None);
        };
        let rows = self.writer.rows();
        Ok(Some(Preview {
            rows,
            start,
            end,
            first: self.writer.bars(0..rows.min(SHOWN))?,
            last: self.writer.bars(rows.saturating_sub(SHOWN)..rows)?,
        }))
    }

    fn duplicates_refused(&self, source: &str) -> MarketError {
        let row = |row: &DuplicateRow| BadRow {
            row: None,
            line: row.line,
            field: "timestamp",
            expected: "each time once".to_owned(),
            got: format!("{} again", row.time),
        };
        MarketError::Import(ImportError::BadRows(Box::new(BadRows {
            file: source.to_owned(),
            count: self.duplicates.count,
            rows: self.duplicates.first.iter().map(row).collect(),
        })))
    }

    /// Puts the dataset in its place, with the report of its load. Returns its view, and whether there was one
    /// before.
    pub fn publish(
        self,
        source: &str,
        report: Option<&QualityReport>,
    ) -> Result<(DatasetView, bool), MarketError> {
        if self.policy == Duplicates::Fail && self.duplicates.count > 0 {
            return Err(self.duplicates_refused(source));
        }
        let permitted = || {
            let publishing = self.library.publishing();
            if self.mode != LoadMode::Replace {
                self.library.still_kept(&self.place, self.kept.as_ref())?;
            }
            Ok(publishing)
        };
        self.writer.publish(&self.place, source, report, permitted)
    }
}

//! Market data: OHLCV bars and the datasets they are kept in.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// One bar: what was traded from `timestamp` on, for the length of the timeframe.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Bar {
    /// The time at which the bar opens.
    pub timestamp: Timestamp,
    /// The first price.
    pub open: f64,
    /// The highest price.
    pub high: f64,
    /// The lowest price.
    pub low: f64,
    /// The last price.
    pub close: f64,
    /// How much was traded, in units of the instrument.
    pub volume: f64,
}

/// The dataset of one symbol in one timeframe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetView {
    /// The instrument.
    pub symbol: String,
    /// How long a bar lasts: 1m, 5m, 15m, 30m, 1h, 4h, 1d or 1w.
    pub timeframe: String,
    /// The number of bars.
    pub rows: u64,
    /// The number of places where bars are missing although the market was open: within a day for bars
    /// shorter than one day; more than four days apart for daily ones, ten for weekly ones. Null if the
    /// dataset was loaded before they were counted.
    #[serde(default)]
    pub holes: Option<u64>,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// The size on disk.
    pub bytes: u64,
    /// SHA-256 of the bars, in hexadecimal.
    pub sha256: String,
    /// The file from which the bars were loaded.
    pub source: String,
    /// When the bars were loaded.
    pub loaded_at: Timestamp,
}

/// All datasets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetList {
    /// The datasets, ordered by symbol, then timeframe.
    pub datasets: Vec<DatasetView>,
}

/// Bars of one dataset, ascending.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BarPage {
    /// The dataset to which the bars belong.
    pub dataset: DatasetView,
    /// The bars.
    pub bars: Vec<Bar>,
    /// The `start` of the next page; null after the last bar.
    pub next_start: Option<Timestamp>,
}

/// A file in the server's import folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportView {
    /// The file's name.
    pub name: String,
    /// The size.
    pub bytes: u64,
    /// When it was last written.
    pub modified_at: Timestamp,
}

/// The regular files in the import folder, ordered by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportList {
    /// The files, at most 10,000.
    pub imports: Vec<ImportView>,
    /// How many more files there are, which were left off.
    pub left_off: u64,
}

/// A file that was put into the import folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImportAnswer {
    /// The file's name.
    pub name: String,
    /// The size.
    pub bytes: u64,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Whether it replaced a file of the same name.
    pub replaced: bool,
}

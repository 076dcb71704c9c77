//! Market data: OHLCV bars and the datasets they are kept in.

use std::collections::BTreeMap;

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
    /// How long a bar lasts: a number and one of s, m, h, d, w and mo, from 1s to 12mo.
    pub timeframe: String,
    /// The number of bars.
    pub rows: u64,
    /// The number of places where bars are missing although the market was open: within a day for bars
    /// shorter than one day; three days further apart than a bar lasts for longer ones, so more than four days
    /// for daily ones. Null if the dataset was loaded before they were counted.
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
    /// What is remarkable about the bars: the codes of the report of the last load, each with the number of its
    /// places.
    #[serde(default)]
    pub warnings: Vec<WarningCount>,
}

/// How often there is something remarkable about the bars of a dataset.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WarningCount {
    /// What it is, such as `ZONE_ASSUMED` or `OUTLIER`.
    pub code: String,
    /// At how many places.
    pub count: u64,
}

/// The report of the load from which a dataset comes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportAnswer {
    /// The report; null if the dataset was loaded before there were any.
    pub report: Option<QualityReport>,
}

/// How a file of bars was read, what became of its rows, and what is remarkable about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualityReport {
    /// The file's name.
    pub file: String,
    /// What the file was taken for.
    pub read_as: ReadAs,
    /// What became of its rows.
    pub rows: RowCounts,
    /// What is remarkable, one for each code.
    pub warnings: Vec<QualityWarning>,
}

/// What a file of bars was taken for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadAs {
    /// What the text was packed in, outermost first: `gzip`, `zip`, `parquet`, `utf-16`. Empty for plain text.
    pub packed: Vec<String>,
    /// The name of the dialect; `auto` if everything was found from the file.
    pub dialect: String,
    /// What stands between the columns: `,`, `;`, `tab`, `|` or `space`.
    pub separator: String,
    /// What stands before the decimals: `.` or `,`.
    pub decimal: String,
    /// For each field of a bar, the header of its column, or `column 3` where there is no header. A time in two
    /// columns has both, joined by ` + `.
    pub columns: BTreeMap<String, String>,
    /// The format of the times, in the words of strftime; `%s` for seconds since 1970, and for the other units.
    pub time_format: String,
    /// The unit of times that are numbers: `s`, `ms`, `us` or `ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_unit: Option<String>,
    /// The time zone of the times: its name, `UTC`, an offset, or `in the times`.
    pub time_zone: String,
    /// The order of the rows: `ascending`, `descending` or `unordered`.
    pub order: String,
}

/// What became of the rows of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RowCounts {
    /// The rows after the header.
    pub read: u64,
    /// The bars that the dataset did not have before.
    pub added: u64,
    /// The bars of the dataset that were replaced by other ones with the same time.
    pub replaced: u64,
    /// The rows that were left out, and why.
    pub dropped: Vec<DroppedRows>,
}

/// Rows that were left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DroppedRows {
    /// Why: `bad_row`, `duplicate`, `other_symbol` or `file_end`.
    pub why: String,
    /// How many.
    pub count: u64,
}

/// Something remarkable about the bars of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualityWarning {
    /// What it is, such as `ZONE_ASSUMED` or `OUTLIER`; docs/DATA.md lists them.
    pub code: String,
    /// The same for people.
    pub message: String,
    /// At how many places.
    pub count: u64,
    /// The first ten places.
    pub places: Vec<QualityPlace>,
}

/// A place in a file of bars.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct QualityPlace {
    /// The line of the file, from 1, if it is about a line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The time of the bar, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<Timestamp>,
    /// What is there.
    pub text: String,
}

/// All datasets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetList {
    /// The datasets, ordered by symbol, then timeframe, the shortest first.
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

/// The dialects that a load can name, and the names by which columns are known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialectList {
    /// The dialects, by name.
    pub dialects: Vec<DialectView>,
    /// For each field of a bar, the names of its column, the likeliest first, in lower case.
    pub columns: BTreeMap<String, Vec<String>>,
}

/// Whose files a dialect is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DialectView {
    /// Its name.
    pub name: String,
    /// Whose files these are, and what is special about them.
    pub description: String,
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

//! The kind `data_load`: loads a file of bars into a dataset of the library.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use chrono::Utc;
use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal, Stopped};
use impresario_api::{Bar, DroppedRows, QualityReport, QualityWarning, RowCounts, Timestamp};
use impresario_market::Timeframe;
use impresario_market::dialect::{AUTO, DecimalName, Dialect, Field, Separator};
use impresario_market::error::{Doubt, ImportError};
use impresario_market::rows::{BarReader, Duplicate, MOSTLY_DUPLICATES, ReadOptions, Row};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dialects::DialectFolder;
use super::error::MarketError;
use super::import;
use super::library::Library;
use super::loading::{Duplicates, LoadMode, Loading, Ordered};
use super::symbol;

/// Rows between two checks for a stop: well under a millisecond.
const LOOK_EVERY: u64 = 1_024;

/// Loads bars from the files of a folder.
#[derive(Clone, Debug)]
pub struct DataLoad {
    import_dir: PathBuf,
    dialects: DialectFolder,
    library: Library,
}

/// The params of a load. What is not said is found from the file.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataLoadParams {
    /// The instrument of the bars.
    #[schemars(length(min = 1, max = symbol::LONGEST_SYMBOL), regex(pattern = symbol::SYMBOL))]
    #[schemars(extend("x-expected" = symbol::EXPECTED))]
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// A file in the server's import folder; by default `SYMBOL_TIMEFRAME.csv`, the symbol percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub file: Option<String>,
    /// Whose files these are: a name that `GET /api/v1/data/dialects` lists; `auto` finds everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 40))]
    pub dialect: Option<String>,
    /// For each of timestamp, open, high, low, close and volume, the header of its column, or `column 3` for the
    /// third one. A time in two columns is `Date + Time`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("propertyNames" = {"enum": FIELDS}, "additionalProperties" = {"type": "string", "minLength": 1, "maxLength": 128}))]
    pub columns: BTreeMap<String, String>,
    /// The format of the times, in the words of strftime, such as `%d.%m.%Y %H:%M`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_format: Option<String>,
    /// The time zone of times that name none: an IANA name, or a fixed offset such as `-05:00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub time_zone: Option<String>,
    /// What stands between the columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = SEPARATORS))]
    pub separator: Option<String>,
    /// What stands before the decimals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("enum" = [".", ",", null]))]
    pub decimal: Option<String>,
    /// Whether rows that are no bars fail the load, or are left out.
    #[serde(default)]
    pub bad_rows: BadRowPolicy,
    /// What becomes of several rows with the same time.
    #[serde(default)]
    pub duplicates: Duplicates,
    /// What becomes of the bars that the dataset has already.
    #[serde(default)]
    pub mode: LoadMode,
    /// The codes of doubts that are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 20), extend("items" = {"type": "string", "enum": DOUBTS}))]
    pub accept_doubts: Vec<String>,
    /// Whether to tell what would be loaded, and to change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

const FIELDS: [&str; 6] = ["timestamp", "open", "high", "low", "close", "volume"];
const SEPARATORS: [Option<&str>; 6] = [
    Some(","),
    Some(";"),
    Some("tab"),
    Some("|"),
    Some("space"),
    None,
];

/// The codes that `accept_doubts` takes.
const DOUBTS: [&str; 12] = [
    "COLUMNS_UNCERTAIN",
    "DATE_MISSING",
    "DAY_MONTH_AMBIGUOUS",
    "DECIMAL_AMBIGUOUS",
    "EXCEL_SERIAL",
    "MOSTLY_DUPLICATES",
    "SPACING_UNEXPECTED",
    "TIME_AMBIGUOUS",
    "TIME_OUT_OF_RANGE",
    "TIME_UNREADABLE",
    "VOLUME_UNCERTAIN",
    "ZONE_UNCERTAIN",
];

/// What becomes of rows that are no bars.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BadRowPolicy {
    /// The load fails, and names the first twenty.
    #[default]
    Fail,
    /// They are left out, and counted.
    Skip,
}

/// The output of a load.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct DataLoadOutput {
    /// The instrument.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: String,
    /// The number of bars of the dataset.
    pub rows: u64,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// SHA-256 of the bars, in hexadecimal. Not after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The size on disk. Not after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Whether there was a dataset of this symbol and timeframe before. Not after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<bool>,
    /// Whether this was a dry run, which changed nothing.
    pub dry_run: bool,
    /// How the file was read, and what is remarkable about it.
    pub report: QualityReport,
    /// The first five bars of the dataset, after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Vec<Bar>>,
    /// The last five bars of the dataset, after a dry run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last: Option<Vec<Bar>>,
}

impl DataLoad {
    /// The kind that loads files of `import_dir` into `library`.
    pub fn new(import_dir: impl Into<PathBuf>, library: Library) -> Self {
        Self {
            import_dir: import_dir.into(),
            dialects: DialectFolder::default(),
            library,
        }
    }

    /// The kind with these dialects.
    #[must_use]
    pub fn dialects(mut self, dialects: DialectFolder) -> Self {
        self.dialects = dialects;
        self
    }

    pub(super) fn admit(&self, params: &DataLoadParams) -> Result<(), Refusal> {
        self.options(params, None)?
            .check()
            .map_err(MarketError::from)?;
        import::resolve(&self.import_dir, &params.file())?;
        Ok(())
    }

    fn options(
        &self,
        params: &DataLoadParams,
        kept: Option<(Timestamp, Timestamp)>,
    ) -> Result<ReadOptions, MarketError> {
        let name = params.dialect.as_deref().unwrap_or(AUTO);
        let mut dialects = self.dialects.read()?;
        let dialect = dialects
            .get(name)?
            .ok_or_else(|| ImportError::OptionDoesNotFit {
                field: "dialect".to_owned(),
                expected: format!("one of {}", dialects.names()),
                got: format!("\"{name}\""),
            })?;
        Ok(ReadOptions {
            symbol: params.symbol.clone(),
            timeframe: params.timeframe,
            dialect_name: name.to_owned(),
            dialect: params.said()?.or(&dialect),
            skip_bad_rows: params.bad_rows == BadRowPolicy::Skip,
            leave_out_uncertain_end: params.mode != LoadMode::Replace,
            accept_doubts: params.accept_doubts.clone(),
            kept,
            today: Utc::now().date_naive(),
        })
    }
}

impl DataLoadParams {
    /// A load of the default file of this symbol and timeframe, in which everything is found from the file.
    pub fn new(symbol: impl Into<String>, timeframe: Timeframe) -> Self {
        Self {
            symbol: symbol.into(),
            timeframe,
            file: None,
            dialect: None,
            columns: BTreeMap::new(),
            time_format: None,
            time_zone: None,
            separator: None,
            decimal: None,
            bad_rows: BadRowPolicy::default(),
            duplicates: Duplicates::default(),
            mode: LoadMode::default(),
            accept_doubts: Vec::new(),
            dry_run: false,
        }
    }

    fn file(&self) -> String {
        let default = || {
            // A symbol that is a plain name of a file stands there as people write it.
            let is_plain = !self.symbol.starts_with('.') && !self.symbol.contains(['/', '\\']);
            let name = match is_plain {
                true => self.symbol.clone(),
                false => symbol::in_file(&self.symbol),
            };
            format!("{name}_{}.csv", self.timeframe)
        };
        self.file.clone().unwrap_or_else(default)
    }

    /// What the request says of the file.
    fn said(&self) -> Result<Dialect, MarketError> {
        let mut columns = BTreeMap::new();
        for (field, header) in &self.columns {
            let known = Field::parse(field).ok_or_else(|| ImportError::OptionDoesNotFit {
                field: "columns".to_owned(),
                expected: format!("fields of {}", FIELDS.join(", ")),
                got: format!("\"{field}\""),
            })?;
            columns.insert(known, header.clone());
        }
        Ok(Dialect {
            columns,
            separator: self.separator.as_deref().and_then(Separator::parse),
            decimal: self.decimal.as_deref().and_then(DecimalName::parse),
            time_format: self.time_format.clone(),
            time_zone: self.time_zone.clone(),
            ..Dialect::default()
        })
    }
}

impl Operation for DataLoad {
    const KIND: &'static str = "data_load";
    type Params = DataLoadParams;
    type Output = DataLoadOutput;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn description(&self) -> &'static str {
        "loads bars of a symbol and timeframe from a file"
    }

    fn policy(&self) -> Policy {
        Policy::lane("default")
    }

    fn check(&self, params: &DataLoadParams) -> Result<(), Refusal> {
        symbol::check(&params.symbol)
    }

    fn complete(&self, params: DataLoadParams) -> DataLoadParams {
        DataLoadParams {
            file: Some(params.file()),
            ..params
        }
    }

    fn run(&self, params: DataLoadParams, ctx: &Context) -> Result<DataLoadOutput, Failure> {
        let (symbol, timeframe, file) =
            (&params.symbol, params.timeframe.to_string(), params.file());
        ctx.title(format!("Loading {symbol} {timeframe}"));
        ctx.context("symbol", symbol.as_str());
        ctx.context("timeframe", timeframe.as_str());
        ctx.check()?;
        // The file was there at admission, which may be long ago.
        let source = import::open(&self.import_dir, &file)?;
        let mut loading = self
            .library
            .load(symbol, &timeframe, params.mode, params.duplicates)?;
        let kept = loading.kept().map(|view| (view.start, view.end));
        let options = self.options(&params, kept)?;
        let opened = Arc::new(source.file);
        let state = import::state(&opened, &file)?;
        let mut reader =
            BarReader::open(Arc::clone(&opened), &file, &options).map_err(MarketError::from)?;
        let told = |rows: u64, total: u64| {
            // The number of all rows is estimated from the size of the first ones.
            ctx.items(total).set(rows);
            ctx.message(format_args!(
                "Loading {symbol} {timeframe}: {} bars",
                Grouped(rows)
            ));
            ctx.check()
        };
        let mut steps = 0_u64;
        while let Some(row) = reader.read().map_err(MarketError::from)? {
            if let Row::Bar(bar, place) = row {
                loading.push(&bar, place)?;
            }
            steps += 1;
            if steps.is_multiple_of(LOOK_EVERY) {
                let rows = loading.rows();
                told(rows, scaled(rows, source.size, reader.bytes()))?;
            }
        }
        let rows = loading.rows();
        let ordered = ordered(loading, &reader, ctx)?;
        let report = report(reader, &ordered, &params, &file)?;
        if import::state(&opened, &file)? != state {
            return Err(MarketError::FileChanged { file }.into());
        }
        // This is the last check for a stop. A later stop comes too late, and the load completes.
        told(rows, rows)?;
        for warning in &report.warnings {
            ctx.warn(&warning.code, &warning.message);
        }
        match params.dry_run {
            true => previewed(params, &ordered, report),
            false => published(ordered, &file, report),
        }
    }
}

/// Why the bars were not put into order.
enum Unordered {
    Failed(MarketError),
    Stopped(Stopped),
}

impl From<MarketError> for Unordered {
    fn from(error: MarketError) -> Self {
        Self::Failed(error)
    }
}

fn ordered(loading: Loading, reader: &BarReader, ctx: &Context) -> Result<Ordered, Failure> {
    let look = |_| ctx.check().map_err(Unordered::Stopped);
    loading.order(look).map_err(|unordered| match unordered {
        Unordered::Stopped(stopped) => stopped.into(),
        Unordered::Failed(error) => error.with_line(|place| line(reader, place)).into(),
    })
}

/// The line at which the row at this byte of the text begins.
fn line(reader: &BarReader, place: u64) -> u64 {
    let lines = reader.lines_of(&[place]);
    lines.and_then(|lines| lines.first().copied()).unwrap_or(0)
}

/// What the load found, or why it is refused.
fn report(
    reader: BarReader,
    ordered: &Ordered,
    params: &DataLoadParams,
    file: &str,
) -> Result<QualityReport, MarketError> {
    let (mut doubts, accepted) = doubts(ordered, params);
    let lines_of = |warnings: &[QualityWarning]| with_lines(warnings, &reader);
    let mut warnings = lines_of(ordered.warnings());
    warnings.extend(lines_of(&accepted));
    let duplicates = ordered.duplicates();
    let first: Vec<_> = duplicates
        .first
        .iter()
        .map(|row| Duplicate {
            time: row.time,
            first: row.first_line,
            later: row.line,
        })
        .collect();
    let faults = match params.duplicates {
        Duplicates::Fail => (&first[..], duplicates.count),
        Duplicates::First | Duplicates::Last => (&[][..], 0),
    };
    let facts = reader.finish(faults.0, faults.1)?;
    let is_accepted = params
        .accept_doubts
        .iter()
        .any(|code| code == "MOSTLY_DUPLICATES");
    if duplicates.count * 2 > facts.rows && !is_accepted {
        doubts.push(Doubt {
            code: "MOSTLY_DUPLICATES",
            message: format!(
                "{} of {} rows have a time that came before",
                duplicates.count, facts.rows
            ),
            instead: format!("expected {MOSTLY_DUPLICATES}"),
        });
    }
    if !doubts.is_empty() {
        let file = file.to_owned();
        return Err(ImportError::Doubtful { file, doubts }.into());
    }
    let mut dropped = facts.dropped;
    if duplicates.count > 0 {
        dropped.push(DroppedRows {
            why: "duplicate".to_owned(),
            count: duplicates.count,
        });
    }
    let mut read_as = facts.read_as;
    ordered.order().name().clone_into(&mut read_as.order);
    let mut all = facts.warnings;
    all.append(&mut warnings);
    let counts = ordered.counts();
    Ok(QualityReport {
        file: file.to_owned(),
        read_as,
        rows: RowCounts {
            read: facts.rows,
            added: counts.added,
            replaced: counts.replaced,
            dropped,
        },
        warnings: all,
    })
}

/// The doubts about all bars, and those of them that the request accepts.
fn doubts(ordered: &Ordered, params: &DataLoadParams) -> (Vec<Doubt>, Vec<QualityWarning>) {
    let is_accepted = |doubt: &&QualityWarning| params.accept_doubts.contains(&doubt.code);
    let (accepted, open): (Vec<_>, Vec<_>) = ordered.doubts().iter().partition(is_accepted);
    let doubt = |warning: &QualityWarning| Doubt {
        code: "SPACING_UNEXPECTED",
        message: warning.message.clone(),
        instead: "say the timeframe of the bars".to_owned(),
    };
    (
        open.into_iter().map(doubt).collect(),
        accepted.into_iter().cloned().collect(),
    )
}

/// The warnings with lines where they have places in the text.
fn with_lines(warnings: &[QualityWarning], reader: &BarReader) -> Vec<QualityWarning> {
    let places = warnings.iter().flat_map(|warning| &warning.places);
    let offsets: Vec<_> = places.filter_map(|place| place.line).collect();
    let mut lines = reader.lines_of(&offsets).unwrap_or_default().into_iter();
    let mut warnings = warnings.to_vec();
    for place in warnings.iter_mut().flat_map(|warning| &mut warning.places) {
        place.line = place.line.and_then(|_| lines.next());
    }
    warnings
}

fn previewed(
    params: DataLoadParams,
    ordered: &Ordered,
    report: QualityReport,
) -> Result<DataLoadOutput, Failure> {
    let preview = ordered.preview()?.ok_or_else(|| {
        MarketError::from(ImportError::NoRows {
            file: report.file.clone(),
            dropped: 0,
        })
    })?;
    Ok(DataLoadOutput {
        symbol: params.symbol,
        timeframe: params.timeframe.to_string(),
        rows: preview.rows,
        start: preview.start,
        end: preview.end,
        sha256: None,
        bytes: None,
        replaced: None,
        dry_run: true,
        report,
        first: Some(preview.first),
        last: Some(preview.last),
    })
}

fn published(
    ordered: Ordered,
    file: &str,
    report: QualityReport,
) -> Result<DataLoadOutput, Failure> {
    let (view, replaced) = ordered.publish(file, Some(&report))?;
    Ok(DataLoadOutput {
        symbol: view.symbol,
        timeframe: view.timeframe,
        rows: view.rows,
        start: view.start,
        end: view.end,
        sha256: Some(view.sha256),
        bytes: Some(view.bytes),
        replaced: Some(replaced),
        dry_run: false,
        report,
        first: None,
        last: None,
    })
}
/// `rows` times `whole / part`, at least `rows`.
fn scaled(rows: u64, whole: u64, part: u64) -> u64 {
    let scaled = u128::from(rows) * u128::from(whole) / u128::from(part.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX).max(rows)
}

/// A number with commas between its thousands.
struct Grouped(u64);

impl std::fmt::Display for Grouped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            small @ 0..1_000 => write!(f, "{small}"),
            large => write!(f, "{},{:03}", Self(large / 1_000), large % 1_000),
        }
    }
}

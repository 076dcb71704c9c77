//! The kind `data_load`: loads a CSV file of bars into a dataset of the library.

use std::path::PathBuf;

use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal};
use impresario_api::{DatasetView, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::import;
use super::import::csv::Bars;
use super::library::Library;
use super::symbol;
use super::timeframe::Timeframe;

/// Rows between two checks for a stop: well under a millisecond.
const LOOK_EVERY: u64 = 1_024;

/// Loads bars from the files of a folder.
#[derive(Clone, Debug)]
pub struct DataLoad {
    import_dir: PathBuf,
    library: Library,
}

/// The params of a load.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DataLoadParams {
    /// The instrument of the bars.
    #[schemars(length(min = 1, max = symbol::LONGEST_SYMBOL), regex(pattern = symbol::SYMBOL))]
    #[schemars(extend("x-expected" = symbol::EXPECTED))]
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// A CSV file in the server's import folder; by default `SYMBOL_TIMEFRAME.csv`, the symbol percent-encoded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub file: Option<String>,
}

/// The output of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct DataLoadOutput {
    /// The instrument.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: String,
    /// The number of bars.
    pub rows: u64,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// SHA-256 of the bars, in hexadecimal.
    pub sha256: String,
    /// The size on disk.
    pub bytes: u64,
    /// Whether there was a dataset of this symbol and timeframe before.
    pub replaced: bool,
}

impl DataLoad {
    /// The kind that loads files of `import_dir` into `library`.
    pub fn new(import_dir: impl Into<PathBuf>, library: Library) -> Self {
        Self {
            import_dir: import_dir.into(),
            library,
        }
    }

    pub(super) fn admit(&self, params: &DataLoadParams) -> Result<(), Refusal> {
        import::resolve(&self.import_dir, &params.file())?;
        Ok(())
    }
}

impl DataLoadParams {
    fn file(&self) -> String {
        let default = || format!("{}_{}.csv", symbol::in_file(&self.symbol), self.timeframe);
        self.file.clone().unwrap_or_else(default)
    }
}

impl Operation for DataLoad {
    const KIND: &'static str = "data_load";
    type Params = DataLoadParams;
    type Output = DataLoadOutput;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn description(&self) -> &'static str {
        "loads bars of a symbol and timeframe from a CSV file"
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
        let size = source.size;
        let mut bars = Bars::open(&file, source)?;
        let mut writer = self.library.writer(symbol, &timeframe)?;
        let told = |rows: u64, total: u64| {
            // The number of all rows is estimated from the size of the first ones.
            ctx.items(total).set(rows);
            ctx.message(format_args!(
                "Loading {symbol} {timeframe}: {} bars",
                Grouped(rows)
            ));
            ctx.check()
        };
        while let Some(bar) = bars.next()? {
            writer.push(&bar)?;
            let rows = writer.rows();
            if rows.is_multiple_of(LOOK_EVERY) {
                told(rows, scaled(rows, size, bars.bytes()))?;
            }
        }
        let rows = writer.rows();
        if rows == 0 {
            return Err(super::MarketError::NoRows { file }.into());
        }
        // This is the last check for a stop. A later stop comes too late, and the load completes.
        told(rows, rows)?;
        let doubt = writer.doubt();
        let (view, replaced) = writer.finish(&file)?;
        if let Some(why) = doubt {
            ctx.warn(
                "TIMEFRAME_DOUBTFUL",
                format_args!("{file} was loaded as {timeframe}, but {why}"),
            );
        }
        Ok(output(view, replaced))
    }
}

fn output(view: DatasetView, replaced: bool) -> DataLoadOutput {
    DataLoadOutput {
        symbol: view.symbol,
        timeframe: view.timeframe,
        rows: view.rows,
        start: view.start,
        end: view.end,
        sha256: view.sha256,
        bytes: view.bytes,
        replaced,
    }
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

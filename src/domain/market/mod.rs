//! Market data: OHLCV bars, loaded from CSV files into the server's own folder, and read from it.

mod checked;
mod dialects;
mod error;
mod format;
mod import;
mod imports;
mod library;
mod load;
mod loading;
pub mod symbol;
mod writer;

pub use dialects::DialectFolder;
pub use error::MarketError;
pub use imports::{ImportName, Imports, Upload};
pub use impresario_market::Timeframe;
pub use impresario_market::bars::{SeriesFault, check_bars};
pub use library::{Dataset, Library};
pub use load::{BadRowPolicy, DataLoad, DataLoadOutput, DataLoadParams};
pub use loading::{Duplicates, LoadCounts, LoadMode, Loading, Ordered, Preview};

#[cfg(test)]
mod tests;

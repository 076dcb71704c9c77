//! Market data: OHLCV bars, loaded from CSV files into the server's own folder, and read from it.

mod bars;
mod checked;
mod error;
mod format;
mod import;
mod library;
mod load;
mod spacing;
pub mod symbol;
mod timeframe;
mod writer;

pub use bars::{SeriesFault, check_bars};
pub use error::MarketError;
pub use library::{Dataset, Library};
pub use load::{DataLoad, DataLoadOutput, DataLoadParams};
pub use timeframe::{Length, ParseTimeframeError, Timeframe};
pub use writer::Writer;

#[cfg(test)]
mod tests;

//! What is read of market data and models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Data {
    /// What has been loaded
    List,
    /// The bars of one symbol in one timeframe
    Show(Bars),
}

#[derive(Args)]
pub(crate) struct Bars {
    /// The instrument, such as GOOG
    pub(crate) symbol: String,
    /// How long a bar lasts: 1m 5m 15m 30m 1h 4h 1d 1w
    pub(crate) timeframe: String,
    /// No bar before this: 2010-01-31 or 2010-01-31T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// No bar after this; a date is its whole day
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Only so many, from the start on; without it the first and the last are shown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum Models {
    /// Every model, newest first, beside what it had to beat
    List,
    /// What one was trained on, how, and how well it does
    Show(Model),
    /// What one expects of the bar after the last one given
    Predict(Predict),
}

#[derive(Args)]
pub(crate) struct Model {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
}

#[derive(Args)]
pub(crate) struct Predict {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// Bars in a file, ascending: CSV with a header, or JSON as of data show --json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["symbol", "timeframe"])]
    pub(crate) bars: Option<PathBuf>,
    /// The server's newest bars of this symbol [default: what it was trained on]
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// The timeframe of those [default: what it was trained on]
    #[arg(long, value_name = "TIMEFRAME")]
    pub(crate) timeframe: Option<String>,
}

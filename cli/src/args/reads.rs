//! The commands that read and delete market data and models.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum Data {
    /// List the datasets that were loaded
    List,
    /// Show the bars of one symbol in one timeframe
    Show(Bars),
    /// List the dialects that a load may name, and the names by which columns are known
    Dialects,
    /// List the files in the server's import folder, or delete one
    Imports(ImportsArgs),
    /// Delete the dataset of one symbol in one timeframe, after showing what refers to it
    Delete(DeleteData),
}

#[derive(Args)]
pub(crate) struct ImportsArgs {
    #[command(subcommand)]
    pub(crate) command: Option<Imports>,
}

#[derive(Subcommand)]
pub(crate) enum Imports {
    /// Delete a file
    Delete {
        /// The file's name
        name: String,
    },
}

#[derive(Args)]
pub(crate) struct DeleteData {
    /// The instrument, such as GOOG, ^GSPC or BTC/USDT
    pub(crate) symbol: String,
    /// How long a bar lasts: a number and s, m, h, d, w or mo, such as 15m or 1d
    pub(crate) timeframe: String,
    /// Do not ask, also if something refers to it
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct DeleteModel {
    /// The id, or its last 4 or more characters
    pub(crate) id: String,
    /// Do not ask, also if something refers to it
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct Bars {
    /// The instrument, such as GOOG, ^GSPC or BTC/USDT
    pub(crate) symbol: String,
    /// How long a bar lasts: a number and s, m, h, d, w or mo, such as 15m or 1d
    pub(crate) timeframe: String,
    /// The earliest bar: 2010-01-31 or 2010-01-31T14:30:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) start: Option<String>,
    /// The latest bar; a date means its whole day
    #[arg(long, value_name = "TIME")]
    pub(crate) end: Option<String>,
    /// Show only this many, from the start; by default the first and the last are shown
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) limit: Option<u64>,
}

#[derive(Subcommand)]
pub(crate) enum Models {
    /// List the models, newest first, beside their baselines
    List,
    /// Show a model: its data, its training and its scores
    Show(Model),
    /// Predict the direction of the bar after the last given one
    Predict(Predict),
    /// Delete a model, after showing what refers to it
    Delete(DeleteModel),
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
    /// A file with ascending bars: CSV with a header, or JSON as printed by data show --json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["symbol", "timeframe"])]
    pub(crate) bars: Option<PathBuf>,
    /// Use the server's newest bars of this symbol [default: the model's]
    #[arg(long, value_name = "SYMBOL")]
    pub(crate) symbol: Option<String>,
    /// The timeframe of these bars [default: the model's]
    #[arg(long, value_name = "TIMEFRAME")]
    pub(crate) timeframe: Option<String>,
}

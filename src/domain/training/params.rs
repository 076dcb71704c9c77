//! The params of a training, with their ranges.

use impresario_api::MAX_INTEGER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device;
use super::fit::Hyper;
use super::part::JUDGED_AT_ONCE;
use super::prepare::WIDTH;
use crate::domain::market::{Timeframe, symbol};

/// The number of classes: up, and not up.
const CLASSES: u32 = 2;

/// The params of a training.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingParams {
    /// The instrument from whose bars the network learns.
    #[schemars(length(min = 1, max = symbol::LONGEST_SYMBOL), regex(pattern = symbol::SYMBOL))]
    #[schemars(extend("x-expected" = symbol::EXPECTED))]
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: Timeframe,
    /// The most passes over the training part.
    #[serde(default = "defaults::epochs")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u32,
    /// Rows in one step of learning.
    #[serde(default = "defaults::batch_size")]
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_size: u32,
    /// The step size.
    #[serde(default = "defaults::learning_rate")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// The units of each hidden layer, from the features on.
    #[serde(default = "defaults::hidden_layers")]
    #[schemars(length(max = 16), inner(range(min = 1, max = 4_096)))]
    pub hidden_layers: Vec<u32>,
    /// The probability with which a hidden unit is left out of a step.
    #[serde(default = "defaults::dropout")]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: f64,
    /// Epochs without a lower validation loss after which training ends.
    #[serde(default = "defaults::patience")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub patience: u32,
    /// The seed of all random numbers: the same seed gives the same model, bit for bit.
    #[serde(default = "defaults::seed")]
    #[schemars(range(min = 0, max = MAX_INTEGER))]
    pub seed: u64,
    /// The device: the fastest available one, or one by name.
    #[serde(default = "defaults::device")]
    #[schemars(extend("enum" = device::NAMES))]
    pub device: String,
}

/// The defaults of fields that are left out.
mod defaults {
    pub(super) const fn epochs() -> u32 {
        50
    }
    pub(super) const fn batch_size() -> u32 {
        32
    }
    pub(super) const fn learning_rate() -> f64 {
        0.001
    }
    pub(super) fn hidden_layers() -> Vec<u32> {
        vec![64, 32]
    }
    pub(super) const fn dropout() -> f64 {
        0.2
    }
    pub(super) const fn patience() -> u32 {
        10
    }
    pub(super) const fn seed() -> u64 {
        42
    }
    pub(super) fn device() -> String {
        "auto".to_owned()
    }
}

impl TrainingParams {
    /// The widths of the layers, from the features to the classes.
    pub(super) fn widths(&self) -> Vec<u32> {
        let hidden = self.hidden_layers.iter().copied();
        [WIDTH as u32]
            .into_iter()
            .chain(hidden)
            .chain([CLASSES])
            .collect()
    }

    /// How many rows are in memory for one step, out of `rows`: a batch, or an evaluation.
    pub(super) fn rows_at_once(&self, rows: u64) -> u64 {
        u64::from(self.batch_size.max(JUDGED_AT_ONCE)).min(rows)
    }

    pub(super) const fn hyper(&self) -> Hyper {
        Hyper {
            epochs: self.epochs,
            batch_size: self.batch_size,
            learning_rate: self.learning_rate,
            dropout: self.dropout as f32,
            patience: self.patience,
            seed: self.seed,
        }
    }
}

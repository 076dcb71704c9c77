//! What a training takes, and what each hyper-parameter may be.

use impresario_api::MAX_INTEGER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::device;
use super::fit::{Hyper, JUDGED_AT_ONCE};
use super::prepare::WIDTH;
use crate::domain::market::{SYMBOL, TIMEFRAMES};

/// Up, or not up.
const CLASSES: u32 = 2;

/// What a training takes.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TrainingParams {
    /// The instrument whose bars are learned from.
    #[schemars(length(max = 32), regex(pattern = SYMBOL))]
    pub symbol: String,
    /// How long a bar lasts.
    #[schemars(extend("enum" = TIMEFRAMES))]
    pub timeframe: String,
    /// Passes over the training part, at most.
    #[serde(default = "defaults::epochs")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub epochs: u32,
    /// Rows in one step of learning.
    #[serde(default = "defaults::batch_size")]
    #[schemars(range(min = 1, max = 65_536))]
    pub batch_size: u32,
    /// How far one step goes.
    #[serde(default = "defaults::learning_rate")]
    #[schemars(extend("exclusiveMinimum" = 0))]
    pub learning_rate: f64,
    /// Units of each hidden layer, from the features on.
    #[serde(default = "defaults::hidden_layers")]
    #[schemars(length(max = 16), inner(range(min = 1, max = 4_096)))]
    pub hidden_layers: Vec<u32>,
    /// The probability with which a hidden unit is left out of a step.
    #[serde(default = "defaults::dropout")]
    #[schemars(range(min = 0.0, max = 0.95))]
    pub dropout: f64,
    /// Epochs without a lower validation loss after which it ends.
    #[serde(default = "defaults::patience")]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub patience: u32,
    /// Of all randomness: the same seed gives the same model, bit for bit.
    #[serde(default = "defaults::seed")]
    #[schemars(range(min = 0, max = MAX_INTEGER))]
    pub seed: u64,
    /// Where it is computed: the fastest that is there, or one by name.
    #[serde(default = "defaults::device")]
    #[schemars(extend("enum" = device::NAMES))]
    pub device: String,
}

/// What a field is when it is left out.
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
    /// From the features to the classes.
    pub(super) fn widths(&self) -> Vec<u32> {
        let hidden = self.hidden_layers.iter().copied();
        [WIDTH as u32]
            .into_iter()
            .chain(hidden)
            .chain([CLASSES])
            .collect()
    }

    /// Rows that are in memory for one step, of a dataset of so many: a batch, or what is judged.
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

//! Trained models: what came out, measured how, made of what.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Bar, ModelId, Timestamp};

/// How well something tells up from not up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// The share of right answers, 0 to 1.
    pub accuracy: f64,
    /// The mean of both classes' recalls, 0 to 1.
    pub balanced_accuracy: f64,
    /// The mean negative log-likelihood, in nats; null for a rule that gives no probabilities.
    pub log_loss: Option<f64>,
}

/// What a model has to beat, on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baselines {
    /// Always the class that is more frequent in the training part.
    pub majority_class: Scores,
    /// The direction of the bar before.
    pub last_direction: Scores,
}

/// The model on the part that neither training nor the choice of the best epoch saw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReport {
    /// Rows of the test part.
    pub rows: u64,
    /// The model's.
    pub model: Scores,
    /// Of the same rows.
    pub baselines: Baselines,
    /// Whether the model's accuracy is above both baselines'.
    pub beats_baselines: bool,
    /// Rows by true class, columns by answer, in the order of `classes`.
    pub confusion: [[u64; 2]; 2],
    /// The classes: not_up, up.
    pub classes: [String; 2],
}

/// A model in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelRow {
    /// Its id.
    pub model_id: ModelId,
    /// When it was saved.
    pub created_at: Timestamp,
    /// What it was trained on.
    pub symbol: String,
    /// What it was trained on.
    pub timeframe: String,
    /// The epoch whose weights it has, from 1.
    pub best_epoch: u32,
    /// Epochs that were run.
    pub epochs_run: u32,
    /// On the untouched part.
    pub test: TestReport,
}

/// Every model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelList {
    /// Newest first.
    pub models: Vec<ModelRow>,
}

/// One feature, as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureView {
    /// Its name.
    pub name: String,
    /// Of the training part: what is subtracted.
    pub mean: f64,
    /// Of the training part: what it is divided by.
    pub deviation: f64,
}

/// One epoch's curve points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochView {
    /// From 1.
    pub epoch: u32,
    /// Mean cross-entropy over the training part while it was learned from, in nats.
    pub train_loss: f64,
    /// Share of right answers there.
    pub train_accuracy: f64,
    /// Mean cross-entropy over the validation part after the epoch, in nats.
    pub validation_loss: f64,
    /// Share of right answers there.
    pub validation_accuracy: f64,
}

/// What a model was trained on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelData {
    /// The instrument.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: String,
    /// Bars.
    pub bars: u64,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// SHA-256 of the bars, in hexadecimal.
    pub sha256: String,
    /// Rows of the training, validation and test parts.
    pub parts: [u64; 3],
}

/// The card that lies beside a model's weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCard {
    /// Its id.
    pub model_id: ModelId,
    /// When it was saved.
    pub created_at: Timestamp,
    /// The params of its training, seed included.
    pub params: Value,
    /// What it was trained on.
    pub data: ModelData,
    /// Its inputs, in order, with the scaler of the training part.
    pub features: Vec<FeatureView>,
    /// Widths from the input to the two classes.
    pub layers: Vec<u32>,
    /// The number of its weights.
    pub weights: u64,
    /// Every epoch.
    pub history: Vec<EpochView>,
    /// The epoch whose weights it has, from 1.
    pub best_epoch: u32,
    /// Why it ended: all epochs were run, no improvement (`patience`), or asked to (`finish`).
    pub ended_by: String,
    /// On the untouched part.
    pub test: TestReport,
    /// Where it was computed.
    pub device: String,
    /// Versions of what made it.
    pub versions: BTreeMap<String, String>,
    /// SHA-256 of the weights' file, in hexadecimal.
    pub weights_sha256: String,
}

/// `POST /api/v1/models/{id}/predict`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    /// Ascending; as many as the features look back on, or more.
    pub bars: Vec<Bar>,
}

/// What the model expects of the bar after the last one given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// By class: up and not_up; they add up to 1.
    pub probabilities: BTreeMap<String, f64>,
}

//! Trained models: their scores and their cards.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Bar, ForkedFrom, ModelId, OperationId, StartOptions, Timestamp, WarningCount};

/// How well a model or a rule distinguishes up from not up.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Scores {
    /// The share of right answers, 0 to 1.
    pub accuracy: f64,
    /// The mean of both classes' recalls, 0 to 1.
    pub balanced_accuracy: f64,
    /// The mean negative log-likelihood, in nats; null for a rule that gives no probabilities.
    pub log_loss: Option<f64>,
}

/// The baselines, on the same rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baselines {
    /// Always the class that is more frequent in the training part.
    pub majority_class: Scores,
    /// Always the direction of the bar before.
    pub last_direction: Scores,
}

/// The test of a model, on the part that neither training nor the choice of the best epoch used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TestReport {
    /// Rows of the test part.
    pub rows: u64,
    /// The scores of the model.
    pub model: Scores,
    /// The scores of the baselines.
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
    /// The model's id.
    pub model_id: ModelId,
    /// When the model was saved.
    pub created_at: Timestamp,
    /// The symbol on which the model was trained.
    pub symbol: String,
    /// The timeframe on which the model was trained.
    pub timeframe: String,
    /// The epoch whose weights the model has, from 1.
    pub best_epoch: u32,
    /// The number of epochs that were run.
    pub epochs_run: u32,
    /// The test of the model.
    pub test: TestReport,
}

/// All models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelList {
    /// The models, newest first.
    pub models: Vec<ModelRow>,
}

/// One feature, with its scaling.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureView {
    /// Its name.
    pub name: String,
    /// The mean over the training part, which is subtracted.
    pub mean: f64,
    /// The standard deviation over the training part, by which the rest is divided.
    pub deviation: f64,
}

/// One epoch's curve points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EpochView {
    /// The number of the epoch, from 1.
    pub epoch: u32,
    /// The mean cross-entropy over the training part during the epoch, in nats.
    pub train_loss: f64,
    /// The share of right answers there.
    pub train_accuracy: f64,
    /// The mean cross-entropy over the validation part after the epoch, in nats.
    pub validation_loss: f64,
    /// The share of right answers there.
    pub validation_accuracy: f64,
}

/// The days of a part of the data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Span {
    /// The time of its first row's bar.
    pub start: Timestamp,
    /// The time of its last row's bar.
    pub end: Timestamp,
}

/// The machine and the libraries on which a training depends bit for bit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// The processor's name, as the operating system tells it.
    pub processor: String,
    /// How many threads the training could use.
    pub threads: u32,
    /// The device: "cpu", "cuda" or "mps".
    pub device: String,
    /// The version of libtorch.
    pub libtorch: String,
}

/// A place where a training began, or went on from a checkpoint.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelAncestor {
    /// The operation.
    pub operation_id: OperationId,
    /// The run of the operation.
    pub run: u32,
    /// When.
    pub at: Timestamp,
    /// How many epochs were complete.
    pub epochs: u32,
    /// How many batches of the next epoch were learned.
    pub batches: u32,
    /// The params from here on.
    pub params: Value,
    /// Where it ran from here on.
    pub machine: Machine,
}

/// The data on which a model was trained.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelData {
    /// The instrument.
    pub symbol: String,
    /// How long a bar lasts.
    pub timeframe: String,
    /// The number of bars.
    pub bars: u64,
    /// The first bar's time.
    pub start: Timestamp,
    /// The last bar's time.
    pub end: Timestamp,
    /// SHA-256 of the bars, in hexadecimal.
    pub sha256: String,
    /// The numbers of rows in the training, validation and test parts.
    pub parts: [u64; 3],
    /// The days of these parts; null for a model of an earlier version.
    #[serde(default)]
    pub part_dates: Option<[Span; 3]>,
    /// What was remarkable about the bars when they were loaded: the codes of the dataset's report, each with
    /// the number of its places.
    #[serde(default)]
    pub warnings: Vec<WarningCount>,
}

/// The card of a model, which is stored beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelCard {
    /// The model's id.
    pub model_id: ModelId,
    /// When the model was saved.
    pub created_at: Timestamp,
    /// The operation that trained it; null for a model of an earlier version.
    #[serde(default)]
    pub operation_id: Option<OperationId>,
    /// Who started that operation.
    #[serde(default)]
    pub requested_by: Option<String>,
    /// The labels of that operation.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// The checkpoint that this operation was forked from.
    #[serde(default)]
    pub forked_from: Option<ForkedFrom>,
    /// Where the training began, and each place where it went on from a checkpoint, in order.
    #[serde(default)]
    pub ancestry: Vec<ModelAncestor>,
    /// The params of the training, with the seed.
    pub params: Value,
    /// The data on which the model was trained.
    pub data: ModelData,
    /// The inputs in order, with the scaler of the training part.
    pub features: Vec<FeatureView>,
    /// Widths from the input to the two classes.
    pub layers: Vec<u32>,
    /// The number of its weights.
    pub weights: u64,
    /// All epochs.
    pub history: Vec<EpochView>,
    /// The epoch whose weights the model has, from 1.
    pub best_epoch: u32,
    /// Why the training ended: all epochs were run (`epochs`), the validation loss no longer improved
    /// (`patience`), or somebody asked for it (`finish`).
    pub ended_by: String,
    /// After how many batches a finish cut the only epoch short; null if none was.
    #[serde(default)]
    pub cut_after_batches: Option<u32>,
    /// The test of the model.
    pub test: TestReport,
    /// The device of the training.
    pub device: String,
    /// The machine on which it ended; null for a model of an earlier version.
    #[serde(default)]
    pub machine: Option<Machine>,
    /// The versions of the programs that made the model.
    pub versions: BTreeMap<String, String>,
    /// SHA-256 of the weights' file, in hexadecimal.
    pub weights_sha256: String,
}

/// `POST /api/v1/models/{id}/verify`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct VerifyRequest {
    /// The options of the operation that verifies.
    pub options: Option<StartOptions>,
}

/// `POST /api/v1/models/{id}/predict`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PredictRequest {
    /// The bars, ascending; at least as many as the features need.
    pub bars: Vec<Bar>,
}

/// The prediction for the bar after the last given one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Prediction {
    /// The probability of each class, up and not_up. They add up to 1.
    pub probabilities: BTreeMap<String, f64>,
}

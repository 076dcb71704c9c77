//! Deleting datasets and models, and what refers to them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{ModelId, OperationId, Status, Timestamp};

/// A model, or an operation that has not ended, that refers to a dataset or a model: one of the two ids is
/// there. `REFERENCED` has the first 20 as its `details`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// The model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model_id: Option<ModelId>,
    /// The operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation_id: Option<OperationId>,
    /// How it refers to it.
    pub relation: Relation,
    /// The status of the operation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// When the model was saved, or the operation was started.
    pub at: Timestamp,
}

/// How something refers to a dataset or a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// A model was trained on the dataset.
    TrainedOn,
    /// An operation loads the dataset.
    Loads,
    /// An operation trains on the dataset.
    TrainsOn,
    /// An operation verifies the model, or a model that was trained on the dataset.
    Verifies,
    /// A model or an operation goes on from a checkpoint of the model's training.
    ForkedFrom,
}

impl Relation {
    /// The relation for a person, before "it": "was trained on".
    pub const fn words(self) -> &'static str {
        match self {
            Self::TrainedOn => "was trained on",
            Self::Loads => "loads",
            Self::TrainsOn => "trains on",
            Self::Verifies => "verifies",
            Self::ForkedFrom => "was forked from",
        }
    }
}

/// The answer to a `DELETE` of a dataset or a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeleteAnswer {
    /// Whether it was deleted; false with `dry_run`.
    pub deleted: bool,
    /// What refers to it: the first 20, models first, each newest first.
    pub references: Vec<Reference>,
    /// How many refer to it.
    pub references_total: u64,
}

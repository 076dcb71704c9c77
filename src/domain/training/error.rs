//! What can go wrong with a training or a model, with the code that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::ErrorCode;
use impresario_api::ModelId;
use serde_json::{Value, json};

use super::prepare::PrepareError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The loss is no number any more.
    #[error(
        "the mean loss became {loss} in epoch {epoch}, batch {batch}: the learning rate {} is too high for this data; try {}",
        short(*learning_rate),
        (learning_rate / 10.0).min(0.01)
    )]
    Diverged {
        /// From 1.
        epoch: u32,
        /// From 1; one more than there are for the validation after the last one.
        batch: u32,
        /// As it was asked for.
        learning_rate: f64,
        /// What it became.
        loss: f64,
    },
    /// Asked to finish before the first batch.
    #[error("it was asked to finish before it had learned anything: there is no model to keep")]
    NothingLearned,
    /// These bars cannot be learned from.
    #[error("{symbol} {timeframe}: {source}")]
    Unfit {
        /// Of the dataset.
        symbol: String,
        /// Of the dataset.
        timeframe: String,
        /// Why.
        source: PrepareError,
    },
    /// These bars cannot be judged by the model.
    #[error("bars: {0}")]
    BarsUnfit(#[from] PrepareError),
    /// One of the bars given cannot be, or comes too early.
    #[error("bars[{index}].{field}: expected {expected}, got {got}")]
    BadBar {
        /// From 0.
        index: usize,
        /// Which of its fields.
        field: &'static str,
        /// What it should be.
        expected: String,
        /// What it is.
        got: String,
    },
    /// There is no such model.
    #[error("there is no model {0}")]
    NotFound(String),
    /// A model's files are not what was written.
    #[error("the model {id} is damaged: {why}; train it again")]
    Damaged {
        /// Which.
        id: ModelId,
        /// What does not fit.
        why: String,
    },
    /// The models' folder does not do what it should.
    #[error("cannot {what} {}: {source}", path.display())]
    Storage {
        /// "write", "read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// "1000", but "1e30".
fn short(rate: f64) -> String {
    if (1e-4..1e6).contains(&rate) {
        rate.to_string()
    } else {
        format!("{rate:e}")
    }
}

impl TrainingError {
    /// An input or output error at a path.
    pub(super) fn storage(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Storage { what, path, source }
    }
}

impl ErrorCode for TrainingError {
    fn code(&self) -> &'static str {
        match self {
            Self::Diverged { .. } => "TRAINING_DIVERGED",
            Self::NothingLearned => "NOTHING_LEARNED",
            Self::Unfit { source, .. } | Self::BarsUnfit(source) => source.code(),
            Self::BadBar { .. } => "BAD_BAR",
            Self::NotFound(_) => "MODEL_NOT_FOUND",
            Self::Damaged { .. } => "MODEL_DAMAGED",
            Self::Storage { .. } => "MODEL_STORAGE",
        }
    }

    fn retryable(&self) -> bool {
        matches!(self, Self::Storage { .. })
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::Diverged {
                epoch,
                batch,
                learning_rate,
                ..
            } => Some(json!({"epoch": epoch, "batch": batch, "learning_rate": learning_rate})),
            Self::Unfit { source, .. } | Self::BarsUnfit(source) => source.details(),
            Self::BadBar {
                index,
                field,
                expected,
                got,
            } => Some(json!([
                {"path": format!("bars[{index}].{field}"), "expected": expected, "got": got}
            ])),
            Self::NothingLearned
            | Self::NotFound(_)
            | Self::Damaged { .. }
            | Self::Storage { .. } => None,
        }
    }
}

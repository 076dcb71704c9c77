//! Errors of trainings and models, with the codes that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::{ErrorCode, Refusal};
use impresario_api::{DatasetView, ModelId};
use serde_json::{Value, json};

use super::prepare::PrepareError;

/// An error of a training or a model.
#[derive(Debug, thiserror::Error)]
pub enum TrainingError {
    /// The loss is not a number any more, or too large.
    #[error(
        "the mean loss became {loss} in epoch {epoch}, batch {batch}: the learning rate {} is too high for this data; try {}",
        short(*learning_rate),
        lower(*learning_rate)
    )]
    Diverged {
        /// The number of the epoch, from 1.
        epoch: u32,
        /// The number of the batch, from 1; one above the last batch means the validation.
        batch: u32,
        /// The learning rate in the params.
        learning_rate: f64,
        /// The loss.
        loss: f64,
    },
    /// The network and its batches do not fit into memory.
    #[error(
        "a network of {weights} weights with {rows} rows at once needs about {:.1} GB of memory, and there are {:.1} GB: take fewer or narrower hidden_layers, or a smaller batch_size",
        *needed as f64 / 1e9,
        *most as f64 / 1e9
    )]
    TooLarge {
        /// The number of weights of the network.
        weights: u64,
        /// The most rows in one step.
        rows: u64,
        /// The memory that is needed, in bytes.
        needed: u64,
        /// The available memory, in bytes.
        most: u64,
    },
    /// The training was asked to finish before the first batch.
    #[error("it was asked to finish before it had learned anything: there is no model to keep")]
    NothingLearned,
    /// The network is about to diverge: its checkpoint is not kept, and the one before it stays.
    #[error("the network is about to diverge, so this is no checkpoint to go on from")]
    NotSound,
    /// The bars are not those of the checkpoint or of the model.
    #[error(
        "{symbol} {timeframe}: the bars are not those of the training, whose SHA-256 was {expected} and is {got} now: load the same bars again, or start a new training"
    )]
    OtherData {
        /// The name of the dataset.
        symbol: String,
        /// The name of the dataset.
        timeframe: String,
        /// SHA-256 of the bars of the training.
        expected: String,
        /// SHA-256 of the bars as they are.
        got: String,
    },
    /// Another version of this program wrote the checkpoint.
    #[error(
        "the checkpoint has the format {0}, which this version does not read: start a new training, or go on with the version that wrote it"
    )]
    OtherFormat(u32),
    /// The tensors of the checkpoint are not those of this network.
    #[error("the checkpoint does not fit: {0}")]
    OtherTensors(String),
    /// A training cannot use these bars.
    #[error("{symbol} {timeframe}: {source}")]
    Unfit {
        /// The name of the dataset.
        symbol: String,
        /// The name of the dataset.
        timeframe: String,
        /// The cause.
        source: PrepareError,
    },
    /// The model cannot predict from these bars.
    #[error("bars: {0}")]
    BarsUnfit(#[from] PrepareError),
    /// One of the given bars is impossible, or not later than the one before.
    #[error("bars[{index}].{field}: expected {expected}, got {got}")]
    BadBar {
        /// The bar's number, from 0.
        index: usize,
        /// The field.
        field: &'static str,
        /// What was expected.
        expected: String,
        /// What came.
        got: String,
    },
    /// There is no such model.
    #[error("there is no model {0}")]
    NotFound(String),
    /// A model's files are not what was written.
    #[error("the model {id} is damaged: {why}; train it again")]
    Damaged {
        /// The model.
        id: ModelId,
        /// What is wrong with it.
        why: String,
    },
    /// The models' folder cannot be read or written.
    #[error("cannot {what} {}: {source}", path.display())]
    Storage {
        /// What was tried: "write", "read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
}

/// A number as text: "1000", but "1e30".
fn short(rate: f64) -> String {
    if (1e-4..1e6).contains(&rate) {
        rate.to_string()
    } else {
        format!("{rate:e}")
    }
}

/// A tenth of a rate in two digits, written as briefly as possible.
fn lower(rate: f64) -> String {
    let tenth = (rate / 10.0).min(0.01);
    short(format!("{tenth:.1e}").parse().unwrap_or(tenth))
}

impl TrainingError {
    /// The error for bars that have changed since.
    pub(super) fn other_data(view: &DatasetView, expected: &str) -> Self {
        Self::OtherData {
            symbol: view.symbol.clone(),
            timeframe: view.timeframe.clone(),
            expected: expected.to_owned(),
            got: view.sha256.clone(),
        }
    }

    /// The error for a failed system call at a path.
    pub(super) fn storage(
        what: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Storage { what, path, source }
    }
}

impl From<TrainingError> for Refusal {
    fn from(error: TrainingError) -> Self {
        let refusal = Self::new(error.code(), error.to_string());
        match error.details() {
            Some(details) => refusal.details(details),
            None => refusal,
        }
    }
}

impl ErrorCode for TrainingError {
    fn code(&self) -> &'static str {
        match self {
            Self::Diverged { .. } => "TRAINING_DIVERGED",
            Self::TooLarge { .. } => "NOT_ENOUGH_MEMORY",
            Self::NothingLearned => "NOTHING_LEARNED",
            Self::NotSound => "NOT_SOUND",
            Self::OtherData { .. } => "OTHER_DATA",
            Self::OtherFormat(_) => "CHECKPOINT_OTHER_VERSION",
            Self::OtherTensors(_) => "CHECKPOINT_UNREADABLE",
            Self::Unfit { source, .. } | Self::BarsUnfit(source) => source.code(),
            Self::BadBar { .. } => "BAD_BAR",
            Self::NotFound(_) => "MODEL_NOT_FOUND",
            Self::Damaged { .. } => "MODEL_DAMAGED",
            // The code is the same as for market data.
            Self::Storage { .. } => "STORAGE_FAILED",
        }
    }

    /// A disk that was full may have room again, memory that was taken may be free, and without a checkpoint
    /// that is not sound the training goes on.
    fn retryable(&self) -> bool {
        matches!(
            self,
            Self::Storage { .. } | Self::TooLarge { .. } | Self::NotSound
        )
    }

    fn details(&self) -> Option<Value> {
        match self {
            Self::Diverged {
                epoch,
                batch,
                learning_rate,
                ..
            } => Some(json!({"epoch": epoch, "batch": batch, "learning_rate": learning_rate})),
            Self::TooLarge {
                weights,
                rows,
                needed,
                most,
            } => Some(
                json!({"weights": weights, "rows": rows, "needed_bytes": needed,
                "available_bytes": most}),
            ),
            Self::Unfit { source, .. } | Self::BarsUnfit(source) => source.details(),
            Self::BadBar {
                index,
                field,
                expected,
                got,
            } => Some(json!([
                {"path": format!("bars[{index}].{field}"), "expected": expected, "got": got}
            ])),
            Self::OtherData { expected, got, .. } => {
                Some(json!({"expected_sha256": expected, "sha256": got}))
            }
            Self::NothingLearned
            | Self::NotSound
            | Self::OtherFormat(_)
            | Self::OtherTensors(_)
            | Self::NotFound(_)
            | Self::Damaged { .. }
            | Self::Storage { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_in_few_digits() {
        for (rate, told, next) in [
            (1000.0, "1000", "0.01"),
            (0.07, "0.07", "0.007"),
            (0.3, "0.3", "0.01"),
            (0.001, "0.001", "0.0001"),
            (1e30, "1e30", "0.01"),
            (3e-10, "3e-10", "3e-11"),
        ] {
            assert_eq!((short(rate).as_str(), lower(rate).as_str()), (told, next));
        }
    }
}

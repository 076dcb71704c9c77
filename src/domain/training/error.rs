//! What can go wrong with a training or a model, with the code that clients see.

use std::io;
use std::path::PathBuf;

use impresario::operation::{ErrorCode, Refusal};
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
        lower(*learning_rate)
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
    /// The network and its batches are more than the memory.
    #[error(
        "a network of {weights} weights with {rows} rows at once needs about {:.1} GB of memory, and there are {:.1} GB: take fewer or narrower hidden_layers, or a smaller batch_size",
        *needed as f64 / 1e9,
        *most as f64 / 1e9
    )]
    TooLarge {
        /// Of the network.
        weights: u64,
        /// At most, in one step.
        rows: u64,
        /// In bytes.
        needed: u64,
        /// What there is, in bytes.
        most: u64,
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

/// A tenth of a rate, in two digits and as short as it can be written.
fn lower(rate: f64) -> String {
    let tenth = (rate / 10.0).min(0.01);
    short(format!("{tenth:.1e}").parse().unwrap_or(tenth))
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
            Self::Unfit { source, .. } | Self::BarsUnfit(source) => source.code(),
            Self::BadBar { .. } => "BAD_BAR",
            Self::NotFound(_) => "MODEL_NOT_FOUND",
            Self::Damaged { .. } => "MODEL_DAMAGED",
            // As of market data: a disk is a disk.
            Self::Storage { .. } => "STORAGE_FAILED",
        }
    }

    /// A disk that was full may have room again, and memory that was taken may be free.
    fn retryable(&self) -> bool {
        matches!(self, Self::Storage { .. } | Self::TooLarge { .. })
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
            Self::NothingLearned
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

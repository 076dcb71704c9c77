//! How a run ended, as its slot tells it.

use serde_json::Value;

/// What went wrong in a run.
#[derive(Clone, Debug, PartialEq)]
pub struct RunFailure {
    /// SCREAMING_SNAKE_CASE.
    pub code: String,
    /// The message for a person.
    pub message: String,
    /// More, for a program.
    pub details: Option<Value>,
    /// Whether another attempt may go through.
    pub retryable: bool,
    /// The step it was in: `epoch 5/10, batch 32/60`.
    pub step: Option<String>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum RunEnd {
    /// The function returned Ok and had not been told of a stop that takes its output away.
    Returned,
    /// The same, but `finish` had ended its loop: the output is of what was done by then, also when
    /// a stronger stop has come since.
    Finished,
    /// The function was told to stop and returned Ok all the same.
    Ignored,
    /// The function returned the `Stopped` that it was given.
    Stopped,
    /// The function returned a failure.
    Failed(RunFailure),
    /// The function panicked, or its thread ended under it.
    Panicked(RunFailure),
    /// The process went away.
    Lost {
        /// The run has left a checkpoint that is further than what it began with, so that it is not lost at the
        /// same place for ever.
        went_further: bool,
    },
}

impl RunEnd {
    /// Whether the function has done what it was to do, or as much of it as a finish left.
    pub(crate) const fn is_done(&self) -> bool {
        matches!(self, Self::Returned | Self::Finished)
    }
}

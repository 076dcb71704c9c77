//! Checkpoints of a training: all that its next batch depends on.
//!
//! The state has the position, the sums of the epoch in hand and what it belongs to; the folder has what is
//! large, as tensors: weights, both moments of the optimizer, the weights of the best epoch, the history.

use std::io;
use std::path::Path;

use impresario::operation::{Context, Failure};
use impresario_api::{EpochView, Machine, ModelAncestor, Timestamp};
use serde::{Deserialize, Serialize};
use tch::Tensor;
use tch::kind::Element;

use super::adam::Adam;
use super::error::TrainingError;
use super::fit::Course;
use super::network::Network;
use crate::domain::market::Dataset;

/// The version of what a checkpoint has. It changes whenever one of before would be read as something else.
const FORMAT: u32 = 1;
const TENSORS: &str = "tensors.safetensors";
/// The names of the tensors in the file.
const WEIGHTS: &str = "weights";
const MOMENTS: [&str; 2] = ["first_moment", "second_moment"];
const BEST: &str = "best_weights";
/// (epochs, 4): losses and accuracies of the training and of the validation part.
const HISTORY: &str = "history";
/// A training that was resumed more often than this with the same params keeps no more of its resumes.
const MOST_ANCESTORS: usize = 1_000;

/// What the checkpoints of a training belong to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Origin {
    /// SHA-256 of the bars, in hexadecimal.
    data_sha256: String,
    /// Where it began and where it went on since.
    pub(super) ancestry: Vec<ModelAncestor>,
}

/// What a checkpoint keeps beside its tensors.
#[derive(Serialize, Deserialize)]
pub(super) struct State<O, C> {
    format: u32,
    origin: O,
    course: C,
    adam_steps: i32,
}

impl<O, C> State<O, C> {
    pub(super) const fn new(origin: O, course: C, adam_steps: i32) -> Self {
        Self {
            format: FORMAT,
            origin,
            course,
            adam_steps,
        }
    }
}

/// The one field that every version of the state has.
#[derive(Deserialize)]
struct Versioned {
    format: u32,
}

/// What a training goes on from.
pub(super) struct Restored {
    pub(super) course: Course,
    pub(super) weights: Vec<f32>,
    pub(super) adam: Adam,
    pub(super) best: Vec<f32>,
}

impl Origin {
    /// A training that begins now.
    pub(super) fn new(data: &Dataset, ancestor: ModelAncestor) -> Self {
        Self {
            data_sha256: data.view.sha256.clone(),
            ancestry: vec![ancestor],
        }
    }

    /// The same training goes on.
    pub(super) fn continued(mut self, ancestor: ModelAncestor) -> Self {
        let last = self.ancestry.last();
        let changed = last.is_none_or(|last| last.params != ancestor.params);
        if changed || self.ancestry.len() < MOST_ANCESTORS {
            self.ancestry.push(ancestor);
        }
        self
    }
}

/// This run as the place where a training begins or goes on.
pub(super) fn ancestor(
    ctx: &Context,
    course: &Course,
    params: serde_json::Value,
    machine: Machine,
) -> ModelAncestor {
    ModelAncestor {
        operation_id: ctx.operation().id,
        run: ctx.run(),
        at: Timestamp::now(),
        epochs: course.epoch,
        batches: course.batches,
        params,
        machine,
    }
}

/// What an earlier run left, if it did; it must belong to these bars and have this many weights.
pub(super) fn restore(
    ctx: &Context,
    data: &Dataset,
    weights: usize,
) -> Result<Option<(Restored, Origin)>, Failure> {
    // A training that begins hears of a pause at once, also while its initial weights are made: only one that
    // asks for a folder waits for its next checkpoint.
    let Some(Versioned { format }) = ctx.restored()? else {
        return Ok(None);
    };
    if format != FORMAT {
        return Err(TrainingError::OtherFormat(format).into());
    }
    let Some((state, folder)) = ctx.restored_dir::<State<Origin, Course>>()? else {
        return Ok(None);
    };
    if state.origin.data_sha256 != data.view.sha256 {
        return Err(TrainingError::other_data(&data.view, &state.origin.data_sha256).into());
    }
    let origin = state.origin.clone();
    Ok(Some((read(&folder, weights, state)?, origin)))
}

/// Writes the tensors into a checkpoint's folder.
pub(super) fn write(
    folder: &Path,
    network: &Network,
    adam: &Adam,
    best: &[f32],
    history: &[EpochView],
) -> Result<(), TrainingError> {
    let [first, second] = adam.moments();
    let weights = network.weights();
    let named = [
        (WEIGHTS, &*weights),
        (MOMENTS[0], first),
        (MOMENTS[1], second),
        (BEST, best),
    ];
    // There is no best epoch before the first has ended.
    let named = named.iter().filter(|(_, values)| !values.is_empty());
    let mut named: Vec<_> = named
        .map(|(name, values)| (*name, Tensor::from_slice(values)))
        .collect();
    if !history.is_empty() {
        let figures: Vec<f64> = history.iter().flat_map(figures).collect();
        named.push((HISTORY, Tensor::from_slice(&figures)));
    }
    let file = folder.join(TENSORS);
    let written = Tensor::write_safetensors(&named, &file);
    written.map_err(|error| TrainingError::storage("write", file)(io::Error::other(error)))
}

/// Reads the tensors of a folder, whose checksums the supervisor has checked.
fn read(
    folder: &Path,
    weights: usize,
    state: State<Origin, Course>,
) -> Result<Restored, TrainingError> {
    let file = folder.join(TENSORS);
    // It is there as it was written: what cannot be read is no file of tensors.
    let found = Tensor::read_safetensors(&file);
    let found = found.map_err(|error| TrainingError::OtherTensors(error.to_string()))?;
    let [first, second] = MOMENTS.map(|name| take::<f32>(&found, name, weights));
    let best = if state.course.has_best() { weights } else { 0 };
    let mut course = state.course;
    let figures: Vec<f64> = take(&found, HISTORY, 4 * course.epoch as usize)?;
    course.history = (1..).zip(figures.chunks_exact(4)).map(epoch_view).collect();
    Ok(Restored {
        weights: take(&found, WEIGHTS, weights)?,
        adam: Adam::restored(state.adam_steps, first?, second?),
        best: take(&found, BEST, best)?,
        course,
    })
}

/// The values of a tensor, which must be so many finite numbers; of none if it is not there.
fn take<T>(found: &[(String, Tensor)], name: &str, length: usize) -> Result<Vec<T>, TrainingError>
where
    T: Element + Copy + Into<f64>,
    Vec<T>: for<'a> TryFrom<&'a Tensor>,
{
    let tensor = found.iter().find(|(found, _)| found == name);
    let tensor = tensor.filter(|(_, tensor)| tensor.kind() == T::KIND);
    let values = tensor.and_then(|(_, tensor)| Vec::try_from(tensor).ok());
    let values: Vec<T> = values.unwrap_or_default();
    let finite = values.iter().filter(|value| (**value).into().is_finite());
    let finite = finite.count();
    if values.len() == length && finite == length {
        return Ok(values);
    }
    let why = format!("{name}: expected {length} finite numbers, got {finite}");
    Err(TrainingError::OtherTensors(why))
}

const fn figures(epoch: &EpochView) -> [f64; 4] {
    [
        epoch.train_loss,
        epoch.train_accuracy,
        epoch.validation_loss,
        epoch.validation_accuracy,
    ]
}

fn epoch_view((epoch, figures): (u32, &[f64])) -> EpochView {
    EpochView {
        epoch,
        train_loss: figures[0],
        train_accuracy: figures[1],
        validation_loss: figures[2],
        validation_accuracy: figures[3],
    }
}

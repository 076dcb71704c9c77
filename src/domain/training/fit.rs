//! The training loop: epochs of shuffled batches, an evaluation on the validation part after each, and the
//! best weights so far.

use impresario::operation::{Context, Failure, Items};
use impresario_api::EpochView;
use schemars::JsonSchema;
use serde::Serialize;
use tch::Tensor;

use super::adam::Adam;
use super::device::ComputeDevice;
use super::error::TrainingError;
use super::loss::Sum;
use super::network::{Batch, Dropout, Network};
use super::rng::{Purpose, Stream};

/// How many rows are evaluated between two checks for a stop.
pub(super) const JUDGED_AT_ONCE: u32 = 8_192;

/// The mean loss of a batch, in nats, past which a training is hopeless: a model that knows nothing has
/// ln 2, and a thousand times that comes from steps that are far too long.
const HOPELESS: f64 = 1_000.0;

/// The hyper-parameters.
#[derive(Clone, Copy, Debug)]
pub struct Hyper {
    /// The greatest number of epochs.
    pub epochs: u32,
    /// Rows in one step.
    pub batch_size: u32,
    /// The step size of Adam.
    pub learning_rate: f64,
    /// The probability with which a hidden unit is dropped.
    pub dropout: f32,
    /// Epochs without an improvement of the validation loss after which training ends.
    pub patience: u32,
    /// The seed of all random numbers.
    pub seed: u64,
}

/// One part of the data, on the network's device.
pub struct Part {
    /// (rows, features), scaled.
    features: Tensor,
    classes: Vec<u8>,
    device: ComputeDevice,
}

/// Why a training ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// All epochs were run.
    Epochs,
    /// The validation loss did not improve any more.
    Patience,
    /// Somebody asked it to finish.
    Finish,
}

impl Ended {
    /// The text in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epochs => "epochs",
            Self::Patience => "patience",
            Self::Finish => "finish",
        }
    }
}

/// The result of a training.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The weights of the epoch with the lowest validation loss.
    pub weights: Vec<f32>,
    /// The number of that epoch, from 1.
    pub best_epoch: u32,
    /// All epochs.
    pub history: Vec<EpochView>,
    /// Why the training ended.
    pub ended: Ended,
}

impl Part {
    /// Rows of `width` features each, row-major, and their classes.
    pub fn new(device: ComputeDevice, features: &[f32], width: usize, classes: Vec<u8>) -> Self {
        let shape = [classes.len() as i64, width as i64];
        Self {
            features: device.tensor(features, &shape),
            classes,
            device,
        }
    }

    /// The number of rows.
    pub fn rows(&self) -> u32 {
        self.classes.len() as u32
    }

    /// Some of the rows, without a copy.
    pub fn batch(&self, from: u32, length: u32) -> Batch<'_> {
        let (start, end) = (from as usize, (from + length) as usize);
        Batch {
            rows: self.features.narrow(0, i64::from(from), i64::from(length)),
            classes: &self.classes[start..end],
        }
    }

    /// The same rows in the order of an epoch (from 0).
    pub fn shuffled(&self, seed: u64, epoch: u32) -> Self {
        let order = Stream::new(seed, Purpose::Order { epoch }).order(self.rows());
        let order = order.as_slice();
        let classes = order.iter().map(|row| self.classes[*row as usize]);
        Self {
            features: self.features.index_select(0, &self.device.rows(order)),
            classes: classes.collect(),
            device: self.device,
        }
    }

    /// Evaluates a network on this part.
    pub fn judge(&self, network: &Network, ctx: &Context) -> Result<Sum, Failure> {
        let mut sum = Sum::default();
        let mut from = 0;
        while from < self.rows() {
            ctx.check()?;
            let length = JUDGED_AT_ONCE.min(self.rows() - from);
            sum = sum.and(network.judge(&self.batch(from, length)));
            from += length;
        }
        Ok(sum)
    }

    /// The probability of the second class of each row.
    pub fn up(&self, network: &Network) -> Vec<f64> {
        let both = network.probabilities(&self.features);
        both.chunks_exact(2).map(|classes| classes[1]).collect()
    }
}

/// The lowest validation loss so far.
struct Best {
    loss: f64,
    epoch: u32,
    weights: Vec<f32>,
}

/// The course of a training so far.
#[derive(Default)]
struct Course {
    history: Vec<EpochView>,
    best: Option<Best>,
    /// Whether a finish came in the middle of an epoch.
    cut: bool,
}

impl Course {
    /// Adds the evaluation of an epoch, and keeps the weights if they are the best.
    fn judged(&mut self, view: EpochView, network: &Network) {
        self.history.push(view);
        let loss = self.best.as_ref().map_or(f64::INFINITY, |best| best.loss);
        if view.validation_loss < loss {
            self.best = Some(Best {
                loss: view.validation_loss,
                epoch: view.epoch,
                weights: network.weights(),
            });
        }
    }

    /// Whether the validation loss has not improved for too long.
    fn is_exhausted(&self, patience: u32) -> bool {
        let best = self.best.as_ref().map_or(0, |best| best.epoch);
        self.history.len() as u64 >= u64::from(best) + u64::from(patience)
    }

    fn ended(&self, hyper: &Hyper) -> Ended {
        if self.cut {
            Ended::Finish
        } else if self.is_exhausted(hyper.patience) {
            Ended::Patience
        } else if self.history.len() as u64 == u64::from(hyper.epochs) {
            Ended::Epochs
        } else {
            Ended::Finish
        }
    }

    fn fitted(self, hyper: &Hyper) -> Result<Fitted, TrainingError> {
        let ended = self.ended(hyper);
        let best = self.best.ok_or(TrainingError::NothingLearned)?;
        Ok(Fitted {
            weights: best.weights,
            best_epoch: best.epoch,
            history: self.history,
            ended,
        })
    }
}

/// Learns from one part, and keeps the weights that are best on the other.
pub fn fit(
    ctx: &Context,
    network: &mut Network,
    training: &Part,
    validation: &Part,
    hyper: &Hyper,
) -> Result<Fitted, Failure> {
    let mut adam = Adam::new(network.size(), hyper.learning_rate);
    let items = ctx.items(u64::from(hyper.epochs) * u64::from(training.rows()));
    let mut course = Course::default();
    for epoch in ctx.steps("epoch", 0..hyper.epochs) {
        let epoch = epoch?;
        // This is not checked at the end of the epoch before, because a step is complete when the next begins.
        if course.is_exhausted(hyper.patience) {
            break;
        }
        let shuffled = training.shuffled(hyper.seed, epoch);
        let learned = learn(ctx, network, &mut adam, &shuffled, epoch, hyper, &items)?;
        course.cut = learned.rows < u64::from(training.rows());
        if course.cut && (course.best.is_some() || learned.rows == 0) {
            // The best earlier epoch is kept.
            break;
        }
        if course.cut {
            let message = "asked to finish in its first epoch: what it had learned by then is kept";
            ctx.warn("EPOCH_CUT_SHORT", message);
        }
        let judged = validation.judge(network, ctx)?;
        let batches = training.rows().div_ceil(hyper.batch_size);
        converges(judged, epoch, batches, hyper)?;
        let view = view(epoch, learned, judged);
        tell(ctx, &view);
        course.judged(view, network);
    }
    Ok(course.fitted(hyper)?)
}

/// Runs one epoch. It has fewer rows if a finish ended it early.
fn learn(
    ctx: &Context,
    network: &mut Network,
    adam: &mut Adam,
    rows: &Part,
    epoch: u32,
    hyper: &Hyper,
    items: &Items<'_>,
) -> Result<Sum, Failure> {
    let batches = rows.rows().div_ceil(hyper.batch_size);
    let mut sum = Sum::default();
    for batch in ctx.steps("batch", 0..batches).cuttable() {
        let batch = batch?;
        let from = batch * hyper.batch_size;
        let length = hyper.batch_size.min(rows.rows() - from);
        let dropout = Dropout {
            dropped: hyper.dropout,
            seed: hyper.seed,
            epoch,
            batch,
        };
        let learned = network.learn(&rows.batch(from, length), dropout, adam);
        converges(learned, epoch, batch, hyper)?;
        sum = sum.and(learned);
        items.add(u64::from(length));
    }
    Ok(sum)
}

fn converges(sum: Sum, epoch: u32, batch: u32, hyper: &Hyper) -> Result<(), TrainingError> {
    // A NaN is not below anything, so it fails as well.
    if sum.mean_loss() < HOPELESS {
        return Ok(());
    }
    Err(TrainingError::Diverged {
        epoch: epoch + 1,
        batch: batch + 1,
        learning_rate: hyper.learning_rate,
        loss: sum.mean_loss(),
    })
}

fn view(epoch: u32, learned: Sum, judged: Sum) -> EpochView {
    EpochView {
        epoch: epoch + 1,
        train_loss: learned.mean_loss(),
        train_accuracy: learned.accuracy(),
        validation_loss: judged.mean_loss(),
        validation_accuracy: judged.accuracy(),
    }
}

fn tell(ctx: &Context, view: &EpochView) {
    let step = u64::from(view.epoch);
    ctx.metric("train_loss", step, view.train_loss);
    ctx.metric("validation_loss", step, view.validation_loss);
    ctx.metric("train_accuracy", step, view.train_accuracy);
    ctx.metric("validation_accuracy", step, view.validation_accuracy);
}

//! The training loop: epochs of shuffled batches, an evaluation on the validation part after each, and the
//! best weights so far.
//!
//! A checkpoint is offered after every batch and every piece of the validation. It has all that the next
//! batch depends on, and random numbers depend on the seed and the batch alone (`rng`), so a training that
//! goes on from one computes the same bits as one that was never stopped.

use std::collections::VecDeque;

use impresario::operation::{Context, Failure, Items};
use impresario_api::{EpochView, ModelAncestor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::checkpoint::{self, Origin, Restored, State};
use super::error::TrainingError;
use super::loss::Sum;
use super::network::{Dropout, Network};
use super::part::Part;

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
    /// Where the training began and where it went on from checkpoints; empty for one that keeps none.
    pub ancestry: Vec<ModelAncestor>,
    /// After how many batches a finish cut the only epoch short.
    pub cut_after_batches: Option<u32>,
    /// The weights of the epoch with the lowest validation loss.
    pub weights: Vec<f32>,
    /// The number of that epoch, from 1.
    pub best_epoch: u32,
    /// All epochs.
    pub history: Vec<EpochView>,
    /// Why the training ended.
    pub ended: Ended,
}

/// The lowest validation loss so far.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Best {
    loss: f64,
    epoch: u32,
}

/// The course of a training so far, but for its tensors.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Course {
    /// The epoch in hand, from 0: so many are complete.
    pub(super) epoch: u32,
    /// How many of its batches were learned.
    pub(super) batches: u32,
    /// The sums over those batches.
    learned: Sum,
    /// The sums over the rows of the validation part that were evaluated after them.
    judged: Sum,
    /// The epochs that are complete. It lies in the folder of a checkpoint, because it grows.
    #[serde(skip)]
    pub(super) history: Vec<EpochView>,
    best: Option<Best>,
}

impl Course {
    pub(super) const fn has_best(&self) -> bool {
        self.best.is_some()
    }

    /// Whether the validation loss has not improved for too long.
    fn is_exhausted(&self, patience: u32) -> bool {
        let best = self.best.map_or(0, |best| best.epoch);
        self.history.len() as u64 >= u64::from(best) + u64::from(patience)
    }

    fn ended(&self, hyper: &Hyper) -> Ended {
        if self.is_exhausted(hyper.patience) {
            Ended::Patience
        } else if self.history.len() as u64 >= u64::from(hyper.epochs) {
            Ended::Epochs
        } else {
            Ended::Finish
        }
    }
}

/// At this batch of this epoch (both from 0) a training got other hyper-parameters by a fork, or its only
/// epoch was cut short.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    pub(super) epoch: u32,
    pub(super) batch: u32,
    /// `None` ends the epoch.
    pub(super) to: Option<Hyper>,
}

/// A training: it learns from one part, and keeps the weights that are best on the other.
pub struct Fit<'a> {
    ctx: &'a Context,
    training: &'a Part,
    validation: &'a Part,
    hyper: Hyper,
    network: Network,
    adam: Adam,
    course: Course,
    /// The weights of the best epoch; empty before the first has ended.
    best: Vec<f32>,
    /// After how many batches its first epoch was cut short and kept.
    cut_after_batches: Option<u32>,
    /// What its checkpoints belong to; `None` keeps none.
    origin: Option<Origin>,
    /// What is to change on the way, in order.
    changes: VecDeque<Change>,
}

impl<'a> Fit<'a> {
    /// A training of a network from its present weights, which keeps no checkpoints.
    pub fn new(
        ctx: &'a Context,
        network: Network,
        training: &'a Part,
        validation: &'a Part,
        hyper: Hyper,
    ) -> Self {
        Self {
            ctx,
            training,
            validation,
            adam: Adam::new(network.size(), hyper.learning_rate),
            hyper,
            network,
            course: Course::default(),
            best: Vec::new(),
            cut_after_batches: None,
            origin: None,
            changes: VecDeque::new(),
        }
    }

    /// The same, and it keeps checkpoints.
    pub(super) fn keeping(mut self, origin: Origin) -> Self {
        self.origin = Some(origin);
        self
    }

    /// The same, going on from where a checkpoint was given.
    pub(super) fn going_on(mut self, restored: Restored) -> Self {
        self.adam = restored.adam.with_rate(self.hyper.learning_rate);
        self.course = restored.course;
        self.best = restored.best;
        self
    }

    /// The same with changes on the way, in order.
    pub(super) fn changing(mut self, changes: VecDeque<Change>) -> Self {
        self.changes = changes;
        self
    }

    /// Carries it out.
    pub fn run(mut self) -> Result<Fitted, Failure> {
        let rows = u64::from(self.training.rows());
        let first = self.course.epoch;
        // A fork may have fewer epochs than were run.
        let last = self.hyper.epochs.max(first);
        let all = u64::from(last) * rows;
        let items = self.ctx.items(all);
        items.set(all.min(u64::from(first) * rows + self.course.learned.rows));
        for epoch in self.ctx.steps("epoch", first..last) {
            epoch?;
            // This is not checked at the end of the epoch before, because a step is complete when the next
            // begins.
            if self.course.is_exhausted(self.hyper.patience) || !self.whole_epoch(&items)? {
                break;
            }
        }
        // A run that went on within its first epoch may have been asked to finish before it began.
        self.keep_cut_epoch()?;
        let ended = match self.cut_after_batches {
            Some(_) => Ended::Finish,
            None => self.course.ended(&self.hyper),
        };
        let best = self.course.best.ok_or(TrainingError::NothingLearned)?;
        Ok(Fitted {
            ancestry: self
                .origin
                .map(|origin| origin.ancestry)
                .unwrap_or_default(),
            cut_after_batches: self.cut_after_batches,
            weights: self.best,
            best_epoch: best.epoch,
            history: self.course.history,
            ended,
        })
    }

    /// Carries out the epoch in hand; false if it was cut short and does not count.
    fn whole_epoch(&mut self, items: &Items<'_>) -> Result<bool, Failure> {
        self.learn(items)?;
        if self.course.learned.rows < u64::from(self.training.rows()) {
            return self.keep_cut_epoch();
        }
        self.judge(false)?;
        self.close()?;
        Ok(true)
    }

    /// What an epoch that was cut short has learned counts only if there is no earlier one. Returns whether
    /// it does.
    fn keep_cut_epoch(&mut self) -> Result<bool, Failure> {
        let batches = self.course.batches;
        let counts = self.course.best.is_none() && batches > 0;
        if counts {
            let message = "asked to finish in its first epoch: what it had learned by then is kept";
            self.ctx.warn("EPOCH_CUT_SHORT", message);
            self.judge(false)?;
            self.close()?;
            self.cut_after_batches = Some(batches);
        }
        Ok(counts)
    }

    /// Learns the batches that are left of the epoch in hand; fewer if a finish ends it early.
    ///
    /// All that takes time lies between the beginning of a batch and the checkpoint that is offered in it, so
    /// that a stop finds its checkpoint there.
    fn learn(&mut self, items: &Items<'_>) -> Result<(), Failure> {
        let mut all = None;
        loop {
            let left = self.training.rows() - self.course.learned.rows as u32;
            let total = self.course.batches + left.div_ceil(self.hyper.batch_size);
            let change = self.changes.front();
            let change = change.filter(|change| change.epoch == self.course.epoch);
            let end = change.map_or(total, |change| change.batch.min(total));
            // The last batch stays in hand during the validation: a checkpoint that is given there counts
            // the epoch as unfinished, and the training goes on in this batch, which it does not learn again.
            let first = self.course.batches.min(end.saturating_sub(1));
            for batch in self.ctx.steps("batch", first..end).cuttable() {
                let batch = batch?;
                if batch == self.course.batches {
                    let (seed, epoch) = (self.hyper.seed, self.course.epoch);
                    let shuffled = || self.training.shuffled(seed, epoch);
                    items.add(self.learn_batch(all.get_or_insert_with(shuffled))?);
                }
                self.offer_checkpoint()?;
                if batch + 1 == total {
                    self.judge(true)?;
                }
            }
            match self.changes.pop_front_if(|change| {
                (change.epoch, change.batch) == (self.course.epoch, self.course.batches)
            }) {
                Some(Change { to: Some(to), .. }) => self.change(to),
                Some(Change { to: None, .. }) | None => return Ok(()),
            }
        }
    }

    fn change(&mut self, hyper: Hyper) {
        self.adam.set_rate(hyper.learning_rate);
        self.hyper = hyper;
    }

    /// Learns the next batch of the epoch in hand; returns the number of its rows.
    fn learn_batch(&mut self, shuffled: &Part) -> Result<u64, Failure> {
        let course = &mut self.course;
        let from = course.learned.rows as u32;
        let length = self.hyper.batch_size.min(shuffled.rows() - from);
        let dropout = Dropout {
            dropped: self.hyper.dropout,
            seed: self.hyper.seed,
            epoch: course.epoch,
            batch: course.batches,
        };
        let batch = shuffled.batch(from, length);
        let learned = self.network.learn(&batch, dropout, &mut self.adam);
        converges(learned, course.epoch, course.batches, &self.hyper)?;
        course.learned = course.learned.and(learned);
        course.batches += 1;
        Ok(u64::from(length))
    }

    /// Evaluates what is left of the validation part.
    fn judge(&mut self, within_step: bool) -> Result<(), Failure> {
        while self.course.judged.rows < u64::from(self.validation.rows()) {
            let piece = self.validation.piece(self.course.judged.rows as u32);
            self.course.judged = self.course.judged.and(self.network.judge(&piece));
            if within_step {
                self.offer_checkpoint()?;
            } else {
                self.ctx.check()?;
            }
        }
        Ok(())
    }

    /// Ends the epoch in hand, and keeps its weights if they are the best.
    fn close(&mut self) -> Result<(), Failure> {
        let course = &mut self.course;
        converges(course.judged, course.epoch, course.batches, &self.hyper)?;
        let view = view(course.epoch, course.learned, course.judged);
        tell(self.ctx, &view);
        course.history.push(view);
        if course
            .best
            .is_none_or(|best| view.validation_loss < best.loss)
        {
            course.best = Some(Best {
                loss: view.validation_loss,
                epoch: view.epoch,
            });
            self.best = self.network.weights();
        }
        course.epoch += 1;
        course.batches = 0;
        course.learned = Sum::default();
        course.judged = Sum::default();
        Ok(())
    }

    /// Gives a checkpoint if one is due or wanted.
    fn offer_checkpoint(&self) -> Result<(), Failure> {
        let Some(origin) = &self.origin else {
            return Ok(self.ctx.check()?);
        };
        let state = State::new(origin, &self.course, self.adam.steps());
        self.ctx.checkpoint_dir(&state, |folder| {
            self.is_sound()?;
            let history = &self.course.history;
            checkpoint::write(folder, &self.network, &self.adam, &self.best, history)
        })
    }

    /// A network that diverges is no place to go on from, though its last loss was still a number: the
    /// checkpoint before it stays.
    fn is_sound(&self) -> Result<(), TrainingError> {
        let judged = self.network.judge(&self.validation.piece(0));
        if judged.mean_loss() < HOPELESS {
            return Ok(());
        }
        Err(TrainingError::NotSound)
    }
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

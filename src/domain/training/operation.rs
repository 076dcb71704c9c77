//! The kind `training`.

use impresario::operation::{Admit, Context, Failure, Operation, OrFail, Policy, Refusal};
use impresario_api::{ModelCard, ModelId, TestReport};
use schemars::JsonSchema;
use serde::Serialize;

use super::card;
use super::checkpoint::{self, Origin, ancestor};
use super::device::ComputeDevice;
use super::fit::{Course, Ended, Fit};
use super::machine;
use super::memory;
use super::models::Models;
use super::network::weights_of;
use super::params::TrainingParams;
use super::prepared::Prepared;
use crate::domain::market::{Library, symbol};

/// How much of its time a training may spend on checkpoints.
const CHECKPOINT_SHARE: f64 = 0.02;

/// Trains networks on bars of the library, and stores them.
#[derive(Clone, Debug)]
pub struct Training {
    library: Library,
    models: Models,
}

/// The output of a training.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct TrainingOutput {
    /// The model's id.
    pub model_id: ModelId,
    /// The epoch whose weights the model has, from 1.
    pub best_epoch: u32,
    /// The number of epochs that were run.
    pub epochs_run: u32,
    /// Why the training ended: "epochs", "patience" or "finish".
    pub ended_by: Ended,
    /// The test of the model on the part that it has not seen, beside two simple rules.
    pub test: TestReport,
    /// Whether the model is better than these rules, in words.
    pub verdict: String,
    /// The folder of the model on the server.
    pub path: String,
}

impl Training {
    /// The kind that trains on bars of `library` and stores into `models`.
    pub const fn new(library: Library, models: Models) -> Self {
        Self { library, models }
    }
}

impl Operation for Training {
    const KIND: &'static str = "training";
    type Params = TrainingParams;
    type Output = TrainingOutput;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn description(&self) -> &'static str {
        "trains a multi-layer perceptron to tell the next bar's direction"
    }

    fn policy(&self) -> Policy {
        Policy::lane("training")
            .pausable()
            .finishable()
            .checkpoint_share(CHECKPOINT_SHARE)
            .fork_may_change(&["learning_rate", "epochs", "patience", "batch_size"])
    }

    fn check(&self, params: &TrainingParams) -> Result<(), Refusal> {
        symbol::check(&params.symbol)
    }

    fn run(&self, params: TrainingParams, ctx: &Context) -> Result<TrainingOutput, Failure> {
        // It is the last to be dropped.
        let _give_back = memory::GiveBack::after(&params);
        let (symbol, timeframe) = (&params.symbol, &params.timeframe);
        ctx.title(format!("Training MLP on {symbol} {timeframe}"));
        let machine = machine::choose(&params.device, ctx)?;
        let data = Prepared::read(&self.library, &params, machine.device, ctx)?;
        let network = |weights: Option<&[f32]>| data.network(&params, weights, ctx);
        let restored = checkpoint::restore(ctx, &data.dataset, weights_of(&params.widths()))?;
        let recorded = serde_json::to_value(&params).or_fail("PARAMS_NOT_ENCODED")?;
        let ancestor = |course: &Course| ancestor(ctx, course, recorded.clone(), machine.view());
        let fit = |network, origin| {
            Fit::new(
                ctx,
                network,
                &data.training,
                &data.validation,
                params.hyper(),
            )
            .keeping(origin)
        };
        let fit = match restored {
            Some((restored, origin)) => {
                let origin = origin.continued(ancestor(&restored.course));
                warn_of_other_bits(ctx, &origin);
                warn_of_no_epoch_left(ctx, &restored.course, &params);
                fit(network(Some(&restored.weights))?, origin).going_on(restored)
            }
            None => {
                let origin = Origin::new(&data.dataset, ancestor(&Course::default()));
                fit(network(None)?, origin)
            }
        };
        let fitted = fit.run()?;
        let best = data.network(&params, Some(&fitted.weights), ctx)?;
        let test = data.report(&best, ctx)?;
        let card = card::describe(
            ctx,
            recorded.clone(),
            &data,
            params.widths(),
            &machine,
            &fitted,
            &test,
        );
        let card = self
            .models
            .save(&best, card, || Ok::<_, Failure>(ctx.check()?))?;
        Ok(self.output(&card, fitted.ended, test))
    }
}

/// Somebody who compares bits must know that a training went on on another machine.
fn warn_of_other_bits(ctx: &Context, origin: &Origin) {
    let [.., before, now] = &*origin.ancestry else {
        return;
    };
    if before.machine != now.machine {
        let message = format!(
            "went on from a checkpoint of another machine: {}; the bits of the weights are not promised to be those of an undisturbed training",
            machine::differences(&before.machine, &now.machine)
        );
        ctx.warn("BITS_NOT_PROMISED", message);
    }
}

/// Who forks with fewer epochs than were run gets the best of those.
fn warn_of_no_epoch_left(ctx: &Context, course: &Course, params: &TrainingParams) {
    let (run, most) = (course.epoch, params.epochs);
    if ctx.operation().forked_from.is_some() && ctx.run() == 1 && run >= most {
        let message = format!(
            "epochs is {most} and {run} were complete at the checkpoint: nothing more is learned"
        );
        ctx.warn("NO_EPOCH_LEFT", message);
    }
}

impl Training {
    pub(super) fn admit(&self, params: &TrainingParams) -> Result<(), Refusal> {
        ComputeDevice::find(&params.device)?;
        let data = self
            .library
            .find(&params.symbol, &params.timeframe.to_string())?;
        // Compared with all memory, because what is used now may be free when the run begins.
        let rows = params.rows_at_once(data.rows);
        memory::check(&params.widths(), rows, memory::in_all())?;
        Ok(())
    }

    fn output(&self, card: &ModelCard, ended: Ended, test: TestReport) -> TrainingOutput {
        TrainingOutput {
            model_id: card.model_id,
            best_epoch: card.best_epoch,
            epochs_run: card.history.len() as u32,
            ended_by: ended,
            verdict: verdict(&test),
            test,
            path: self.models.path(card.model_id).display().to_string(),
        }
    }
}

fn verdict(test: &TestReport) -> String {
    let baselines = &test.baselines;
    let better = baselines
        .majority_class
        .accuracy
        .max(baselines.last_direction.accuracy);
    let points = (test.model.accuracy - better) * 100.0;
    if test.beats_baselines {
        format!("{points:.1} points of accuracy above the better baseline")
    } else if points < 0.0 {
        format!(
            "does not beat the baselines: {:.1} points of accuracy below the better one",
            -points
        )
    } else {
        "does not beat the baselines: no more accurate than the better one".to_owned()
    }
}

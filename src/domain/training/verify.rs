//! The kind `model_verify`: trains a model again from its card, and compares the bits.

use std::collections::VecDeque;

use impresario::operation::{Admit, Context, Failure, Operation, Policy, Refusal};
use impresario_api::{ModelCard, ModelId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::TrainingError;
use super::fit::{Change, Fit, Fitted, Hyper};
use super::machine::{self, Chosen};
use super::memory;
use super::models::Models;
use super::params::TrainingParams;
use super::prepared::Prepared;
use crate::domain::market::Library;

/// Trains a model again from its card, and compares the weights bit by bit.
#[derive(Clone, Debug)]
pub struct ModelVerify {
    library: Library,
    models: Models,
}

/// The params of a verification.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelVerifyParams {
    /// The model.
    pub model_id: ModelId,
}

/// The output of a verification.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct ModelVerification {
    /// The model.
    pub model_id: ModelId,
    /// Whether all weights have the same bits, and so the history up to them.
    pub identical: bool,
    /// Whether the same bits are promised: the training and this verification ran on the same processor
    /// and device, with as many threads and the same libtorch.
    pub bits_promised: bool,
    /// The number of weights that differ.
    pub weights_that_differ: u64,
    /// The greatest difference between a weight and its counterpart.
    pub largest_difference: f64,
    /// All of this in words.
    pub verdict: String,
}

impl ModelVerify {
    /// The kind that verifies models of a folder on the bars of a library.
    pub const fn new(library: Library, models: Models) -> Self {
        Self { library, models }
    }
}

impl Operation for ModelVerify {
    const KIND: &'static str = "model_verify";
    type Params = ModelVerifyParams;
    type Output = ModelVerification;
    const ADMIT: Option<Admit<Self>> = Some(Self::admit);

    fn description(&self) -> &'static str {
        "trains a model again from its card, and compares the weights bit by bit"
    }

    fn policy(&self) -> Policy {
        Policy::lane("training")
    }

    fn run(&self, params: ModelVerifyParams, ctx: &Context) -> Result<ModelVerification, Failure> {
        let card = self.models.card(params.model_id)?;
        let kept = self.models.network(&card)?.weights();
        let plan = Plan::of(&card)?;
        // It is dropped after all tensors.
        let _give_back = memory::GiveBack::after(&plan.params);
        ctx.title(format!("Verifying {}", card.model_id));
        let machine = machine::choose(&card.device, ctx)?;
        let data = Prepared::read(&self.library, &plan.params, machine.device, ctx)?;
        if data.dataset.view.sha256 != card.data.sha256 {
            return Err(TrainingError::other_data(&data.dataset.view, &card.data.sha256).into());
        }
        let network = data.network(&plan.params, None, ctx)?;
        let fit = Fit::new(ctx, network, &data.training, &data.validation, plan.first);
        let again = fit.changing(plan.changes).run()?;
        let verification = compared(&card, &machine, &kept, &again);
        if verification.bits_promised && !verification.identical {
            ctx.warn("MODEL_NOT_REPRODUCED", &verification.verdict);
        }
        Ok(verification)
    }
}

impl ModelVerify {
    fn admit(&self, params: &ModelVerifyParams) -> Result<(), Refusal> {
        let card = self.models.card(params.model_id)?;
        Plan::of(&card)?;
        let data = self.library.find(&card.data.symbol, &card.data.timeframe)?;
        if data.sha256 != card.data.sha256 {
            return Err(TrainingError::other_data(&data, &card.data.sha256).into());
        }
        Ok(())
    }
}

/// How a training went, as its card says: with which hyper-parameters it began, what changed by forks, and
/// the params of its end. It goes on until the epoch whose weights were kept, and nothing else ends it.
struct Plan {
    params: TrainingParams,
    first: Hyper,
    changes: VecDeque<Change>,
}

impl Plan {
    /// What is said of places past the epoch that was kept is of no use here, but must fit all the same.
    fn of(card: &ModelCard) -> Result<Self, TrainingError> {
        let damaged = |why: String| TrainingError::Damaged {
            id: card.model_id,
            why: format!("its card: {why}"),
        };
        let params = |name: &str, params: &Value| {
            judged(card, params).map_err(|why| damaged(format!("{name}: {why}")))
        };
        let until = |params: &TrainingParams| Hyper {
            epochs: card.best_epoch,
            patience: u32::MAX,
            ..params.hyper()
        };
        let last = params("params", &card.params)?;
        let mut first = until(&last);
        let mut changes = VecDeque::new();
        let mut before = (0, 0);
        for (place, ancestor) in card.ancestry.iter().enumerate() {
            let at = (ancestor.epochs, ancestor.batches);
            let begins = place > 0 || at == (0, 0);
            let fits = u64::from(at.1) <= card.data.parts[0] && at.0 as usize <= card.history.len();
            if !begins || !fits || at < before {
                let (epochs, batches) = at;
                return Err(damaged(format!(
                    "ancestry[{place}]: no training is after {epochs} epochs and {batches} batches there"
                )));
            }
            before = at;
            let to = until(&params(
                &format!("ancestry[{place}].params"),
                &ancestor.params,
            )?);
            if place == 0 {
                first = to;
                continue;
            }
            let (epoch, batch) = at;
            changes.push_back(Change {
                epoch,
                batch,
                to: Some(to),
            });
        }
        if let Some(batch) = card.cut_after_batches {
            let to = None;
            changes.push_back(Change {
                epoch: 0,
                batch,
                to,
            });
        }
        Ok(Self {
            params: last,
            first,
            changes,
        })
    }
}

/// The params of a card, if a start would take them and they are those of its network and its data.
fn judged(card: &ModelCard, params: &Value) -> Result<TrainingParams, String> {
    let params = TrainingParams::deserialize(params).map_err(|error| error.to_string())?;
    let own = TrainingParams::deserialize(&card.params).map_err(|error| error.to_string())?;
    let rate = params.learning_rate;
    let fits = [
        ("hidden_layers", params.widths() == card.layers),
        ("symbol", params.symbol == card.data.symbol),
        (
            "timeframe",
            params.timeframe.to_string() == card.data.timeframe,
        ),
        ("batch_size", (1..=65_536).contains(&params.batch_size)),
        ("learning_rate", rate.is_finite() && rate > 0.0),
        (
            "dropout",
            (0.0..=0.95).contains(&params.dropout) && params.dropout == own.dropout,
        ),
        ("seed", params.seed == own.seed),
    ];
    match fits.iter().find(|(_, fits)| !fits) {
        Some((name, _)) => Err(format!("{name} is not that of the model")),
        None => Ok(params),
    }
}

fn compared(card: &ModelCard, here: &Chosen, kept: &[f32], again: &Fitted) -> ModelVerification {
    let here = here.view();
    let machines = card.ancestry.iter().map(|ancestor| &ancestor.machine);
    let other = machines
        .chain(&card.machine)
        .find(|machine| **machine != here);
    // A card of an earlier version does not name its machine.
    let bits_promised = card.machine.is_some() && other.is_none();
    let pairs = || kept.iter().zip(&again.weights);
    let differ = pairs().filter(|(kept, again)| kept.to_bits() != again.to_bits());
    let weights_that_differ = differ.count() as u64;
    let apart = pairs().map(|(kept, again)| (f64::from(*kept) - f64::from(*again)).abs());
    let largest_difference = apart.fold(0.0, f64::max);
    let same_course =
        again.best_epoch == card.best_epoch && card.history.starts_with(&again.history);
    let identical = weights_that_differ == 0 && kept.len() == again.weights.len() && same_course;
    let weights = kept.len();
    let compared = match (weights_that_differ, same_course) {
        (0, true) => format!("all {weights} weights have the same bits"),
        (0, false) => format!(
            "all {weights} weights have the same bits, but the card's history or best epoch is another"
        ),
        _ => format!(
            "{weights_that_differ} of {weights} weights differ, the most by {largest_difference:e}"
        ),
    };
    let promise = match (bits_promised, identical, other) {
        (true, true, _) => String::new(),
        (true, false, _) => ", although the machine is the same: the model's files are not those of this training, or the program has changed".to_owned(),
        (false, _, Some(other)) => format!(
            "; the same bits are not promised here: {}",
            machine::differences(other, &here)
        ),
        (false, _, None) => "; the same bits are not promised, because the card does not name the machine of the training".to_owned(),
    };
    ModelVerification {
        model_id: card.model_id,
        identical,
        bits_promised,
        weights_that_differ,
        largest_difference,
        verdict: format!("{compared}{promise}"),
    }
}

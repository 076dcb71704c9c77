//! The kind `model_verify`: trains a model again from its card, and compares the bits.

use std::collections::VecDeque;

use impresario::operation::{Admit, Context, Failure, Operation, OrFail, Policy, Refusal};
use impresario_api::{ModelAncestor, ModelCard, ModelId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::TrainingError;
use super::fit::{Change, Fit, Hyper};
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
    /// Whether all weights have the same bits.
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
        // It is the last to be dropped.
        let _give_back = memory::GiveBack;
        let card = self.models.card(params.model_id)?;
        let kept = self.models.network(&card)?.weights();
        let params = training_params(&card.params)?;
        ctx.title(format!("Verifying {}", card.model_id));
        let machine = machine::choose(&card.device, ctx)?;
        let data = Prepared::read(&self.library, &params, machine.device, ctx)?;
        if data.dataset.view.sha256 != card.data.sha256 {
            return Err(TrainingError::other_data(&data.dataset.view, &card.data.sha256).into());
        }
        let (first, changes) = course_of(&card)?;
        let network = data.network(&params, None, ctx)?;
        let fit = Fit::new(ctx, network, &data.training, &data.validation, first);
        let again = fit.changing(changes).run()?;
        let verification = compared(&card, &machine, &kept, &again.weights);
        if verification.bits_promised && !verification.identical {
            ctx.warn("MODEL_NOT_REPRODUCED", &verification.verdict);
        }
        Ok(verification)
    }
}

impl ModelVerify {
    fn admit(&self, params: &ModelVerifyParams) -> Result<(), Refusal> {
        let card = self.models.card(params.model_id)?;
        let data = self.library.find(&card.data.symbol, &card.data.timeframe)?;
        if data.sha256 != card.data.sha256 {
            return Err(TrainingError::other_data(&data, &card.data.sha256).into());
        }
        Ok(())
    }
}

fn training_params(params: &Value) -> Result<TrainingParams, Failure> {
    TrainingParams::deserialize(params).or_fail("CARD_INCOMPATIBLE")
}

/// The hyper-parameters with which the training began, and those that it got by forks. It goes on until
/// the epoch whose weights were kept, and nothing else ends it.
fn course_of(card: &ModelCard) -> Result<(Hyper, VecDeque<Change>), Failure> {
    let hyper = |params: &Value| -> Result<Hyper, Failure> {
        Ok(Hyper {
            epochs: card.best_epoch,
            patience: u32::MAX,
            ..training_params(params)?.hyper()
        })
    };
    let (first, later) = match &*card.ancestry {
        [] => (&card.params, [].as_slice()),
        [first, later @ ..] => (&first.params, later),
    };
    let change = |went_on: &ModelAncestor| -> Result<Change, Failure> {
        Ok(Change {
            epoch: went_on.epochs,
            batch: went_on.batches,
            to: Some(hyper(&went_on.params)?),
        })
    };
    let changes: Result<VecDeque<_>, _> = later.iter().map(change).collect();
    let mut changes = changes?;
    if let Some(batch) = card.cut_after_batches {
        let to = None;
        changes.push_back(Change {
            epoch: 0,
            batch,
            to,
        });
    }
    Ok((hyper(first)?, changes))
}

fn compared(card: &ModelCard, here: &Chosen, kept: &[f32], again: &[f32]) -> ModelVerification {
    let here = here.view();
    let machines = card.ancestry.iter().map(|ancestor| &ancestor.machine);
    let other = machines.clone().find(|machine| **machine != here);
    // A card of an earlier version does not name its machine.
    let bits_promised = card.machine.as_ref() == Some(&here) && other.is_none();
    let pairs = || kept.iter().zip(again);
    let differ = pairs().filter(|(kept, again)| kept.to_bits() != again.to_bits());
    let weights_that_differ = differ.count() as u64;
    let apart = pairs().map(|(kept, again)| (f64::from(*kept) - f64::from(*again)).abs());
    let largest_difference = apart.fold(0.0, f64::max);
    let identical = weights_that_differ == 0 && kept.len() == again.len();
    let weights = kept.len();
    let verdict = if identical {
        format!("all {weights} weights have the same bits")
    } else {
        let promise = match (bits_promised, other.or(card.machine.as_ref())) {
            (true, _) => "although the machine is the same: the model's files are not those of this training, or the program has changed".to_owned(),
            (false, Some(other)) => format!(
                "and the same bits are not promised here: {}",
                machine::differences(other, &here)
            ),
            (false, None) => "and the same bits are not promised, because the card does not name the machine of the training".to_owned(),
        };
        format!(
            "{weights_that_differ} of {weights} weights differ, the most by {largest_difference:e}, {promise}"
        )
    };
    ModelVerification {
        model_id: card.model_id,
        identical,
        bits_promised,
        weights_that_differ,
        largest_difference,
        verdict,
    }
}

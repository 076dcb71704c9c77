//! What the card of a model says of its training.

use std::collections::BTreeMap;

use impresario::operation::Context;
use impresario_api::{ModelCard, ModelId, TestReport, Timestamp};
use serde_json::Value;

use super::fit::Fitted;
use super::machine::{self, Chosen};
use super::prepared::Prepared;

/// The card of a model that has just been trained. Its id and the checksum of its weights are filled in when
/// it is stored.
pub(super) fn describe(
    ctx: &Context,
    params: Value,
    data: &Prepared,
    layers: Vec<u32>,
    machine: &Chosen,
    fitted: &Fitted,
    test: &TestReport,
) -> ModelCard {
    let operation = ctx.operation();
    ModelCard {
        model_id: ModelId::from_u64(0),
        weights_sha256: String::new(),
        created_at: Timestamp::now(),
        operation_id: Some(operation.id),
        requested_by: Some(operation.requested_by.clone()),
        labels: operation.labels.clone(),
        forked_from: operation.forked_from.clone(),
        ancestry: fitted.ancestry.clone(),
        params,
        data: data.view(),
        features: data.features(),
        weights: fitted.weights.len() as u64,
        layers,
        history: fitted.history.clone(),
        best_epoch: fitted.best_epoch,
        ended_by: fitted.ended.as_str().to_owned(),
        cut_after_batches: fitted.cut_after_batches,
        test: test.clone(),
        device: machine.device.name().to_owned(),
        machine: Some(machine.view()),
        versions: versions(),
    }
}

fn versions() -> BTreeMap<String, String> {
    [
        ("impresario", env!("CARGO_PKG_VERSION")),
        ("revision", env!("IMPRESARIO_REVISION")),
        ("libtorch", machine::LIBTORCH),
    ]
    .map(|(name, version)| (name.to_owned(), version.to_owned()))
    .into()
}

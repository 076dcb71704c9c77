//! What refers to a dataset or a model: it is told before either is deleted.

#[cfg(feature = "training")]
use std::collections::HashSet;

use impresario::ActiveOperation;
use impresario::operation::Operation;
use impresario_api::{DeleteAnswer, Faults, Reference, Relation};

use super::errors::ApiError;
use super::extract::DatasetName;
#[cfg(feature = "training")]
use super::extract::Model;
use super::query::DeleteQuery;
use super::state::App;
use crate::domain::market::DataLoad;
#[cfg(feature = "training")]
use crate::domain::training::{ModelVerify, Training};

/// The models that were trained on a dataset, and the operations that are to load it, to train on it, or to
/// verify one of those models.
#[cfg(feature = "training")]
pub(super) async fn of_dataset(app: &App, name: &DatasetName) -> Result<Vec<Reference>, ApiError> {
    let DatasetName { symbol, timeframe } = name.clone();
    let mut found = app.training.trained_on(symbol, timeframe).await??;
    let models = found.iter().filter_map(|one| one.model_id);
    let models = models.map(|id| id.to_string()).collect();
    let kinds = [DataLoad::KIND, Training::KIND, ModelVerify::KIND];
    let uses = |one: &ActiveOperation| match one.kind.as_str() {
        ModelVerify::KIND => is_of(one, &models),
        _ => is_named(one, name),
    };
    let active = app
        .orchestrator
        .active(kinds.map(str::to_owned).to_vec(), uses);
    found.extend(active.await?.iter().map(reference));
    Ok(found)
}

/// The operations that are to load a dataset.
#[cfg(not(feature = "training"))]
pub(super) async fn of_dataset(app: &App, name: &DatasetName) -> Result<Vec<Reference>, ApiError> {
    let kinds = vec![DataLoad::KIND.to_owned()];
    let active = app.orchestrator.active(kinds, |one| is_named(one, name));
    Ok(active.await?.iter().map(reference).collect())
}

/// The models and operations that went on from a checkpoint of a model's training, and the operations that are
/// to verify it.
#[cfg(feature = "training")]
pub(super) async fn of_model(app: &App, model: Model) -> Result<Vec<Reference>, ApiError> {
    // The card of a damaged model names no operation.
    let card = app.training.card(model.0).await?.ok();
    let training = card.and_then(|card| card.operation_id);
    let mut found = match training {
        Some(operation) => app.training.forked_from(operation).await??,
        None => Vec::new(),
    };
    let model = HashSet::from([model.0.to_string()]);
    let uses = |one: &ActiveOperation| {
        let forked = one.forked_from.as_ref().map(|from| from.operation_id);
        is_of(one, &model) || (forked.is_some() && forked == training)
    };
    let kinds = [Training::KIND, ModelVerify::KIND];
    let active = app
        .orchestrator
        .active(kinds.map(str::to_owned).to_vec(), uses);
    let of_model = |one: &ActiveOperation| Reference {
        relation: match one.kind.as_str() {
            ModelVerify::KIND => Relation::Verifies,
            _ => Relation::ForkedFrom,
        },
        ..reference(one)
    };
    found.extend(active.await?.iter().map(of_model));
    Ok(found)
}

/// What is answered, if it is to be deleted at all: `name` is its name for a person.
pub(super) fn judged(
    name: &str,
    mut references: Vec<Reference>,
    query: DeleteQuery,
) -> Result<DeleteAnswer, ApiError> {
    let total = references.len() as u64;
    references.truncate(Faults::TOLD);
    if total > 0 && !query.force && !query.dry_run {
        return Err(ApiError::referenced(name, &references, total));
    }
    Ok(DeleteAnswer {
        deleted: !query.dry_run,
        references,
        references_total: total,
    })
}

fn is_named(one: &ActiveOperation, name: &DatasetName) -> bool {
    one.params["symbol"] == *name.symbol && one.params["timeframe"] == *name.timeframe
}

#[cfg(feature = "training")]
fn is_of(one: &ActiveOperation, models: &HashSet<String>) -> bool {
    let id = one.params["model_id"].as_str();
    id.is_some_and(|id| models.contains(id))
}

/// An operation that uses a dataset.
fn reference(one: &ActiveOperation) -> Reference {
    Reference {
        model_id: None,
        operation_id: Some(one.id),
        relation: match one.kind.as_str() {
            DataLoad::KIND => Relation::Loads,
            #[cfg(feature = "training")]
            ModelVerify::KIND => Relation::Verifies,
            _ => Relation::TrainsOn,
        },
        status: Some(one.status),
        at: one.created_at,
    }
}

//! Training, and reading what was trained.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use impresario_api::{Bar, ModelCard, ModelId, ModelList, OperationId, Prediction, Reference};
use serde_json::Value;

use crate::domain::training::{
    ModelVerify, ModelVerifyParams, Models, Training, TrainingError, predict,
};

/// The service for training and models.
#[derive(Clone)]
pub struct TrainingService {
    orchestrator: Orchestrator,
    models: Models,
}

impl TrainingService {
    /// A service with this orchestrator and this folder of models.
    pub const fn new(orchestrator: Orchestrator, models: Models) -> Self {
        Self {
            orchestrator,
            models,
        }
    }

    /// Starts a training, and returns when the start is recorded.
    pub async fn start(&self, params: Value, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_operation(Training::KIND, params, options)
            .await
    }

    /// All models.
    pub async fn list(&self) -> Result<Result<ModelList, TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.list().map(|models| ModelList { models })
            })
            .await
    }

    /// One model's card.
    pub async fn card(&self, id: ModelId) -> Result<Result<ModelCard, TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.card(id)
            })
            .await
    }

    /// An error if there is no such model.
    pub async fn exists(&self, id: ModelId) -> Result<Result<(), TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.exists(id)
            })
            .await
    }

    /// Deletes a model.
    pub async fn delete(&self, id: ModelId) -> Result<Result<(), TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.delete(id)
            })
            .await
    }

    /// The models that were trained on a dataset.
    pub async fn trained_on(
        &self,
        symbol: String,
        timeframe: String,
    ) -> Result<Result<Vec<Reference>, TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.trained_on(&symbol, &timeframe)
            })
            .await
    }

    /// The models whose training went on from a checkpoint of this operation.
    pub async fn forked_from(
        &self,
        operation: OperationId,
    ) -> Result<Result<Vec<Reference>, TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || models.forked_from(operation)
            })
            .await
    }

    /// Starts a training again from a model's card, to compare the weights.
    pub async fn verify(&self, id: ModelId, options: Options) -> Result<Started, Error> {
        self.orchestrator
            .start_managed_operation::<ModelVerify>(ModelVerifyParams { model_id: id }, options)
            .await
    }

    /// A prediction of a model.
    pub async fn predict(
        &self,
        id: ModelId,
        bars: Vec<Bar>,
    ) -> Result<Result<Prediction, TrainingError>, Error> {
        self.orchestrator
            .blocking({
                let models = self.models.clone();
                move || predict(&models, id, &bars)
            })
            .await
    }
}

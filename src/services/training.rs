//! Training, and reading what was trained.

use impresario::operation::Operation;
use impresario::{Error, Options, Orchestrator, Started};
use impresario_api::{Bar, ModelCard, ModelId, ModelList, Prediction};
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
